use http::{HeaderMap, HeaderName};

pub(crate) const SEC_GPC: HeaderName = HeaderName::from_static("sec-gpc");

/// What the request says by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    /// Global Privacy Control: do not sell or share (C9). <https://w3c.github.io/gpc/>
    pub(crate) gpc: bool,
}

impl Signals {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        Self { gpc: headers.get_all(SEC_GPC).iter().any(|value| value == "1") }
    }
}
