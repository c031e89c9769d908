use serde::{Deserialize, Serialize};

/// The rule of the visitor's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Regime {
    /// Nothing optional until the visitor says so (GDPR Art. 4(11) and 7, ePrivacy Art. 5(3)).
    #[default]
    #[serde(alias = "opt-in")]
    OptIn,
    /// Everything until the visitor opts out (CCPA and its like).
    #[serde(alias = "opt-out")]
    OptOut,
    /// Everything until the visitor opts out; the visitor is told, not asked.
    Notice,
}
