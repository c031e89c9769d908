//! Inside one tag: its name, its attributes, its end.

use memchr::memchr;
use std::{ops::Deref, ops::Range};

/// A whole tag, from `<` to `>`.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    bytes: &'a [u8],
}

impl<'a> Tag<'a> {
    /// `bytes` are a whole tag, as the tokenizer found it.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn name(&self) -> Name {
        let start = name_start(self.bytes);
        let name = self.bytes.get(start..).unwrap_or_default();
        let end = name.iter().position(|&b| ends_name(b));
        Name::new(name.get(..end.unwrap_or(name.len())).unwrap_or_default())
    }

    pub(super) fn is_self_closing(&self) -> bool {
        let mut scanner = TagScanner::new(self.bytes);
        loop {
            match scanner.step(self.bytes) {
                Step::Attribute(_) => {}
                Step::End { self_closing } => return self_closing,
                Step::More => return false,
            }
        }
    }

    /// The value as written (character references are not decoded).
    pub(super) fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        self.bytes.get(self.first(name.as_bytes())?.value)
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = Attribute> + use<'a> {
        let bytes = self.bytes;
        let mut scanner = TagScanner::new(bytes);
        std::iter::from_fn(move || match scanner.step(bytes) {
            Step::Attribute(attribute) => Some(attribute),
            Step::End { .. } | Step::More => None,
        })
    }

    /// Of attributes with the same name the first counts.
    pub(super) fn first(&self, name: &[u8]) -> Option<Attribute> {
        self.attributes().find(|attribute| {
            let written = self.bytes.get(attribute.name.clone());
            written.is_some_and(|written| written.eq_ignore_ascii_case(name))
        })
    }
}

/// A tag's name in lower case. Names longer than any that HTML knows are all the empty name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Name {
    bytes: [u8; Name::LONGEST],
    len: u8,
}

impl Name {
    const LONGEST: usize = 16;

    fn new(written: &[u8]) -> Self {
        let mut bytes = [0; Self::LONGEST];
        let mut len = 0;
        if written.len() <= Self::LONGEST {
            for (to, from) in bytes.iter_mut().zip(written) {
                *to = from.to_ascii_lowercase();
                len += 1;
            }
        }
        Self { bytes, len }
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Where an attribute is, counted from the tag's `<`. Without a value the value is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attribute {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Step {
    Attribute(Attribute),
    /// The tag is whole.
    End {
        self_closing: bool,
    },
    /// The bytes end before the tag does: call again with the same bytes and more after them.
    More,
}

/// Walks through a tag one attribute at a time. It can stop at any byte and go on when more have come.
#[derive(Debug)]
pub(super) struct TagScanner {
    at: usize,
    state: State,
    name: Range<usize>,
    value: usize,
}

/// The standard's states; those that behave alike here are one.
#[derive(Clone, Copy, Debug)]
enum State {
    TagName,
    BeforeAttribute,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    Quoted(u8),
    Unquoted,
    SelfClosing,
}

impl TagScanner {
    /// `tag` begins with `<` or `</` and a letter.
    pub(super) fn new(tag: &[u8]) -> Self {
        Self { at: name_start(tag), state: State::TagName, name: 0..0, value: 0 }
    }

    /// How far it has come; behind `>` after [`Step::End`].
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn step(&mut self, tag: &[u8]) -> Step {
        while let Some(&byte) = tag.get(self.at) {
            match self.state {
                State::TagName => match self.find(tag, ends_name) {
                    true => self.state = State::BeforeAttribute,
                    false => return Step::More,
                },
                State::BeforeAttribute => {
                    self.at += 1;
                    match byte {
                        b'>' => {
                            return Step::End { self_closing: false };
                        }
                        b'/' => self.state = State::SelfClosing,
                        _ if is_space(byte) => {}
                        // Even `=` begins a name here.
                        _ => {
                            self.name.start = self.at - 1;
                            self.state = State::AttributeName;
                        }
                    }
                }
                State::AttributeName => {
                    if !self.find(tag, |b| b == b'=' || ends_name(b)) {
                        return Step::More;
                    }
                    self.name.end = self.at;
                    self.state = State::AfterAttributeName;
                }
                State::AfterAttributeName => match byte {
                    b'=' => {
                        self.at += 1;
                        self.state = State::BeforeValue;
                    }
                    _ if is_space(byte) => self.at += 1,
                    _ => return self.attribute(self.name.end..self.name.end),
                },
                State::BeforeValue => match byte {
                    b'"' | b'\'' => {
                        self.at += 1;
                        self.value = self.at;
                        self.state = State::Quoted(byte);
                    }
                    _ if is_space(byte) => self.at += 1,
                    // Even `>`: then the value is empty.
                    _ => {
                        self.value = self.at;
                        self.state = State::Unquoted;
                    }
                },
                State::Quoted(quote) => {
                    let rest = tag.get(self.at..).unwrap_or_default();
                    let Some(length) = memchr(quote, rest) else {
                        self.at = tag.len();
                        return Step::More;
                    };
                    let end = self.at + length;
                    self.at = end + 1;
                    return self.attribute(self.value..end);
                }
                State::Unquoted => {
                    return match self.find(tag, |b| b == b'>' || is_space(b)) {
                        true => self.attribute(self.value..self.at),
                        false => Step::More,
                    };
                }
                State::SelfClosing => {
                    if byte == b'>' {
                        self.at += 1;
                        return Step::End { self_closing: true };
                    }
                    self.state = State::BeforeAttribute;
                }
            }
        }
        Step::More
    }

    fn attribute(&mut self, value: Range<usize>) -> Step {
        self.state = State::BeforeAttribute;
        Step::Attribute(Attribute { name: self.name.clone(), value })
    }

    /// Goes to the first byte that `stops`, or to the end.
    fn find(&mut self, tag: &[u8], stops: impl Fn(u8) -> bool) -> bool {
        let rest = tag.get(self.at..).unwrap_or_default();
        let found = rest.iter().position(|&b| stops(b));
        self.at += found.unwrap_or(rest.len());
        found.is_some()
    }
}

/// HTML's white space.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | b'\x0c')
}

/// Whether a tag's name ends here.
pub(super) fn ends_name(byte: u8) -> bool {
    matches!(byte, b'>' | b'/') || is_space(byte)
}

fn name_start(tag: &[u8]) -> usize {
    if tag.get(1) == Some(&b'/') { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attributes as `name=value|…`, and what ended the walk.
    fn walk(tag: &str) -> (String, &'static str) {
        let mut scanner = TagScanner::new(tag.as_bytes());
        let mut seen = Vec::new();
        loop {
            match scanner.step(tag.as_bytes()) {
                Step::Attribute(a) => seen.push(format!("{}={}", &tag[a.name], &tag[a.value])),
                Step::End { self_closing } => {
                    assert_eq!(scanner.position(), tag.len(), "{tag}");
                    return (seen.join("|"), if self_closing { "/>" } else { ">" });
                }
                Step::More => return (seen.join("|"), "…"),
            }
        }
    }

    #[test]
    fn attributes_are_found_as_the_standard_finds_them() {
        for (tag, attributes, end) in [
            ("<a>", "", ">"),
            ("</a>", "", ">"),
            ("<a/>", "", "/>"),
            ("<a / >", "", ">"),
            ("<a b>", "b=", ">"),
            ("<a b=c>", "b=c", ">"),
            ("<a b=c/>", "b=c/", ">"),
            ("<a b = c d>", "b=c|d=", ">"),
            ("<a b='>' c=\"'>\">", "b=>|c='>", ">"),
            ("<a b=\"1\"c='2'/>", "b=1|c=2", "/>"),
            ("<a =\"x>", "=\"x=", ">"),
            ("<a =='x>'>", "==x>", ">"),
            ("<a b/='x>", "b=|='x=", ">"),
            ("<a b=\"\"=c>", "b=|=c=", ">"),
            ("<a b=>", "b=", ">"),
            ("<a b= \n\t>", "b=", ">"),
            ("<a b=c\"d'e>", "b=c\"d'e", ">"),
            ("<a b\0=\0>", "b\0=\0", ">"),
            ("<a\x0cb\rc>", "b=|c=", ">"),
            ("<a b='", "", "…"),
            ("<a b='c' d", "b=c", "…"),
            ("<a/", "", "…"),
        ] {
            assert_eq!(walk(tag), (attributes.to_owned(), end), "{tag}");
        }
    }

    #[test]
    fn the_first_of_two_attributes_counts() {
        let tag = Tag::new(b"<META Charset=a charset=b x>");
        assert_eq!(&*tag.name(), b"meta");
        assert_eq!(tag.attribute("charset"), Some(&b"a"[..]));
        assert_eq!(tag.attribute("x"), Some(&b""[..]));
        assert_eq!(tag.attribute("y"), None);
    }

    #[test]
    fn long_names_are_no_known_name() {
        assert_eq!(&*Tag::new(b"<ANNOTATION-XML/>").name(), b"annotation-xml");
        assert_eq!(&*Tag::new(b"<abcdefghijklmnopq>").name(), b"");
    }
}
