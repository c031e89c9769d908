//! URLs against the `url` crate: a host that it finds is never missed.

use super::*;
use crate::gate::html::mention::find_mention;
use proptest::prelude::*;
use url::Url;

fn base(url: &str) -> Base {
    let url = Url::parse(url).unwrap();
    Base { host: Host::Named(url.host_str().unwrap().to_owned()), path: url.path().to_owned() }
}

/// All places: `host/path`, and `?` for a host in doubt.
fn places(url: &str, bases: &[Base]) -> Vec<String> {
    let mut places = Vec::new();
    find(url.as_bytes(), bases, |location| {
        let host = match location.host {
            Host::Named(host) => host.clone(),
            Host::Doubtful => "?".to_owned(),
        };
        let (path, decoded) = location.paths();
        places.push(format!("{host}{path}"));
        places.extend(decoded.map(|path| format!("{host}{path}")));
        None::<()>
    });
    places
}

#[test]
fn urls_lead_where_browsers_go() {
    let bases = [base("https://page.example/a/b?c")];
    for (url, expected) in [
        ("https://ads.example/x?y#z", &["ads.example/x?y"][..]),
        ("HTTPS://ADS.Example", &["ads.example/"]),
        (" \x01https://ads.example\x1f ", &["ads.example/"]),
        ("ht\ttps:/\n/ads.\rexample/", &["ads.example/"]),
        ("https:\\\\ads.example\\x", &["ads.example/x"]),
        ("//ads.example", &["ads.example/"]),
        ("/\\ads.example", &["ads.example/"]),
        ("\\\\\\\\ads.example", &["ads.example/"]),
        ("https:ads.example/x", &["ads.example/x", "page.example/a/ads.example/x"]),
        ("https:/ads.example/x", &["ads.example/x", "page.example/ads.example/x"]),
        ("https:///ads.example/x", &["ads.example/x"]),
        ("https://ok.example@ads.example/", &["ads.example/"]),
        ("https://ads.example@ok.example/", &["ok.example/"]),
        ("https://ads.example?x", &["ads.example/?x"]),
        ("https://ads.example#x@ok.example", &["ads.example/"]),
        ("data:text/html,//ads.example", &[]),
        ("javascript:'//ads.example'", &[]),
        ("x:y//ads.example", &[]),
        ("1https://ads.example", &["page.example/a/1https://ads.example"]),
        ("", &["page.example/a/b"]),
        ("?x", &["page.example/a/b?x"]),
        ("x", &["page.example/a/x"]),
        ("./../x/./y/%2E%2e/z", &["page.example/x/z", "page.example/x/z"]),
        ("/x", &["page.example/x"]),
        ("https://ads.example/%6daps", &["ads.example/%6daps", "ads.example/maps"]),
    ] {
        assert_eq!(places(url, &bases), expected, "{url:?}");
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "https:", "http:", "HTTPS:", "ws:", "ftp:", "//", "/", "\\", "ads.example", "ADS.example", "ok.example", "@", ":", ":443",
            ".", "..", "%2e", "?", "#", "\t", "\n", " ", "%61", "%", "ａ", "。", "\u{ad}", "é", "x", "/maps", "user", "[", "]", "data:", "\x01",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn no_host_is_missed(pieces in prop::collection::vec(piece(), 0..10), is_plain in any::<bool>()) {
        let url = pieces.concat();
        let page = if is_plain { "http://page.example/a/b" } else { "https://page.example/a/b" };
        let bases = [base(page)];
        let Ok(parsed) = Url::options().base_url(Some(&Url::parse(page).unwrap())).parse(&url) else { return Ok(()) };
        if !is_special(parsed.scheme().as_bytes()) { return Ok(()) }
        let Some(host) = parsed.domain() else { return Ok(()) };
        let host = host.strip_suffix('.').unwrap_or(host);
        let found = places(&url, &bases);
        let is_same = |place: &String| place.starts_with('?')
            || place.split_once('/').is_some_and(|(found, path)| {
                let written = Url::parse(&format!("https://x/{path}?")).unwrap();
                (found == host || host.contains("xn--")) && written.path() == parsed.path()
            });
        prop_assert!(found.iter().any(is_same), "{url:?}: {parsed} {found:?}");
        // What is looked for in a hurry finds no less.
        let mentioned = find_mention(url.as_bytes(), |location| match location.host {
            Host::Named(found) => (found == host || host.contains("xn--")).then_some(()),
            Host::Doubtful => Some(()),
        });
        prop_assert!(host == "page.example" || mentioned.is_some(), "{url:?}: {parsed}");
    }
}
