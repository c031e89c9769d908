//! HTML as it is written: constant tags, escaped texts, and the few places that wait for the visitor.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;

/// A place in finished markup that depends on the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The value of the hidden field `return_to`.
    ReturnTo,
    /// ` checked`, when the toggle with this id is on.
    Checked(usize),
    /// Markup: what the visitor has allowed in the category of this id besides what is asked.
    LoneVendors(usize),
}

/// Markup made once and filled in for each visitor.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pieces: Arc<[(String, Option<Slot>)]>,
    /// The most bytes without what is returned to.
    longest: usize,
}

impl Template {
    /// The markup for one visitor. It is copied into one piece, so that it leaves as one: each piece
    /// of a body costs the server more than these few kilobytes.
    pub(crate) fn fill(
        &self,
        return_to: &str,
        is_on: impl Fn(usize) -> bool,
        lone_vendors: impl Fn(usize) -> String,
    ) -> Bytes {
        let mut out = String::with_capacity(self.longest + return_to.len());
        for (constant, slot) in self.pieces.iter() {
            out.push_str(constant);
            match slot {
                Some(Slot::ReturnTo) => out.push_str(&escape(return_to)),
                Some(Slot::Checked(id)) if is_on(*id) => out.push_str(CHECKED),
                Some(Slot::LoneVendors(id)) => out.push_str(&lone_vendors(*id)),
                Some(Slot::Checked(_)) | None => {}
            }
        }
        out.into()
    }
}

const CHECKED: &str = " checked";

/// Markup in the making.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    done: Vec<(String, Option<Slot>)>,
    open: String,
}

impl Markup {
    /// Our own constant markup, as it is.
    pub(crate) fn raw(&mut self, html: &str) -> &mut Self {
        self.open.push_str(html);
        self
    }

    /// Anything else, escaped; right between tags and in a quoted attribute.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.open.push_str(&escape(text));
        self
    }

    /// An attribute's value, quoted unless it is as plain as a slug or a path.
    pub(crate) fn value(&mut self, value: &str) -> &mut Self {
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.');
        if !value.is_empty() && !value.ends_with('/') && value.bytes().all(is_plain) {
            return self.raw(value);
        }
        self.raw("\"").text(value).raw("\"")
    }

    /// A place that waits for the visitor.
    pub(crate) fn slot(&mut self, slot: Slot) -> &mut Self {
        let constant = std::mem::take(&mut self.open);
        self.done.push((constant, Some(slot)));
        self
    }

    /// The markup, where it waits for nothing.
    pub(crate) fn into_text(self) -> String {
        self.open
    }

    /// The finished template.
    pub(crate) fn finish(mut self) -> Template {
        self.done.push((self.open, None));
        let longest = self.done.iter().map(|(constant, _)| constant.len() + CHECKED.len()).sum();
        Template { pieces: self.done.into(), longest }
    }
}

/// Escaped for text and quoted attribute values, in ASCII.
///
/// What HTML has no valid reference for (controls, noncharacters) becomes U+FFFD.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| {
        matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
    };
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' | '\x0c' => out.push(' '),
            '"' | '\'' => push_reference(&mut out, char),
            ' '..='~' => out.push(char),
            _ if char.is_control() || is_noncharacter(char) => push_reference(&mut out, '\u{fffd}'),
            _ => push_reference(&mut out, char),
        }
    }
    Cow::Owned(out)
}

fn push_reference(out: &mut String, char: char) {
    // Writing to a String does not fail.
    let _ = write!(out, "&#{};", u32::from(char));
}

fn is_noncharacter(char: char) -> bool {
    let code = u32::from(char);
    matches!(code, 0xfdd0..=0xfdef) || code & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use html5ever::tendril::TendrilSink;
    use markup5ever_rcdom::{Node, NodeData, RcDom};
    use proptest::prelude::*;

    /// What a browser reads in `<p title="…">…</p>`.
    fn parsed(escaped: &str) -> (String, String) {
        let html = format!("<p title=\"{escaped}\">{escaped}</p>");
        let dom =
            html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(html);
        fn find(node: &Node) -> Option<(String, String)> {
            if let NodeData::Element { name, attrs, .. } = &node.data
                && &*name.local == "p"
            {
                let title = attrs.borrow()[0].value.to_string();
                let children = node.children.borrow();
                assert!(children.len() <= 1);
                let text = children.first().map(|child| match &child.data {
                    NodeData::Text { contents } => contents.borrow().to_string(),
                    _ => panic!("not a text"),
                });
                return Some((title, text.unwrap_or_default()));
            }
            node.children.borrow().iter().find_map(|child| find(child))
        }
        find(&dom.document).expect("the paragraph")
    }

    #[test]
    fn escapes_what_could_end_a_text_or_an_attribute() {
        assert_eq!(escape("plain /path?a=b"), "plain /path?a=b");
        assert_eq!(escape("<a href='x\">&\u{e9}"), "&lt;a href=&#39;x&#34;&gt;&amp;&#233;");
        assert_eq!(escape("a\r\nb\0\u{85}\u{fffe}"), "a  b&#65533;&#65533;&#65533;");
    }

    #[test]
    fn quotes_values_where_needed() {
        let written = |value: &str| {
            let mut markup = Markup::default();
            markup.value(value);
            markup.into_text()
        };
        assert_eq!(written("/_consent/choice"), "/_consent/choice");
        assert_eq!(written(""), "\"\"");
        assert_eq!(written("/"), "\"/\"");
        assert_eq!(written("/a?b=c d\"e>"), "\"/a?b=c d&#34;e&gt;\"");
    }

    #[test]
    fn fills_in_and_escapes_return_to() {
        let mut markup = Markup::default();
        markup.raw("<").slot(Slot::ReturnTo).raw("|").slot(Slot::Checked(7)).raw(">");
        let template = markup.finish();
        let filled = |on: bool| {
            template.fill("/\"><script>?a=1&b=\u{fc}", |id| on && id == 7, |_| String::new())
        };
        assert_eq!(filled(false), "</&#34;&gt;&lt;script&gt;?a=1&amp;b=&#252;|>");
        assert_eq!(filled(true), "</&#34;&gt;&lt;script&gt;?a=1&amp;b=&#252;| checked>");
    }

    proptest! {
        #[test]
        fn any_text_is_ascii_and_reads_back(text in ".*") {
            let escaped = escape(&text);
            prop_assert!(escaped.is_ascii());
            let kept: String = text
                .chars()
                .map(|char| match char {
                    '\t' | '\n' | '\r' | '\x0c' => ' ',
                    _ if char.is_control() || is_noncharacter(char) => '\u{fffd}',
                    _ => char,
                })
                .collect();
            prop_assert_eq!(parsed(&escaped), (kept.clone(), kept));
        }
    }
}
