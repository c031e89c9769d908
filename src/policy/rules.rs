use std::cmp::Ordering;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::{Purpose, category};

/// A cookie of the site, by name or glob, and the category or vendor that it belongs to.
///
/// Names match exactly and case-sensitively; `*` stands for any run of characters. Where several
/// rules match, an exact name wins, then the glob with the most other characters.
///
/// ```
/// use tower_consent::{CookieRule, Policy, category};
///
/// let policy = Policy::builder("Example News")
///     .cookie("session", category::NECESSARY)
///     .cookie_rule(
///         CookieRule::new("_ga_*", category::ANALYTICS)
///             .purpose("Counts visits")
///             .provider("Google")
///             .lifetime("2 years"),
///     )
///     .build()?;
/// # Ok::<(), tower_consent::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieRule {
    pub(crate) name: String,
    /// Empty among a vendor's own, which belong to it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) belongs_to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lifetime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) partitioned: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) third_party: bool,
}

impl CookieRule {
    /// A rule for this name or glob; `belongs_to` is the slug of a category or vendor.
    pub fn new(name: impl Into<String>, belongs_to: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            belongs_to: belongs_to.into(),
            purpose: None,
            provider: None,
            lifetime: None,
            path: None,
            partitioned: false,
            third_party: false,
        }
    }

    /// What the cookie is for, as the policy page says.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = Some(purpose.into());
        self
    }

    /// Who sets and reads it.
    ///
    /// **Default**: the vendor's company, or the site.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// How long it lives, in words: `"2 years"`, `"session"`.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn lifetime(mut self, lifetime: impl Into<String>) -> Self {
        self.lifetime = Some(lifetime.into());
        self
    }

    /// The path that the cookie is set for, where it isn't `/`, so that a refusal can expire it.
    ///
    /// **Default**: `/`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The cookie is set with `Partitioned` (CHIPS), so that a refusal can expire it.
    ///
    /// **Default**: it isn't.
    #[must_use]
    pub fn partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    /// The cookie lies on a third party's host: the policy page tells of it, and the gate, which never
    /// meets it, doesn't match it with the site's own cookies.
    ///
    /// **Default**: it lies on the site's host.
    #[must_use]
    pub fn third_party(mut self) -> Self {
        self.third_party = true;
        self
    }

    /// The name or glob.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A header of the site, and the category or vendor that it belongs to: removed from responses,
/// and hidden from the application in requests, unless that is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderRule {
    pub(crate) name: String,
    pub(crate) belongs_to: String,
}

impl HeaderRule {
    /// A rule for this header; `belongs_to` is the slug of a category or vendor.
    pub(crate) fn new(name: impl Into<String>, belongs_to: impl Into<String>) -> Self {
        Self { name: name.into(), belongs_to: belongs_to.into() }
    }
}

/// Which cookie rule holds for a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieRules {
    /// By length and name: most names are told by their length.
    exact: Vec<(Box<[u8]>, usize)>,
    /// The most specific glob first.
    globs: Vec<(Box<[u8]>, usize)>,
}

impl CookieRules {
    pub(crate) fn new(rules: &[CookieRule]) -> Self {
        let mut compiled = Self::default();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.third_party) {
            let name = Box::from(rule.name.as_bytes());
            if rule.name.contains('*') {
                compiled.globs.push((name, index));
            } else {
                compiled.exact.push((name, index));
            }
        }
        compiled.exact.sort_unstable_by(|(a, _), (b, _)| by_length(a, b));
        let literals = |glob: &[u8]| glob.iter().filter(|&&byte| byte != b'*').count();
        compiled.globs.sort_by_key(|(glob, _)| std::cmp::Reverse(literals(glob)));
        compiled
    }

    /// The index of the rule for the cookie of this name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let exact = self.exact.binary_search_by(|(exact, _)| by_length(exact, name));
        let exact = exact.ok().and_then(|at| self.exact.get(at));
        let rule = exact.or_else(|| self.globs.iter().find(|(glob, _)| matches(glob, name)));
        rule.map(|(_, index)| *index)
    }
}

fn by_length(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether `*` in the glob can stand for runs of characters so that it becomes the name. Linear in
/// practice: only the last `*` is ever tried again.
fn matches(glob: &[u8], name: &[u8]) -> bool {
    let (mut glob, mut name) = (glob, name);
    let mut retry = None;
    loop {
        match (glob.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, name));
                glob = rest;
            }
            (Some((expected, glob_rest)), Some((byte, name_rest))) if expected == byte => {
                (glob, name) = (glob_rest, name_rest);
            }
            (None, None) => return true,
            _ => {
                let Some((after_star, [_, shorter @ ..])) = retry else { return false };
                retry = Some((after_star, shorter));
                (glob, name) = (after_star, shorter);
            }
        }
    }
}

/// Where a header rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderSide {
    Request,
    Response,
    Both,
}

/// What happens to a header while its purpose isn't allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderAction {
    Remove,
    /// `Accept-CH` and its like: the hints that identify a device go.
    DropHighEntropyHints,
    /// `Reporting-Endpoints`, a structured dictionary: endpoints of other origins go.
    DropForeignEndpoints,
    /// `Report-To`, a list of JSON objects: endpoints of other origins go.
    DropForeignGroups,
}

use HeaderAction::{DropForeignEndpoints, DropForeignGroups, DropHighEntropyHints, Remove};
use HeaderSide::{Both, Request, Response};
use category::{ANALYTICS, MARKETING};

/// What is gated unless the site says otherwise.
const DEFAULT_HEADERS: &[(&str, HeaderSide, &str, HeaderAction)] = &[
    ("accept-ch", Response, ANALYTICS, DropHighEntropyHints),
    ("critical-ch", Response, ANALYTICS, DropHighEntropyHints),
    ("nel", Response, ANALYTICS, Remove),
    ("report-to", Response, ANALYTICS, DropForeignGroups),
    ("reporting-endpoints", Response, ANALYTICS, DropForeignEndpoints),
    ("activate-storage-access", Response, MARKETING, Remove),
    ("ad-auction-allowed", Response, MARKETING, Remove),
    ("ad-auction-signals", Response, MARKETING, Remove),
    ("ad-auction-additional-bid", Response, MARKETING, Remove),
    ("ad-auction-only", Response, MARKETING, Remove),
    ("ad-auction-result", Response, MARKETING, Remove),
    ("attribution-reporting-register-source", Response, MARKETING, Remove),
    ("attribution-reporting-register-os-source", Response, MARKETING, Remove),
    ("attribution-reporting-register-trigger", Response, MARKETING, Remove),
    ("attribution-reporting-register-os-trigger", Response, MARKETING, Remove),
    ("observe-browsing-topics", Response, MARKETING, Remove),
    ("shared-storage-write", Response, MARKETING, Remove),
    ("x-fledge", Response, MARKETING, Remove),
    ("sec-browsing-topics", Request, MARKETING, Remove),
    ("sec-shared-storage-writable", Request, MARKETING, Remove),
    ("x-client-data", Request, MARKETING, Remove),
    ("sec-ch-ua-arch", Request, ANALYTICS, Remove),
    ("sec-ch-ua-bitness", Request, ANALYTICS, Remove),
    ("sec-ch-ua-form-factors", Request, ANALYTICS, Remove),
    ("sec-ch-ua-full-version", Request, ANALYTICS, Remove),
    ("sec-ch-ua-full-version-list", Request, ANALYTICS, Remove),
    ("sec-ch-ua-model", Request, ANALYTICS, Remove),
    ("sec-ch-ua-platform-version", Request, ANALYTICS, Remove),
    ("sec-ch-ua-wow64", Request, ANALYTICS, Remove),
    ("sec-ch-device-memory", Request, ANALYTICS, Remove),
    ("sec-ch-dpr", Request, ANALYTICS, Remove),
    ("sec-ch-viewport-height", Request, ANALYTICS, Remove),
    ("sec-ch-viewport-width", Request, ANALYTICS, Remove),
    ("device-memory", Request, ANALYTICS, Remove),
    ("dpr", Request, ANALYTICS, Remove),
    ("viewport-width", Request, ANALYTICS, Remove),
    ("rtt", Request, ANALYTICS, Remove),
    ("downlink", Request, ANALYTICS, Remove),
    ("ect", Request, ANALYTICS, Remove),
];

/// What HTTP, security, or the layer itself stands on.
const PROTECTED_HEADERS: &[&str] = &[
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-security-policy-report-only",
    "content-type",
    "cookie",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "host",
    "location",
    "origin",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-gpc",
    "set-cookie",
    "set-login",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
    "x-frame-options",
];

pub(crate) fn is_protected_header(name: &str) -> bool {
    PROTECTED_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether this header is gated unless the site says otherwise.
pub(crate) fn has_default_rule(name: &str) -> bool {
    DEFAULT_HEADERS.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name))
}

/// One compiled header rule.
#[derive(Clone, Debug)]
pub(crate) struct CompiledHeaderRule {
    pub(crate) name: HeaderName,
    pub(crate) side: HeaderSide,
    pub(crate) belongs_to: Box<str>,
    pub(crate) purpose: Purpose,
    pub(crate) action: HeaderAction,
}

/// The header rules of a policy: the defaults, less what the site passes, and the site's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderRules {
    /// By name.
    sorted: Vec<CompiledHeaderRule>,
    sieve: Sieve,
}

impl HeaderRules {
    /// `purpose_of` resolves a slug; what belongs to nothing that the policy has is never allowed.
    pub(crate) fn new(
        own: &[HeaderRule],
        passed: &[String],
        purpose_of: impl Fn(&str) -> Option<Purpose>,
    ) -> Self {
        let resolve = |slug: &str| purpose_of(slug).unwrap_or(Purpose::NEVER);
        let own_names = own.iter().map(|rule| &rule.name).chain(passed);
        let spoken_for: Vec<String> = own_names.map(|name| name.to_ascii_lowercase()).collect();
        let mut sorted: Vec<_> = DEFAULT_HEADERS
            .iter()
            .filter(|(name, ..)| !spoken_for.iter().any(|own| own == name))
            .map(|&(name, side, slug, action)| CompiledHeaderRule {
                name: HeaderName::from_static(name),
                side,
                belongs_to: slug.into(),
                purpose: resolve(slug),
                action,
            })
            .collect();
        sorted.extend(own.iter().filter_map(|rule| {
            let name = HeaderName::try_from(&rule.name).ok()?;
            Some(CompiledHeaderRule {
                name,
                side: Both,
                belongs_to: rule.belongs_to.as_str().into(),
                purpose: resolve(&rule.belongs_to),
                action: Remove,
            })
        }));
        sorted.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        let mut sieve = Sieve::default();
        sorted.iter().for_each(|rule| sieve.insert(rule.name.as_str()));
        Self { sorted, sieve }
    }

    /// Whether there may be a rule for this header.
    #[inline]
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.sieve.may_contain(name)
    }

    #[inline]
    pub(crate) fn find(&self, name: &HeaderName, side: HeaderSide) -> Option<&CompiledHeaderRule> {
        if !self.may_have(name.as_str()) {
            return None;
        }
        let found = self.sorted.binary_search_by(|rule| rule.name.as_str().cmp(name.as_str()));
        let rule = self.sorted.get(found.ok()?)?;
        (rule.side == Both || rule.side == side).then_some(rule)
    }
}

/// A set of names that tells nearly every other name at a glance, so that most headers need no
/// look-up.
#[derive(Clone, Debug, Default)]
struct Sieve([u64; 16]);

impl Sieve {
    fn insert(&mut self, name: &str) {
        let (word, bit) = Self::place(name);
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= bit;
        }
    }

    #[inline]
    fn may_contain(&self, name: &str) -> bool {
        let (word, bit) = Self::place(name);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// By length and first, middle and last byte: no usual header falls on one of ours.
    #[inline]
    fn place(name: &str) -> (usize, u64) {
        let bytes = name.as_bytes();
        let middle = bytes.get(bytes.len() / 2);
        let (Some(first), Some(middle), Some(last)) = (bytes.first(), middle, bytes.last()) else {
            return (0, 0);
        };
        let number = |byte: &u8| usize::from(*byte);
        let mixed =
            (bytes.len() * 31 + number(first) * 7) ^ (number(last) * 3) ^ (number(middle) * 17);
        (mixed / 64 % 16, 1 << (mixed % 64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn g5_globs_match_whole_names() {
        for (glob, name, expected) in [
            ("_ga_*", "_ga_X1", true),
            ("_ga_*", "_ga_", true),
            ("_ga_*", "_ga", false),
            ("_ga_*", "x_ga_1", false),
            ("*_id", "visitor_id", true),
            ("*_id", "visitor_idx", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "abcb", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(glob.as_bytes(), name.as_bytes()), expected, "{glob} {name}");
        }
    }

    proptest! {
        #[test]
        fn g5_globs_agree_with_the_obvious_recursion(glob in "[ab*]{0,8}", name in "[ab]{0,10}") {
            fn obvious(glob: &[u8], name: &[u8]) -> bool {
                match glob.split_first() {
                    None => name.is_empty(),
                    Some((b'*', rest)) => (0..=name.len()).any(|skip| obvious(rest, &name[skip..])),
                    Some((byte, rest)) => name.first() == Some(byte) && obvious(rest, &name[1..]),
                }
            }
            prop_assert_eq!(matches(glob.as_bytes(), name.as_bytes()), obvious(glob.as_bytes(), name.as_bytes()));
        }
    }

    #[test]
    fn g5_the_most_specific_rule_wins() {
        let rules = ["_*", "_ga*", "_ga"].map(|name| CookieRule::new(name, "analytics"));
        let compiled = CookieRules::new(&rules);
        for (name, expected) in [
            ("_ga", Some(2)),
            ("_gat", Some(1)),
            ("_x", Some(0)),
            ("gallery", None),
            ("_GA", Some(0)),
        ] {
            assert_eq!(compiled.find(name.as_bytes()), expected, "{name}");
        }
    }
}
