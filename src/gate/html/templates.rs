//! Where do the templates in `head` end? No body opens inside them.

use super::{
    charset,
    foreign::{Foreign, Place},
    tag::{Name, Tag},
    tokenizer::Kind,
};

/// The open templates, and what in them could make the parser read the rest of the page otherwise.
///
/// It follows what people write in templates. Where only the parser's whole tree could tell what the bytes mean, it gives up.
#[derive(Debug, Default)]
pub(super) struct Templates {
    /// The open templates and other elements between which formatting elements are kept apart (the standard's "markers").
    open: Vec<Name>,
    has_formatting: bool,
    foreign: Foreign,
    /// What raw text is can't be told any more.
    is_unsure: bool,
}

/// It can't be told where the template ends.
pub(super) struct GiveUp;

impl Templates {
    const DEEPEST: usize = 512;

    pub(super) fn is_inside(&self) -> bool {
        !self.open.is_empty()
    }

    pub(super) fn is_foreign(&self) -> bool {
        self.foreign.is_inside()
    }

    /// `<template>` outside of others.
    pub(super) fn enter(&mut self, template: Name) {
        *self = Self { open: vec![template], ..Self::default() };
    }

    pub(super) fn token(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), GiveUp> {
        match kind {
            Kind::StartTag => self.start_tag(&Tag::new(bytes))?,
            Kind::EndTag => self.end_tag(Tag::new(bytes).name())?,
            // Raw text or not makes a difference only if it looks like markup.
            Kind::RawText if self.is_unsure && bytes.contains(&b'<') => return Err(GiveUp),
            Kind::Comment { .. } if self.is_unsure && bytes.starts_with(b"<![") => {
                return Err(GiveUp);
            }
            _ => {}
        }
        if self.is_unsure {
            self.foreign.leave();
        }
        Ok(())
    }

    fn start_tag(&mut self, tag: &Tag<'_>) -> Result<(), GiveUp> {
        let name = tag.name();
        match (self.foreign.start(tag), &*name) {
            // It may be foreign, and then it ends otherwise.
            (place, b"template") if place == Place::Foreign || self.is_unsure => {
                return Err(GiveUp);
            }
            (Place::Foreign, _) if !self.is_unsure => {}
            (Place::Unknown, _) => self.is_unsure = true,
            (_, b"meta") if charset::hides_markup(tag) => return Err(GiveUp),
            // Parsers don't agree on what may be in a select; after col all but a few tags are ignored.
            (_, b"select" | b"col") => self.is_unsure = true,
            (_, b"template") => self.open.push(name),
            (_, name_of) if is_marker(name_of) => self.open.push(name),
            (_, name) => self.has_formatting |= is_formatting(name),
        }
        if self.open.len() > Self::DEEPEST { Err(GiveUp) } else { Ok(()) }
    }

    fn end_tag(&mut self, name: Name) -> Result<(), GiveUp> {
        let place = self.foreign.end(&name);
        if place == Place::Foreign {
            return Ok(());
        }
        if self.open.last() == Some(&name) {
            self.open.pop();
        } else if &*name == b"template" {
            // The template closes with others still open; formatting elements before those stay, and open again in body.
            if self.has_formatting {
                return Err(GiveUp);
            }
            let template = self.open.iter().rposition(|open| *open == name);
            self.open.truncate(template.unwrap_or_default());
        } else {
            self.is_unsure |= place == Place::Unknown;
        }
        Ok(())
    }
}

fn is_marker(name: &[u8]) -> bool {
    matches!(name, b"applet" | b"caption" | b"marquee" | b"object" | b"td" | b"th")
}

#[rustfmt::skip]
fn is_formatting(name: &[u8]) -> bool {
    matches!(
        name,
        b"a" | b"b" | b"big" | b"code" | b"em" | b"font" | b"i" | b"nobr" | b"s" | b"small"
            | b"strike" | b"strong" | b"tt" | b"u"
    )
}
