//! What html5lib's tests leave out: which kinds of text, and in what pieces.

use super::{Kind, Kind::*, Tokenizer};

fn tokens<'a>(tokenizer: &mut Tokenizer, mut input: &'a str) -> Vec<(Kind, &'a str)> {
    let mut seen = Vec::new();
    while let Some(token) = tokenizer.next(input.as_bytes()) {
        seen.push((token.kind, &input[..token.len]));
        input = &input[token.len..];
    }
    if let Some(kind) = tokenizer.end(input.as_bytes()) {
        seen.push((kind, input));
    }
    seen
}

#[test]
fn elements_with_raw_text() {
    for name in
        ["title", "TEXTAREA", "style", "xmp", "iframe", "noembed", "noframes", "noscript", "script"]
    {
        let page = format!("<{name} a>x<b></{name}x></{name}\t/>y");
        let start = format!("<{name} a>");
        let text = format!("x<b></{name}x>");
        let end = format!("</{name}\t/>");
        assert_eq!(
            tokens(&mut Tokenizer::new(), &page),
            [(StartTag, &*start), (RawText, &*text), (EndTag, &*end), (Text, "y")],
            "{name}"
        );
    }
}

#[test]
fn inside_foreign_elements() {
    let mut tokenizer = Tokenizer::new();
    tokenizer.set_foreign(true);
    assert_eq!(
        tokens(&mut tokenizer, "<style><a><![CDATA[<b>]]]><![CDATA[x]"),
        [
            (StartTag, "<style>"),
            (StartTag, "<a>"),
            (Nothing, "<![CDATA["),
            (Cdata, "<b>]"),
            (Nothing, "]]>"),
            (Nothing, "<![CDATA["),
            (Cdata, "x"),
            (Cdata, "]"),
        ]
    );
}

#[test]
fn a_page_may_end_only_at_rest() {
    for (page, is_at_rest) in [
        ("", true),
        ("x", true),
        ("<a>", true),
        ("<!-- -->", true),
        ("<script></script>", true),
        ("<a ", false),
        ("<!-- --", false),
        ("<?x", false),
        ("<!doctype x", false),
        ("<script>", false),
        ("<title>x</title", false),
        ("<title>x</title ", false),
        ("<plaintext>", false),
    ] {
        let mut tokenizer = Tokenizer::new();
        let _ = tokens(&mut tokenizer, page);
        assert_eq!(tokenizer.is_at_rest(), is_at_rest, "{page}");
    }
}
