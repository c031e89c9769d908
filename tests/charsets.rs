//! Gated pages in the charsets of the web, read as browsers decode them (H1, H5, H8, H12).

mod transport;

use std::sync::LazyLock;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, WINDOWS_1251};
use html5ever::{ParseOpts, parse_document, tendril::TendrilSink};
use http_body_util::BodyExt;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::{collection::vec, prelude::*, sample::select};
use tower_consent::{ConsentLayer, Policy, Vendor, category};
use transport::*;
use url::Url;

/// With a letter of each kind that has ASCII as its second byte: `\`, `|`, `@`, `[`, digits.
const TEXTS: [(&Encoding, &str); 7] = [
    (WINDOWS_1251, "Новости и погода, «Ё»"),
    (SHIFT_JIS, "ソ表能ポ十予ァ゛ー新聞ﾆｭｰｽ"),
    (GBK, "乗俓凕刓匼乣亅丂新闻"),
    (EUC_KR, "똠쌰뷁힣뉴스"),
    (BIG5, "功許蓋育新聞"),
    (EUC_JP, "ソ表能新聞ﾆｭｰｽ"),
    (GB18030, "乗俓€ḿ𠀀ẞ新闻"),
];

static SITE: LazyLock<ConsentLayer> = LazyLock::new(|| {
    let video = Vendor::new("video", "Vidéo ソ", category::MARKETING)
        .host("video.example")
        .mark("evq.push(");
    ConsentLayer::new(Policy::builder("Новости").vendor(video).build().unwrap())
});

async fn visit(charset: &str, cookie: &str, page: Vec<u8>) -> Arrived {
    let content_type = format!("text/html; charset={charset}");
    let request = with(navigate("/"), "cookie", cookie);
    let page = move |_| respond(&[("content-type", &content_type)], full(page.clone()));
    arrive(through(&SITE, request, page).await).await
}

fn encode(encoding: &'static Encoding, page: &str) -> Vec<u8> {
    let (bytes, _, is_lossy) = encoding.encode(page);
    assert!(!is_lossy, "{} can't write {page}", encoding.name());
    bytes.into_owned()
}

/// A page with this text wherever text can be, and what becomes of it.
fn page(text: &str) -> (String, String) {
    let page = |image: &str, script: &str, style: &str| {
        format!(
            "<!doctype html><title>{text}</title><meta name=description content='{text}'><body class=\"{text}\">{text}\
             <img {image} alt=\"{text}\">{text}<{script}>/* {text} */ evq.push('{text}')</script><!-- {text} -->\
             <{style}/* {text} */ p {{ background: url(//video.example/{text}) }}</style><a href={text} title='{text}'>{text}</a>\
             <textarea>{text}<img src=//video.example/></textarea><p {text}=1 data-{text}>{text}"
        )
    };
    let gated = page(
        &format!("data-consent=\"video\" title='{text}' data-consent-src='//video.example/{text}'"),
        "script data-consent=\"video\" type=\"text/plain\"",
        "style data-consent=\"video\" type=\"text/plain\">-->",
    );
    (page(&format!("title='{text}' src='//video.example/{text}'"), "script", "style>"), gated)
}

#[tokio::test]
async fn h5_gated_pages_in_the_charsets_of_the_web_keep_every_other_byte() {
    for (encoding, text) in TEXTS {
        let (page, gated) = page(text);
        let sent = encode(encoding, &page);
        let arrived = visit(encoding.name(), "", sent.clone()).await;
        assert!(banner(&arrived.body).is_ascii(), "{}", encoding.name());
        let without = arrived.without_banner();
        assert_eq!(encoding.decode(&without).0, gated, "{}", encoding.name());
        assert!(without == encode(encoding, &gated), "{}", encoding.name());
        assert_eq!(
            visit(encoding.name(), &choice("accept"), sent.clone()).await.without_banner(),
            sent
        );
    }
}

#[tokio::test]
async fn h4_placeholders_are_right_in_every_charset() {
    for (encoding, text) in TEXTS {
        let frame =
            format!("<body><iframe title='{text}' src='//video.example/{text}'></iframe>{text}");
        let arrived = visit(encoding.name(), "", encode(encoding, &frame)).await;
        let (read, _, has_errors) = encoding.decode(&arrived.body);
        assert!(!has_errors && read.contains("Vid&#233;o &#12477;"), "{read}");
        assert!(!read.contains(" src='//video.example") && read.ends_with(text), "{read}");
    }
}

/// Each character of two bytes that the charset has, in text, in an attribute before what is gated, and in it.
#[tokio::test]
async fn h6_no_second_byte_is_taken_for_markup() {
    for encoding in [SHIFT_JIS, GBK, EUC_KR, BIG5, EUC_JP] {
        let pairs =
            (0x81..=0xfe_u8).flat_map(|lead| (0x30..=0xfe_u8).map(move |second| [lead, second]));
        let is_character = |pair: &[u8; 2]| {
            let (text, _, has_errors) = encoding.decode(pair);
            !has_errors && text.chars().count() == 1
        };
        let pairs: Vec<[u8; 2]> = pairs.filter(is_character).collect();
        assert!(pairs.len() > 5000, "{}", encoding.name());
        let page = |src: &str| {
            let mut page = b"<!doctype html><body>".to_vec();
            for pair in &pairs {
                let text = [
                    &pair[..],
                    b"<img title='",
                    pair,
                    b"' ",
                    src.as_bytes(),
                    b"=//video.example/",
                    pair,
                    b">",
                ];
                page.extend(text.concat());
            }
            page
        };
        let arrived = visit(encoding.name(), "", page("src")).await.without_banner();
        let arrived = replace(&arrived, b"img data-consent=\"video\" ", b"img ");
        assert!(arrived == page("data-consent-src"), "{}", encoding.name());
    }
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut rest = text;
    let mut out = Vec::new();
    while let Some(at) = memchr::memmem::find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// What a page that means harm is made of: halves of characters next to all that markup is made of.
#[rustfmt::skip]
const PIECES: &[&[u8]] = &[
    b"<img ", b"<img src=", b"src=", b" src='", b"https:", b"//", b"video.example", b"//video.example/", b"'", b"\"", b">", b"<", b"/", b"=", b" ", b"\\", b"|", b"0",
    b"<img alt='", b"<img alt=\"", b"<script>", b"</script>", b"<script src=", b"evq.push(", b"<style>a{b:url(", b")}</style>", b"<textarea>", b"</textarea>", b"<!--", b"-->",
    b"<p style='a:url(", b"<iframe srcdoc='<img src=", b"&quot;", b"\x81", b"\x83", b"\x8e", b"\x8f", b"\xa1", b"\xfe", b"\xff", b"\x80", b"\x83\x5c", b"\x81\x30", b"\x81\x30\x81", b"\x82\x90", b"\xa3\xe1",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn h1_whatever_bytes_a_page_has_nothing_denied_is_fetched_as_a_browser_decodes_it(
        pieces in vec(select(PIECES), 1..24),
        cut in any::<prop::sample::Index>(),
    ) {
        let page = pieces.concat();
        let cut = cut.index(page.len() + 1);
        for (encoding, _) in TEXTS {
            for cuts in [vec![page.clone()], vec![page[..cut].to_vec(), page[cut..].to_vec()]] {
                // A page that can't be read breaks off: nothing of it leaks.
                let Some(gated) = futures_util::FutureExt::now_or_never(gate(encoding, cuts)).unwrap() else { continue };
                let dom = parse_document(RcDom::default(), ParseOpts::default()).one(&*encoding.decode(&gated).0);
                let found = fetched(&dom.document);
                prop_assert_eq!(found, None, "{} {}", encoding.name(), String::from_utf8_lossy(&gated));
            }
        }
    }
}

async fn gate(encoding: &'static Encoding, cuts: Vec<Vec<u8>>) -> Option<Vec<u8>> {
    let content_type = format!("text/html; charset={}", encoding.name());
    // A fragment: no banner.
    let request = with(get("/"), "hx-request", "true");
    let page = move |_| {
        let frames = cuts.clone().into_iter().filter(|cut| !cut.is_empty()).map(data);
        respond(&[("content-type", &content_type)], script(frames))
    };
    Some(through(&SITE, request, page).await.into_body().collect().await.ok()?.to_bytes().to_vec())
}

/// What this tree fetches or runs of the denied vendor's.
fn fetched(node: &Handle) -> Option<String> {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow();
        let value = |wanted: &str| {
            let found = attributes.iter().find(|attribute| &*attribute.name.local == wanted);
            found.map(|attribute| attribute.value.to_string())
        };
        let own = Url::parse("https://page.example/").unwrap();
        let leads_there = |url: &str| {
            own.join(url).is_ok_and(|url| url.domain().is_some_and(|host| host == "video.example"))
        };
        let children = node.children.borrow();
        let text: String = children
            .iter()
            .filter_map(|child| match &child.data {
                NodeData::Text { contents } => Some(contents.borrow().to_string()),
                _ => None,
            })
            .collect();
        let css = |css: &str| {
            css.split("url(").skip(1).any(|url| leads_there(url.split(')').next().unwrap()))
        };
        let leaks = match &*name.local {
            "img" | "iframe" => value("src").is_some_and(|src| leads_there(&src)),
            "script" if value("type").is_none() => {
                value("src").map_or(text.contains("evq.push("), |src| leads_there(&src))
            }
            "style" if value("type").is_none() => css(&text),
            _ => false,
        };
        if leaks || value("style").is_some_and(|style| css(&style)) {
            return Some(name.local.to_string());
        }
    }
    node.children.borrow().iter().find_map(fetched)
}

/// Charsets in which a byte that looks like markup need not be: left alone where nothing is gated, else refused.
#[tokio::test]
async fn h12_pages_in_wide_charsets_are_whole_or_not_at_all() {
    let text = "<!doctype html><body><img src=//video.example/1>";
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2], start: &str| -> Vec<u8> {
        format!("{start}{text}").encode_utf16().flat_map(to_bytes).collect()
    };
    let (little, big) = (u16::to_le_bytes, u16::to_be_bytes);
    let marked = [utf_16(little, "\u{feff}"), utf_16(big, "\u{feff}")];
    for (charset, page) in [
        ("utf-16", utf_16(little, "")),
        ("UTF-16LE", utf_16(little, "")),
        ("utf-16be", utf_16(big, "")),
        ("iso-2022-jp", b"<body>\x1b$B%=\x1b(B<img src=//video.example/1>".to_vec()),
        ("csISO2022JP", b"<body>\x1b$B%=\x1b(B<img src=//video.example/1>".to_vec()),
    ] {
        let refused = visit(charset, "", page.clone()).await;
        assert_eq!(refused.status, 500, "{charset}");
        assert!(!refused.text().contains("video.example"), "{charset}");
        let allowed = visit(charset, &choice("accept"), page.clone()).await;
        assert_eq!((allowed.status.as_u16(), allowed.body.to_vec()), (200, page), "{charset}");
    }
    // A byte order mark or a `meta` outweighs what the head says, or is all that says it: that shows when the head is gone.
    let meta =
        b"<meta charset=iso-2022-jp><body>\x1b$B%=\x1b(B<img src=//video.example/1>".to_vec();
    for page in marked.into_iter().chain([meta]) {
        let sent = page.clone();
        let response = through(&SITE, navigate("/"), move |_| html(full(sent.clone()))).await;
        let error = response.into_body().collect().await.unwrap_err();
        assert!(error.to_string().contains("UTF-16 or ISO-2022-JP"), "{error}");
        // Nothing that the site declares is denied here.
        let sent = page.clone();
        let arrived = fetch(navigate("/"), move |_| html(full(sent.clone()))).await;
        let body =
            if arrived.has_banner() { arrived.without_banner() } else { arrived.body.to_vec() };
        assert_eq!(body, page);
    }
}
