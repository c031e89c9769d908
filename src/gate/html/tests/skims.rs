//! What is passed over, and what isn't.

use super::*;
use crate::gate::html::{elements, host::Host, tests::gates::Denied, url::Base};

/// How many bytes are passed over.
fn skim(page: &str) -> usize {
    let bases = [Base { host: Host::Named("page.example".to_owned()), path: "/".to_owned() }];
    let judge =
        Judge { rules: &Denied { has_placeholders: false, is_curious: false }, bases: &bases };
    let skim = Skim { judge, is_base_denied: false, longest: 99 };
    let passed = skim.pass(page.as_bytes(), 0);
    let doubtful = Skim { is_base_denied: true, ..skim };
    assert!(doubtful.pass(page.as_bytes(), 0) <= passed);
    passed
}

#[test]
fn every_attribute_that_fetches_is_known() {
    let elements = [
        "script", "iframe", "img", "source", "video", "audio", "link", "object", "applet", "a",
        "area", "use", "animate", "x",
    ];
    for element in elements {
        for (name, fetch) in elements::of(element.as_bytes()).iter().chain(elements::ANYWHERE) {
            if matches!(*fetch, elements::Fetch::Page | elements::Fetch::Refresh) {
                continue;
            }
            for name in [name.to_string(), name.to_uppercase()] {
                assert!(ATTRIBUTES.may_have(name.as_bytes()), "{name}");
                let tag = format!("<p><{element} {name}='url(//ads.example)'>");
                let as_url = format!("<p><{element} {name}='//ads.example'>");
                let is_anchor_link = element == "a" && name == "href";
                assert!(is_anchor_link || skim(&tag) == 3 || skim(&as_url) == 3, "{tag}");
            }
        }
    }
    for name in ELEMENTS_OF_INTEREST {
        assert_eq!(skim(&format!("<p>x<{name}>")), 4);
        assert_eq!(skim(&format!("<p>x<{}>", name.to_uppercase())), 4);
    }
    for name in URLS {
        assert!(matches!(kind(name.as_bytes()), Kind::Url));
    }
    for name in STYLES {
        assert!(matches!(kind(name.as_bytes()), Kind::Css));
    }
}

#[test]
fn what_cannot_fetch_is_passed_over() {
    for page in [
        "",
        "x",
        "<p>",
        "<P Class=x>",
        "<a href='>'>",
        "<a href = \"x\" b>",
        "<a/b/>",
        "</p>",
        "<br/>",
        "<p a=b/>",
        "<a =x>",
        "<main><strong><tbody><footer>",
        "<p data-consenx styl x-style>",
        "<h1>a</h1> b",
        "<x-y z></x-y>",
        "<img src=/x alt='a: b'>",
        "<img src='https://cdn.example/x'>",
        "<p style='color: red'>",
        "<a href=//ads.example>",
        "<p style='a:url(x)'>",
        "<link rel=x href=x>",
        "<img srcset='/a 1x, https://cdn.example/b&amp;c 2x'>",
    ] {
        assert_eq!(skim(page), page.len(), "{page}");
    }
    for tag in [
        "<",
        "<p",
        "</p",
        "<!",
        "<!-->",
        "<?x>",
        "</>",
        "< p>",
        "<1>",
        "<p a='>",
        "</p >",
        "<p style='a:url(//ads.example)'>",
        "<p DATA-Consent=x>",
        "<p data-consent>",
        "<img src=//ads.example>",
        "<img src='&#47;/ads.example'>",
        "<img srcset='x,https:ads.example'>",
        "<p/background=//ads.example>",
        "<p a=",
        "<script>",
        "<IMG SRC=//cdn.example>",
        "<area href=//ads.example>",
        "<a ping=//ads.example>",
    ] {
        assert_eq!(skim(&format!("<p>{tag}")), 3, "{tag}");
    }
    assert_eq!(skim(&format!("<p><p class={}>", "x".repeat(99))), 3);
}
