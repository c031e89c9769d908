use serde::{Deserialize, Serialize};

/// What happens to what no rule names: a [cookie](crate::PolicyBuilder::undeclared), or the
/// [host of a third party](crate::PolicyBuilder::undeclared_hosts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Undeclared {
    /// It needs every optional category: it never passes under opt-in, and passes under the other
    /// regimes while the visitor has denied nothing.
    #[default]
    Block,
    /// It passes.
    Allow,
}

/// How the choice cookie is named and where it is valid.
///
/// By default it is `__Host-consent`: host-only, `Secure`, `Path=/` (RFC 6265bis, 4.1.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChoiceCookie {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) insecure_for_development: bool,
}

impl Default for ChoiceCookie {
    fn default() -> Self {
        Self { name: "consent".to_owned(), domain: None, insecure_for_development: false }
    }
}

impl ChoiceCookie {
    /// The name on the wire, prefix included: `__Host-`, or `__Secure-` with a domain (K1).
    pub(crate) fn full_name(&self) -> String {
        let prefix = match (&self.domain, self.insecure_for_development) {
            (_, true) => "",
            (None, false) => "__Host-",
            (Some(_), false) => "__Secure-",
        };
        format!("{prefix}{}", self.name)
    }

    /// The name of the cookie that allows a vendor for one page.
    pub(crate) fn once_name(&self) -> String {
        format!("{}-once", self.full_name())
    }

    /// Whether a cookie of this name is the layer's own.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        name == self.full_name() || name == self.once_name()
    }
}

/// How much of a page that is gated may be held back, in memory, until it is known what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PageLimits {
    pub(crate) tag_bytes: usize,
    pub(crate) inline_bytes: usize,
}

impl PageLimits {
    pub(crate) const LEAST: usize = 1024;
    pub(crate) const MOST: usize = 1024 * 1024 * 1024;
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { tag_bytes: 1024 * 1024, inline_bytes: 2 * 1024 * 1024 }
    }
}
