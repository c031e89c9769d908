use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    html::Reason,
    verdict::{Because, Verdict},
};
use crate::policy::Policy;

const X_CONSENT_GATE: HeaderName = HeaderName::from_static("x-consent-gate");

/// The most bytes that the header takes.
const MOST_BYTES: usize = 2048;

/// How much of a name is told.
const MOST_NAME_BYTES: usize = 100;

/// Tells what was decided and why: in the log, at the level of debug, and in the response where that
/// is switched on.
pub(crate) struct Explanation<'a> {
    policy: &'a Policy,
    is_logged: bool,
    header: Option<String>,
}

impl<'a> Explanation<'a> {
    pub(crate) fn new(policy: &'a Policy, in_header: bool) -> Self {
        Self { policy, is_logged: is_logged(), header: in_header.then(String::new) }
    }

    /// Something of this kind (`cookie`, `link` …) and name was judged.
    #[inline]
    pub(super) fn tell(&mut self, kind: &str, name: &[u8], verdict: Verdict<'_>) {
        if self.is_logged || self.header.is_some() {
            self.record(kind, name, verdict);
        }
    }

    #[cold]
    fn record(&mut self, kind: &str, name: &[u8], verdict: Verdict<'_>) {
        if verdict.because == Because::Own {
            return;
        }
        let name = Name(name);
        let answer = if verdict.allowed { "allowed" } else { "denied" };
        if self.is_logged {
            self.log(kind, name, answer, verdict);
        }
        let Some(header) = self.header.as_mut().filter(|header| header.len() < MOST_BYTES) else {
            return;
        };
        let separator = if header.is_empty() { "" } else { "; " };
        let entry = format!("{separator}{kind} {name} {answer} {}", verdict.slug());
        if header.len() + entry.len() + "; ...".len() > MOST_BYTES {
            header.push_str("; ...");
            // Nothing is told after that, short as it may be.
            header.extend(std::iter::repeat_n(' ', MOST_BYTES - header.len()));
        } else {
            header.push_str(&entry);
        }
    }

    /// Puts what was told into the response.
    pub(super) fn put_into(self, headers: &mut HeaderMap) {
        let told = self.header.filter(|header| !header.is_empty());
        if let Some(Ok(told)) = told.map(|told| HeaderValue::try_from(told.trim_end())) {
            headers.insert(X_CONSENT_GATE, told);
        }
    }

    #[cfg(feature = "tracing")]
    fn log(&self, kind: &str, name: Name<'_>, answer: &str, verdict: Verdict<'_>) {
        let (vendor, category) = vendor_and_category(self.policy, verdict.slug());
        let (head, tail) = match verdict.because {
            Because::Rule(rule) => rule.pattern,
            _ => ("", ""),
        };
        let name = name.to_string();
        tracing::debug!(kind, name, rule = %format_args!("{head}{tail}"), vendor, category, "{answer}");
    }

    #[cfg(not(feature = "tracing"))]
    fn log(&self, _: &str, _: Name<'_>, _: &str, _: Verdict<'_>) {
        let _ = self.policy;
    }
}

/// Tells in the log, at the level of debug, that an element of a page was gated, and why.
#[cfg(feature = "tracing")]
pub(super) fn log_element(policy: &Policy, reason: &Reason<'_>) {
    if !is_logged() {
        return;
    }
    let (vendor, category) = vendor_and_category(policy, reason.denial.slug);
    let (head, tail) = reason.denial.rule;
    let ((attribute, value), element) = (reason.attribute, Name(reason.element));
    let (attribute, name) = (Name(attribute), Name(value));
    tracing::debug!(
        kind = "element",
        element = %element,
        attribute = %attribute,
        name = name.to_string(),
        rule = %format_args!("{head}{tail}"),
        vendor,
        category,
        "denied"
    );
}

#[cfg(not(feature = "tracing"))]
pub(super) fn log_element(_: &Policy, reason: &Reason<'_>) {
    let _ = (reason.element, reason.attribute, reason.denial.rule);
}

#[cfg(feature = "tracing")]
fn vendor_and_category<'a>(policy: &'a Policy, slug: &'a str) -> (Option<&'a str>, &'a str) {
    let vendor = policy.vendor(slug);
    (vendor.map(crate::Vendor::slug), vendor.map_or(slug, crate::Vendor::category))
}

#[cfg(feature = "tracing")]
fn is_logged() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

#[cfg(not(feature = "tracing"))]
fn is_logged() -> bool {
    false
}

/// A name that can stand in a header and in a log: its beginning, with what isn't visible ASCII or would
/// end it replaced.
#[derive(Clone, Copy)]
struct Name<'a>(&'a [u8]);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for &byte in self.0.iter().take(MOST_NAME_BYTES) {
            let is_kept = byte.is_ascii_graphic() && !matches!(byte, b';' | b',');
            f.write_char(if is_kept { char::from(byte) } else { '?' })?;
        }
        f.write_str(if self.0.len() > MOST_NAME_BYTES { "..." } else { "" })
    }
}
