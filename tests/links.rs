//! Headers that send the browser to other hosts, item by item (G9).

mod common;

use common::{Exchange, chosen, exchange, layer, lines, ok, visit};
use http::{HeaderValue, StatusCode};
use proptest::prelude::*;
use tower_consent::{
    ConsentLayer, NoTracking, Policy, PolicyBuilder, Regime, Undeclared, Vendor, category,
};

const NONE: &str = "-preferences-analytics-marketing";
const ALL: &str = "+preferences+analytics+marketing";
const ANALYTICS: &str = "-preferences+analytics-marketing";

fn policy() -> PolicyBuilder {
    Policy::builder("Example News")
        .vendor(
            Vendor::new("metrics", "Metrics", category::ANALYTICS)
                .host("metrics.test")
                .host("shared.test/metrics"),
        )
        .vendor(Vendor::new("cdn", "CDN", category::NECESSARY).host("cdn.test"))
}

fn site() -> ConsentLayer {
    layer(policy().build().unwrap())
}

fn respond(layer: &ConsentLayer, answers: &str, name: &'static str, sent: &[&[u8]]) -> Exchange {
    let mut response = ok();
    for line in sent {
        response.headers_mut().append(name, HeaderValue::from_bytes(line).unwrap());
    }
    exchange(layer, visit(&chosen(answers)), response)
}

/// The lines of this header that are left of these.
fn left(layer: &ConsentLayer, answers: &str, name: &'static str, sent: &[&str]) -> Vec<String> {
    let sent: Vec<&[u8]> = sent.iter().map(|line| line.as_bytes()).collect();
    lines(&respond(layer, answers, name, &sent).headers, name)
}

fn links(answers: &str, sent: &str) -> Vec<String> {
    left(&site(), answers, "link", &[sent])
}

#[test]
fn g9_every_relation_that_makes_a_browser_fetch_is_gated() {
    for rel in [
        "preload",
        "modulepreload",
        "prefetch",
        "preconnect",
        "dns-prefetch",
        "stylesheet",
        "icon",
        "prerender",
        "next",
        "manifest",
        "apple-touch-icon",
        "PreLoad",
        "\"alternate stylesheet\"",
        "\"shortcut icon\"",
    ] {
        let sent = format!("<https://metrics.test/a.js>; rel={rel}");
        assert!(links(NONE, &sent).is_empty(), "{rel}");
        assert_eq!(links(ANALYTICS, &sent), [sent.as_str()], "{rel}");
    }
    for rel in ["canonical", "author", "alternate", "license", "\"up help\"", "preloader"] {
        let sent = format!("<https://metrics.test/a.js>; rel={rel}");
        assert_eq!(links(NONE, &sent), [sent.as_str()], "{rel}");
    }
}

#[test]
fn g9_items_go_one_by_one_and_the_rest_keeps_its_bytes() {
    let own = "</a.css>;rel=preload; as=style ;title=\"x, <y>, \\\"z\"";
    let denied = "<https://metrics.test/a,b;c>; rel=\"preload\"; title=\"a, b\"";
    let cdn = "<https://cdn.test/x>; rel=preconnect;crossorigin";
    for (sent, kept) in [
        (format!("{own},{denied} ,  {cdn}"), Some(format!("{own}, {cdn}"))),
        (format!("{denied}, {own}"), Some(own.to_owned())),
        (format!("{own} , {denied},"), Some(own.to_owned())),
        (denied.to_owned(), None),
        (format!("{denied},{denied}"), None),
        // Nothing goes, so nothing changes.
        (format!("  {own} ,,\t{cdn},"), Some(format!("  {own} ,,\t{cdn},"))),
    ] {
        assert_eq!(links(NONE, &sent), Vec::from_iter(kept), "{sent}");
        assert_eq!(links(ALL, &sent), [sent.as_str()], "{sent}");
    }
    let sent = [denied, own, &format!("{cdn} ,{denied}"), "  "];
    assert_eq!(left(&site(), NONE, "link", &sent), [own, cdn, "  "]);
}

#[test]
fn g9_urls_are_read_as_browsers_read_them() {
    for url in [
        "https://metrics.test",
        "http://METRICS.Test.:8080/",
        "//eu.metrics.test/a",
        "\\\\metrics.test\\a",
        " https://metrics.test/ ",
        "https:\t//metrics.test/",
        "https:metrics.test/a",
        "https://own@metrics.test/",
        "https://www.example.com@metrics.test/",
        "https://%6detrics.test/",
        "wss://metrics.test",
        "https://shared.test/metrics/a",
        "https://shared.test/x/../metrics",
        "https://shared.test/%6Detrics",
        // A host that only Unicode's tables could tell.
        "https://\u{ff4d}etrics.test/",
    ] {
        assert!(links(NONE, &format!("<{url}>; rel=preload")).is_empty(), "{url}");
        assert_eq!(links(ALL, &format!("<{url}>; rel=preload")).len(), 1, "{url}");
    }
    for url in [
        "/metrics.test",
        "metrics.test",
        "?https://metrics.test",
        "https://www.example.com/metrics.test",
        "https://static.example.com//metrics.test",
        "https://notmetrics.test/",
        "https://metrics.test.evil.test/",
        "https://shared.test/metricsx",
        "https://shared.test/a?/metrics",
        "https://cdn.test/https://metrics.test",
        "data:,//metrics.test",
        "",
    ] {
        let sent = format!("<{url}>; rel=preload");
        assert_eq!(links(NONE, &sent), [sent.as_str()], "{url}");
    }
}

#[test]
fn g9_image_candidates_count() {
    for candidates in [
        "https://metrics.test/a 2x",
        "/a 1x, https://metrics.test/b 2x",
        "/a,https://metrics.test/b",
        "/a 1x,//metrics.test/b 2x",
    ] {
        let sent = format!("</a>; rel=preload; as=image; imagesrcset=\"{candidates}\"");
        assert!(links(NONE, &sent).is_empty(), "{candidates}");
    }
    let own = "</a>; rel=preload; as=image; imagesrcset=\"/a 1x, /b?c=//metrics.test 2x\"";
    assert_eq!(links(NONE, own), [own]);
}

#[test]
fn g9_what_browsers_may_read_otherwise_is_gated() {
    for sent in [
        "<https://metrics.test/; rel=preload",
        "<https://metrics.test/> rel=preload",
        "x <https://metrics.test/>; rel=preload",
        "</a>; rel=author; title=\"<https://metrics.test/>; rel=preload",
        "</a>; title=\"x\\\", <https://metrics.test/>; rel=preload; y=\"",
    ] {
        assert!(links(NONE, sent).is_empty(), "{sent}");
    }
}

#[test]
fn g9_refreshes_to_denied_vendors_go() {
    for (line, goes) in [
        ("5; url=https://metrics.test/", true),
        ("0;URL='//metrics.test/x'", true),
        ("0, https://metrics.test", true),
        ("0.5;url=\thttps://metrics.test", true),
        ("5", false),
        ("5; url=/next", false),
        ("0; url=https://cdn.test/?https://metrics.test", false),
        ("0; url='https://cdn.test/'https://metrics.test", false),
    ] {
        let expected = if goes { vec![] } else { vec![line] };
        assert_eq!(left(&site(), NONE, "refresh", &[line]), expected, "{line}");
        assert_eq!(left(&site(), ANALYTICS, "refresh", &[line]), [line]);
    }
}

#[test]
fn g9_rule_sets_of_denied_vendors_go() {
    for (line, kept) in [
        ("\"/rules.json\"", Some("\"/rules.json\"")),
        ("\"/rules.json\",\"https://metrics.test/r\"", Some("\"/rules.json\"")),
        ("\"https://metrics.test/r\";a=1, \"/a,b\"", Some("\"/a,b\"")),
        ("\"//metrics.test\"", None),
        ("\"https://metrics.test", None),
        ("token, 1", Some("token, 1")),
    ] {
        let left = left(&site(), NONE, "speculation-rules", &[line]);
        assert_eq!(left, Vec::from_iter(kept), "{line}");
    }
}

#[test]
fn g9_known_trackers_are_gated_though_nobody_declared_them() {
    let link = |host: &str| format!("<https://{host}/a>; rel=preload");
    for (host, answers, passes) in [
        ("static.hotjar.com", NONE, false),
        ("static.hotjar.com", ANALYTICS, true),
        ("connect.facebook.net", ANALYTICS, false),
        ("connect.facebook.net", ALL, true),
        ("js.stripe.com", NONE, true),
        ("unknown.test", NONE, true),
    ] {
        assert_eq!(links(answers, &link(host)).len(), usize::from(passes), "{host} {answers}");
    }
    // A category that the site says it has no use for is never allowed.
    let without = layer(policy().omit_category(category::MARKETING).build().unwrap());
    let sent = link("connect.facebook.net");
    assert!(left(&without, "+preferences+analytics", "link", &[&sent]).is_empty());
    assert_eq!(
        left(&without, "+preferences+analytics", "link", &[&link("hotjar.com")]),
        [link("hotjar.com")]
    );
}

#[test]
fn g9_undeclared_hosts_pass_unless_the_site_blocks_them() {
    let sent = "<https://unknown.test/a>; rel=preload";
    let own = "<https://static.example.com/a>; rel=preload, <https://example.com>; rel=preload";
    for (regime, answers, passes) in [
        (Regime::OptIn, NONE, false),
        (Regime::OptIn, ALL, false),
        (Regime::OptOut, ALL, true),
        (Regime::OptOut, ANALYTICS, false),
        (Regime::Notice, ALL, true),
    ] {
        let strict = policy().regime(regime).undeclared_hosts(Undeclared::Block);
        let strict = layer(strict.build().unwrap());
        let kept = left(&strict, answers, "link", &[sent]);
        assert_eq!(kept.len(), usize::from(passes), "{regime:?} {answers}");
        assert_eq!(left(&strict, answers, "link", &[own]), [own]);
    }
    let toml = Policy::from_toml("site = \"x\"\nundeclared_hosts = \"block\"").unwrap();
    let built = Policy::builder("x").undeclared_hosts(Undeclared::Block).build().unwrap();
    assert_eq!(toml, built);
    let again: Policy = serde_json::from_str(&serde_json::to_string(&built).unwrap()).unwrap();
    assert_eq!(again, built);
    assert_ne!(built, Policy::builder("x").build().unwrap());
}

#[test]
fn g9_every_response_is_gated_and_says_on_what_it_depends() {
    let sent: &[u8] = b"<https://metrics.test/a>; rel=preload";
    for status in [200, 204, 302, 304, 404, 500] {
        let mut response = ok();
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().append("link", HeaderValue::from_bytes(sent).unwrap());
        let answer = exchange(&site(), visit(&chosen(NONE)), response);
        assert!(lines(&answer.headers, "link").is_empty(), "{status}");
        assert_eq!(lines(&answer.headers, "vary"), ["Cookie, Sec-GPC"], "{status}");
    }
    for (answers, sent, depends) in [
        (ALL, sent, true),
        (NONE, b"<https://hotjar.com/>; rel=prefetch", true),
        (NONE, b"</a>; rel=preload, <https://static.example.com>; rel=preconnect", false),
        (NONE, b"<https://cdn.test/a>; rel=preload, <https://unknown.test/>; rel=icon", false),
        (NONE, b"<https://metrics.test/a>; rel=author", false),
    ] {
        let answer = respond(&site(), answers, "link", &[sent]);
        let text = String::from_utf8_lossy(sent);
        assert_eq!(answer.headers.contains_key("vary"), depends, "{text}");
    }
}

#[test]
fn g9_what_a_handler_says_holds_for_its_links() {
    let mut response = ok();
    response.extensions_mut().insert(NoTracking);
    let link = HeaderValue::from_static("<https://metrics.test/a>; rel=preload");
    response.headers_mut().append("link", link);
    let answer = exchange(&site(), visit(&chosen(ALL)), response);
    assert!(!answer.headers.contains_key("link"));
}

#[cfg(feature = "tracing")]
#[test]
fn g9_undeclared_hosts_are_told_once_and_not_without_limit() {
    use tracing_subscriber::filter::LevelFilter;

    let open = site();
    let strict = layer(policy().undeclared_hosts(Undeclared::Block).build().unwrap());
    for (site, level, told) in [(&open, "INFO", "fetch from"), (&strict, "WARN", "was removed")] {
        let log = common::log_at(LevelFilter::INFO, || {
            for _ in 0..3 {
                left(
                    site,
                    NONE,
                    "link",
                    &["<https://a.unknown.test/x?y>; rel=preload, </>; rel=icon"],
                );
            }
        });
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.trim_start().starts_with(level) && log.contains(told), "{log}");
        assert!(log.contains("\"a.unknown.test\"") && log.contains("Vendor::new"), "{log}");
        let flood = common::log_at(LevelFilter::INFO, || {
            for n in 0..1000 {
                left(site, NONE, "link", &[&format!("<https://h{n}.test>; rel=preload")]);
            }
        });
        assert_eq!(flood.lines().count(), 255);
    }
    let cookie = common::log(|| drop(respond(&open, NONE, "set-cookie", &[b"mystery=1"])));
    assert!(cookie.contains("mystery"), "hosts leave room for cookies: {cookie}");
}

/// RFC 8288, B.2 and B.3, as written there: targets and their relations.
fn parse(input: &[u8]) -> Vec<(Vec<u8>, Vec<String>)> {
    let mut found = Vec::new();
    let mut at = 0;
    let peek = |at: usize| input.get(at).copied();
    let spaces = |mut at: usize| {
        while matches!(peek(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        at
    };
    loop {
        at = spaces(at);
        while peek(at) == Some(b',') {
            at = spaces(at + 1);
        }
        if peek(at) != Some(b'<') {
            return found;
        }
        let Some(length) = input[at..].iter().position(|&byte| byte == b'>') else { return found };
        let target = input[at + 1..at + length].to_vec();
        at += length + 1;
        let mut relations = None;
        loop {
            at = spaces(at);
            if peek(at) != Some(b';') {
                break;
            }
            at = spaces(at + 1);
            let start = at;
            while peek(at).is_some_and(|byte| !b" \t=;,".contains(&byte)) {
                at += 1;
            }
            let name = input[start..at].to_ascii_lowercase();
            at = spaces(at);
            let mut value = Vec::new();
            if peek(at) == Some(b'=') {
                at = spaces(at + 1);
                if peek(at) == Some(b'"') {
                    at += 1;
                    while let Some(byte) = peek(at) {
                        at += 1;
                        match byte {
                            b'"' => break,
                            b'\\' => {
                                value.extend(peek(at));
                                at += 1;
                            }
                            _ => value.push(byte),
                        }
                    }
                } else {
                    while peek(at).is_some_and(|byte| !b";,".contains(&byte)) {
                        value.push(input[at]);
                        at += 1;
                    }
                }
            }
            if name == b"rel" && relations.is_none() {
                relations = Some(String::from_utf8_lossy(&value).to_lowercase());
            }
        }
        let relations = relations.unwrap_or_default();
        found.push((target, relations.split_ascii_whitespace().map(str::to_owned).collect()));
        at = spaces(at);
        if peek(at) != Some(b',') {
            return found;
        }
    }
}

/// Whether a URL plainly leads to the denied vendor.
fn leads_there(url: &[u8]) -> bool {
    let url = String::from_utf8_lossy(url).trim_ascii().replace('\t', "").to_lowercase();
    let rest = url.strip_prefix("https:").unwrap_or(&url);
    let Some(rest) = rest.strip_prefix("//") else { return false };
    let host = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    host == "metrics.test" || host.ends_with(".metrics.test")
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"<https://metrics.test/a>",
        b"<//EU.Metrics.test>",
        b"https://metrics.test/",
        b"</own>",
        b";rel=preload",
        b"; rel=\"x icon\"",
        b"; REL = prefetch ",
        b";rel=author",
        b";title=\"",
        b"\\\"",
        b"<",
        b">",
        b"\"",
        b"\\",
        b",",
        b", ",
        b";",
        b"=",
        b"\t",
        b"\xe4",
    ];
    prop_oneof![
        8 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(prop::sample::select((0x20..0x7f).collect::<Vec<u8>>()), 0..4),
    ]
}

/// Items that all read alike, and whether they go.
fn item() -> impl Strategy<Value = (String, bool)> {
    let url = prop_oneof![
        Just(("https://metrics.test/a,b;c", true)),
        Just(("//x.metrics.test", true)),
        Just(("/own,path", false)),
        Just(("https://cdn.test/x", false)),
        Just(("https://unknown.test", false)),
    ];
    let rel = prop_oneof![
        Just(("; rel=preload", true)),
        Just((";rel=\"x StyleSheet\"", true)),
        Just((" ;\trel = icon", true)),
        Just(("; rel=author", false)),
        Just(("", false)),
    ];
    let title = prop_oneof![Just(""), Just("; title=\"a, \\\"b; c\""), Just(";crossorigin;x=y")];
    (url, rel, title).prop_map(|((url, denied), (rel, fetches), title)| {
        (format!("<{url}>{title}{rel}"), denied && fetches)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn g9_what_stays_keeps_its_bytes(
        set in prop::collection::vec(prop::collection::vec(item(), 1..5), 1..4),
        separator in prop::sample::select(vec![",", ", ", " ,\t", ",, "]),
    ) {
        let join = |items: &mut dyn Iterator<Item = &str>, by: &str| items.collect::<Vec<_>>().join(by);
        let sent = set.iter().map(|line| join(&mut line.iter().map(|(item, _)| &**item), separator));
        let sent: Vec<String> = sent.collect();
        let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
        let expected = set.iter().zip(&sent).filter_map(|(line, sent)| {
            let mut kept = line.iter().filter(|(_, goes)| !goes).map(|(item, _)| &**item).peekable();
            if line.iter().all(|(_, goes)| !goes) {
                return Some(sent.to_string());
            }
            kept.peek()?;
            Some(join(&mut kept, ", "))
        });
        let site = site();
        prop_assert_eq!(left(&site, NONE, "link", &sent), expected.collect::<Vec<_>>());
        prop_assert_eq!(left(&site, ALL, "link", &sent), sent);
    }

    #[test]
    fn g9_no_denied_host_is_left_whatever_the_bytes(
        set in prop::collection::vec(prop::collection::vec(piece(), 0..14), 1..3),
    ) {
        let sent: Vec<Vec<u8>> = set.into_iter().map(|pieces| pieces.concat()).collect();
        let sent: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
        let answer = respond(&site(), NONE, "link", &sent);
        for line in answer.headers.get_all("link") {
            for (target, relations) in parse(line.as_bytes()) {
                let fetches = ["preload", "icon", "prefetch"].iter().any(|rel| relations.iter().any(|r| r == rel));
                prop_assert!(!(fetches && leads_there(&target)), "{:?} of {:?}", line, sent);
            }
        }
        let kept = respond(&site(), ALL, "link", &sent);
        let kept: Vec<&[u8]> = kept.headers.get_all("link").iter().map(HeaderValue::as_bytes).collect();
        prop_assert_eq!(kept, sent);
    }
}
