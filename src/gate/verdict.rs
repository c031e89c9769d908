use crate::policy::Purpose;

/// Whether something passes, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict<'a> {
    pub(crate) allowed: bool,
    pub(crate) because: Because<'a>,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because<'a> {
    /// It is the site's own host, or the layer's own cookie.
    Own,
    /// A rule says what it belongs to.
    Rule(Rule<'a>),
    /// No rule names it.
    Undeclared,
    /// It can't be told whose it is.
    Unreadable,
}

/// The rule that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule<'a> {
    /// A cookie's name or glob, a header's name, a vendor's host and path: in up to two parts.
    pub(crate) pattern: (&'a str, &'a str),
    /// The slug of a vendor or category.
    pub(crate) belongs_to: &'a str,
    pub(crate) purpose: Purpose,
}

/// Stands for a slug where there is none.
pub(crate) const UNDECLARED: &str = "undeclared";

impl<'a> Verdict<'a> {
    pub(crate) const OWN: Self = Self { allowed: true, because: Because::Own };

    /// What it belongs to: the slug of a vendor or category, or [`UNDECLARED`].
    pub(crate) fn slug(self) -> &'a str {
        match self.because {
            Because::Rule(rule) => rule.belongs_to,
            Because::Own => crate::category::NECESSARY,
            Because::Undeclared | Because::Unreadable => UNDECLARED,
        }
    }
}
