//! The banner runs under the page's own Content Security Policy, of which nothing else is loosened (B4).

mod transport;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use transport::*;

const CSP: &str = "content-security-policy";
const REPORT_ONLY: &str = "content-security-policy-report-only";

/// A page with these headers, for a visitor who has not chosen (`""`) or has.
async fn page(cookie: &str, headers: &[(&str, &str)]) -> Arrived {
    let mut sent = vec![("content-type".to_owned(), "text/html".to_owned())];
    sent.extend(headers.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    fetch(with(navigate("/"), "cookie", cookie), move |_| {
        let sent: Vec<(&str, &str)> =
            sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        respond(&sent, full(PAGE))
    })
    .await
}

/// The sources of what stands in the banner, from its own bytes.
struct Needs {
    style: String,
    script: String,
}

impl Needs {
    fn of(page: &Arrived) -> Self {
        let banner = std::str::from_utf8(banner(&page.body)).unwrap();
        let between = |open: &str, close: &str| {
            let mut found = banner.match_indices(open);
            let (start, _) = found.next().expect(open);
            assert!(found.next().is_none(), "one {open} that a hash can name");
            let text = &banner[start + open.len()..];
            let text = &text[..text.find(close).unwrap()];
            format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
        };
        Self { style: between("<style>", "</style>"), script: between("<script>", "</script>") }
    }
}

/// The directives of one policy, as CSP parses them: the first of a name counts.
fn directives(policy: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for directive in policy.split(';') {
        let mut words = directive.split_ascii_whitespace().map(str::to_owned);
        let Some(name) = words.next() else { continue };
        let name = name.to_ascii_lowercase();
        if !found.iter().any(|(other, _)| *other == name) {
            found.push((name, words.collect()));
        }
    }
    found
}

/// What governs: the first directive of these that the policy has (CSP3, 6.8.3).
fn governing(policy: &str, names: &[&str]) -> Option<Vec<String>> {
    let directives = directives(policy);
    names.iter().find_map(|name| {
        directives.iter().find(|(other, _)| other == name).map(|(_, sources)| sources.clone())
    })
}

const STYLE: [&str; 3] = ["style-src-elem", "style-src", "default-src"];
const SCRIPT: [&str; 3] = ["script-src-elem", "script-src", "default-src"];
const CONNECT: [&str; 2] = ["connect-src", "default-src"];
const FORM: [&str; 1] = ["form-action"];
/// All that the banner has no need of.
const OTHERS: [&[&str]; 10] = [
    &["img-src", "default-src"],
    &["font-src", "default-src"],
    &["frame-src", "child-src", "default-src"],
    &["worker-src", "child-src", "script-src", "default-src"],
    &["object-src", "default-src"],
    &["media-src", "default-src"],
    &["manifest-src", "default-src"],
    &["base-uri"],
    &["frame-ancestors"],
    &["report-to"],
];

/// CSP3, 6.7.3.2: whether inline code of this hash runs.
fn allows_inline(sources: Option<Vec<String>>, hash: &str, is_script: bool) -> bool {
    let Some(sources) = sources else { return true };
    let has = |wanted: &str| sources.iter().any(|source| source.eq_ignore_ascii_case(wanted));
    let is_strict = sources.iter().any(|source| {
        let source = source.to_ascii_lowercase();
        source.starts_with("'nonce-")
            || source.starts_with("'sha")
            || (is_script && source == "'strict-dynamic'")
    });
    sources.iter().any(|source| source == hash) || (has("'unsafe-inline'") && !is_strict)
}

fn allows_self(sources: Option<Vec<String>>) -> bool {
    sources.is_none_or(|sources| sources.iter().any(|source| source == "'self'" || source == "*"))
}

#[track_caller]
fn check(before: &str, after: &str, needs: &Needs) {
    assert!(allows_inline(governing(after, &STYLE), &needs.style, false), "style: {after}");
    assert!(allows_inline(governing(after, &SCRIPT), &needs.script, true), "script: {after}");
    assert!(allows_self(governing(after, &CONNECT)), "connect: {after}");
    assert!(allows_self(governing(after, &FORM)), "form: {after}");

    for names in OTHERS {
        // `worker-src` falls back to `script-src`, which may be written out with the hash: that
        // allows no worker that `default-src` would not.
        let sources = |policy: &str| {
            let mut sources = governing(policy, names)?;
            sources.retain(|s| *s != needs.script && !s.eq_ignore_ascii_case("'none'"));
            Some(sources)
        };
        assert_eq!(sources(before), sources(after), "{names:?} of {before}");
    }
    // Nothing but what the banner needs was added, nothing that was there is gone.
    for (names, added) in [
        (&STYLE[..], &needs.style),
        (&SCRIPT[..], &needs.script),
        (&CONNECT[..], &"'self'".to_owned()),
        (&FORM[..], &"'self'".to_owned()),
    ] {
        let mut expected = governing(before, names);
        if let Some(expected) = &mut expected {
            expected.retain(|source| !source.eq_ignore_ascii_case("'none'"));
        }
        let mut sources = governing(after, names);
        if let Some(sources) = &mut sources {
            let had = expected.as_ref().is_some_and(|expected| expected.contains(added));
            sources.retain(|source| had || source != added);
            sources.retain(|source| !source.eq_ignore_ascii_case("'none'"));
        }
        assert_eq!(sources, expected, "{names:?} of {before}");
    }
    // The page's own inline code still runs, or still doesn't.
    for (names, is_script) in [(&STYLE[..], false), (&SCRIPT[..], true)] {
        let runs =
            |policy: &str| allows_inline(governing(policy, names), "'sha256-other'", is_script);
        assert_eq!(runs(before), runs(after), "inline by {names:?} of {before}");
    }
}

#[tokio::test]
async fn b4_the_banner_runs_under_any_policy_and_nothing_else_is_loosened() {
    for cookie in ["", &choice("reject")] {
        let needs = Needs::of(&page(cookie, &[]).await);
        for policy in [
            "default-src 'none'",
            "DEFAULT-SRC 'NONE'",
            "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
            "default-src 'self'",
            "default-src 'self' https://cdn.example; img-src *",
            "default-src 'unsafe-inline'",
            "default-src 'self' 'unsafe-inline' 'nonce-abc'",
            "default-src 'none'; script-src 'self'",
            "default-src 'none'; style-src 'self'",
            "default-src 'none'; style-src-elem 'none'; script-src-elem 'none'",
            "default-src 'none'; connect-src https://api.example; form-action https://pay.example",
            "script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline' https:",
            "script-src 'sha256-AAAA' 'unsafe-inline'; style-src 'unsafe-inline'",
            "style-src 'unsafe-inline' 'strict-dynamic'",
            "default-src 'unsafe-inline' 'strict-dynamic'",
            "style-src 'unsafe-inline' 'nonce-abc'; script-src 'unsafe-inline'",
            "script-src 'Unsafe-Inline'; style-src 'UNSAFE-INLINE'",
            "script-src; style-src ; connect-src",
            "script-src 'none' https://ignored.example",
            "script-src 'self'; script-src 'none'",
            "upgrade-insecure-requests",
            "img-src 'self';; ; report-to main",
            "connect-src *; form-action 'self'",
            "child-src 'none'; worker-src 'none'; default-src https:",
            "script-src\t'self'\t;style-src\t'none'",
        ] {
            let after = page(cookie, &[(CSP, policy)]).await.header(CSP).unwrap();
            check(policy, &after, &needs);
        }
    }
}

#[tokio::test]
async fn b4_the_hash_is_that_of_the_banner_in_the_page() {
    for cookie in ["", &choice("accept")] {
        let page = page(cookie, &[(CSP, "default-src 'none'")]).await;
        let needs = Needs::of(&page);
        assert_eq!(
            directives(&page.header(CSP).unwrap()),
            directives(&format!(
                "default-src 'none'; style-src {}; script-src {}; connect-src 'self'",
                needs.style, needs.script
            ))
        );
    }
}

#[tokio::test]
async fn b4_all_policies_of_all_headers_are_merged_each_in_its_place() {
    let policies = ["default-src 'none'", "script-src 'self', style-src 'self'", "img-src 'none'"];
    let reported = ["default-src 'self'; report-to csp", "form-action 'none'"];
    let mut headers: Vec<(&str, &str)> = policies.iter().map(|policy| (CSP, *policy)).collect();
    headers.extend(reported.iter().map(|policy| (REPORT_ONLY, *policy)));
    let page = page("", &headers).await;
    let needs = Needs::of(&page);
    for (name, sent) in [(CSP, &policies[..]), (REPORT_ONLY, &reported[..])] {
        let lines: Vec<&str> =
            page.headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect();
        assert_eq!(lines.len(), sent.len());
        for (before, after) in sent.iter().zip(lines) {
            assert_eq!(before.split(',').count(), after.split(',').count());
            for (before, after) in before.split(',').zip(after.split(',')) {
                check(before, after, &needs);
            }
        }
    }
}

#[tokio::test]
async fn b4_a_page_without_a_policy_gets_none() {
    let page = page("", &[]).await;
    assert!(page.has_banner());
    assert_eq!((page.header(CSP), page.header(REPORT_ONLY)), (None, None));
}

#[tokio::test]
async fn b4_what_needs_nothing_keeps_its_bytes() {
    for policy in [
        "upgrade-insecure-requests;",
        "frame-ancestors 'none' ;  base-uri 'self'",
        "style-src 'unsafe-inline';script-src   'unsafe-inline'",
        "",
        ";",
        ",",
    ] {
        assert_eq!(page("", &[(CSP, policy)]).await.header(CSP).unwrap(), policy);
    }
}

#[tokio::test]
async fn b4_answers_without_the_banner_keep_their_policy() {
    let policy = "default-src 'none'";
    let answer = |content_type: &'static str| {
        move |_| respond(&[("content-type", content_type), (CSP, policy)], full(PAGE))
    };
    let image = fetch(navigate("/"), answer("image/svg+xml")).await;
    let frame = fetch(with(get("/"), "sec-fetch-dest", "iframe"), answer("text/html")).await;
    let utf16 = fetch(navigate("/"), answer("text/html; charset=utf-16")).await;
    for answer in [image, frame, utf16] {
        assert!(!answer.has_banner());
        assert_eq!(answer.header(CSP).unwrap(), policy);
    }
}
