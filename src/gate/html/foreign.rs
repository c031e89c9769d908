//! Are we inside `svg` or `math`? There tags mean other things: `<style>` holds no raw text, `<frameset>` no frames.

use super::tag::{Name, Tag};

/// The open foreign elements, as long as nothing but foreign elements is open inside them.
///
/// It is exact up to two things that would need the parser's whole tree: HTML inside foreign elements (`foreignObject`, `title`
/// ...), and end tags that match no foreign element. Then it says so.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    open: Vec<Name>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The tag belongs to HTML's rules.
    Html,
    /// The tag belongs to `svg` or `math`.
    Foreign,
    /// Only the parser's tree could tell.
    Unknown,
}

impl Foreign {
    const DEEPEST: usize = 512;

    pub(super) fn is_inside(&self) -> bool {
        !self.open.is_empty()
    }

    pub(super) fn leave(&mut self) {
        self.open.clear();
    }

    /// A start tag: where does it go? `svg` and `math` themselves are foreign.
    pub(super) fn start(&mut self, tag: &Tag<'_>) -> Place {
        let name = tag.name();
        if self.is_inside() && breaks_out(&name, tag) {
            self.leave();
            return Place::Html;
        }
        if !self.is_inside() && !matches!(&*name, b"svg" | b"math") {
            return Place::Html;
        }
        if holds_html(&name) || name.is_empty() || self.open.len() == Self::DEEPEST {
            self.leave();
            return Place::Unknown;
        }
        if !tag.is_self_closing() {
            self.open.push(name);
        }
        Place::Foreign
    }

    /// An end tag: which element does it close?
    pub(super) fn end(&mut self, name: &Name) -> Place {
        if !self.is_inside() {
            return Place::Html;
        }
        if matches!(&**name, b"p" | b"br") {
            self.leave();
            return Place::Html;
        }
        match self.open.iter().rposition(|open| open == name) {
            Some(index) => {
                self.open.truncate(index);
                Place::Foreign
            }
            None => {
                self.leave();
                Place::Unknown
            }
        }
    }
}

/// Elements inside which HTML's rules may hold again.
fn holds_html(name: &[u8]) -> bool {
    matches!(
        name,
        b"foreignobject"
            | b"desc"
            | b"title"
            | b"annotation-xml"
            | b"mi"
            | b"mo"
            | b"mn"
            | b"ms"
            | b"mtext"
    )
}

/// HTML elements that close all foreign ones around them.
fn breaks_out(name: &[u8], tag: &Tag<'_>) -> bool {
    match name {
        b"b" | b"big" | b"blockquote" | b"body" | b"br" | b"center" | b"code" | b"dd" | b"div"
        | b"dl" | b"dt" | b"em" | b"embed" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6"
        | b"head" | b"hr" | b"i" | b"img" | b"li" | b"listing" | b"menu" | b"meta" | b"nobr"
        | b"ol" | b"p" | b"pre" | b"ruby" | b"s" | b"small" | b"span" | b"strong" | b"strike"
        | b"sub" | b"sup" | b"table" | b"tt" | b"u" | b"ul" | b"var" => true,
        b"font" => ["color", "face", "size"].iter().any(|name| tag.attribute(name).is_some()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tag::Tag, Foreign as Elements, Place, Place::*};

    fn places(tags: &str) -> Vec<Place> {
        let mut foreign = Elements::default();
        let mut places = Vec::new();
        for tag in tags.split_inclusive('>') {
            let tag_of = Tag::new(tag.as_bytes());
            places.push(match tag.starts_with("</") {
                true => foreign.end(&tag_of.name()),
                false => foreign.start(&tag_of),
            });
        }
        places
    }

    #[test]
    fn foreign_elements_end_where_the_parser_ends_them() {
        for (tags, expected) in [
            ("<p><SVG><g></g></svg></p>", &[Html, Foreign, Foreign, Foreign, Foreign, Html][..]),
            ("<svg/><g>", &[Foreign, Html]),
            ("<svg><g><a></svg><g>", &[Foreign, Foreign, Foreign, Foreign, Html]),
            ("<svg><path/><p></svg>", &[Foreign, Foreign, Html, Html]),
            ("<math><font><font size=1>", &[Foreign, Foreign, Html]),
            ("<svg></br><g>", &[Foreign, Html, Html]),
            ("<svg></b><g>", &[Foreign, Unknown, Html]),
            ("<svg><title>", &[Foreign, Unknown]),
        ] {
            assert_eq!(places(tags), expected, "{tags}");
        }
    }
}
