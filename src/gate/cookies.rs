//! Cookies on the wire: which of them pass, and how denied ones are expired.
//!
//! Lines are read as browsers read them (RFC 6265bis, 5.6): by bytes, split at `;`, the name up to
//! the first `=`, and nameless where there is none.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue, header};

use super::{
    Explanation,
    deletion::is_deletion,
    report::Report,
    verdict::{Because, Rule, Verdict},
};
use crate::{consent::Consent, policy::CookieRule};

/// The most bytes that one response spends on expiring cookies, so that its head stays below what
/// proxies take (8 KB). What is left is hidden from the application all the same.
const MOST_EXPIRY_BYTES: usize = 6 * 1024;

/// The longest name that is expired: a longer one would take the place of all others.
const MOST_NAME_BYTES: usize = 1024;

/// The cookies of one `Cookie` line, trimmed, without empty ones.
#[inline]
pub(crate) fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    let next = move || {
        let line = rest?;
        let end = memchr::memchr(b';', line);
        rest = end.and_then(|end| line.get(end + 1..));
        line.get(..end.unwrap_or(line.len()))
    };
    std::iter::from_fn(next).map(trim).filter(|pair| !pair.is_empty())
}

/// The name of a pair; empty where it has none.
#[inline]
pub(crate) fn name(pair: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'=', pair).unwrap_or(0);
    trim(pair.get(..end).unwrap_or_default())
}

/// The value of a pair.
#[inline]
pub(crate) fn value(pair: &[u8]) -> &[u8] {
    let start = memchr::memchr(b'=', pair).map_or(0, |equals| equals + 1);
    trim(pair.get(start..).unwrap_or_default())
}

#[inline]
fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

#[inline]
fn judge<'a>(name: &[u8], consent: &'a Consent) -> Verdict<'a> {
    let policy = consent.policy();
    if policy.is_own_cookie(name) {
        return Verdict::OWN;
    }
    match policy.cookie(name) {
        Some((rule, purpose)) => Verdict {
            allowed: consent.allows_purpose(purpose),
            because: Because::Rule(Rule {
                pattern: (&rule.name, ""),
                belongs_to: &rule.belongs_to,
                purpose,
            }),
        },
        None => Verdict { allowed: consent.allows_undeclared(), because: Because::Undeclared },
    }
}

/// A cookie that the application sets. The choice cookie is set by the layer alone, after this: nobody
/// else may speak for the visitor.
fn judge_set<'a>(name: &[u8], consent: &'a Consent) -> Verdict<'a> {
    let verdict = judge(name, consent);
    Verdict { allowed: verdict.allowed && verdict.because != Because::Own, ..verdict }
}

/// How often a cookie of this name stands in these lines.
pub(crate) fn count<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>, wanted: &str) -> usize {
    let pairs = lines.into_iter().flat_map(|line| pairs(line.as_bytes()));
    pairs.filter(|pair| name(pair) == wanted.as_bytes()).count()
}

/// Hides what is not allowed from the application (G6). A line of which all is allowed keeps its
/// bytes.
///
/// Returns the lines as they came, where a choice would have to expire something of them: cookies
/// that a rule makes optional (G7), or a choice cookie that stands twice (K5).
pub(crate) fn filter_request(
    headers: &mut HeaderMap,
    consent: &Consent,
    explanation: &mut Explanation<'_>,
) -> Vec<HeaderValue> {
    let mut passes = true;
    let mut has_optional = false;
    let mut choices = 0;
    let lines = || headers.get_all(header::COOKIE).iter();
    for pair in lines().flat_map(|line| pairs(line.as_bytes())) {
        let name = name(pair);
        let verdict = judge(name, consent);
        passes &= verdict.allowed;
        explanation.tell("cookie of the request", name, verdict);
        match verdict.because {
            Because::Own => choices += 1,
            Because::Rule(rule) => has_optional |= !rule.purpose.is_necessary(),
            Because::Undeclared | Because::Unreadable => {}
        }
    }
    let to_expire =
        if has_optional || choices > 1 { lines().cloned().collect() } else { Vec::new() };
    if !passes {
        hide(headers, consent);
    }
    to_expire
}

fn hide(headers: &mut HeaderMap, consent: &Consent) {
    let is_allowed = |pair: &&[u8]| judge(name(pair), consent).allowed;
    let header::Entry::Occupied(entry) = headers.entry(header::COOKIE) else { return };
    let (_, lines) = entry.remove_entry_mult();
    for line in lines.collect::<Vec<_>>() {
        if pairs(line.as_bytes()).all(|pair| is_allowed(&pair)) {
            headers.append(header::COOKIE, line);
            continue;
        }
        let kept: Vec<&[u8]> = pairs(line.as_bytes()).filter(is_allowed).collect();
        if let (false, Ok(line)) =
            (kept.is_empty(), HeaderValue::from_bytes(&kept.join(&b"; "[..])))
        {
            headers.append(header::COOKIE, line);
        }
    }
}

/// Judges each `Set-Cookie` line on its own (G1 to G4). Says whether the response depends on
/// consent by them.
pub(crate) fn filter_response(
    headers: &mut HeaderMap,
    consent: &Consent,
    explanation: &mut Explanation<'_>,
    report: &Report,
) -> bool {
    // Asking for the entry makes room for it, which may take a new table.
    if !headers.contains_key(header::SET_COOKIE) {
        return false;
    }
    let header::Entry::Occupied(mut entry) = headers.entry(header::SET_COOKIE) else {
        return false;
    };
    let depends = |verdict: Verdict<'_>| match verdict.because {
        Because::Own => false,
        Because::Rule(rule) => !rule.purpose.is_necessary(),
        Because::Undeclared | Because::Unreadable => true,
    };
    let mut touched = false;
    let mut passes = true;
    for line in entry.iter_mut() {
        let name = name(first_pair(line.as_bytes()));
        let verdict = judge_set(name, consent);
        touched |= depends(verdict);
        passes &= verdict.allowed;
        if verdict.allowed || !is_deletion(line.as_bytes()) {
            explanation.tell("cookie", name, verdict);
        }
    }
    if passes {
        return touched;
    }
    let (_, lines) = entry.remove_entry_mult();
    for line in lines.collect::<Vec<_>>() {
        let name = name(first_pair(line.as_bytes()));
        let verdict = judge_set(name, consent);
        if verdict.allowed || is_deletion(line.as_bytes()) {
            headers.append(header::SET_COOKIE, line);
            continue;
        }
        match verdict.because {
            Because::Own => report.foreign_choice(name),
            Because::Undeclared => report.undeclared_cookie(name),
            Because::Rule(_) | Because::Unreadable => {}
        }
    }
    touched
}

/// The name and value of a `Set-Cookie` line.
fn first_pair(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b';').next().unwrap_or_default()
}

/// The lines that expire the cookies among `lines` which belong to something denied (G7): for the
/// host alone and for each parent domain, on `/` and on the declared path.
pub(crate) fn expiries(lines: &[HeaderValue], host: &str, consent: &Consent) -> Vec<HeaderValue> {
    let policy = consent.policy();
    let mut seen = HashSet::new();
    let names = lines.iter().flat_map(|line| pairs(line.as_bytes())).map(name);
    let denied = names.filter(|name| name.len() <= MOST_NAME_BYTES).filter_map(|name| {
        let (rule, purpose) = policy.cookie(name)?;
        let name = std::str::from_utf8(name).ok()?;
        let is_denied = name != policy.choice_cookie_name() && !consent.allows_purpose(purpose);
        (is_denied && seen.insert(name)).then_some((name, rule))
    });
    bounded(denied.flat_map(|(name, rule)| expire(name, host, rule)))
}

/// The first of these lines, as many as [`MOST_EXPIRY_BYTES`] take.
fn bounded(lines: impl Iterator<Item = HeaderValue>) -> Vec<HeaderValue> {
    let mut left = MOST_EXPIRY_BYTES;
    lines
        .map_while(|line| {
            left = left.checked_sub("Set-Cookie: \r\n".len() + line.len())?;
            Some(line)
        })
        .collect()
}

/// The lines that clean up several choice cookies of the same name (K5): for every place where one
/// could be, but for the place where the next one goes. With `__Host-` that leaves a partitioned one.
pub(crate) fn choice_duplicates(name: &str, host: &str, domain: Option<&str>) -> Vec<HeaderValue> {
    let domains = || std::iter::once(None).chain(parent_domains(host).map(Some));
    let jar = |partitioned| Placement { path: "/", partitioned };
    let others = domains().filter(|place| *place != domain).map(|place| (place, jar(false)));
    let partitioned = domains().map(|place| (place, jar(true)));
    bounded(others.chain(partitioned).filter_map(|(domain, place)| expiry(name, domain, place)))
}

/// Where a cookie lies besides its domain.
#[derive(Clone, Copy)]
struct Placement<'a> {
    path: &'a str,
    partitioned: bool,
}

fn expire<'a>(
    name: &'a str,
    host: &'a str,
    rule: &'a CookieRule,
) -> impl Iterator<Item = HeaderValue> + 'a {
    let paths = std::iter::once("/").chain(rule.path.as_deref().filter(|path| *path != "/"));
    let jars = [false, true].into_iter().take(if rule.partitioned { 2 } else { 1 });
    let places: Vec<Placement<'_>> = paths
        .flat_map(|path| jars.clone().map(move |partitioned| Placement { path, partitioned }))
        .collect();
    let domains = std::iter::once(None).chain(parent_domains(host).map(Some));
    domains.flat_map(move |domain| {
        let expiries = places.iter().filter_map(|place| expiry(name, domain, *place));
        expiries.collect::<Vec<_>>()
    })
}

fn expiry(name: &str, domain: Option<&str>, place: Placement<'_>) -> Option<HeaderValue> {
    // A browser takes a prefixed or partitioned line only as a whole secure one.
    let is_host_only = name.starts_with("__Host-");
    if is_host_only && (domain.is_some() || place.path != "/") {
        return None;
    }
    let secure = is_host_only || name.starts_with("__Secure-") || place.partitioned;
    let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
    let secure = if secure { "; Secure" } else { "" };
    let partitioned = if place.partitioned { "; SameSite=None; Partitioned" } else { "" };
    let path = place.path;
    HeaderValue::try_from(format!(
        "{name}=; Path={path}{domain}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{secure}{partitioned}"
    ))
    .ok()
}

/// The host and its parents of at least two labels: what a cookie of this host can be set for.
/// None for an address, a single label, or what is no host name at all. Public suffixes are among
/// them; browsers ignore those.
fn parent_domains(host: &str) -> impl Iterator<Item = &str> {
    let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = host.len() <= 253 && host.bytes().all(is_host_byte);
    let is_address = host.parse::<std::net::Ipv4Addr>().is_ok();
    let first = Some(host).filter(|host| is_name && !is_address && host.contains('.'));
    std::iter::successors(first, |domain| {
        domain.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g7_parents_of_a_host() {
        let parents = |host| parent_domains(host).collect::<Vec<_>>();
        assert_eq!(parents("a.b.example.com"), ["a.b.example.com", "b.example.com", "example.com"]);
        assert!(parents("localhost").is_empty());
        assert!(parents("127.0.0.1").is_empty());
        assert!(parents("[::1]").is_empty());
    }
}
