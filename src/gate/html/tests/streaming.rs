//! What is held, what is let go, and when.

use super::{Inserter, SNIPPET, Untouched, place};
use crate::gate::html::inserter::LONGEST_TAG;
use bytes::Bytes;
use std::collections::VecDeque;

/// What comes out of a push or of the end, as text.
struct Page {
    inserter: Inserter<Untouched>,
    out: VecDeque<Bytes>,
}

impl Page {
    fn new() -> Self {
        Self { inserter: Inserter::new(vec!["^".into()], Untouched), out: VecDeque::new() }
    }

    fn push(&mut self, chunk: &'static str) -> String {
        self.inserter.push(chunk.into(), &mut self.out);
        self.take()
    }

    fn finish(&mut self) -> String {
        self.inserter.finish(&mut self.out);
        self.take()
    }

    fn take(&mut self) -> String {
        self.out.drain(..).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
    }
}

#[test]
fn only_what_may_stand_behind_the_snippet_is_held() {
    let mut page = Page::new();
    for (chunk, out) in [
        ("<!doc", ""),
        ("type", "<!doctype"),
        (" html><!-", " html>"),
        ("- a -", "<!-- a "),
        ("- b", "-- b"),
        ("--", ""),
        ("><script>if (a <", "--><script>if (a "),
        ("b) '</scr", "<b) '"),
        ("ipt ", ""),
        (" a='>", ""),
        ("'> &#3", "</script  a='>'> "),
        ("2;", "&#32;"),
        ("<bo", ""),
    ] {
        assert_eq!(page.push(chunk), out, "{chunk}");
        assert!(!page.inserter.is_settled());
    }
    assert_eq!(page.inserter.held(), 3);
    assert_eq!(page.push("dy>x"), "<body>^x");
    assert!(page.inserter.is_settled());
    assert_eq!(page.inserter.held(), 0);
    assert_eq!(page.push("<"), "<");
    assert_eq!(page.finish(), "");
}

#[test]
fn an_implied_body_is_held_and_let_go_at_the_end() {
    let mut page = Page::new();
    assert_eq!(page.push("<title>x</title><p>"), "<title>x</title>");
    assert_eq!(page.push("<b>"), "");
    assert_eq!(page.inserter.held(), 6);
    assert_eq!(page.finish(), "^<p><b>");
}

#[test]
fn never_means_never() {
    let mut page = Page::new();
    assert_eq!(page.push("<p><frame"), "");
    assert_eq!(page.push("set>"), "<p><frameset>");
    assert!(page.inserter.is_settled());
    assert_eq!(page.push("x"), "x");
}

#[test]
fn a_tag_has_a_longest_length_however_it_is_cut() {
    let body = |length: usize| format!("<body a='{}'>x", "y".repeat(length - 11)).into_bytes();
    for (length, expected) in [(LONGEST_TAG, Some(LONGEST_TAG)), (LONGEST_TAG + 1, None)] {
        let page = body(length);
        assert_eq!(place(&page, []), expected);
        assert_eq!(place(&page, [5]), expected);
        assert_eq!(place(&page, (1..page.len()).step_by(1000)), expected);
        assert_eq!(place(&page, [page.len() - 1]), expected);
    }
}

#[test]
fn what_is_held_is_bounded() {
    for (start, piece) in [
        ("<title>x</title><body a='", "<"),
        ("<title>x</title><body a='", "yyyyyyyyyyyyyyyyyy"),
        ("<title>x</title><", "body"),
        ("<p>", "<b>"),
        ("<p>", " "),
        ("<p><!--", "-"),
        ("<!--", "-"),
        ("&#", "0000"),
        ("<script><!--", "--<"),
        ("<svg>", "<g>"),
        ("<template><svg>", "<g>"),
    ] {
        let mut inserter = Inserter::new(vec![SNIPPET.into()], Untouched);
        let mut out = VecDeque::new();
        inserter.push(start.into(), &mut out);
        for _ in 0..100_000 {
            inserter.push(piece.into(), &mut out);
            assert!(inserter.held() <= LONGEST_TAG, "{start}");
            out.clear();
        }
    }
}

#[test]
fn nothing_is_copied() {
    let chunks: Vec<Bytes> =
        ["<title>x</tit", "le><p", "><div>", "hello", "world"].map(Bytes::from).into();
    let mut inserter = Inserter::new(vec![SNIPPET.into()], Untouched);
    let mut out = VecDeque::new();
    for chunk in &chunks {
        inserter.push(chunk.clone(), &mut out);
    }
    inserter.finish(&mut out);
    let is_slice_of = |part: &Bytes, whole: &Bytes| {
        let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
        whole.start <= part.start && part.end <= whole.end
    };
    let copied = out.iter().filter(|part| !chunks.iter().any(|chunk| is_slice_of(part, chunk)));
    assert_eq!(copied.map(Bytes::len).collect::<Vec<_>>(), [SNIPPET.len()]);
}
