//! The page's Content Security Policy, with what the banner needs and nothing more (B4).
//! <https://www.w3.org/TR/CSP3/>

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The hash sources of the banner's own style and script: `'sha256-…'`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InlineHashes {
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
}

/// Admits the banner into each policy of the response, report-only ones included.
pub(crate) fn admit_banner(headers: &mut HeaderMap, hashes: InlineHashes) {
    for name in [header::CONTENT_SECURITY_POLICY, header::CONTENT_SECURITY_POLICY_REPORT_ONLY] {
        admit(headers, &name, hashes);
    }
}

fn admit(headers: &mut HeaderMap, name: &HeaderName, hashes: InlineHashes) {
    if !headers.contains_key(name) {
        return;
    }
    let header::Entry::Occupied(mut entry) = headers.entry(name) else { return };
    for line in entry.iter_mut() {
        // A comma can't stand in a directive: it separates policies.
        let merged = line.to_str().ok().map(|line| {
            line.split(',').map(|policy| merge(policy, hashes)).collect::<Vec<_>>().join(",")
        });
        if let Some(merged) = merged.and_then(|merged| HeaderValue::try_from(merged).ok()) {
            *line = merged;
        }
    }
}

/// One policy with the banner's needs added. A directive that is not there falls back as the
/// standard says: it is written out from what governed it, so that nothing else is loosened.
fn merge(policy: &str, hashes: InlineHashes) -> String {
    let before: Vec<String> = policy
        .split(';')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    let mut directives = before.clone();
    let styles = ["style-src-elem", "style-src", "default-src"];
    admit_inline(&mut directives, &styles, hashes.style, &["'nonce-", "'sha"]);
    let scripts = ["script-src-elem", "script-src", "default-src"];
    admit_inline(
        &mut directives,
        &scripts,
        hashes.script,
        &["'nonce-", "'sha", "'strict-dynamic'"],
    );
    admit_self(&mut directives, &["connect-src", "default-src"]);
    admit_self(&mut directives, &["form-action"]);
    if directives == before { policy.to_owned() } else { directives.join("; ") }
}

/// Adds a hash, unless inline code is allowed as it is: beside a hash `'unsafe-inline'` would count
/// for nothing, and the page's own inline code would stop. `strict` are the beginnings of sources
/// that take its meaning from it already.
fn admit_inline(directives: &mut Vec<String>, names: &[&str], hash: &str, strict: &[&str]) {
    add(directives, names, hash, |sources| {
        let sources = || sources.iter().map(|source| source.to_ascii_lowercase());
        let is_strict = |source: String| strict.iter().any(|start| source.starts_with(start));
        sources().any(|source| source == "'unsafe-inline'") && !sources().any(is_strict)
    });
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
    let position = |name: &&str| {
        let is_named = |directive: &String| {
            directive.split_ascii_whitespace().next().is_some_and(|n| n.eq_ignore_ascii_case(name))
        };
        directives.iter().position(is_named)
    };
    let Some((name, index)) = names.iter().find_map(|name| Some((*name, position(name)?))) else {
        return;
    };
    let Some(directive) = directives.get_mut(index) else { return };
    let sources: Vec<&str> = directive.split_ascii_whitespace().skip(1).collect();
    if is_allowed(&sources) || sources.contains(&source) {
        return;
    }
    let is_none = |source: &&&str| source.eq_ignore_ascii_case("'none'");
    let mut merged: Vec<&str> = sources.iter().filter(|source| !is_none(source)).copied().collect();
    merged.push(source);
    let merged = merged.join(" ");
    if name == "default-src" {
        let own = names.iter().rev().nth(1).unwrap_or(&name);
        directives.push(format!("{own} {merged}"));
    } else {
        *directive = format!("{name} {merged}");
    }
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
            assert_eq!(merge(policy, HASHES), expected, "{policy}");
        }
    }

    #[test]
    fn b4_every_policy_of_every_header_is_merged() {
        let mut headers = HeaderMap::new();
        let name = header::CONTENT_SECURITY_POLICY;
        headers.append(&name, HeaderValue::from_static("style-src 'self',style-src 'none'"));
        headers.append(&name, HeaderValue::from_static("style-src a.example"));
        admit_banner(&mut headers, HASHES);
        let lines: Vec<_> = headers.get_all(&name).iter().collect();
        assert_eq!(
            lines,
            ["style-src 'self' 'sha256-S',style-src 'sha256-S'", "style-src a.example 'sha256-S'"]
        );
    }
}
