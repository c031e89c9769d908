//! What is gated, one attribute and one evasion at a time; each page cut at every byte.

use super::gates::{Denied, LIMITS, gate, gate_at, gate_whole};

const ADS: &str = "https://ads.example/x";

/// The page after the gate; the same however it is cut.
fn gated(page: &str) -> String {
    let whole = gate(page.as_bytes(), []).expect(page);
    for cut in 0..=page.len() {
        assert_eq!(gate(page.as_bytes(), [cut]).expect(page), whole, "{page:?} cut at {cut}");
    }
    assert_eq!(gate(page.as_bytes(), 1..page.len()).expect(page), whole, "{page:?} byte by byte");
    let at_once = gate_whole(page.as_bytes(), true).expect(page);
    // Where the contents of a `noscript` are withheld, at once they may be known to be harmless.
    assert!(at_once == whole || whole.len() < page.len(), "{page:?} at once");
    String::from_utf8(whole).unwrap()
}

fn passes(page: &str) {
    assert_eq!(gated(page), page);
}

fn is_gated(page: &str) -> bool {
    gated(page) != page
}

#[test]
fn h1_every_fetching_attribute_is_gated() {
    for tag in [
        "<script src='U'>",
        "<script src=U>",
        "<SCRIPT SRC=\"U\">",
        "<script/src=U>",
        "<script\nsrc\n=\nU\n>",
        "<iframe src=U>",
        "<img src=U>",
        "<image src=U>",
        "<img srcset='/a.png 1x, U 2x'>",
        "<img srcset=U>",
        "<img src=/a srcset='U, /b 2x'>",
        "<source src=U>",
        "<source srcset='U'>",
        "<video src=U>",
        "<video poster=U>",
        "<audio src=U>",
        "<track src=U>",
        "<input type=image src=U>",
        "<embed src=U>",
        "<object data=U>",
        "<object codebase=U>",
        "<frame src=U>",
        "<a href=/x ping='/p U'>",
        "<area ping=U>",
        "<img attributionsrc=U>",
        "<link rel=stylesheet href=U>",
        "<link rel='PRELOAD' as=image imagesrcset='U 1x'>",
        "<link rel=preconnect href=U>",
        "<link rel=dns-prefetch href=U>",
        "<link rel=modulepreload href=U>",
        "<link rel=prefetch href=U>",
        "<link rel='shortcut icon' href=U>",
        "<link rel=manifest href=U>",
        "<link rel='alternate stylesheet' href=U>",
        "<link rel=new-thing href=U>",
        "<meta http-equiv=refresh content='0;url=U'>",
        "<meta http-equiv=Refresh content='5; URL = \"U\"'>",
        "<meta http-equiv=refresh content='0 U'>",
        "<meta http-equiv=&#82;efresh content=0,U>",
        "<body background=U>",
        "<table background=U>",
        "<td background=U>",
        "<div style='background:url(U)'>",
        "<p style='background:url(\"U\")'>",
        "<svg><image href=U />",
        "<svg><image xlink:href=U />",
        "<svg><use href='U#x'/>",
        "<svg><feImage href=U />",
        "<svg><script href=U>",
        "<svg><script xlink:href='U'/>",
        "<svg><rect fill='url(U)'/>",
        "<svg><title>x</title><image href=U />",
        "<svg><animate attributeName=href values='/a;U'/>",
        "<svg><set attributeName=href to=U />",
        "<math><mi><img src=U>",
        "<iframe srcdoc='<img src=U>'>",
        "<iframe srcdoc='&lt;script src=&quot;U&quot;>&lt;/script>'>",
        "<iframe srcdoc=\"<style>@import 'U'</style>\">",
        "<iframe src='data:text/html,<img src=U>'>",
        "<iframe src='javascript:\"<img src=U>\"'>",
        "<link rel=stylesheet href='data:text/css,@import \"U\"'>",
        "<noscript><img src=U></noscript>",
        "<noscript><iframe src='U'></iframe></noscript>",
        "<template><img src=U></template>",
        "<template shadowrootmode=open><img src=U></template>",
        "<style>@import 'U';</style>",
        "<style>a{b:url( U )}</style>",
        "<svg><style>@import 'U';</style></svg>",
        "<svg><style><![CDATA[@import 'U';]]></style></svg>",
        "<fencedframe src=U>",
        "<portal src=U>",
        "<script type=speculationrules>{\"prefetch\":[{\"urls\":[\"U\"]}]}</script>",
        "<script type=importmap>{\"imports\":{\"x\":\"U\"}}</script>",
        "<select><option><img src=U></select>",
        "<p><b><img src=U>",
        "<noscript><p></p><img src=U><p></noscript>",
    ] {
        let page = tag.replace('U', ADS).replace("ADS", ADS);
        let out = gated(&page);
        assert_ne!(out, page);
        assert!(out.contains("data-consent=\"ads\""), "{page}: {out}");
        let harmless = tag.replace('U', "https://cdn.example/x");
        passes(&harmless);
    }
}

#[test]
fn h1_h2_what_a_url_holds_in_itself_is_read() {
    for page in [
        "<iframe src='data:text/html,<img src=//ads.example>'>",
        "<iframe src=' DA&Tab;TA: Text/HTML;charset=x,<img src=https:&amp;#x2f;/ads.example>'>",
        "<iframe src='data:text/html,%3Cimg%20src%3D%22https%3A%2F%2Fads.example%22%3E'>",
        "<iframe src='data:text/html;base64,PGltZyBzcmM9Ii8vYWRzLmV4YW1wbGUiPg=='>",
        "<object data='data:application/xhtml+xml;base64,PGltZyBzcmM9Ii8vYWRzLmV4YW1wbGUiPg'></object>",
        "<link rel=stylesheet href='data:text/css,@import%22https%3a%2f%2fads.example%22'>",
        "<iframe src='javascript:`<img src=https:\\/\\/ads.example>`'>",
        "<iframe src='javascript:`<img src=https://ads.example>`'>",
        "<script src='data:text/javascript,fbq()'></script>",
        "<script src='data:text/javascript;base64,ZmJxKCk='></script>",
        "<script type=module src='data:application/javascript,%66bq%28)'></script>",
        "<iframe srcdoc='<script src=data:text/javascript,%66bq()></script>'>",
    ] {
        assert!(is_gated(page), "{page}");
    }
    for page in [
        "<iframe src='data:text/html,<p>https://ads.example'>",
        "<script src='data:text/javascript,location=\"https://ads.example\"'></script>",
        "<img src='data:image/gif;base64,Ly9hZHMuZXhhbXBsZQ=='>",
        "<a href='data:text/html,<img src=https://ads.example>'>x</a>",
        "<a href='javascript:fbq()'>x</a>",
        "<iframe src='javascript:false'></iframe>",
        "<script>x={data:text/https,y:';base64,'}</script>",
    ] {
        passes(page);
    }
}

#[test]
fn h5_what_does_not_fetch_stays() {
    for page in [
        "<a href=U>x</a>",
        "<form action=U>",
        "<button formaction=U>",
        "<link rel=canonical href=U>",
        "<link rel=alternate href=U>",
        "<link href=U>",
        "<meta property=og:image content=U>",
        "<blockquote cite=U>",
        "<p>U</p>",
        "<p title='<img src=U>'>",
        "<!-- <img src=U> -->",
        "<!--><!-- <script src=U></script>-->",
        "<textarea><img src=U></textarea>",
        "<title><img src=U></title>",
        "<xmp><img src=U></xmp>",
        "<script>var x = '<img src=U>'</script>",
        "<script>if (a < b) { c('U') }</script>",
        "<iframe><img src=U></iframe>",
        "<noembed><img src=U></noembed>",
        "<noframes><img src=U></noframes>",
        "<svg><![CDATA[<img src=U>]]></svg>",
        "<plaintext><img src=U>",
        "<img data-src=U>",
        "<img src=/a src=U>",
        "<x src=U>",
        "<div data-x='style=U'>",
        "<script type=application/json>{\"u\":\"U\"}</script>",
        "<script type=text/template><img src=U></script>",
        "</img src=U>",
        "<img src=U",
        "<iframe srcdoc='<a href=U>x</a>'>",
        "<? <img src=U",
        "<style>a{}</style>",
        "<style></style><script></script>",
        "<iframe src='data:text/html,U'>",
        "<img src=\"data:image/png;base64,//ads.example/\">",
    ] {
        passes(&page.replace('U', ADS));
    }
}

#[test]
fn h1_urls_are_read_as_browsers_read_them() {
    for url in [
        "//ads.example/x",
        "/&#x2F;ads.example",
        "&#47;&#47ads.example",
        "&sol;&sol;ads.example",
        "https&colon;//ads.example",
        "http://ads.example",
        "ws://ads.example",
        "HTTPS://ADS.EXAMPLE/x",
        "https:ads.example",
        "https:/ads.example",
        "https:///ads.example",
        "https:\\\\ads.example",
        "\\\\ads.example",
        "/\\ads.example",
        "&bsol;/ads.example",
        "//maps.example/x,y/../tiles",
        "https://a&#39;b&quot;.ads.example/x",
        "https://a,b(c).ads.example",
        "//a&quot;b c@ads.example",
        " https://ads.example ",
        "&#10;//ads.example",
        "ht&Tab;tps://ads.example",
        "h\nttps://a\nds.example",
        "https://ads&NewLine;.example",
        "https://cdn.example@ads.example/",
        "https://a:b@ads.example:8443/",
        "https://ads.example.",
        "https://ads.example.:443/",
        "https://a.b.ads.example/",
        "https://%61ds.example",
        "https://ａds.example",
        "https://ads。example",
        "https://ads&#x3002;example",
        "https://a&shy;ds.example",
        "https://a&ascr;ds.example",
        "https://ads&period;example",
        "https://maps.example/tiles/a.png",
        "https://maps.example/x/../tiles/",
        "https://maps.example/%74iles/",
        "https://maps.example\\tiles",
        "https://b\u{fc}cher.example/",
        "https://xn--bcher-kva.example",
        "https://ads.example?x",
        "https://ads.example#x",
        "&#x68;ttps://ads.example",
        "&#0000104ttps://ads.example",
    ] {
        assert!(is_gated(&format!("<img src='{url}'>")), "{url}");
        // There spaces separate.
        let is_in_one =
            !["&Tab", "&New", "&#10", "\n", " "].iter().any(|space| url.contains(space));
        assert!(!is_in_one || is_gated(&format!("<img srcset='/a 1x,{url} 2x'>")), "{url}");
    }
    for url in [
        "/x",
        "x",
        "",
        "//cdn.example",
        "https://cdn.example/ads.example",
        "https://ads.example@cdn.example",
        "https://ads.example.cdn.example",
        "https://xads.example",
        "https://cdn.example/?//ads.example",
        "https://cdn.example#//ads.example",
        "./x//ads.example",
        "x//ads.example",
        "https://maps.example/",
        "https://maps.example/tilesets",
        "https://maps.example/tiles/../x",
        "data:image/svg+xml,//ads.example",
        "javascript:void('//ads.example')",
        "blob:https://cdn.example/1",
        "about:blank",
        "https://m\u{fc}nchen.example",
        "/a?b=c&amp;d=//ads.example",
        "mailto:x@ads.example",
    ] {
        passes(&format!("<img src='{url}'>"));
    }
}

#[test]
fn h1_base_counts() {
    for page in [
        "<base href=//ads.example/><img src=x>",
        "<base target=x><base href='https://ads.example'><img src=/x>",
        "<base href=//maps.example/tiles/><img src=x>",
        "<base href=//ads.example><base href=/><img src=x>",
        "<noscript><base href=//ads.example></noscript><img src=x>",
        "<template><base href=//ads.example></template><img src=x>",
        "<base href=//ads.example><style>a{b:url(x)}</style>",
        "<base href=//ads.example><iframe srcdoc='<img src=x>'>",
        "<base href=//ads.example><svg><animate attributeName=href to=x />",
        "<base href=//ads.example><script type=speculationrules>{\"urls\":[\"x\"]}</script>",
    ] {
        assert!(is_gated(page), "{page}");
    }
    for page in [
        "<base href=/x><base href=//ads.example><img src=x>",
        "<img src=x><base href=//ads.example>",
        "<base href=//ads.example><img src=//cdn.example/x>",
        "<base href=//ads.example><a href=x>",
        "<base href=//maps.example/><img src=x>",
        "<iframe srcdoc='<base href=//ads.example>'></iframe><img src=x>",
        "<base href=data:,x><img src=x>",
    ] {
        passes(page);
    }
}

#[test]
fn h1_relative_urls_of_a_denied_page_are_gated() {
    let at_ads =
        |page: &str| gate_at("ads.example:80", page.as_bytes(), []).unwrap() != page.as_bytes();
    assert!(at_ads("<img src=x>") && at_ads("<img src=https:x>") && at_ads("<p style='a:url(x)'>"));
    assert!(!at_ads("<img src=//cdn.example>") && !at_ads("<a href=x>"));
}

#[test]
fn h2_inline_scripts_are_gated_by_mark_or_by_their_author() {
    for (page, expected) in [
        (
            "<script>fbq('init')</script>",
            "<script data-consent=\"ads\" type=\"text/plain\">fbq('init')</script>",
        ),
        (
            "<script TYPE=module async>fbq()</script>",
            "<script data-consent=\"ads\" type=\"text/plain\" data-consent-TYPE=module data-consent-async>fbq()</script>",
        ),
        (
            "<script data-consent=analytics>x</script>",
            "<script data-consent=\"analytics\" type=\"text/plain\" data-consent-data-consent=analytics>x</script>",
        ),
        (
            "<script data-consent=' analytics ' src=/x></script>",
            "<script data-consent=\"analytics\" type=\"text/plain\" data-consent-data-consent=' analytics ' data-consent-src=/x></script>",
        ),
        (
            "<script type='text/javascript' data-consent=analytics type=x></script>",
            "<script data-consent=\"analytics\" type=\"text/plain\" data-consent-type='text/javascript' data-consent-data-consent=analytics data-consent-type=x></script>",
        ),
        (
            "<script><!-- <script> </script> fbq() --></script>",
            "<script data-consent=\"ads\" type=\"text/plain\"><!-- <script> </script> fbq() --></script>",
        ),
        ("<script>fbq(", "<script data-consent=\"ads\" type=\"text/plain\">fbq("),
        (
            "<svg><script>f&#98;q()</script></svg>",
            "<svg><script data-consent=\"ads\" type=\"text/plain\">f&#98;q()</script></svg>",
        ),
        (
            "<svg><script><![CDATA[fbq(]]></script></svg>",
            "<svg><script data-consent=\"ads\" type=\"text/plain\"><![CDATA[fbq(]]></script></svg>",
        ),
    ] {
        assert_eq!(gated(page), expected);
    }
    passes("<script>fbx('init')</script><p>fbq(</p>");
    for url in ["https:\\/\\/ads.example", "\\u002f/ads.example"] {
        assert!(is_gated(&format!(
            "<script type=speculationrules>{{\"urls\":\"{url}\"}}</script>"
        )));
    }
    passes("<script src=/x>fbq()</script>");
    passes("<script type=application/ld+json>fbq(</script>");
    passes("<script data-consent=functional>x</script><img data-consent='functional' src=x>");
}

#[test]
fn h2_whatever_its_author_marked_is_gated() {
    for (page, expected) in [
        (
            "<img data-consent=analytics src=/x srcset=y alt=z>",
            "<img data-consent=\"analytics\" hidden=\"\" data-consent-data-consent=analytics data-consent-src=/x data-consent-srcset=y alt=z>",
        ),
        (
            "<iframe hidden src=/x data-consent=analytics>",
            "<iframe data-consent=\"analytics\" hidden=\"\" name=\"tower-consent\" loading=\"lazy\" data-consent-hidden data-consent-src=/x data-consent-data-consent=analytics>",
        ),
        (
            "<link data-consent=analytics rel=stylesheet href=x>",
            "<link data-consent=\"analytics\" data-consent-data-consent=analytics rel=stylesheet data-consent-href=x>",
        ),
        (
            "<style data-consent=analytics media=all>x</style>",
            "<style data-consent=\"analytics\" type=\"text/plain\" data-consent-data-consent=analytics media=all>-->x</style>",
        ),
        (
            "<template data-consent=analytics shadowrootmode=open></template>",
            "<template data-consent=\"analytics\" data-consent-data-consent=analytics data-consent-shadowrootmode=open></template>",
        ),
        (
            "<div DATA-CONSENT=analytics>x</div>",
            "<div data-consent=\"analytics\" hidden=\"\" data-consent-DATA-CONSENT=analytics>x</div>",
        ),
        (
            "<p data-consent='x\" onclick=\"y&amp;quot;'>",
            "<p data-consent=\"x&quot; onclick=&quot;y&amp;quot;\" hidden=\"\" data-consent-data-consent='x\" onclick=\"y&amp;quot;'>",
        ),
        (
            "<noscript data-consent=analytics><img src=x></noscript>",
            "<noscript data-consent=\"analytics\" data-consent-data-consent=analytics></noscript>",
        ),
        (
            "<img data-consent=functional src=//ads.example>",
            "<img data-consent=\"ads\" data-consent-data-consent=functional data-consent-src=//ads.example>",
        ),
    ] {
        assert_eq!(gated(page), expected);
    }
}

#[test]
fn h3_a_gated_element_keeps_what_it_had() {
    for (page, expected) in [
        (
            "<script async src=\"//ads.example/a.js?x=1&amp;y\" defer></script>",
            "<script data-consent=\"ads\" type=\"text/plain\" data-consent-async data-consent-src=\"//ads.example/a.js?x=1&amp;y\" data-consent-defer></script>",
        ),
        (
            "<script/src=//ads.example/></script>",
            "<script data-consent=\"ads\" type=\"text/plain\"/data-consent-src=//ads.example/></script>",
        ),
        (
            "<img src=//ads.example src=/x>",
            "<img data-consent=\"ads\" data-consent-src=//ads.example data-consent-src=/x>",
        ),
        (
            "<img src=/x srcset=//ads.example>",
            "<img data-consent=\"ads\" src=/x data-consent-srcset=//ads.example>",
        ),
        (
            "<a ping=//ads.example href=/x>",
            "<a data-consent=\"ads\" data-consent-ping=//ads.example href=/x>",
        ),
        (
            "<iframe src='//ads.example/?a&amp;b' width=9></iframe>x",
            "[//ads.example/?a&b]<iframe data-consent=\"ads\" hidden=\"\" name=\"tower-consent\" loading=\"lazy\" data-consent-src='//ads.example/?a&amp;b' width=9></iframe>[/]x",
        ),
        (
            "<iframe src=//ads.example></iframe>",
            "[//ads.example]<iframe data-consent=\"ads\" hidden=\"\" name=\"tower-consent\" loading=\"lazy\" data-consent-src=//ads.example></iframe>[/]",
        ),
        (
            "<embed src=//ads.example>x",
            "[//ads.example]<embed data-consent=\"ads\" hidden=\"\" data-consent-src=//ads.example>[/]x",
        ),
        (
            "<object data=//ads.example>x</object>",
            "[//ads.example][/]<object data-consent=\"ads\" hidden=\"\" data-consent-data=//ads.example>x</object>",
        ),
        (
            "<iframe src=//ads.example height=0></iframe>",
            "<iframe data-consent=\"ads\" hidden=\"\" name=\"tower-consent\" loading=\"lazy\" data-consent-src=//ads.example height=0></iframe>",
        ),
        (
            "<iframe src=//ads.example style='Display: none'></iframe>",
            "<iframe data-consent=\"ads\" hidden=\"\" name=\"tower-consent\" loading=\"lazy\" data-consent-src=//ads.example style='Display: none'></iframe>",
        ),
        (
            "<style>@import '//ads.example'</style>",
            "<style data-consent=\"ads\" type=\"text/plain\">-->@import '//ads.example'</style>",
        ),
        (
            "<p style='a:url(//ads.example)'>",
            "<p data-consent=\"ads\" data-consent-style='a:url(//ads.example)'>",
        ),
        (
            "<noscript> <img src=//ads.example> </noscript>",
            "<noscript> <img data-consent=\"ads\" data-consent-src=//ads.example> </noscript>",
        ),
    ] {
        assert_eq!(gated(page), expected);
    }
}

#[test]
fn h1_noscript_that_is_not_whole_is_withheld() {
    for (page, expected) in [
        ("<noscript><!-- </noscript> --> <b>", "<noscript></noscript> --> <b>"),
        ("<noscript><a title=\"</noscript>\"><b>", "<noscript></noscript>\"><b>"),
        ("<noscript><iframe src=//ads.example></noscript><b>", "<noscript></noscript><b>"),
        ("<noscript><style></noscript></style><b>", "<noscript></noscript></style><b>"),
        (
            "a<noscript><img src=//ads.example>",
            "a<noscript><img data-consent=\"ads\" data-consent-src=//ads.example>",
        ),
    ] {
        assert_eq!(gated(page), expected);
    }
}

#[test]
fn css_is_read_with_its_escapes() {
    for css in [
        "@import '//ads.example'",
        "@import \"//a'b.ads.example/x\"",
        "a{b:url(//maps.example/ti\tles/)}",
        "@import url(//ads.example)",
        "a{b:url(\\2f\\2f ads.example)}",
        "a{b:url(https:\\/\\/ads.example)}",
        "a{b:url('/\\\n/ads.example')}",
        "a{b:url(https:\\\\\\\\ads.example)}",
        "a{b:image-set('https:ads.example' 1x)}",
        "a{b:url(//x,y@ads.example)}",
        "a{b:url(//%61ds.example)}",
        "a{b:URL(\"HTTPS:/ADS.example\")}",
        "a{b:url(//maps.example/tiles)}",
        "a{b:url(//\\61 ds.example)}",
    ] {
        assert!(is_gated(&format!("<style>{css}</style>")), "{css}");
    }
    for css in [
        "a{b:url(/x)}",
        "a{b:url(//cdn.example)}",
        "/* ads.example */",
        "a:b{c:d}",
        "a{b:url(//maps.example/x)}",
        "// x",
        "quotes:\u{ab}\u{bb}",
    ] {
        passes(&format!("<style>{css}</style>"));
        passes(&format!("<p style='{css}'>"));
    }
}

#[test]
fn h12_what_cannot_be_read_is_refused() {
    use crate::gate::html::GateError::{Ambiguous, Charset, LongInline, LongTag};
    let long = "x".repeat(2000);
    for (page, error) in [
        ("\u{0}".to_owned(), None),
        (format!("<img alt='{long}'>"), Some(LongTag)),
        (format!("<img alt='{long}"), Some(LongTag)),
        (format!("<script>{long}{long}{long}</script>"), Some(LongInline)),
        (format!("<noscript>{long}{long}{long}"), Some(LongInline)),
        (
            format!(
                "<style>{long}</style><p>{long}{long}{long}</p><title>{long}{long}{long}{long}</title><!--{long}{long}{long}{long}-->"
            ),
            None,
        ),
        (format!("<script type=application/json>{long}{long}{long}{long}</script>"), None),
        ("<meta charset=iso-2022-jp>".to_owned(), Some(Charset)),
        ("<svg></b><style><a title='</style><!--'>".to_owned(), Some(Ambiguous)),
        ("<svg></b><style><img src=//ads.example></style>".to_owned(), Some(Ambiguous)),
        ("<svg></b><div><style><img src=//ads.example></style>".to_owned(), None),
        ("<select><style></select><img src=//ads.example></style>".to_owned(), Some(Ambiguous)),
        ("<svg></b><plaintext>".to_owned(), Some(Ambiguous)),
    ] {
        for cuts in [vec![], vec![page.len() / 2], (1..page.len()).collect()] {
            assert_eq!(gate(page.as_bytes(), cuts.clone()).err(), error, "{page}");
        }
    }
    assert_eq!(gate(b"\xff\xfe<\0", []).err(), Some(Charset));
    assert_eq!(gate(b"\xfe\xff\0<", [1]).err(), Some(Charset));
    assert_eq!(gate(b"\xef\xbb\xbf<img src=x>", [1, 2]), Ok(b"\xef\xbb\xbf<img src=x>".to_vec()));
    assert_eq!(gate(b"\xef\xbb", [1]), Ok(b"\xef\xbb".to_vec()));
}

#[test]
fn h4_every_placeholder_ends_behind_its_frame_at_every_chunking() {
    const FRAME: &str = "<iframe src=//ads.example></iframe>";
    const GATED: &str = "[//ads.example]<iframe data-consent=\"ads\" hidden=\"\" name=\"tower-consent\" loading=\"lazy\" data-consent-src=//ads.example></iframe>[/]";
    for around in [
        "F",
        "FF",
        "<p>F</p>",
        "<table><tr><td>F</table>F",
        "<noscript>F</noscript>F",
        "<svg></svg>F",
        "<svg><foreignObject>F</foreignObject></svg>F",
        "<svg><g></p>F",
        "<!-- <iframe> -->F<!-- x",
        "<iframe src=/own><b></b></iframe>F<b>x</b>",
        "<template>F</template>F",
    ] {
        let page = around.replace('F', FRAME);
        let expected = around.replace('F', GATED);
        for cuts in [vec![], vec![page.len() / 2], (1..page.len()).collect()] {
            let gated = gate(page.as_bytes(), cuts).map(|page| String::from_utf8(page).unwrap());
            assert_eq!(gated.as_deref(), Ok(&*expected));
        }
        let at_once = gate_whole(page.as_bytes(), true).unwrap();
        assert_eq!(String::from_utf8(at_once).unwrap(), expected);
    }
}

#[test]
fn h9_what_is_not_changed_is_not_copied() {
    use crate::gate::html::Gate;
    use bytes::Bytes;
    let page = Bytes::from(format!(
        "<p>{}</p><img src=//ads.example><p>{}",
        "a".repeat(5000),
        "b".repeat(5000)
    ));
    let mut out = std::collections::VecDeque::new();
    let mut gate = Gate::new(
        Denied { has_placeholders: true, is_curious: false },
        "page.example",
        "/",
        LIMITS,
    );
    gate.push(page.clone(), &mut out).unwrap();
    assert_eq!(gate.held(), 0);
    assert_eq!((out.len(), out[0].as_ptr()), (3, page.as_ptr()));
    assert!(page.as_ptr_range().contains(&out[2].as_ptr()));
}

#[test]
fn h6_a_page_at_once_hides_nothing_that_it_shows_in_pieces() {
    for page in [
        "<script a='</script>'>fbq(1)</script>",
        "<script a='>' b=\"</script>\">fbq(1)</script>",
        "<script </script>fbq(1)</script>",
        "<iframe srcdoc='<script a=&quot;></script>&quot;>fbq(1)</script>'></iframe>",
        "<iframe srcdoc='<script a&#61;\"></script>\">fbq(1)</script>'></iframe>",
        "<iframe srcdoc='<script>&lt;!--<script></script>fbq(1)</script>'></iframe>",
        "<iframe srcdoc='<script><&#33;--<script></script>fbq(1)</script>'></iframe>",
        "<svg><script>fb<g></g>q(1)</script></svg>",
        "<svg><script>fb</g>q(1)</script></svg>",
        "<svg><script><g a='</script>'/>fbq(1)</script></svg>",
        "<svg><script><?</script>fbq(1)</script></svg>",
        "<svg><style>a{b:url(//ads<g></g>.example)}</style></svg>",
        "<svg><style>a{b:url(//ads</g>.example)}</style></svg>",
        "<svg a='</svg>'><script>fb<g></g>q(1)</script></svg>",
        "<svg><g a=\"</svg>\"/><style>a{b:url(//ads<g></g>.example)}</style></svg>",
        &format!("<img src=//{}\u{b2}>", "x".repeat(254)),
    ] {
        assert!(is_gated(page), "{page}");
    }
}

#[test]
fn h6_a_script_that_may_stand_in_svg_is_read_both_ways() {
    for page in [
        "<svg></x><script>f&#98q(1)</script>",
        "<svg></x><script>f&#98;q(1)",
        "<svg></x><script>fb<g></g>q(1)</script>",
        "<svg></x><style>a{b:url(//ads<g></g>.example)}</style>",
        "<svg></x><style>a{b:url(&#47;/ads.example)}</style>",
    ] {
        assert!(is_gated(page), "{page}");
    }
    passes("<svg></x><script>f(1) && 2 < 3</script>");
}

#[test]
fn h1_a_newline_between_urls_ends_a_host() {
    for page in [
        "<img srcset='//ads.example\n2x'>",
        "<img srcset='/a\n//ads.example\tb 2x'>",
        "<a ping='https://ads.example\nhttps://cdn.example/'>",
        "<svg><animate values='//ads.example\nx'/>",
    ] {
        assert!(is_gated(page), "{page}");
    }
}
