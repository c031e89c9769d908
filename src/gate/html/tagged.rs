//! One tag gated: which attributes must go, and how it is written then.

use super::{
    edits::Edits,
    elements::{self, Fetch},
    gate::{Denial, GateError, Gated, Reason, Rules},
    held::{Held, held},
    markup::Context,
    references,
    tag::{Name, Tag, ends_name},
};
use bytes::Bytes;
use std::borrow::Cow;

/// What became of a start tag.
#[derive(Debug)]
pub(super) enum Outcome {
    Nothing,
    /// A script whose text counts. `is_json`: URLs to fetch, in JSON.
    Inline {
        is_json: bool,
    },
    /// Gated, because of what this slug names.
    Gated(String),
    /// The same, in a placeholder that must end behind the element.
    Wrapped(String),
}

/// Names of attributes are compared without regard to case.
struct Gating<'a> {
    slug: &'a str,
    moved: Vec<&'a [u8]>,
    /// Its type is changed so that it neither runs nor applies.
    is_inert: bool,
    is_hidden: bool,
    /// Going back, a browser loads into a frame what it had loaded there before, whatever its `src` says now. Chromium
    /// knows the frame by its name: a gated one has a name that it doesn't have otherwise. Firefox knows it by its place,
    /// and waits for one that is lazy, and hidden, to be seen.
    forgets: bool,
}

/// What only a script that runs may have.
const OF_SCRIPTS: [&[u8]; 8] = [
    b"async",
    b"blocking",
    b"crossorigin",
    b"defer",
    b"fetchpriority",
    b"integrity",
    b"nomodule",
    b"referrerpolicy",
];

const MARK: &[u8] = b"data-consent";
/// Browsers read ahead and fetch what a `style` imports, whatever its type, until they find anything that is no `@import`. This
/// is nothing to CSS, and text in HTML and SVG alike. <https://www.w3.org/TR/css-syntax-3/#CDC-token-diagram>
const STOPS_READING_AHEAD: &[u8] = b"-->";

/// `bytes` are a start tag, at `at` in the page.
pub(super) fn gate_tag<R: Rules>(
    context: &mut Context<R>,
    edits: &mut Edits,
    name: &Name,
    bytes: &[u8],
    at: usize,
    is_foreign: bool,
) -> Result<Outcome, GateError> {
    let tag = Tag::new(bytes);
    let mark = tag.attribute("data-consent").map(references::decode);
    let mark =
        mark.as_deref().map(<[u8]>::trim_ascii).and_then(|mark| std::str::from_utf8(mark).ok());
    let is_marked = mark.is_some_and(|mark| context.judge().rules.is_denied(mark));
    let mut slug = mark.filter(|_| is_marked).map(Cow::Borrowed);
    let element = element_of(bytes);
    if let Some(slug) = &slug {
        let attribute = (MARK, slug.as_bytes());
        let denial = Denial { slug, rule: ("data-consent", "") };
        context.judge().rules.gated(&Reason { element, attribute, denial });
    }
    let mut moved = Vec::new();
    let row = elements::of(name);
    for attribute in tag.attributes() {
        let written = bytes.get(attribute.name.clone()).unwrap_or_default();
        let value = bytes.get(attribute.value.clone()).unwrap_or_default();
        let Some(fetch) = elements::fetch(row, written) else { continue };
        // Of attributes with the same name the first counts.
        let is_first = tag.first(written).is_some_and(|first| first.name == attribute.name);
        if !is_first || !(is_marked || applies(fetch, &tag)) {
            continue;
        }
        let nested;
        let denied = match page_in(fetch, value) {
            _ if is_marked => None,
            Some(page) => {
                nested = context.nested_page(&page)?;
                nested.as_deref().map(Denial::from)
            }
            None => context.judge().value(fetch, value),
        };
        if is_marked || denied.is_some() {
            moved.push(written);
        }
        if let (None, Some(denial)) = (&slug, denied) {
            let attribute = (written, value);
            context.judge().rules.gated(&Reason { element, attribute, denial });
            slug = Some(Cow::Owned(denial.slug.to_owned()));
        }
    }
    let Some(slug) = slug else {
        return Ok(match &**name {
            b"script" => inline(&tag, is_foreign),
            _ => Outcome::Nothing,
        });
    };
    let is_embed = elements::is_embed(name);
    if is_marked && &**name == b"template" {
        moved.push(b"shadowrootmode");
    }
    let fetches = moved.iter().any(|name| !name.eq_ignore_ascii_case(b"style"));
    let is_seen = is_embed && !is_foreign && fetches && !is_out_of_sight(&tag);
    let standin = is_seen.then(|| placeholder(context, name, &tag, &slug)).flatten();
    // `hidden` alone would not do: many a site's style says `iframe { display: block }`. What stands in the placeholder doesn't show.
    let end = context.judge().rules.placeholder_end();
    if let Some(standin) = &standin {
        edits.insert(at, [&**standin]);
        if &**name == b"object" {
            edits.insert(at, [end]);
        }
    }
    let gating = Gating {
        slug: &slug,
        moved,
        is_inert: &**name == b"script" || (is_marked && &**name == b"style"),
        is_hidden: is_embed || (is_marked && is_hideable(name)),
        forgets: is_frame(name) && fetches,
    };
    gating.write(edits, bytes, at);
    if standin.is_some() && &**name == b"embed" {
        edits.insert(at + bytes.len(), [end]);
    }
    Ok(match standin {
        Some(_) if &**name == b"iframe" => Outcome::Wrapped(slug.into_owned()),
        _ => Outcome::Gated(slug.into_owned()),
    })
}

/// The name in a start tag, as written.
pub(super) fn element_of(tag: &[u8]) -> &[u8] {
    let name = tag.get(1..).unwrap_or_default();
    name.split(|&byte| ends_name(byte)).next().unwrap_or_default()
}

/// The page in an attribute.
fn page_in(fetch: Fetch, value: &[u8]) -> Option<Cow<'_, [u8]>> {
    match fetch {
        Fetch::Page => Some(references::decode(value)),
        Fetch::Url => match held(&references::decode(value))? {
            Held::Page(page) => Some(Cow::Owned(page)),
            Held::Text(_) | Held::Script(_) => None,
        },
        _ => None,
    }
}

fn is_frame(name: &[u8]) -> bool {
    matches!(name, b"iframe" | b"frame")
}

/// Nothing need stand in for what nobody would see, as in the `noscript` of a tag manager.
fn is_out_of_sight(tag: &Tag<'_>) -> bool {
    const HIDING: [&[u8]; 2] = [b"display:none", b"visibility:hidden"];
    let is_tiny = ["width", "height"].iter().any(|name| {
        let size = tag.attribute(name).map(references::decode);
        size.is_some_and(|size| matches!(size.trim_ascii(), b"0" | b"1" | b"0px" | b"1px"))
    });
    let style = tag.attribute("style").map(references::decode).unwrap_or_default();
    let style: Vec<u8> = style
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(u8::to_ascii_lowercase)
        .collect();
    let is_hidden = HIDING.iter().any(|hiding| memchr::memmem::find(&style, hiding).is_some());
    is_tiny || is_hidden || tag.attribute("hidden").is_some()
}

/// A script or style whose contents are denied.
pub(super) fn gate_inline(edits: &mut Edits, tag: &[u8], at: usize, slug: &str) {
    let gating =
        Gating { slug, moved: Vec::new(), is_inert: true, is_hidden: false, forgets: false };
    gating.write(edits, tag, at);
}

impl Gating<'_> {
    /// Only puts in: ` data-consent="slug"` behind the name, and `data-consent-` before the names of attributes.
    fn write(mut self, edits: &mut Edits, tag: &[u8], at: usize) {
        // A mark that names nothing is any text.
        let slug = self.slug.replace('&', "&amp;").replace('"', "&quot;");
        let mut head: Vec<&[u8]> = vec![b" data-consent=\"", slug.as_bytes(), b"\""];
        if self.is_inert {
            self.moved.push(b"type");
            self.moved.extend(OF_SCRIPTS);
            head.push(b" type=\"text/plain\"");
        }
        if self.is_hidden {
            self.moved.push(b"hidden");
            head.push(b" hidden=\"\"");
        }
        if self.forgets {
            self.moved.extend([&b"name"[..], b"loading"]);
            head.push(b" name=\"tower-consent\" loading=\"lazy\"");
        }
        edits.insert(at + 1 + element_of(tag).len(), head);
        for attribute in Tag::new(tag).attributes() {
            let name = tag.get(attribute.name.clone()).unwrap_or_default();
            // The author's mark, and what looks like moved, is still there when the element is back.
            let is_like_mark = name.get(..MARK.len()).is_some_and(|n| n.eq_ignore_ascii_case(MARK));
            if is_like_mark || self.moved.iter().any(|moved| moved.eq_ignore_ascii_case(name)) {
                edits.insert(at + attribute.name.start, [&b"data-consent-"[..]]);
            }
        }
        if self.is_inert && &*Tag::new(tag).name() == b"style" {
            edits.insert(at + tag.len(), [STOPS_READING_AHEAD]);
        }
    }
}

fn applies(fetch: Fetch, tag: &Tag<'_>) -> bool {
    let decoded = |name| tag.attribute(name).map(references::decode);
    match fetch {
        Fetch::Link => decoded("rel").is_some_and(|rel| elements::rel_fetches(&rel)),
        Fetch::Refresh => {
            decoded("http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case(b"refresh"))
        }
        _ => true,
    }
}

fn inline(script: &Tag<'_>, is_foreign: bool) -> Outcome {
    let has = |name| script.attribute(name).is_some();
    let has_source = if is_foreign { has("href") || has("xlink:href") } else { has("src") };
    let kind = script.attribute("type").map(references::decode).unwrap_or_default();
    if has_source || !elements::runs(&kind) {
        return Outcome::Nothing;
    }
    Outcome::Inline { is_json: elements::is_json(&kind) }
}

/// What its author marked is hidden where it shows.
fn is_hideable(name: &[u8]) -> bool {
    !matches!(
        name,
        b"html"
            | b"head"
            | b"body"
            | b"script"
            | b"style"
            | b"link"
            | b"meta"
            | b"base"
            | b"title"
            | b"template"
            | b"noscript"
            | b"source"
            | b"track"
    )
}

fn placeholder<R: Rules>(
    context: &Context<R>,
    name: &Name,
    tag: &Tag<'_>,
    slug: &str,
) -> Option<Bytes> {
    let value = |name| tag.attribute(name).map(references::decode);
    let url = value(if &**name == b"object" { "data" } else { "src" });
    let (width, height) = (value("width"), value("height"));
    context.judge().rules.placeholder(&Gated {
        slug,
        url: url.as_deref(),
        width: width.as_deref(),
        height: height.as_deref(),
    })
}
