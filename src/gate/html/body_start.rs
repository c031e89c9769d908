//! Where does the parser open `body`?
//!
//! Either a `<body>` tag says so, or the first token that can't be in `head` implies it. A body that was implied may still be
//! thrown away by a `<frameset>`, until something comes that makes the parser refuse one (the standard's "frameset-ok flag");
//! what is put into the body would be such a thing. So the place is known for good only then.

use super::{
    blank::{Blank, Found},
    charset,
    foreign::{Foreign, Place},
    tag::{Name, Tag, is_space},
    templates::{GiveUp, Templates},
    tokenizer::Kind,
};

/// Follows the standard's tree construction, with scripting on, as far as needed to see `body` open.
#[derive(Debug, Default)]
pub(super) struct BodyStart {
    blank: Blank,
    /// `<title>` or the like was seen: this is a document, not a piece of one.
    is_document: bool,
    /// After `</head>`.
    is_after_head: bool,
    templates: Templates,
    foreign: Foreign,
    /// A `<frameset>` can't replace an implied body: there was a template in `head`.
    is_frameset_refused: bool,
    implied_at: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    Undecided,
    /// The body begins at this byte of the page.
    At(u64),
    /// There is no body, or it can't be told where.
    Never,
}

use Decision::{At, Never, Undecided};

impl BodyStart {
    /// How many bytes behind an implied body are looked at for a `<frameset>`.
    pub(super) const FARTHEST: u64 = 16 * 1024;

    /// Bytes before this one may leave, whatever comes.
    pub(super) fn holds_from(&self) -> Option<u64> {
        self.implied_at.or(self.blank.pending())
    }

    /// Where the body begins, unless a `<frameset>` comes.
    pub(super) fn implied_at(&self) -> Option<u64> {
        self.implied_at
    }

    /// Whether the element that began last stands in `head`.
    pub(super) fn is_in_head(&self) -> bool {
        self.implied_at.is_none() && !self.templates.is_inside()
    }

    /// What the tokenizer must know.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign.is_inside() || self.templates.is_foreign()
    }

    /// `bytes` are a token, at `at` in the page.
    pub(super) fn token(&mut self, kind: Kind, bytes: &[u8], at: u64) -> Decision {
        let end = at + bytes.len() as u64;
        if let Some(start) = self.implied_at.filter(|start| end > start + Self::FARTHEST) {
            return At(start);
        }
        if self.templates.is_inside() {
            return match self.templates.token(kind, bytes) {
                Ok(()) => Undecided,
                Err(GiveUp) => Never,
            };
        }
        if kind == Kind::Text {
            return self.text(bytes, at);
        }
        if let Some(found) = self.blank.end() {
            return self.found(found);
        }
        match kind {
            Kind::StartTag => self.start_tag(&Tag::new(bytes), at, end),
            Kind::EndTag => self.end_tag(&Tag::new(bytes).name(), at),
            Kind::Doctype { .. } => {
                self.is_document = true;
                Undecided
            }
            Kind::Cdata => match bytes.iter().zip(at..).find(|(byte, _)| !is_dropped(**byte)) {
                Some((_, at)) => self.found(Found::Ink(at)),
                None => Undecided,
            },
            Kind::Text | Kind::RawText | Kind::Comment { .. } | Kind::Nothing => Undecided,
        }
    }

    /// The page ends at `end`; `is_complete` says whether nothing was left open.
    pub(super) fn end(&mut self, end: u64, is_complete: bool) -> Decision {
        if let Some(found) = self.blank.end() {
            return self.found(found);
        }
        match self.implied_at {
            Some(start) => At(start),
            None if is_complete && self.is_document && !self.templates.is_inside() => At(end),
            None => Never,
        }
    }

    fn text(&mut self, text: &[u8], at: u64) -> Decision {
        let mut rest = (text, at);
        while let Some((found, read)) = self.blank.read(rest.0, rest.1) {
            let decision = self.found(found);
            if decision != Undecided {
                return decision;
            }
            rest = (rest.0.get(read..).unwrap_or_default(), rest.1 + read as u64);
        }
        Undecided
    }

    fn found(&mut self, found: Found) -> Decision {
        match found {
            Found::Nul(at) => self.imply(at),
            Found::Ink(at) => At(self.implied_at.unwrap_or(at)),
        }
    }

    /// The body begins at `at`, unless it has begun.
    fn imply(&mut self, at: u64) -> Decision {
        let start = *self.implied_at.get_or_insert(at);
        if self.is_frameset_refused { At(start) } else { Undecided }
    }

    fn start_tag(&mut self, tag: &Tag<'_>, at: u64, end: u64) -> Decision {
        let name = tag.name();
        if let Some(start) = self.implied_at {
            return self.start_tag_in_body(tag, start);
        }
        match &*name {
            b"meta" if charset::hides_markup(tag) => return Never,
            b"html" | b"head" | b"base" | b"basefont" | b"bgsound" | b"link" | b"meta"
            | b"title" | b"noframes" | b"style" | b"script" => {}
            b"noscript" if !self.is_after_head => {}
            b"template" => {
                self.templates.enter(name);
                self.is_frameset_refused = true;
            }
            b"body" => return At(end),
            b"frameset" => return Never,
            _ => {
                return match self.imply(at) {
                    Undecided => self.start_tag_in_body(tag, at),
                    decided => decided,
                };
            }
        }
        self.is_document = true;
        Undecided
    }

    /// After the body was implied at `start`.
    fn start_tag_in_body(&mut self, tag: &Tag<'_>, start: u64) -> Decision {
        match self.foreign.start(tag) {
            Place::Foreign => return Undecided,
            // A frameset behind this would be lost; nobody writes one.
            Place::Unknown => return At(start),
            Place::Html => {}
        }
        match &*tag.name() {
            b"frameset" => Never,
            b"meta" if charset::hides_markup(tag) => Never,
            b"input" if is_hidden(tag) => Undecided,
            name if refuses_frameset(name) => At(start),
            _ => Undecided,
        }
    }

    fn end_tag(&mut self, name: &Name, at: u64) -> Decision {
        let Some(start) = self.implied_at else {
            // All other end tags before the body are ignored.
            return match &**name {
                b"body" | b"html" => self.imply(at),
                b"br" => At(at),
                b"head" => {
                    self.is_after_head = true;
                    Undecided
                }
                _ => Undecided,
            };
        };
        match (self.foreign.end(name), &**name) {
            (Place::Unknown, _) | (Place::Html, b"br") => At(start),
            _ => Undecided,
        }
    }
}

fn is_hidden(input: &Tag<'_>) -> bool {
    input.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case(b"hidden"))
}

/// Text in foreign elements that does not touch the frameset-ok flag.
fn is_dropped(byte: u8) -> bool {
    byte == 0 || is_space(byte)
}

/// Start tags in `body` after which a `<frameset>` is ignored. Nothing behind `<plaintext>` is a tag.
#[rustfmt::skip]
fn refuses_frameset(name: &[u8]) -> bool {
    matches!(
        name,
        b"applet" | b"area" | b"body" | b"br" | b"button" | b"dd" | b"dt" | b"embed" | b"hr"
            | b"iframe" | b"image" | b"img" | b"input" | b"keygen" | b"li" | b"listing"
            | b"marquee" | b"object" | b"plaintext" | b"pre" | b"select" | b"table" | b"template"
            | b"textarea" | b"wbr" | b"xmp"
    )
}
