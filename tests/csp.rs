//! The banner, and the vendors that are allowed, run under the page's own Content Security Policy, of
//! which nothing else is loosened (B4, G11).

mod transport;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};
use tower_consent::{ConsentLayer, Fault, Policy, Vendor, category};
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
            // What the placeholders of gated frames need has a test of its own.
            found.push((name, words.filter(|word| word != PLACEHOLDER_STYLE).collect()));
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

/// The hash of the style of what stands in for gated frames.
const PLACEHOLDER_STYLE: &str = "'sha256-Ko3cBqD3OemQ9zKMoAqgGU6x7oXARxCUkiVxxq/6tfk='";

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
    let utf16 = fetch(navigate("/"), answer("text/html; charset=utf-16")).await;
    for answer in [image, utf16] {
        assert!(!answer.has_banner());
        assert_eq!(answer.header(CSP).unwrap(), policy);
    }
}

#[tokio::test]
async fn h4_a_gated_frame_admits_what_stands_in_for_frames_and_no_banner() {
    let policy = "default-src 'none'; form-action 'none'";
    let frame = with(get("/"), "sec-fetch-dest", "iframe");
    let headers = [("content-type", "text/html"), (CSP, policy)];
    let answer = |_| respond(&headers, full(PAGE));
    let allowed = with(frame.clone(), "cookie", &choice("accept"));
    let gated = fetch(frame, answer).await;
    assert!(!gated.has_banner());
    assert_eq!(
        gated.header(CSP).unwrap(),
        format!("default-src 'none'; form-action 'self'; style-src {PLACEHOLDER_STYLE}")
    );
    assert_eq!(fetch(allowed, answer).await.header(CSP).unwrap(), policy);
}

// --- Vendors

/// A site whose vendors need something of the policy.
fn vendors() -> ConsentLayer {
    let policy = Policy::builder("Example News")
        .vendor(
            Vendor::new("metrics", "Metrics", category::ANALYTICS)
                .csp("script-src", "https://metrics.example")
                .csp("connect-src", "https://in.metrics.example")
                .csp("connect-src", "wss://in.metrics.example")
                .csp("img-src", "data:"),
        )
        .vendor(
            Vendor::new("video", "Video", category::MARKETING)
                .csp("frame-src", "https://video.example")
                .csp("style-src", "'unsafe-inline'")
                .csp("form-action", "https://video.example"),
        )
        .vendor(
            Vendor::new("pay", "Pay", category::NECESSARY)
                .csp("child-src", "https://pay.example")
                .csp("script-src-elem", "https://pay.example"),
        );
    ConsentLayer::new(policy.build().unwrap())
}

/// What is left of a policy in an answer without banner.
async fn in_frame(layer: &ConsentLayer, cookie: &str, name: &'static str, policy: &str) -> String {
    let request = with(with(get("/"), "sec-fetch-dest", "iframe"), "cookie", cookie);
    let policy = policy.to_owned();
    let answer = arrive(
        through(layer, request, move |_| {
            // Without a body there is nothing to stand in for.
            respond(&[("content-type", "text/html"), (name, &policy)], full(""))
        })
        .await,
    )
    .await;
    answer.header(name).unwrap()
}

fn answered(answers: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    format!("__Host-consent=1.1.{now}.save.{answers}")
}

const NOBODY: &str = "-preferences-analytics-marketing";
const METRICS: &str = "-preferences+analytics-marketing";
const VIDEO: &str = "-preferences-analytics+marketing";
const EVERYONE: &str = "+preferences+analytics+marketing";

#[tokio::test]
async fn g11_sources_are_added_per_directive_while_their_vendor_is_allowed() {
    let layer = vendors();
    for (answers, policy, expected) in [
        // Only the necessary vendor.
        (
            NOBODY,
            "default-src 'none'",
            "default-src 'none'; frame-src https://pay.example; worker-src https://pay.example; \
             script-src-elem https://pay.example",
        ),
        (
            METRICS,
            "default-src 'self'; child-src 'none'; script-src-elem 'self'",
            "default-src 'self'; child-src https://pay.example; \
             script-src-elem 'self' https://metrics.example https://pay.example; \
             connect-src 'self' https://in.metrics.example wss://in.metrics.example; \
             img-src 'self' data:; script-src 'self' https://metrics.example",
        ),
        (
            METRICS,
            "script-src 'self'",
            "script-src 'self' https://metrics.example; \
             worker-src 'self' https://metrics.example https://pay.example; \
             script-src-elem 'self' https://metrics.example https://pay.example",
        ),
        (
            VIDEO,
            "frame-src 'none'; style-src 'self' 'unsafe-inline'; style-src-elem 'self'; form-action 'none'",
            "frame-src https://video.example https://pay.example; style-src 'self' 'unsafe-inline'; \
             style-src-elem 'self' 'unsafe-inline'; form-action https://video.example",
        ),
        // Neither the directive nor its fallback.
        (
            EVERYONE,
            "img-src 'self' data:; font-src 'none'",
            "img-src 'self' data:; font-src 'none'",
        ),
        (
            EVERYONE,
            "upgrade-insecure-requests ;base-uri 'none'",
            "upgrade-insecure-requests ;base-uri 'none'",
        ),
        // All is there, or more.
        (
            METRICS,
            "connect-src * wss://in.metrics.example;  script-src-elem https:",
            "connect-src * wss://in.metrics.example;  script-src-elem https:",
        ),
    ] {
        for name in [CSP, REPORT_ONLY] {
            let after = in_frame(&layer, &answered(answers), name, policy).await;
            assert_eq!(sorted(&after), sorted(expected), "{policy}");
            if policy == expected {
                assert_eq!(after, policy);
            }
        }
    }
}

fn sorted(policy: &str) -> Vec<(String, Vec<String>)> {
    let mut directives = directives(policy);
    directives.iter_mut().for_each(|(_, sources)| sources.sort());
    directives.sort();
    directives
}

/// The fetch directives, each with what governs in its place.
const GOVERNED: [&[&str]; 15] = [
    &["script-src-elem", "script-src", "default-src"],
    &["script-src-attr", "script-src", "default-src"],
    &["script-src", "default-src"],
    &["style-src-elem", "style-src", "default-src"],
    &["style-src-attr", "style-src", "default-src"],
    &["connect-src", "default-src"],
    &["img-src", "default-src"],
    &["font-src", "default-src"],
    &["frame-src", "child-src", "default-src"],
    &["worker-src", "child-src", "script-src", "default-src"],
    &["object-src", "default-src"],
    &["media-src", "default-src"],
    &["manifest-src", "default-src"],
    &["form-action"],
    &["base-uri"],
];

/// What the vendors of these directives need where this one governs.
fn needed(answers: &str, governs: &str) -> Vec<&'static str> {
    let mut needed = vec![];
    match governs {
        "script-src-elem" => needed.push("https://pay.example"),
        "frame-src" | "worker-src" => needed.push("https://pay.example"),
        _ => {}
    }
    if answers.contains("+analytics") {
        match governs {
            // What falls back to `script-src` gets what it has, as in any policy.
            "script-src" | "script-src-elem" | "script-src-attr" | "worker-src" => {
                needed.push("https://metrics.example");
            }
            "connect-src" => {
                needed.extend(["https://in.metrics.example", "wss://in.metrics.example"]);
            }
            "img-src" => needed.push("data:"),
            _ => {}
        }
    }
    if answers.contains("+marketing") {
        match governs {
            "frame-src" | "form-action" => needed.push("https://video.example"),
            "style-src-elem" | "style-src-attr" => needed.push("'unsafe-inline'"),
            _ => {}
        }
    }
    needed
}

#[tokio::test]
async fn g11_nothing_else_is_loosened_and_nothing_is_tightened() {
    let layer = vendors();
    let values = ["'none'", "'self' https://a.example", "", "*"];
    let names = [
        "default-src",
        "script-src",
        "script-src-elem",
        "style-src",
        "style-src-elem",
        "child-src",
        "frame-src",
        "worker-src",
        "connect-src",
        "form-action",
    ];
    let mut policies = vec![String::new()];
    for (at, name) in names.iter().enumerate() {
        for (other, second) in names.iter().enumerate().skip(at) {
            for (first, value) in values.iter().enumerate() {
                let mut policy = format!("{name} {value}");
                if other != at {
                    let value = values[(first + other) % values.len()];
                    policy.push_str(&format!("; {second} {value}"));
                }
                policies.push(format!("{policy}; base-uri 'self'"));
                policies.push(format!("default-src https://d.example; {policy}"));
            }
        }
    }
    for answers in [NOBODY, METRICS, VIDEO, EVERYONE] {
        let cookie = answered(answers);
        for before in &policies {
            let after = in_frame(&layer, &cookie, CSP, before).await;
            for names in GOVERNED {
                let place = format!("{} with {answers}: {before} => {after}", names[0]);
                let clean = |policy: &str| {
                    let sources = governing(policy, names)?;
                    Some(Vec::from_iter(sources.into_iter().filter(|source| source != "'none'")))
                };
                let (Some(had), Some(has)) = (clean(before), clean(&after)) else {
                    assert_eq!(clean(before), clean(&after), "{place}");
                    continue;
                };
                let needed = needed(answers, names[0]);
                assert!(had.iter().all(|source| has.contains(source)), "{place}");
                for added in has.iter().filter(|source| !had.contains(source)) {
                    assert!(needed.contains(&added.as_str()), "{added}: {place}");
                }
                // `script-src` itself governs nothing that a vendor loads where its parts are there.
                for source in needed {
                    let by_star =
                        had.iter().any(|source| source == "*") && source.starts_with("https:");
                    let by_fallback =
                        ["script-src-attr", "worker-src", "style-src-attr"].contains(&names[0]);
                    let is_there = has.iter().any(|has| has == source);
                    assert!(is_there || by_star || by_fallback, "{source}: {place}");
                }
            }
            if !before.is_empty() {
                let count = has_duplicates(&after);
                assert!(!count || has_duplicates(before), "{after}");
            }
        }
    }
}

fn has_duplicates(policy: &str) -> bool {
    directives(policy).iter().any(|(_, sources)| {
        sources.iter().enumerate().any(|(at, source)| sources[..at].contains(source))
    })
}

#[tokio::test]
async fn g11_every_policy_of_every_header_is_merged_and_the_banner_still_runs() {
    let layer = vendors();
    let sent = [
        (CSP, "default-src 'none', img-src 'self'"),
        (CSP, "script-src 'self'; style-src 'self'"),
        (REPORT_ONLY, "default-src 'self'; report-to csp"),
    ];
    let request = with(navigate("/"), "cookie", &answered(EVERYONE));
    let answer = arrive(
        through(&layer, request, move |_| {
            let headers = [&[("content-type", "text/html")][..], &sent[..]].concat();
            respond(&headers, full(PAGE))
        })
        .await,
    )
    .await;
    assert!(answer.has_banner());
    let needs = Needs::of(&answer);
    let lines: Vec<&str> = [CSP, REPORT_ONLY]
        .iter()
        .flat_map(|name| answer.headers.get_all(*name))
        .map(|l| l.to_str().unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    let policies: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).collect();
    assert_eq!(policies.len(), 4);
    for policy in policies {
        let has = |names: &[&str], source: &str| {
            governing(policy, names).is_none_or(|sources| sources.iter().any(|one| one == source))
        };
        assert!(has(&SCRIPT, "https://metrics.example"), "{policy}");
        assert!(has(&CONNECT, "wss://in.metrics.example"), "{policy}");
        assert!(has(&["img-src", "default-src"], "data:"), "{policy}");
        assert!(
            has(&["frame-src", "child-src", "default-src"], "https://video.example"),
            "{policy}"
        );
        assert!(allows_inline(governing(policy, &STYLE), &needs.style, false), "{policy}");
        assert!(allows_inline(governing(policy, &SCRIPT), &needs.script, true), "{policy}");
        // What the vendor was allowed is not switched off by the banner's hash.
        assert!(allows_inline(governing(policy, &STYLE), "'sha256-other'", false), "{policy}");
    }
}

#[tokio::test]
async fn g11_a_hash_of_a_vendor_does_not_stop_the_pages_own_inline_code() {
    let vendor = Vendor::new("pay", "Pay", category::NECESSARY)
        .csp("script-src", "'sha256-AAAA'")
        .csp("script-src", "https://pay.example");
    let layer = ConsentLayer::new(Policy::builder("x").vendor(vendor).build().unwrap());
    for (policy, expected) in [
        ("script-src 'unsafe-inline'", "script-src 'unsafe-inline' https://pay.example"),
        ("script-src 'self'", "script-src 'self' 'sha256-AAAA' https://pay.example"),
        (
            "script-src 'unsafe-inline' 'nonce-x'",
            "script-src 'unsafe-inline' 'nonce-x' 'sha256-AAAA' https://pay.example",
        ),
    ] {
        assert_eq!(in_frame(&layer, "", CSP, policy).await, expected);
    }
    let closes = Vendor::new("v", "V", category::ANALYTICS).csp("script-src", "'Strict-Dynamic'");
    let error = Policy::builder("x").vendor(closes).build().unwrap_err();
    assert!(matches!(error.fault(), Fault::BadSource(_)), "{error}");
}

#[tokio::test]
async fn g11_only_pages_are_merged_and_the_answers_that_update_them() {
    let layer = vendors();
    let policy = "default-src 'none'";
    for content_type in ["image/svg+xml", "application/json"] {
        let request = with(get("/"), "cookie", &answered(EVERYONE));
        let answer = through(&layer, request, move |_| {
            respond(&[("content-type", content_type), (CSP, policy)], full("x"))
        });
        assert_eq!(arrive(answer.await).await.header(CSP).unwrap(), policy);
    }
    let cookie = answered(EVERYONE);
    let ask = |request| {
        through(&layer, request, move |request: http::Request<String>| {
            let headers = [("content-type", "text/html"), (CSP, policy), ("etag", "\"v1\"")];
            let mut response = respond(&headers, full(PAGE));
            if request.headers().contains_key("if-none-match") {
                response = respond(&headers[1..], full(""));
                *response.status_mut() = http::StatusCode::NOT_MODIFIED;
            }
            response
        })
    };
    let page = arrive(ask(with(navigate("/"), "cookie", &cookie)).await).await;
    let tag = page.header("etag").unwrap();
    let again = with(with(navigate("/"), "cookie", &cookie), "if-none-match", &tag);
    let again = arrive(ask(again).await).await;
    assert_eq!(again.status, http::StatusCode::NOT_MODIFIED);
    assert!(page.header(CSP).unwrap().contains("https://metrics.example"));
    assert_eq!(again.header(CSP), page.header(CSP));
}

#[tokio::test]
async fn g11_vendors_that_are_only_known_get_nothing() {
    let layer = ConsentLayer::new(Policy::builder("x").catalog().build().unwrap());
    let after = in_frame(&layer, &answered(EVERYONE), CSP, "default-src 'none'").await;
    assert_eq!(after, "default-src 'none'");
    let named = Policy::builder("x").vendor_from_catalog("google-analytics").unwrap();
    let layer = ConsentLayer::new(named.build().unwrap());
    let after = in_frame(&layer, &answered(METRICS), CSP, "script-src 'self'").await;
    assert!(after.contains("https://*.googletagmanager.com"), "{after}");
    let refused = in_frame(&layer, &answered(NOBODY), CSP, "script-src 'self'").await;
    assert_eq!(refused, "script-src 'self'");
}
