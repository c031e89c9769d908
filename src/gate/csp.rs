//! The page's Content Security Policy, with what the banner needs (B4), and the vendors that are
//! allowed (G11), and nothing more.
//! <https://www.w3.org/TR/CSP3/>

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{
    Explanation,
    html::Policies,
    verdict::{Because, Rule, Verdict},
};
use crate::{
    banner::{escape, placeholder},
    consent::Consent,
    policy::Need,
};

/// The hash sources of the banner's own style and script: `'sha256-…'`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InlineHashes {
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
}

/// What each policy of one page has to admit, in its head and in `<meta>`, report-only ones included.
pub(crate) struct Admission<'a> {
    /// Vendors are admitted that are allowed.
    consent: Cow<'a, Consent>,
    banner: Option<InlineHashes>,
    has_placeholders: bool,
}

impl<'a> Admission<'a> {
    /// `banner` is that of the page, if it carries one; `has_placeholders` says whether frames may have
    /// been taken out of it.
    pub(crate) fn new(
        consent: Cow<'a, Consent>,
        banner: Option<InlineHashes>,
        has_placeholders: bool,
    ) -> Self {
        Self { consent, banner, has_placeholders }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.banner.is_none() && !self.has_placeholders && self.needs().next().is_none()
    }

    /// Changes the policies of the response.
    pub(super) fn merge_into(&self, headers: &mut HeaderMap, explanation: &mut Explanation<'_>) {
        if self.is_empty() || !HEADERS.iter().any(|name| headers.contains_key(name)) {
            return;
        }
        for name in HEADERS {
            let header::Entry::Occupied(mut entry) = headers.entry(name) else { continue };
            for line in entry.iter_mut() {
                let merged = line.to_str().ok().map(|line| self.merge(line));
                if let Some(merged) = merged.and_then(|merged| HeaderValue::try_from(merged).ok()) {
                    *line = merged;
                }
            }
        }
        for need in self.needs() {
            let rule = Rule {
                pattern: (need.directive, ""),
                belongs_to: &need.vendor,
                purpose: need.purpose,
            };
            let verdict = Verdict { allowed: true, because: Because::Rule(rule) };
            explanation.tell("csp", need.directive.as_bytes(), verdict);
        }
    }

    /// A comma can't stand in a directive: it separates policies. (In `<meta>` it does so for Chromium,
    /// and the standard knows no use of it.)
    fn merge(&self, policies: &str) -> String {
        let merge = |policy| merge(policy, |directives| self.admit(directives));
        policies.split(',').map(merge).collect::<Vec<_>>().join(",")
    }

    /// Vendors come first: beside an `'unsafe-inline'` that comes later, the hashes of the banner would
    /// count for nothing, or too much.
    fn admit(&self, directives: &mut Vec<String>) {
        self.needs().for_each(|need| add_sources(directives, need));
        if let Some(hashes) = self.banner {
            add_banner(directives, hashes);
        }
        if self.has_placeholders {
            add_style(directives, placeholder::STYLE.csp);
            admit_self(directives, &["form-action"]);
        }
    }

    fn needs(&self) -> impl Iterator<Item = &Need> {
        self.consent.policy().sources().of(self.consent.allowed())
    }
}

impl Policies for Admission<'_> {
    fn merged(&self, policy: &str) -> Option<String> {
        // No reference stands for these.
        if policy.chars().any(|char| char.is_control() && !char.is_ascii_whitespace()) {
            return None;
        }
        let merged = self.merge(policy);
        (merged != policy).then(|| escape(&merged).into_owned())
    }
}

const HEADERS: [HeaderName; 2] =
    [header::CONTENT_SECURITY_POLICY, header::CONTENT_SECURITY_POLICY_REPORT_ONLY];

/// One policy with its directives changed, or else as it is.
fn merge(policy: &str, change: impl Fn(&mut Vec<String>)) -> String {
    let before: Vec<String> = policy
        .split(';')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    let mut directives = before.clone();
    change(&mut directives);
    if directives == before { policy.to_owned() } else { directives.join("; ") }
}

/// Adds the banner's needs. A directive that is not there falls back as the standard says: it is
/// written out from what governed it, so that nothing else is loosened.
fn add_banner(directives: &mut Vec<String>, hashes: InlineHashes) {
    add_style(directives, hashes.style);
    let scripts = ["script-src-elem", "script-src", "default-src"];
    admit_inline(directives, &scripts, hashes.script, &["'nonce-", "'sha", "'strict-dynamic'"]);
    admit_self(directives, &["connect-src", "default-src"]);
    admit_self(directives, &["form-action"]);
}

fn add_style(directives: &mut Vec<String>, hash: &str) {
    let styles = ["style-src-elem", "style-src", "default-src"];
    admit_inline(directives, &styles, hash, &["'nonce-", "'sha"]);
}

/// Adds what a vendor needs in one directive. Where another one governs by fallback, its sources are
/// copied: what else it governs stays as strict as it was.
fn add_sources(directives: &mut Vec<String>, need: &Need) {
    let names = std::iter::once(need.directive).chain(need.fallbacks.iter().copied());
    let Some((name, index)) =
        names.into_iter().find_map(|name| Some((name, position(directives, name)?)))
    else {
        return;
    };
    let Some(directive) = directives.get_mut(index) else { return };
    let sources: Vec<&str> = directive.split_ascii_whitespace().skip(1).collect();
    let additions = need.sources.iter().map(String::as_str);
    let additions: Vec<&str> = additions.filter(|source| !covers(&sources, source)).collect();
    if additions.is_empty() {
        return;
    }
    let merged = join(&sources, &additions);
    if name == need.directive {
        *directive = format!("{name} {merged}");
    } else {
        directives.push(format!("{} {merged}", need.directive));
    }
}

/// Whether these sources need no addition of this one: it is among them, or they allow all of its
/// scheme, or it would take more away than it gives.
fn covers(sources: &[&str], source: &str) -> bool {
    let has = |wanted: &str| sources.iter().any(|source| source.eq_ignore_ascii_case(wanted));
    let begins = |start: &str| {
        source.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    let is_hash = || begins("'sha") || begins("'nonce-");
    let is_keyword = source.starts_with('\'');
    sources.contains(&source)
        || is_keyword && !is_hash() && has(source)
        || begins("https://") && (has("*") || has("https:"))
        // Beside a hash or nonce `'unsafe-inline'` counts for nothing.
        || is_hash() && allows_inline(sources, &["'nonce-", "'sha", "'strict-dynamic'"])
}

/// Whether inline code is allowed as it is. `strict` are the beginnings of sources that take its
/// meaning from `'unsafe-inline'`.
fn allows_inline(sources: &[&str], strict: &[&str]) -> bool {
    let sources = || sources.iter().map(|source| source.to_ascii_lowercase());
    let is_strict = |source: String| strict.iter().any(|start| source.starts_with(start));
    sources().any(|source| source == "'unsafe-inline'") && !sources().any(is_strict)
}

/// Adds a hash, unless inline code is allowed as it is: beside a hash `'unsafe-inline'` would count
/// for nothing, and the page's own inline code would stop. `strict` are the beginnings of sources
/// that take its meaning from it already.
fn admit_inline(directives: &mut Vec<String>, names: &[&str], hash: &str, strict: &[&str]) {
    add(directives, names, hash, |sources| allows_inline(sources, strict));
}

/// Adds `'self'`, where the layer's endpoints are.
fn admit_self(directives: &mut Vec<String>, names: &[&str]) {
    add(directives, names, "'self'", |sources| {
        sources.iter().any(|source| *source == "*" || source.eq_ignore_ascii_case("'self'"))
    });
}

/// Adds a source to the first of these directives that the policy has, written out under the first
/// name where another one governs by fallback. What is there already, or isn't governed, stays.
fn add(
    directives: &mut Vec<String>,
    names: &[&str],
    source: &str,
    is_allowed: impl Fn(&[&str]) -> bool,
) {
    let position = |name: &str| position(directives, name);
    let Some((name, index)) = names.iter().find_map(|name| Some((*name, position(name)?))) else {
        return;
    };
    let Some(directive) = directives.get_mut(index) else { return };
    let sources: Vec<&str> = directive.split_ascii_whitespace().skip(1).collect();
    if is_allowed(&sources) || sources.contains(&source) {
        return;
    }
    let merged = join(&sources, &[source]);
    if name == "default-src" {
        let own = names.iter().rev().nth(1).unwrap_or(&name);
        directives.push(format!("{own} {merged}"));
    } else {
        *directive = format!("{name} {merged}");
    }
}

/// Where the directive of this name stands. Of several the first counts, and none that isn't ASCII.
fn position(directives: &[String], name: &str) -> Option<usize> {
    let is_named = |directive: &String| {
        let mut words = directive.split_ascii_whitespace();
        directive.is_ascii() && words.next().is_some_and(|word| word.eq_ignore_ascii_case(name))
    };
    directives.iter().position(is_named)
}

/// These sources and the additions, in whose place `'none'` may have stood.
fn join(sources: &[&str], additions: &[&str]) -> String {
    let is_none = |source: &&&str| source.eq_ignore_ascii_case("'none'");
    let kept = sources.iter().filter(|source| !is_none(source));
    kept.chain(additions).copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASHES: InlineHashes = InlineHashes { style: "'sha256-S'", script: "'sha256-J'" };

    #[test]
    fn b4_the_banner_is_admitted_and_nothing_else() {
        for (policy, expected) in [
            ("", ""),
            ("upgrade-insecure-requests", "upgrade-insecure-requests"),
            (
                "default-src 'none'",
                "default-src 'none'; style-src 'sha256-S'; script-src 'sha256-J'; connect-src 'self'",
            ),
            (
                "default-src 'self' https://a.example",
                "default-src 'self' https://a.example; style-src 'self' https://a.example 'sha256-S'; \
                 script-src 'self' https://a.example 'sha256-J'",
            ),
            (
                "Style-Src 'none'; script-src 'none'; form-action 'none'; connect-src 'none'",
                "style-src 'sha256-S'; script-src 'sha256-J'; form-action 'self'; connect-src 'self'",
            ),
            (
                "style-src 'unsafe-inline'; script-src 'unsafe-inline' 'nonce-x'",
                "style-src 'unsafe-inline'; script-src 'unsafe-inline' 'nonce-x' 'sha256-J'",
            ),
            (
                "style-src 'self'; style-src-elem 'self'; script-src 'strict-dynamic' 'nonce-x'",
                "style-src 'self'; style-src-elem 'self' 'sha256-S'; \
                 script-src 'strict-dynamic' 'nonce-x' 'sha256-J'",
            ),
            (
                "form-action https://pay.example; connect-src *",
                "form-action https://pay.example 'self'; connect-src *",
            ),
        ] {
            let merged = merge(policy, |directives| add_banner(directives, HASHES));
            assert_eq!(merged, expected, "{policy}");
        }
    }
}
