//! Pages that can't be read (H12): they pass whole where nothing the site says would leak, and go to nobody otherwise.

mod common;
mod transport;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use tower_consent::{ConsentLayer, Policy, PolicyBuilder, Regime, Undeclared, Vendor, category};
use transport::*;

const ADS: &str = "<img src=//ads.example/x.gif>";

fn policy() -> PolicyBuilder {
    Policy::builder("Example News")
}

fn ads(category: &str) -> Vendor {
    Vendor::new("ads", "Example Ads", category).host("ads.example")
}

fn layer(policy: PolicyBuilder) -> ConsentLayer {
    ConsentLayer::new(policy.build().unwrap())
}

/// What becomes of a page.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It passes, byte for byte.
    Whole,
    /// In its place comes an answer that says why.
    Refused,
    /// Its body breaks off with this error, before what can't be read.
    BrokenOff(String),
}

fn fate(layer: &ConsentLayer, cookie: &str, headers: &[(&str, &str)], page: &[u8]) -> Fate {
    let sent: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let bytes = Bytes::copy_from_slice(page);
    let answer = move |_| {
        let sent = sent.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let (status, headers): (Vec<_>, Vec<_>) = sent.partition(|(name, _)| *name == ":status");
        // In two pieces: what comes in one is read only as far as need be.
        let (start, rest) = (bytes.slice(..1), bytes.slice(1..));
        let mut response = respond(&headers, script([data(start), data(rest)]));
        for (_, status) in status {
            *response.status_mut() = status.parse().unwrap();
        }
        response
    };
    let response = through(layer, with(navigate("/"), "cookie", cookie), answer);
    let (parts, body) = response.now_or_never().unwrap().into_parts();
    let body = match body.collect().now_or_never().unwrap() {
        Ok(body) => body.to_bytes(),
        Err(error) => return Fate::BrokenOff(error.to_string()),
    };
    if parts.status == 500 {
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("third parties that you have not allowed"), "{text}");
        assert_eq!(parts.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(parts.headers["cache-control"], "no-store");
        assert!(!parts.headers.contains_key("content-encoding"));
        return Fate::Refused;
    }
    assert!(has(&body, page), "{}", body.escape_ascii());
    Fate::Whole
}

/// Whether the page is there, with or without a banner in it.
fn has(body: &[u8], page: &[u8]) -> bool {
    body == page
        || memchr::memmem::find(body, BANNER.as_bytes()).is_some() && without_banner(body) == page
}

/// A page that can't be read.
struct Page {
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    /// What is said where it breaks off; nothing where it is refused before that.
    error: &'static str,
}

fn unreadable() -> Vec<Page> {
    let html = ("content-type", "text/html");
    let long = |count: usize| "x".repeat(count);
    let page =
        |start: &str| format!("<!doctype html><title>x</title><body>{start}{ADS}").into_bytes();
    [
        (vec![("content-type", "text/html; charset=utf-16")], page(""), ""),
        (vec![("content-type", "text/html; charset=ISO-2022-JP")], page(""), ""),
        (vec![html, ("content-encoding", "compress")], page(""), ""),
        (vec![html, ("content-encoding", "gzip, br")], page(""), ""),
        (vec![html, (":status", "206")], page(""), ""),
        (vec![html], [b"\xff\xfe", &*page("")].concat(), "UTF-16"),
        (vec![html], page("<meta charset=iso-2022-jp>"), "ISO-2022-JP"),
        (vec![html], page(&format!("<p title='{}'>", long(3000))), "`limits.tag_bytes`"),
        (vec![html], page(&format!("<style>{}</style>", long(9000))), "`limits.inline_bytes`"),
        (vec![html], page("<svg></b><textarea><img src=//ads.example></textarea>"), "don't agree"),
    ]
    .map(|(headers, body, error)| Page { headers, body, error })
    .into()
}

fn small(policy: PolicyBuilder) -> PolicyBuilder {
    policy.tag_limit(2048).inline_limit(4096)
}

#[test]
fn h12_what_can_not_be_read_passes_where_nothing_leaks_and_goes_to_nobody_where_it_would() {
    let declares = || small(policy().vendor(ads(category::MARKETING)));
    let blocks = || small(policy().undeclared_hosts(Undeclared::Block));
    let analytics = choice("accept").replace("+marketing", "-marketing");
    for Page { headers, body, error } in unreadable() {
        let fate =
            |policy: PolicyBuilder, cookie: &str| fate(&layer(policy), cookie, &headers, &body);
        let refused = [
            fate(declares(), ""),
            fate(declares(), &choice("reject")),
            fate(declares(), &analytics),
            fate(blocks(), ""),
            fate(blocks(), &choice("accept")),
        ];
        for fate in refused {
            match fate {
                Fate::Refused => assert_eq!(error, "", "{headers:?}"),
                Fate::BrokenOff(told) => {
                    assert!(!error.is_empty() && told.contains(error), "{told}");
                }
                Fate::Whole => panic!("a leak: {headers:?} {}", body.escape_ascii()),
            }
        }
        for (policy, cookie) in [
            // The visitor allows it, or nobody has denied anything.
            (declares(), choice("accept")),
            (declares(), analytics.replace("-marketing", "+marketing")),
            (blocks().regime(Regime::OptOut), String::new()),
            // The site doesn't say that it fetches from what is denied.
            (small(policy()), String::new()),
            (small(policy().catalog()), String::new()),
            (small(policy().vendor(ads(category::NECESSARY))), String::new()),
        ] {
            assert_eq!(fate(policy, &cookie), Fate::Whole, "{headers:?} {cookie}");
        }
    }
}

#[test]
fn h12_what_is_no_page_passes_whatever_its_form() {
    let declares = layer(policy().vendor(ads(category::MARKETING)));
    for headers in [
        [("content-type", "text/plain; charset=utf-16"), ("x", "")],
        [("content-type", "application/pdf"), (":status", "206")],
        [("content-type", "image/svg+xml"), ("content-encoding", "compress")],
        [("content-type", "text/html; charset=utf-16"), ("content-disposition", "attachment")],
    ] {
        assert_eq!(fate(&declares, "", &headers, ADS.as_bytes()), Fate::Whole, "{headers:?}");
    }
}

#[test]
fn h12_the_limits_are_those_of_the_policy_and_by_default_1_and_2_megabytes() {
    const MB: usize = 1024 * 1024;
    let declares = || policy().vendor(ads(category::MARKETING));
    let html = [("content-type", "text/html")];
    let tag = |bytes: usize| format!("<body><p title='{}'>{ADS}", "x".repeat(bytes - 12));
    let inline = |bytes: usize| format!("<body><script>{}</script>{ADS}", "x".repeat(bytes));
    for (policy, tag_bytes, inline_bytes) in [
        (declares(), MB, 2 * MB),
        (declares().tag_limit(2 * MB), 2 * MB, 2 * MB),
        (declares().inline_limit(3 * MB), MB, 3 * MB),
        (declares().tag_limit(1024).inline_limit(1024), 1024, 1024),
    ] {
        let layer = layer(policy);
        let fate = |page: String| fate_of_gated(&layer, &html, &page);
        assert_eq!(fate(tag(tag_bytes)), None);
        assert_eq!(fate(inline(inline_bytes)), None);
        assert!(fate(tag(tag_bytes + 1)).unwrap().contains("`limits.tag_bytes`"));
        assert!(fate(inline(inline_bytes + 1)).unwrap().contains("`limits.inline_bytes`"));
    }
}

/// The error with which a page breaks off; without one it is gated.
fn fate_of_gated(layer: &ConsentLayer, headers: &[(&str, &str)], page: &str) -> Option<String> {
    let page = Bytes::copy_from_slice(page.as_bytes());
    let response = through(layer, navigate("/"), |_| respond(headers, full(page.clone())));
    match response.now_or_never().unwrap().into_body().collect().now_or_never().unwrap() {
        Ok(body) => {
            let body = body.to_bytes();
            assert!(memchr::memmem::find(&body, b"data-consent-src=//ads.example").is_some());
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(feature = "tracing")]
#[test]
fn h12_each_cause_is_told_once_with_what_to_change() {
    let declares = layer(small(policy().vendor(ads(category::MARKETING))));
    let log = common::log(|| {
        for _ in 0..2 {
            for Page { headers, body, .. } in unreadable() {
                fate(&declares, "", &headers, &body);
            }
        }
    });
    for told in [
        "a page was refused",
        "in UTF-16 or ISO-2022-JP; write it in UTF-8",
        "`limits.tag_bytes`",
        "`limits.inline_bytes`",
        "don't agree on what is markup",
    ] {
        assert_eq!(log.matches(told).count(), 1, "{told}: {log}");
    }
}
