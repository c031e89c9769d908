//! Passes over markup in which nothing can fetch, as fast as it goes: most tags of most pages.

use super::{
    elements,
    tag::{ends_name, is_space},
};
use memchr::memchr;

/// Where the first tag begins that must be looked at: one that isn't whole, one of an element that fetches, holds raw text or
/// changes how the parser reads on, one with an attribute that fetches on any element; comments and the like, too. `input` is
/// markup from `at` on, outside of `svg`, `math`, `select` and templates.
pub(super) fn skim(input: &[u8], mut at: usize, longest: usize) -> usize {
    while let Some(rest) = input.get(at..) {
        let Some(text) = memchr(b'<', rest) else { return input.len() };
        at += text;
        match rest.get(text..).and_then(plain_tag) {
            Some(length) if length <= longest => at += length,
            _ => return at,
        }
    }
    at
}

/// The length of a tag that needs no look.
fn plain_tag(tag: &[u8]) -> Option<usize> {
    let first = *tag.get(1)?;
    let is_end = |&byte: &u8| ends_name(byte);
    if first == b'/' {
        let length = tag.get(2..)?.iter().position(is_end)?;
        let is_plain = tag.get(2)?.is_ascii_alphabetic() && tag.get(length + 2) == Some(&b'>');
        return is_plain.then_some(length + 3);
    }
    let mut at = 1 + tag.get(1..)?.iter().position(is_end)?;
    let name = tag.get(1..at)?;
    if !first.is_ascii_alphabetic() || (ELEMENTS.may_have(name) && is_element_of_interest(name)) {
        return None;
    }
    let mut byte = *tag.get(at)?;
    loop {
        match byte {
            b'>' => return Some(at + 1),
            b'/' => at += 1,
            _ if is_space(byte) => at += 1,
            _ => at = plain_attribute(tag, at)?,
        }
        byte = *tag.get(at)?;
    }
}

/// Where the attribute that begins at `start` ends.
fn plain_attribute(tag: &[u8], start: usize) -> Option<usize> {
    let ends = |&byte: &u8| byte == b'=' || ends_name(byte);
    let mut at = start + 1;
    at += tag.get(at..)?.iter().position(ends)?;
    if ATTRIBUTES.may_have(tag.get(start..at)?) && is_attribute_of_interest(tag.get(start..at)?) {
        return None;
    }
    at = skip_spaces(tag, at)?;
    if *tag.get(at)? != b'=' {
        return Some(at);
    }
    at = skip_spaces(tag, at + 1)?;
    match *tag.get(at)? {
        quote @ (b'"' | b'\'') => Some(at + 2 + memchr(quote, tag.get(at + 1..)?)?),
        _ => {
            let ends = |&byte: &u8| byte == b'>' || is_space(byte);
            Some(at + tag.get(at..)?.iter().position(ends)?)
        }
    }
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
        let mut lengths = [0; 32];
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
    // They fetch (`a` and `area` by attributes that are looked at on any element).
    "script", "iframe", "img", "image", "source", "video", "audio", "track", "embed", "input", "frame", "portal", "fencedframe",
    "bgsound", "model", "link", "object", "applet", "meta", "use", "feimage", "mpath", "textpath", "tref", "lineargradient",
    "radialgradient", "pattern", "filter", "cursor", "font-face-uri", "animate", "set", "base",
    // The parser reads on in another way.
    "style", "noscript", "title", "textarea", "xmp", "noembed", "noframes", "plaintext", "svg", "math", "select", "frameset",
    "template",
];

const ATTRIBUTES_OF_INTEREST: &[&str] = &["data-consent", "ping", "attributionsrc"];

static ELEMENTS: Names = Names::new(ELEMENTS_OF_INTEREST);
static ATTRIBUTES: Names = Names::new(&[
    "data-consent",
    "ping",
    "attributionsrc",
    "style",
    "background",
    "fill",
    "stroke",
    "filter",
    "mask",
    "clip-path",
    "cursor",
    "marker",
    "marker-start",
    "marker-mid",
    "marker-end",
]);

fn is_element_of_interest(name: &[u8]) -> bool {
    ELEMENTS_OF_INTEREST.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

fn is_attribute_of_interest(name: &[u8]) -> bool {
    let own = ATTRIBUTES_OF_INTEREST.iter();
    let anywhere = elements::ANYWHERE.iter().map(|(known, _)| known);
    own.chain(anywhere).any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_tables_is_looked_at() {
        for (name, _) in elements::ANYWHERE {
            assert!(ATTRIBUTES.may_have(name.to_uppercase().as_bytes()), "{name}");
        }
        for name in ELEMENTS_OF_INTEREST {
            assert!(
                ELEMENTS.may_have(name.as_bytes())
                    && ELEMENTS.may_have(name.to_uppercase().as_bytes())
            );
            let page = format!("<p>x<{name}>");
            assert_eq!(skim(page.as_bytes(), 0, 99), 4, "{name}");
        }
        let row = elements::of(b"a").iter().chain(elements::of(b"area"));
        for (name, _) in row {
            assert_eq!(skim(format!("<a {name}>").as_bytes(), 0, 99), 0);
        }
    }

    #[test]
    fn what_cannot_fetch_is_passed_over() {
        for page in [
            "",
            "x",
            "<p>",
            "<P Class=x>",
            "<a href='>'>",
            "<a href = \"x\" b>",
            "<a/b/>",
            "</p>",
            "<br/>",
            "<p a=b/>",
            "<a =x>",
            "<main><strong><tbody><footer>",
            "<p data-consenx styl x-style>",
            "<h1>a</h1> b",
            "<x-y z></x-y>",
        ] {
            assert_eq!(skim(page.as_bytes(), 0, 99), page.len(), "{page}");
        }
        for tag in [
            "<",
            "<p",
            "</p",
            "<!",
            "<!-->",
            "<?x>",
            "</>",
            "< p>",
            "<1>",
            "<p a='>",
            "</p >",
            "<p style>",
            "<p DATA-Consent=x>",
            "<p/background=x>",
            "<IMG>",
            "<p a=",
        ] {
            assert_eq!(skim(format!("<p>{tag}").as_bytes(), 0, 99), 3, "{tag}");
        }
        assert_eq!(skim(b"<p><p class=x>", 0, 5), 3);
    }
}
