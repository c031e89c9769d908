//! Does HTML's tree construction read the next tag, or that of `svg` and `math`? There raw text is none.
//!
//! As [`Foreign`](super::foreign::Foreign), but for the whole page, and with the HTML inside `foreignObject`, `title` and the
//! like. Exact for elements that are nested as people nest them; where only the parser's whole tree could tell, it says so.

use super::{
    references,
    tag::{Name, Tag},
};

#[derive(Debug, Default)]
pub(super) struct Nesting {
    /// What is open, from the outermost `svg` or `math` on.
    open: Vec<(Name, Node)>,
    doubt: Doubt,
    select: bool,
    template: Template,
    /// `svg` or `math` was opened.
    had_foreign: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    Svg,
    Math,
    /// A foreign element inside which HTML's rules hold (the standard's "integration points").
    Point,
    Html,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Doubt {
    #[default]
    None,
    /// Until a tag comes that ends all foreign elements.
    Foreign,
    ForGood,
}

/// After a `col` right inside a template the parser drops nearly everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Template {
    depth: usize,
    has_table: bool,
}

impl Nesting {
    const DEEPEST: usize = 512;

    /// The inside of an `svg`.
    pub(super) fn in_svg() -> Self {
        let svg = Tag::new(b"<svg>").name();
        Self { open: vec![(svg, Node::Svg)], ..Self::default() }
    }

    /// Whether raw text is none, and whether CDATA sections are read.
    pub(super) fn foreign(&self) -> (bool, bool) {
        // In doubt it is read as HTML, and then as the other.
        let top = self.open.last().map(|(_, node)| *node).filter(|_| self.doubt == Doubt::None);
        let is_foreign = matches!(top, Some(Node::Svg | Node::Math));
        (is_foreign, is_foreign || top == Some(Node::Point))
    }

    /// Whether what looks like raw text may be markup.
    pub(super) fn is_unsure(&self) -> bool {
        self.select || self.doubt != Doubt::None
    }

    /// Whether it isn't known if foreign elements are open.
    pub(super) fn may_be_foreign(&self) -> bool {
        self.had_foreign && self.doubt != Doubt::None
    }

    pub(super) fn is_in_template(&self) -> bool {
        self.template.depth > 0
    }

    /// Whether no end tag, and only few start tags, can change anything.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_inside() && !self.is_in_template()
    }

    pub(super) fn is_inside(&self) -> bool {
        !self.open.is_empty() || self.is_unsure()
    }

    pub(super) fn start(&mut self, name: &Name, tag: &Tag<'_>) {
        self.had_foreign |= matches!(&**name, b"svg" | b"math");
        if self.open.is_empty() && self.doubt == Doubt::None {
            return self.start_html(name, tag);
        }
        let breaks_out = breaks_out(name, tag);
        if breaks_out && self.doubt == Doubt::Foreign {
            self.doubt = Doubt::None;
            self.open.clear();
        }
        match self.open.last() {
            Some((_, node @ (Node::Svg | Node::Math))) if !breaks_out => {
                let node = *node;
                self.start_foreign(name, node, tag);
            }
            Some((_, Node::Svg | Node::Math)) => {
                let kept =
                    self.open.iter().rposition(|(_, n)| matches!(n, Node::Point | Node::Html));
                self.open.truncate(kept.map_or(0, |index| index + 1));
                self.start_html(name, tag);
            }
            _ => self.start_html(name, tag),
        }
    }

    fn start_foreign(&mut self, name: &Name, node: Node, tag: &Tag<'_>) {
        if tag.is_self_closing() {
            return;
        }
        let is_point = match (node, &**name) {
            (Node::Svg, b"foreignobject" | b"desc" | b"title") => true,
            (Node::Math, b"mi" | b"mo" | b"mn" | b"ms" | b"mtext") => true,
            (Node::Math, b"annotation-xml") => {
                let encoding = tag.attribute("encoding").map(references::decode);
                encoding.is_some_and(|encoding| {
                    [&b"text/html"[..], b"application/xhtml+xml"]
                        .iter()
                        .any(|html| html.eq_ignore_ascii_case(&encoding))
                })
            }
            _ => false,
        };
        self.push(*name, if is_point { Node::Point } else { node });
    }

    fn start_html(&mut self, name: &Name, tag: &Tag<'_>) {
        match &**name {
            b"svg" | b"math" => {
                if !tag.is_self_closing() {
                    let node = if &**name == b"svg" { Node::Svg } else { Node::Math };
                    self.push(*name, node);
                }
                return;
            }
            // Parsers don't agree on what may be in a select.
            b"select" => self.select = !self.select,
            b"frameset" => self.doubt = Doubt::ForGood,
            b"template" => {
                self.template = Template { depth: self.template.depth + 1, has_table: false }
            }
            b"table" => self.template.has_table = true,
            b"col" if self.is_in_template() && !self.template.has_table => {
                self.doubt = Doubt::ForGood;
            }
            _ => {}
        }
        if self.open.is_empty() || is_void(name) {
            return;
        }
        let in_math = matches!(&**name, b"mglyph" | b"malignmark");
        let is_same = self.open.last().is_some_and(|(open, _)| open == name);
        let has_paragraph = self.inner_html().any(|(open, _)| &**open == b"p");
        if in_math
            || is_table_part(name)
            || (is_same && ends_itself(name))
            || (has_paragraph && !is_phrasing(name))
        {
            self.doubt = Doubt::ForGood;
        }
        self.push(*name, Node::Html);
    }

    pub(super) fn end(&mut self, name: &Name) {
        match &**name {
            b"template" => {
                self.template.depth = self.template.depth.saturating_sub(1);
                self.template.has_table = self.template.depth > 0;
            }
            b"select" => self.select = false,
            _ => {}
        }
        match self.open.last() {
            None => {}
            Some((open, Node::Html)) if open == name => {
                self.open.pop();
            }
            Some((_, Node::Html)) => {
                let closes_others = self.inner_html().any(|(open, _)| open == name);
                self.doubt = match closes_others || matches!(&**name, b"p" | b"br") {
                    true => Doubt::ForGood,
                    false => self.doubt,
                };
            }
            Some(_) => self.end_foreign(name),
        }
        if self.doubt == Doubt::Foreign && matches!(&**name, b"p" | b"br") {
            self.doubt = Doubt::None;
            self.open.clear();
        }
    }

    fn end_foreign(&mut self, name: &Name) {
        let outside = self.open.iter().rposition(|(_, node)| *node == Node::Html);
        let first = outside.map_or(0, |index| index + 1);
        let found = self.open.iter().rposition(|(open, _)| open == name);
        match found.filter(|index| *index >= first) {
            Some(index) => self.open.truncate(index),
            None if matches!(&**name, b"p" | b"br") => {
                let kept = self
                    .open
                    .iter()
                    .rposition(|(_, node)| matches!(node, Node::Point | Node::Html));
                self.open.truncate(kept.map_or(0, |index| index + 1));
            }
            // No HTML element has such a name.
            None if is_svg(name) => {}
            None => {
                let has_html =
                    self.open.iter().any(|(_, node)| matches!(node, Node::Point | Node::Html));
                self.doubt = match has_html {
                    true => Doubt::ForGood,
                    false => self.doubt.max(Doubt::Foreign),
                };
            }
        }
    }

    fn push(&mut self, name: Name, node: Node) {
        if name.is_empty() && node == Node::Html || self.open.len() >= Self::DEEPEST {
            self.doubt = Doubt::ForGood;
        }
        if self.open.len() < Self::DEEPEST {
            self.open.push((name, node));
        }
    }

    /// The HTML elements that are open in the innermost integration point.
    fn inner_html(&self) -> impl Iterator<Item = &(Name, Node)> {
        self.open.iter().rev().take_while(|(_, node)| *node == Node::Html)
    }
}

impl Doubt {
    fn max(self, other: Self) -> Self {
        if self == Self::ForGood { self } else { other }
    }
}

/// HTML elements that close all foreign ones around them.
#[rustfmt::skip]
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

fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"basefont"
            | b"bgsound"
            | b"br"
            | b"col"
            | b"embed"
            | b"frame"
            | b"hr"
            | b"image"
            | b"img"
            | b"input"
            | b"keygen"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
    )
}

/// Outside of a table their tags are dropped, inside they end each other.
fn is_table_part(name: &[u8]) -> bool {
    matches!(
        name,
        b"caption"
            | b"colgroup"
            | b"tbody"
            | b"td"
            | b"tfoot"
            | b"th"
            | b"thead"
            | b"tr"
            | b"html"
            | b"head"
            | b"body"
            | b"frameset"
    )
}

fn ends_itself(name: &[u8]) -> bool {
    matches!(
        name,
        b"a" | b"button"
            | b"dd"
            | b"dt"
            | b"form"
            | b"li"
            | b"nobr"
            | b"optgroup"
            | b"option"
            | b"p"
            | b"rb"
            | b"rp"
            | b"rt"
            | b"rtc"
            | b"select"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
    )
}

fn is_phrasing(name: &[u8]) -> bool {
    matches!(
        name,
        b"a" | b"abbr"
            | b"b"
            | b"bdi"
            | b"bdo"
            | b"big"
            | b"cite"
            | b"code"
            | b"em"
            | b"font"
            | b"i"
            | b"kbd"
            | b"label"
            | b"q"
            | b"s"
            | b"samp"
            | b"small"
            | b"span"
            | b"strike"
            | b"strong"
            | b"sub"
            | b"sup"
            | b"time"
            | b"tt"
            | b"u"
            | b"var"
            | b"script"
            | b"style"
    )
}

fn is_svg(name: &[u8]) -> bool {
    matches!(
        name,
        b"circle"
            | b"clippath"
            | b"defs"
            | b"ellipse"
            | b"g"
            | b"image"
            | b"line"
            | b"lineargradient"
            | b"marker"
            | b"mask"
            | b"path"
            | b"pattern"
            | b"polygon"
            | b"polyline"
            | b"radialgradient"
            | b"rect"
            | b"stop"
            | b"svg"
            | b"symbol"
            | b"text"
            | b"tspan"
            | b"use"
    )
}
