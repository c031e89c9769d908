//! What holds for one request.

/// The rule of the visitor's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Regime {
    /// Nothing optional until the visitor says so.
    OptIn,
    /// Everything until the visitor says no.
    OptOut,
    /// The visitor is told.
    Notice,
}
