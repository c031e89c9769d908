//! Passes over markup that fetches nothing denied, as fast as it goes: nearly all tags of most pages.

use super::{
    gate::Rules,
    judge::Judge,
    tag::{ends_name, is_space},
};
use memchr::memchr;

/// What is known where the markup is read.
pub(super) struct Skim<'a, R> {
    pub(super) judge: Judge<'a, R>,
    /// Whether relative URLs may lead to what is denied.
    pub(super) is_base_denied: bool,
    /// The limit on a tag.
    pub(super) longest: usize,
}

impl<R: Rules> Skim<'_, R> {
    /// Where the first tag begins that must be looked at: one that may fetch what is denied, one that isn't whole, one that holds
    /// raw text or changes how the parser reads on; comments and the like, too. `input` is markup from `at` on, outside of `svg`,
    /// `math`, `select` and templates.
    pub(super) fn pass(&self, input: &[u8], mut at: usize) -> usize {
        while let Some(rest) = input.get(at..) {
            let Some(text) = memchr(b'<', rest) else { return input.len() };
            at += text;
            match rest.get(text..).and_then(|tag| self.plain_tag(tag)) {
                Some(length) if length <= self.longest => at += length,
                _ => return at,
            }
        }
        at
    }

    /// The length of a tag that needs no look.
    fn plain_tag(&self, tag: &[u8]) -> Option<usize> {
        let first = *tag.get(1)?;
        let is_end = |&byte: &u8| ends_name(byte);
        if first == b'/' {
            let length = tag.get(2..)?.iter().position(is_end)?;
            let is_plain = tag.get(2)?.is_ascii_alphabetic() && tag.get(length + 2) == Some(&b'>');
            return is_plain.then_some(length + 3);
        }
        let mut at = 1 + tag.get(1..)?.iter().position(is_end)?;
        let name = tag.get(1..at)?;
        if !first.is_ascii_alphabetic() || (ELEMENTS.may_have(name) && is_of_interest(name)) {
            return None;
        }
        let is_anchor = matches!(name, b"a" | b"A");
        let mut byte = *tag.get(at)?;
        loop {
            match byte {
                b'>' => return Some(at + 1),
                b'/' => at += 1,
                _ if is_space(byte) => at += 1,
                _ => at = self.plain_attribute(tag, at, is_anchor)?,
            }
            byte = *tag.get(at)?;
        }
    }

    /// Where the attribute that begins at `start` ends.
    fn plain_attribute(&self, tag: &[u8], start: usize, is_anchor: bool) -> Option<usize> {
        let ends = |&byte: &u8| byte == b'=' || ends_name(byte);
        let name_end = start + 1 + tag.get(start + 1..)?.iter().position(ends)?;
        let name = tag.get(start..name_end)?;
        let mut at = skip_spaces(tag, name_end)?;
        let mut value: &[u8] = &[];
        if *tag.get(at)? == b'=' {
            at = skip_spaces(tag, at + 1)?;
            match *tag.get(at)? {
                quote @ (b'"' | b'\'') => {
                    let rest = tag.get(at + 1..)?;
                    let length = memchr(quote, rest)?;
                    value = rest.get(..length)?;
                    at += length + 2;
                }
                _ => {
                    let ends = |&byte: &u8| byte == b'>' || is_space(byte);
                    let rest = tag.get(at..)?;
                    let length = rest.iter().position(ends)?;
                    value = rest.get(..length)?;
                    at += length;
                }
            }
        }
        let is_plain = !ATTRIBUTES.may_have(name)
            || match kind(name) {
                Kind::Plain => true,
                // Where links lead is not fetched.
                Kind::Href if is_anchor => true,
                Kind::Url | Kind::Href => !self.is_base_denied && self.is_plain_url(value),
                Kind::Css => self.judge.css_as_written(value).is_none(),
                Kind::Look => false,
            };
        is_plain.then_some(at)
    }

    /// Whether no URL in it, whatever the syntax around, leads to what is denied.
    fn is_plain_url(&self, value: &[u8]) -> bool {
        is_relative(value) || !self.judge.concerns(value)
    }
}

/// Whether no URL in it can be anything but relative.
fn is_relative(value: &[u8]) -> bool {
    let mut before = 0;
    value.iter().all(|&byte| {
        let is_second_slash = byte == b'/' && before == b'/';
        before = byte;
        !is_second_slash && !matches!(byte, b':' | b'&' | b'\\' | b'\t' | b'\n' | b'\r')
    })
}

fn skip_spaces(tag: &[u8], mut at: usize) -> Option<usize> {
    while is_space(*tag.get(at)?) {
        at += 1;
    }
    Some(at)
}

/// Names by first letter and length: enough to rule out nearly every other.
struct Names([u32; 32]);

impl Names {
    const fn new(names: &[&str]) -> Self {
        Self([0; 32]).and(names)
    }

    const fn and(self, names: &[&str]) -> Self {
        let mut lengths = self.0;
        let mut rest = names;
        while let [name, others @ ..] = rest {
            if let [first, ..] = name.as_bytes() {
                let mut index = 0;
                let mut slots: &mut [u32] = &mut lengths;
                while let [slot, after @ ..] = slots {
                    if index == (*first & 31) {
                        *slot |= 1 << (name.len() & 31);
                    }
                    index += 1;
                    slots = after;
                }
            }
            rest = others;
        }
        Self(lengths)
    }

    fn may_have(&self, name: &[u8]) -> bool {
        let first = name.first().copied().unwrap_or_default();
        let lengths = self.0.get(usize::from(first & 31)).copied().unwrap_or_default();
        lengths & (1u32 << (name.len() & 31)) != 0
    }
}

#[rustfmt::skip]
const ELEMENTS_OF_INTEREST: &[&str] = &[
    // Their contents count, or what they mean for what follows.
    "script", "iframe", "meta", "base",
    // The parser reads on in another way.
    "style", "noscript", "title", "textarea", "xmp", "noembed", "noframes", "plaintext", "svg", "math", "select", "frameset",
    "template",
];

static ELEMENTS: Names = Names::new(ELEMENTS_OF_INTEREST);

fn is_of_interest(name: &[u8]) -> bool {
    ELEMENTS_OF_INTEREST.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// What an attribute may do, on some element.
enum Kind {
    Plain,
    Url,
    Href,
    Css,
    /// It needs a closer look.
    Look,
}

#[rustfmt::skip]
const URLS: &[&str] = &[
    "src", "srcset", "xlink:href", "attributionsrc", "lowsrc", "dynsrc", "poster", "imagesrcset", "data", "codebase", "classid",
    "archive", "code", "ping", "from", "to", "by", "values", "background",
];

#[rustfmt::skip]
const STYLES: &[&str] = &[
    "style", "fill", "stroke", "filter", "mask", "clip-path", "cursor", "marker", "marker-start", "marker-mid", "marker-end",
];

static ATTRIBUTES: Names = Names::new(&["href", "data-consent"]).and(URLS).and(STYLES);

#[rustfmt::skip]
fn kind(name: &[u8]) -> Kind {
    match name {
        b"href" => Kind::Href,
        b"src" | b"srcset" | b"xlink:href" | b"attributionsrc" | b"lowsrc" | b"dynsrc" | b"poster" | b"imagesrcset" | b"data"
        | b"codebase" | b"classid" | b"archive" | b"code" | b"ping" | b"from" | b"to" | b"by" | b"values"
        | b"background" => Kind::Url,
        b"style" | b"fill" | b"stroke" | b"filter" | b"mask" | b"clip-path" | b"cursor" | b"marker" | b"marker-start"
        | b"marker-mid" | b"marker-end" => Kind::Css,
        b"data-consent" => Kind::Look,
        _ if name.iter().any(u8::is_ascii_uppercase) => Kind::Look,
        _ => Kind::Plain,
    }
}

#[cfg(test)]
#[path = "tests/skims.rs"]
mod tests;
