//! Headers that set, enable or carry tracking (G8, G10): the policy's rules, applied.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::{
    Explanation,
    request::Host,
    verdict::{Because, Rule, Verdict},
};
use crate::{
    consent::Consent,
    policy::{HeaderAction, HeaderSide},
};

/// Hints that tell one device from another. The rest (brand, platform, mobile, preferences) stays.
const HIGH_ENTROPY_HINTS: &[&str] = &[
    "sec-ch-ua-arch",
    "sec-ch-ua-bitness",
    "sec-ch-ua-full-version",
    "sec-ch-ua-form-factors",
    "sec-ch-ua-full-version-list",
    "sec-ch-ua-model",
    "sec-ch-ua-platform-version",
    "sec-ch-ua-wow64",
    "sec-ch-device-memory",
    "sec-ch-dpr",
    "sec-ch-viewport-height",
    "sec-ch-viewport-width",
    "device-memory",
    "dpr",
    "viewport-width",
    "rtt",
    "downlink",
    "ect",
];

const NEL: HeaderName = HeaderName::from_static("nel");
const REPORT_TO: HeaderName = HeaderName::from_static("report-to");

/// Applies the header rules of one side. Says whether any header depends on consent.
pub(crate) fn filter(
    headers: &mut HeaderMap,
    side: HeaderSide,
    host: &Host<'_>,
    consent: &Consent,
    explanation: &mut Explanation<'_>,
) -> bool {
    let rules = consent.policy().header_rules();
    let mut denied = Vec::new();
    let mut touched = false;
    for name in headers.keys() {
        if let Some(rule) = rules.find(name, side) {
            touched = true;
            let verdict = Verdict {
                allowed: consent.allows_purpose(rule.purpose),
                because: Because::Rule(Rule {
                    pattern: (rule.name.as_str(), ""),
                    belongs_to: &rule.belongs_to,
                    purpose: rule.purpose,
                }),
            };
            let told_as =
                if side == HeaderSide::Request { "header of the request" } else { "header" };
            explanation.tell(told_as, name.as_str().as_bytes(), verdict);
            if !verdict.allowed {
                denied.push((name.clone(), rule.action));
            }
        }
    }
    // What refers to the groups of `Report-To` is judged by those that are left.
    denied.sort_by_key(|(name, _)| *name == NEL);
    for (name, action) in denied {
        apply(headers, &name, action, host);
    }
    touched
}

fn apply(headers: &mut HeaderMap, name: &HeaderName, action: HeaderAction, host: &Host<'_>) {
    match action {
        HeaderAction::Remove if *name == NEL => {
            if !reports_to_kept_group(headers) {
                headers.remove(name);
            }
        }
        HeaderAction::Remove => {
            headers.remove(name);
        }
        HeaderAction::DropHighEntropyHints => retain(headers, name, |item| {
            !HIGH_ENTROPY_HINTS.iter().any(|hint| item.eq_ignore_ascii_case(hint))
        }),
        HeaderAction::DropForeignEndpoints => retain(headers, name, |item| {
            let url = item.split_once('=').map(|(_, url)| url.trim().trim_matches('"'));
            url.is_some_and(|url| host.is_origin_of(url))
        }),
        HeaderAction::DropForeignGroups => rewrite_report_to(headers, host),
    }
}

/// Keeps the items of a comma-separated list that pass. A line of which all passes keeps its bytes.
fn retain(headers: &mut HeaderMap, name: &HeaderName, passes: impl Fn(&str) -> bool) {
    rewrite(headers, name, |line| {
        let items = || split_list(line);
        if items().all(&passes) {
            return Some(line.to_owned());
        }
        let kept: Vec<&str> = items().filter(|item| passes(item)).collect();
        (!kept.is_empty()).then(|| kept.join(", "))
    });
}

/// Replaces each line by what `change` makes of it; a line that can't be read is dropped.
fn rewrite(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> Option<String>) {
    let http::header::Entry::Occupied(entry) = headers.entry(name) else { return };
    let (_, lines) = entry.remove_entry_mult();
    let lines = lines.filter_map(|line| HeaderValue::try_from(change(line.to_str().ok()?)?).ok());
    for line in lines.collect::<Vec<_>>() {
        headers.append(name, line);
    }
}

/// The items of a list (RFC 9110, 5.6.1), commas in quoted strings aside.
pub(crate) fn split_list(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    line.split(move |c| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted => escaped = !was_escaped,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        c == ',' && !quoted
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}

/// `Report-To` (W3C Reporting API, 2018): JSON objects, comma-separated, each with `endpoints`.
fn rewrite_report_to(headers: &mut HeaderMap, host: &Host<'_>) {
    rewrite(headers, &REPORT_TO, |line| {
        let mut groups = parse_groups(line)?;
        let mut changed = false;
        for group in &mut groups {
            if let Some(Value::Array(endpoints)) = group.get_mut("endpoints") {
                let before = endpoints.len();
                endpoints.retain(|endpoint| {
                    endpoint
                        .get("url")
                        .and_then(Value::as_str)
                        .is_some_and(|url| host.is_origin_of(url))
                });
                changed |= endpoints.len() != before;
            }
        }
        if !changed {
            return Some(line.to_owned());
        }
        let is_left = |group: &Map<String, Value>| {
            group.get("endpoints").and_then(Value::as_array).is_some_and(|left| !left.is_empty())
        };
        let kept = groups.iter().filter(|group| is_left(group));
        let kept: Vec<String> =
            kept.filter_map(|group| serde_json::to_string(group).ok()).collect();
        (!kept.is_empty()).then(|| kept.join(", "))
    });
}

fn parse_groups(line: &str) -> Option<Vec<Map<String, Value>>> {
    serde_json::from_str(&format!("[{line}]")).ok()
}

/// Whether `NEL` names a group that `Report-To` of this response still has.
fn reports_to_kept_group(headers: &HeaderMap) -> bool {
    let Some(nel) =
        headers.get(NEL).and_then(|value| serde_json::from_slice::<Value>(value.as_bytes()).ok())
    else {
        return false;
    };
    let Some(wanted) = nel.get("report_to").and_then(Value::as_str) else { return false };
    let lines =
        headers.get_all(REPORT_TO).iter().filter_map(|line| parse_groups(line.to_str().ok()?));
    lines
        .flatten()
        .any(|group| group.get("group").and_then(Value::as_str).unwrap_or("default") == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_lists_split_outside_quotes() {
        let items = |line| split_list(line).collect::<Vec<_>>();
        assert_eq!(items("a, b ,,c"), ["a", "b", "c"]);
        assert_eq!(items(r#"a="x,y", b="\",", c"#), [r#"a="x,y""#, r#"b="\",""#, "c"]);
        assert_eq!(items(""), Vec::<&str>::new());
    }
}
