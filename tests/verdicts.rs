//! What was decided, and why: in the log, and for development in a header.

mod common;

use common::{Body, Exchange, chosen, empty, exchange, get, layer};
use http::{HeaderName, HeaderValue, Response, header};
use tower_consent::{ConsentLayer, Policy, Vendor, category};

const NONE: &str = "-preferences-analytics-marketing";
const ANALYTICS: &str = "-preferences+analytics-marketing";
const GATE: &str = "x-consent-gate";

fn site() -> ConsentLayer {
    let metrics = Vendor::new("metrics", "Metrics", category::ANALYTICS)
        .host("metrics.test")
        .cookie("_m_*")
        .csp("script-src", "https://metrics.test");
    let policy = Policy::builder("Example News")
        .cookie("session", category::NECESSARY)
        .cookie("ad_id", category::MARKETING)
        .header("x-visitor-id", category::MARKETING)
        .vendor(metrics);
    layer(policy.build().unwrap())
}

const SENT: [(&str, &str); 9] = [
    ("content-type", "text/html"),
    ("set-cookie", "ad_id=secret; Path=/"),
    ("set-cookie", "_m_1=secret"),
    ("set-cookie", "session=secret"),
    ("set-cookie", "ad_id=; Max-Age=0"),
    ("set-cookie", "mystery=secret"),
    ("x-visitor-id", "secret"),
    (
        "link",
        "</own.css>; rel=preload, <https://metrics.test/m.js>; rel=preload, \
         <https://static.hotjar.com/h.js?a;b,c>; rel=prefetch, <https://unknown.test/>; rel=icon",
    ),
    ("content-security-policy", "script-src 'self'"),
];

fn respond(layer: &ConsentLayer, answers: &str, sent: &[(&str, &str)]) -> Exchange {
    let mut response: Response<Body> = Response::new("<p>News".into());
    for (name, value) in sent {
        let name = HeaderName::try_from(*name).unwrap();
        response.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    let cookies = format!("__Host-consent={}; ad_id=secret; session=secret", chosen(answers));
    let request = get("/").header(header::COOKIE, cookies).body(empty()).unwrap();
    exchange(layer, request, response)
}

#[test]
fn the_header_is_off_by_default() {
    for answers in [NONE, ANALYTICS] {
        assert!(!respond(&site(), answers, &SENT).headers.contains_key(GATE));
    }
}

#[test]
fn g2_g8_g9_g11_the_header_tells_what_was_decided_in_the_response() {
    let site = site().explain_in_header_for_development();
    for (answers, metrics, csp) in
        [(NONE, "denied", ""), (ANALYTICS, "allowed", "; csp script-src allowed metrics")]
    {
        let extra = if csp.is_empty() { "" } else { "; csp script-src-elem allowed metrics" };
        let answer = respond(&site, answers, &SENT);
        let told = answer.headers[GATE].to_str().unwrap();
        assert_eq!(
            told,
            format!(
                "cookie ad_id denied marketing; cookie _m_1 {metrics} metrics; cookie session allowed necessary; \
                 cookie mystery denied undeclared; header x-visitor-id denied marketing; \
                 link https://metrics.test/m.js {metrics} metrics; \
                 link https://static.hotjar.com/h.js?a?b?c {metrics} hotjar; \
                 link https://unknown.test/ allowed undeclared{csp}{extra}"
            )
        );
    }
    let nothing = respond(&site, NONE, &[("content-type", "text/plain")]);
    assert!(!nothing.headers.contains_key(GATE));
}

#[test]
fn the_header_is_bounded_and_can_be_sent() {
    let site = site().explain_in_header_for_development();
    let names: Vec<String> = (0..500).map(|n| format!("cookie-{n}=1")).collect();
    let sent: Vec<(&str, &str)> = names.iter().map(|line| ("set-cookie", &**line)).collect();
    let answer = respond(&site, NONE, &sent);
    let told = answer.headers[GATE].to_str().unwrap();
    assert!((1900..=2048).contains(&told.len()) && told.ends_with("; ..."), "{told}");
    assert_eq!(told.matches("...").count(), 1);

    let long = format!("{}=1", "n\u{e4}".repeat(5000));
    let answer = respond(&site, NONE, &[("set-cookie", &long), ("set-cookie", "ad_id=1")]);
    let told = answer.headers[GATE].to_str().unwrap();
    assert!(told.starts_with("cookie n??n??") && told.len() < 200, "{told}");
    assert!(told.ends_with("... denied undeclared; cookie ad_id denied marketing"), "{told}");
}

#[cfg(feature = "signed")]
#[test]
fn the_header_and_the_key_can_be_set_in_either_order() {
    let key = || tower_consent::Key::from(&[7; 64]);
    for site in [
        site().explain_in_header_for_development().signing_key(key()),
        site().signing_key(key()).explain_in_header_for_development(),
    ] {
        // Not signed, so it is no choice.
        let told = respond(&site, ANALYTICS, &SENT).headers[GATE].to_str().unwrap().to_owned();
        assert!(told.contains("_m_1 denied metrics"), "{told}");
    }
}

#[cfg(feature = "tracing")]
#[test]
fn the_log_tells_rule_vendor_and_category() {
    use tracing_subscriber::filter::LevelFilter;

    let site = site();
    let log = common::log_at(LevelFilter::DEBUG, || drop(respond(&site, NONE, &SENT)));
    let debug: Vec<&str> = log.lines().filter(|line| line.contains("DEBUG")).collect();
    for (kind, name, answer, rest) in [
        ("cookie", "ad_id", "denied", "rule=ad_id category=\"marketing\""),
        ("cookie", "_m_1", "denied", "rule=_m_* vendor=\"metrics\" category=\"analytics\""),
        ("cookie", "mystery", "denied", "category=\"undeclared\""),
        ("header", "x-visitor-id", "denied", "rule=x-visitor-id category=\"marketing\""),
        (
            "link",
            "https://metrics.test/m.js",
            "denied",
            "rule=metrics.test vendor=\"metrics\" category=\"analytics\"",
        ),
        (
            "link",
            "https://static.hotjar.com/h.js?a?b?c",
            "denied",
            "rule=hotjar.com vendor=\"hotjar\" category=\"analytics\"",
        ),
        ("cookie of the request", "ad_id", "denied", "rule=ad_id category=\"marketing\""),
        ("cookie of the request", "session", "allowed", "category=\"necessary\""),
    ] {
        let is_told = |line: &&&str| {
            line.contains(&format!("kind=\"{kind}\"")) && line.contains(&format!("name=\"{name}\""))
        };
        let Some(line) = debug.iter().find(is_told) else { panic!("{kind} {name}: {log}") };
        assert!(line.contains(answer) && line.contains(rest), "{line}");
    }
    assert!(!log.contains("secret"), "{log}");
    let quiet = common::log_at(LevelFilter::WARN, || drop(respond(&site, NONE, &SENT)));
    assert!(!quiet.contains("DEBUG"), "{quiet}");
}

/// A page as it leaves for a visitor with these answers.
#[cfg(feature = "tracing")]
fn serve(layer: &ConsentLayer, answers: &str, page: &str) -> String {
    let mut response: Response<Body> = Response::new(page.to_owned().into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let cookie = format!("__Host-consent={}", chosen(answers));
    let request = get("/").header(header::COOKIE, cookie).body(empty()).unwrap();
    exchange(layer, request, response).body
}

#[cfg(feature = "tracing")]
#[test]
fn h1_the_log_tells_of_each_gated_element_what_decided() {
    use tracing_subscriber::filter::LevelFilter;

    let metrics = Vendor::new("metrics", "Metrics", category::ANALYTICS)
        .host("metrics.test/m")
        .mark("mtr.push(");
    let blocks = Policy::builder("Example News")
        .vendor(metrics)
        .undeclared_hosts(tower_consent::Undeclared::Block);
    let site = layer(blocks.build().unwrap());
    for (element, expected) in [
        (
            "<SCRIPT async SRC='https://metrics.test/m/x.js?a&amp;b'></SCRIPT>",
            "element=SCRIPT attribute=SRC name=\"https://metrics.test/m/x.js?a&amp?b\" rule=metrics.test/m vendor=\"metrics\" category=\"analytics\"",
        ),
        (
            "<img src=/own.png srcset='//a.static.hotjar.com/x 2x'>",
            "element=img attribute=srcset name=\"//a.static.hotjar.com/x?2x\" rule=hotjar.com vendor=\"hotjar\" category=\"analytics\"",
        ),
        (
            "<script>mtr.push(1)</script>",
            "element=script attribute= name=\"\" rule=mtr.push( vendor=\"metrics\" category=\"analytics\"",
        ),
        (
            "<style>@import '//metrics.test/m/a.css'</style>",
            "element=style attribute= name=\"\" rule=metrics.test/m vendor=\"metrics\" category=\"analytics\"",
        ),
        (
            "<p data-consent=marketing>x</p>",
            "element=p attribute=data-consent name=\"marketing\" rule=data-consent category=\"marketing\"",
        ),
        (
            "<embed src=//unknown.test>",
            "element=embed attribute=src name=\"//unknown.test\" rule= category=\"undeclared\"",
        ),
        (
            "<noscript><img src=//metrics.test/m></noscript>",
            "element=img attribute=src name=\"//metrics.test/m\" rule=metrics.test/m vendor=\"metrics\" category=\"analytics\"",
        ),
    ] {
        let page =
            format!("<!doctype html><title>x</title><body>{element}<a href=//metrics.test/m>x</a>");
        let log = common::log_at(LevelFilter::DEBUG, || {
            assert!(serve(&site, NONE, &page).contains("data-consent"), "{element}");
        });
        let told: Vec<&str> =
            log.lines().filter(|line| line.contains("kind=\"element\"")).collect();
        assert_eq!(told.len(), 1, "{log}");
        assert!(told[0].contains("DEBUG") && told[0].contains("denied"), "{log}");
        assert!(told[0].contains(expected), "{} {expected}", told[0]);
    }
    // A page in an attribute is told first.
    let nested = "<body><iframe srcdoc='<img src=//metrics.test/m>'></iframe>";
    let log = common::log_at(LevelFilter::DEBUG, || drop(serve(&site, NONE, nested)));
    let told: Vec<&str> = log.lines().filter(|line| line.contains("kind=\"element\"")).collect();
    assert!(
        told[0].contains("element=img attribute=src") && told[0].contains("rule=metrics.test/m")
    );
    assert!(told[1].contains("element=iframe attribute=srcdoc") && told[1].contains("\"metrics\""));
    let all = "+preferences+analytics+marketing";
    for (answers, level) in [(NONE, LevelFilter::INFO), (all, LevelFilter::DEBUG)] {
        let log = common::log_at(level, || drop(serve(&site, answers, nested)));
        assert!(!log.contains("element"), "{log}");
    }
}

#[cfg(feature = "tracing")]
#[test]
fn unknown_hosts_in_pages_are_told_once_and_how_to_declare_them() {
    use tower_consent::Undeclared;
    use tracing_subscriber::filter::LevelFilter;

    let policy = || Policy::builder("Example News");
    let blocks = layer(policy().undeclared_hosts(Undeclared::Block).build().unwrap());
    let page = "<!doctype html><title>x</title><link rel=canonical href=https://canonical.test/><body>\
        <a href=https://link.test/>x</a><!-- <img src=//comment.test> --><script src=//www.example.com/x.js></script>\
        <img src='//a.unknown.test/1.png'><img src=//static.example.com/2.png><img src=/3.png>";
    let tracked = format!("{page}<script src=https://static.hotjar.com/x.js></script>");
    let tracked_first = page.replace("<body>", "<body><img src=https://static.hotjar.com/x>");
    // Nothing is gated in the first, the second is read to its end, and the third as far as the tracker.
    for page in [page, &tracked, &tracked_first] {
        let open = layer(policy().build().unwrap());
        let log = common::log_at(LevelFilter::INFO, || {
            let first = serve(&open, NONE, page);
            assert_eq!(serve(&open, NONE, page), first);
        });
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("INFO") && log.contains("fetch from \"a.unknown.test\""), "{log}");
        assert!(log.contains("Vendor::new"), "{log}");
        let quiet = common::log_at(LevelFilter::WARN, || drop(serve(&open, NONE, page)));
        assert_eq!(quiet, "");
    }
    let log = common::log_at(LevelFilter::INFO, || {
        for _ in 0..3 {
            assert!(
                serve(&blocks, NONE, page).contains("data-consent-src='//a.unknown.test/1.png'")
            );
        }
    });
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("WARN") && log.contains("\"a.unknown.test\" was removed"), "{log}");
}

#[cfg(feature = "tracing")]
#[test]
fn unknown_hosts_in_pages_are_looked_for_in_a_sample_and_without_limit_told_never() {
    use tracing_subscriber::filter::LevelFilter;

    let site = layer(Policy::builder("Example News").build().unwrap());
    let page = |host: &str| format!("<body><script src=https://{host}/></script>");
    let told = |from: usize, to: usize| {
        let log = common::log_at(LevelFilter::INFO, || {
            for n in from..to {
                serve(&site, NONE, &page(&format!("h{n}.test")));
            }
        });
        log.lines().count()
    };
    assert_eq!(told(0, 200), 200);
    // Those it knows take no room.
    assert_eq!(told(0, 56), 0);
    // Then only each 256th is looked at.
    assert_eq!((told(1000, 1001), told(1001, 1256)), (1, 0));
    assert_eq!((told(2000, 2001), told(2001, 2256)), (1, 0));
    let flood: String = (3000..4000).map(|n| format!("<img src=//h{n}.test>")).collect();
    let log = common::log_at(LevelFilter::INFO, || drop(serve(&site, NONE, &flood)));
    assert_eq!(log.lines().count(), 54);
}
