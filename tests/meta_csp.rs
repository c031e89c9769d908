//! A Content Security Policy in the page itself, `<meta http-equiv>`, is merged like one in a header (B4, G11).

mod transport;

use html5ever::tendril::TendrilSink as _;
use http::Request;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use tower_consent::{ConsentLayer, Policy, Vendor, category};
use transport::*;

const CSP: &str = "content-security-policy";

fn site() -> ConsentLayer {
    let policy = Policy::builder("Example News")
        .vendor(
            Vendor::new("metrics", "Metrics", category::ANALYTICS)
                .host("metrics.example")
                .csp("script-src", "https://metrics.example")
                .csp("connect-src", "wss://in.metrics.example"),
        )
        .vendor(
            Vendor::new("video", "Video", category::MARKETING)
                .host("video.example")
                .csp("frame-src", "https://video.example")
                .csp("style-src", "'unsafe-inline'"),
        );
    ConsentLayer::new(policy.build().unwrap())
}

/// A visit of this page, which answers with these headers.
async fn visit(request: Request<String>, headers: &[(&str, &str)], page: &[u8]) -> Arrived {
    let headers: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let page = bytes::Bytes::copy_from_slice(page);
    let answer = move |_| {
        let mut sent: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        sent.push(("content-type", "text/html"));
        respond(&sent, full(page.clone()))
    };
    arrive(through(&site(), request, answer).await).await
}

fn cookie(answers: &str) -> String {
    choice("reject").replace("-preferences-analytics-marketing", answers)
}

const NOBODY: &str = "-preferences-analytics-marketing";
const METRICS: &str = "-preferences+analytics-marketing";
const EVERYONE: &str = "+preferences+analytics+marketing";

fn frame(cookie: &str) -> Request<String> {
    with(with(get("/"), "sec-fetch-dest", "iframe"), "cookie", cookie)
}

/// The `content` of each meta that a browser takes for a policy.
fn policies(page: &str) -> Vec<String> {
    fn walk(node: &Handle, found: &mut Vec<String>) {
        if let NodeData::Element { name, attrs, .. } = &node.data
            && &*name.local == "meta"
        {
            let attrs = attrs.borrow();
            let value = |wanted: &str| attrs.iter().find(|attr| &*attr.name.local == wanted);
            if value("http-equiv").is_some_and(|kind| kind.value.eq_ignore_ascii_case(CSP)) {
                found.push(value("content").unwrap().value.trim_end().to_owned());
            }
        }
        node.children.borrow().iter().for_each(|child| walk(child, found));
    }
    let dom = html5ever::parse_document(RcDom::default(), Default::default()).one(page);
    let mut found = Vec::new();
    walk(&dom.document, &mut found);
    found
}

#[tokio::test]
async fn g11_a_policy_in_the_page_becomes_what_one_in_a_header_becomes() {
    for policy in [
        "default-src 'none'",
        "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        "default-src 'self' https://cdn.example; img-src *; report-uri /csp?a=1&b=2",
        "default-src 'unsafe-inline'",
        "script-src 'nonce-abc' 'strict-dynamic'; style-src 'unsafe-inline' 'nonce-abc'",
        "script-src 'none';connect-src 'none';  frame-src 'self'",
        "script-src 'self'; script-src 'none'",
        "upgrade-insecure-requests",
        "script-src 'self', default-src 'none'",
        ";",
        "",
    ] {
        let page = format!(
            "<!doctype html><meta charset=utf-8><META content=\"{}\" http-equiv={CSP}><title>x</title>\
             <meta http-equiv={CSP} content=\"img-src &#x27;self&#x27;\"><body>x",
            policy.replace('&', "&amp;")
        );
        for answers in ["", NOBODY, METRICS, EVERYONE] {
            let cookie = cookie(answers);
            for request in [with(navigate("/"), "cookie", &cookie), frame(&cookie)] {
                let arrived = visit(request, &[(CSP, policy)], page.as_bytes()).await;
                let header = arrived.header(CSP).unwrap();
                let expected = [header.as_str(), "img-src 'self'"];
                assert_eq!(policies(arrived.text()), expected, "{policy} {answers}");
                if header == policy {
                    assert!(arrived.text().contains(&page[..page.find("<body>").unwrap()]));
                }
            }
        }
    }
}

#[tokio::test]
async fn g11_the_banner_and_allowed_vendors_are_admitted_and_no_others() {
    let page = format!("<meta http-equiv={CSP} content=default-src><title>x</title><body>x");
    let request = |answers| with(navigate("/"), "cookie", &cookie(answers));
    let refused = visit(request(NOBODY), &[], page.as_bytes()).await;
    let allowed = visit(request(METRICS), &[], page.as_bytes()).await;
    for (arrived, is_allowed) in [(refused, false), (allowed, true)] {
        let policy = policies(arrived.text()).remove(0);
        assert!(policy.contains("script-src") && policy.contains("'sha256-"), "{policy}");
        assert_eq!(policy.contains("https://metrics.example"), is_allowed, "{policy}");
        assert!(!policy.contains("video.example"), "{policy}");
        assert_eq!(arrived.header(CSP), None);
    }
}

#[tokio::test]
async fn g11_a_page_without_banner_is_changed_only_where_something_needs_it() {
    let page = format!("<meta http-equiv={CSP} content=default-src><title>x</title><body>x");
    let etag = [("etag", "\"1\"")];
    let gated = visit(frame(&cookie(NOBODY)), &etag, page.as_bytes()).await;
    let policy = policies(gated.text()).remove(0);
    assert!(policy.starts_with("default-src; style-src 'sha256-"), "of placeholders: {policy}");
    let merged = visit(frame(&cookie(EVERYONE)), &etag, page.as_bytes()).await;
    assert!(!merged.has_banner());
    let policy = policies(merged.text()).remove(0);
    assert!(policy.contains("frame-src https://video.example"), "{policy}");
    assert_ne!(merged.header("etag").unwrap(), "\"1\"");
    // Nothing needs anything: not even its tag is marked.
    let sent = page.clone();
    let answer = move |_| respond(&[("content-type", "text/html"), etag[0]], full(sent.clone()));
    let plain = arrive(through(&layer(), frame(&cookie(EVERYONE)), answer).await).await;
    assert_eq!((plain.text(), plain.header("etag").as_deref()), (&*page, Some("\"1\"")));
}

#[tokio::test]
async fn g11_a_merged_policy_is_right_in_every_charset_and_nothing_is_loosened() {
    // windows-1251; what isn't ASCII counts for nothing in a policy.
    let page = [
        &b"<meta charset=windows-1251><title>\xcf\xf0</title><meta http-equiv=content-security-policy "[..],
        b"content=\"style-src \xcf 'self'; default-src 'none'; img-src\x0c'self'\"><body>\xcf",
    ]
    .concat();
    let arrived = visit(with(navigate("/"), "cookie", &cookie(NOBODY)), &[], &page).await;
    let body = arrived.without_banner();
    let (start, end) = (memchr::memmem::find(&body, b"style-src").unwrap(), body.len() - 9);
    assert!(body[start..end].is_ascii(), "{}", body.escape_ascii());
    assert_eq!(&body[..start], &page[..start]);
    assert_eq!(&body[end..], &page[page.len() - 9..]);
    let policy = policies(&String::from_utf8_lossy(&arrived.body)).remove(0);
    let directives: Vec<&str> = policy.split("; ").collect();
    assert_eq!(
        directives[..3],
        ["style-src \u{fffd} 'self'", "default-src 'none'", "img-src 'self'"]
    );
    assert!(directives[3].starts_with("style-src 'sha256-"), "{policy}");
    // What can't be written again stays as it was.
    let strange = format!("<meta http-equiv={CSP} content=\"default-src 'self'\u{1}\"><body>x");
    let arrived = visit(navigate("/"), &[], strange.as_bytes()).await;
    assert_eq!(arrived.without_banner(), strange.as_bytes());
}
