//! A look at a whole page, much faster than reading it: where might something be denied?
//!
//! It knows next to no markup. It finds whatever could name a denied host once a parser has read it, `data-consent`, and scripts with
//! denied text; it may find what is none, and misses nothing.

use super::{
    gate::Rules,
    held, references,
    tag::{Step, Tag, TagScanner, ends_name},
    url::{is_dropped, is_slash},
};
use aho_corasick::packed::{Config, MatchKind, Searcher};
use memchr::{memchr, memchr_iter, memchr2_iter, memmem::Finder};
use std::sync::LazyLock;

/// Where the last thing begins that may be denied. `None`: there is none, the page can go as it is.
///
/// It looks from the end, so that it costs nothing where something is there, and gives up where it would take longer than reading:
/// then that is the end.
pub(super) fn last_mention(page: &[u8], rules: &impl Rules) -> Option<usize> {
    const SPARE: usize = 256;
    const LARGEST: usize = 16 * 1024;
    let Some(starts) = &*STARTS else { return Some(page.len()) };
    let mut sieve = Sieve { page, rules, starts, cost: 0, is_clear_from: page.len() };
    // Small at first: it soon shows whether it is worth it.
    let (mut to, mut step) = (page.len(), 1024);
    while to > 0 {
        let from = to.saturating_sub(step);
        if let Some(found) = sieve.last_in(from, to) {
            return Some(found);
        }
        if sieve.cost > SPARE + page.len() - from {
            return Some(page.len());
        }
        step = LARGEST.min(2 * step);
        to = from;
    }
    None
}

/// What to look for, besides `&` and `\`. (Few sets of few texts each: many are slow.)
struct Starts {
    texts: Searcher,
    names: Searcher,
    /// What ends a script, or goes on behind its end.
    end: Finder<'static>,
    comment: Finder<'static>,
}

/// `None`: not on this machine.
static STARTS: LazyLock<Option<Starts>> = LazyLock::new(|| {
    const TEXTS: [&str; 18] = [
        "p://", "s://", //
        // An authority, tabs and newlines dropped.
        "//", "/\\", "/\t", "/\n", "/\r", //
        // The end of a scheme that leads to hosts.
        "p:", "P:", "s:", "S:", "\t:", "\n:", "\r:", //
        "-co", "-cO", "-Co", "-CO",
    ];
    /// In `<script` and `<svg`: as they are mostly written, else the first letter in upper case. And the end of `data:`.
    const NAMES: [&str; 12] =
        ["cri", "vg", "<S", "sC", "cR", "rI", "iP", "pT", "sV", "vG", "a:", "A:"];
    let mut config = Config::new();
    config.match_kind(MatchKind::LeftmostFirst);
    Some(Starts {
        texts: config.builder().extend(TEXTS).build()?,
        names: config.builder().extend(NAMES).build()?,
        end: Finder::new("</"),
        comment: Finder::new("<!"),
    })
});

struct Sieve<'a, R> {
    page: &'a [u8],
    rules: &'a R,
    starts: &'a Starts,
    /// How many bytes could have been read in the time that it took to look closely.
    cost: usize,
    /// No script or style from here on can have markup in it.
    is_clear_from: usize,
}

impl<R: Rules> Sieve<'_, R> {
    /// The last place in `from..to` where something may begin that is denied.
    fn last_in(&mut self, from: usize, to: usize) -> Option<usize> {
        const LONGEST: usize = 3;
        let (page, starts) = (self.page, self.starts);
        let window = page.get(from..(to + LONGEST - 1).min(page.len()))?;
        memchr2_iter(b'&', b'\\', window)
            .chain(starts.texts.find_iter(window).map(|text| text.start()))
            .chain(starts.names.find_iter(window).map(|name| name.start()))
            .map(|index| from + index)
            .filter(|at| *at < to)
            .fold(None, |last, at| last.max(self.mention(at)))
    }

    /// What comes at this place may be denied: how far the page must be read for it.
    fn mention(&mut self, at: usize) -> Option<usize> {
        const CLOSE_LOOK: usize = 80;
        let (before, from) = self.page.split_at_checked(at)?;
        let (first, behind) = from.split_first()?;
        let is_mention = match (first, behind.first()) {
            (b'&', _) => reference(behind),
            (b'\\', _) => backslash(before, behind, self.rules),
            (b'/', _) => slash(behind, self.rules),
            (b'-', _) => begins(behind, b"consent"),
            (b'a' | b'A', Some(b':')) if !matches!(last(before), Some(b't' | b'T')) => return None,
            (_, Some(b':')) => colon(before, from, self.rules),
            _ => return self.element(at),
        };
        self.cost += CLOSE_LOOK;
        is_mention.then_some(at)
    }

    /// The same for what may be the name of a `script` or an `svg`.
    fn element(&mut self, at: usize) -> Option<usize> {
        const LONGEST: usize = 6;
        let near = self.page.get(at.saturating_sub(LONGEST)..=at)?;
        let at = at - near.iter().rev().position(|&byte| byte == b'<')?;
        let from = self.page.get(at..)?;
        let name = from.get(1..)?;
        if begins(name, b"script") {
            self.script(from).then_some(at)
        } else {
            (begins(name, b"svg") && self.hides_markup(at)).then_some(self.page.len())
        }
    }

    /// Whether a script may be one that is denied.
    fn script(&mut self, from: &[u8]) -> bool {
        let Some((tag, text)) = self.raw_text(from, b"script") else { return true };
        self.cost += text.len() / 2;
        let says =
            |part: &[u8]| tag.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part));
        let is_json = says(b"speculat") || says(b"importmap");
        // Behind `<!--` the script need not end there. In a page in an attribute, references are read before all else.
        let is_tricky = self.starts.comment.find(text).is_some() || refers(tag) || refers(text);
        is_json || is_tricky || self.rules.denied_inline(text).is_some()
    }

    /// Whether the `svg` at this place may have a script or style in it that has markup in it: that is none of its text there.
    fn hides_markup(&mut self, at: usize) -> bool {
        let from = self.page.get(at..).unwrap_or_default();
        if ends_plainly(from) {
            return false;
        }
        let unclear = self.page.get(at..self.is_clear_from).unwrap_or_default();
        self.is_clear_from = self.is_clear_from.min(at);
        self.cost += unclear.len() / 2;
        memchr_iter(b'<', unclear).any(|index| {
            let element = from.get(index..).unwrap_or_default();
            [&b"script"[..], b"style"].into_iter().any(|name| {
                begins(element.get(1..).unwrap_or_default(), name)
                    && self.raw_text(element, name).is_none_or(|(_, text)| has_markup(text))
            })
        })
    }

    /// The tag of a `script` or `style`, and its text if that is raw. `None`: the tag has no end.
    fn raw_text<'a>(&self, element: &'a [u8], name: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
        let (tag, behind) = element.split_at_checked(tag_length(element)?)?;
        let is_end = |at: &usize| {
            let end = behind.get(at + 2..).unwrap_or_default();
            begins(end, name) && end.get(name.len()).is_some_and(|&byte| ends_name(byte))
        };
        let end = self.starts.end.find_iter(behind).find(is_end).unwrap_or(behind.len());
        Some((tag, behind.get(..end).unwrap_or_default()))
    }
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn slash(behind: &[u8], rules: &impl Rules) -> bool {
    next(behind).is_some_and(is_slash) && authority(behind, rules)
}

fn backslash(before: &[u8], behind: &[u8], rules: &impl Rules) -> bool {
    // An escape of CSS, or it hides the colon.
    next(behind).is_some_and(|next| next.is_ascii_hexdigit() || next == b':')
        || (next(behind).is_some_and(is_slash) || last(before).is_some_and(is_slash))
            && authority(behind, rules)
}

/// `from` is the last letter of a scheme and its colon, or what is dropped between them.
fn colon(before: &[u8], from: &[u8], rules: &impl Rules) -> bool {
    let scheme = from.first().copied().filter(|&byte| !is_dropped(byte)).or_else(|| last(before));
    let behind = from.get(2..).unwrap_or_default();
    match scheme {
        Some(b'p' | b'P' | b's' | b'S') => authority(behind, rules),
        Some(b'a' | b'A') => held::may_be_read(behind),
        _ => false,
    }
}

fn next(behind: &[u8]) -> Option<u8> {
    behind.iter().copied().find(|&byte| !is_dropped(byte))
}

fn last(before: &[u8]) -> Option<u8> {
    before.iter().rev().copied().find(|&byte| !is_dropped(byte))
}

/// Whether `text` begins with a denied host, after slashes. What isn't plain may be one.
fn authority(text: &[u8], rules: &impl Rules) -> bool {
    const LONGEST: usize = 253;
    let start = text.iter().position(|&byte| !is_slash(byte) && !is_dropped(byte));
    let text = start.and_then(|start| text.get(start..)).unwrap_or_default();
    let end = text.iter().position(|&byte| is_slash(byte) || matches!(byte, b'?' | b'#'));
    let whole = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    if whole.contains(&b'@') {
        return true;
    }
    let mut host = String::new();
    for &byte in text {
        match byte {
            b'%' | b'&' | b'\\' | 0x80.. => return true,
            // It is dropped, or stands between two URLs.
            _ if is_dropped(byte) && concerns(&host, rules) => return true,
            _ if is_dropped(byte) => continue,
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') => {}
            ..=b' '
            | b'/'
            | b'?'
            | b'#'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b'^'
            | b'|'
            | b':'
            | 0x7f => break,
            // It ends the text, or is a part of a strange name.
            _ if concerns(&host, rules) => return true,
            _ => {}
        }
        if host.len() > LONGEST {
            // No host has such a name, but there may be one that can't be told.
            return whole.iter().any(|&byte| !byte.is_ascii() || matches!(byte, b'%' | b'&'));
        }
        host.push(char::from(byte.to_ascii_lowercase()));
    }
    concerns(&host, rules)
}

fn concerns(host: &str, rules: &impl Rules) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    !host.is_empty() && rules.concerns(host)
}

/// Whether a reference may hide anything that is looked for here.
fn reference(behind: &[u8]) -> bool {
    const LONGEST: usize = 48;
    let near = behind.get(..LONGEST).unwrap_or(behind);
    let Some((char, length)) = references::first(near) else {
        // Digits without end.
        return near.len() == LONGEST && near.starts_with(b"#");
    };
    let after = near.get(length..).unwrap_or_default();
    let is_name = |text: &[u8]| {
        let letters = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        letters > 0 && text.get(letters).is_none_or(|&byte| byte == b';')
    };
    match char {
        // A page in an attribute has its references written twice.
        '&' => matches!(after.first(), None | Some(b'#' | b'&')) || is_name(after),
        '<' => matches!(after.first(), None | Some(b's' | b'S' | b'&')),
        '\t' | '\n' | '\r' | '/' | '\\' | ':' | '.' | '-' | '_' | '%' | '@' => true,
        _ => char.is_ascii_alphanumeric(),
    }
}

/// Whether there is any reference.
fn refers(text: &[u8]) -> bool {
    memchr_iter(b'&', text).any(|at| {
        let behind = text.get(at + 1..).unwrap_or_default();
        references::first(behind).is_some()
    })
}

fn tag_length(tag: &[u8]) -> Option<usize> {
    let mut scanner = TagScanner::new(tag);
    loop {
        match scanner.step(tag) {
            Step::Attribute(_) => {}
            Step::End { .. } => return Some(scanner.position()),
            Step::More => return None,
        }
    }
}

/// Whether, outside of raw text, anything in it could be more than text.
fn has_markup(text: &[u8]) -> bool {
    let is_markup = |at: usize| {
        let next = text.get(at + 1).copied().unwrap_or_default();
        next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?')
    };
    memchr(b'&', text).is_some() || memchr_iter(b'<', text).any(is_markup)
}

/// Whether an `svg` has nothing in it but shapes, so that it ends at its end tag.
fn ends_plainly(svg: &[u8]) -> bool {
    const SHAPES: [&[u8]; 16] = [
        b"circle",
        b"clippath",
        b"defs",
        b"ellipse",
        b"g",
        b"line",
        b"lineargradient",
        b"mask",
        b"path",
        b"polygon",
        b"polyline",
        b"radialgradient",
        b"rect",
        b"stop",
        b"symbol",
        b"use",
    ];
    let mut rest = svg;
    let mut is_first = true;
    loop {
        let Some(length) = tag_length(rest) else { return false };
        let (tag, behind) = rest.split_at_checked(length).unwrap_or_default();
        let name = Tag::new(tag).name();
        let is_end = tag.starts_with(b"</");
        if is_end && &*name == b"svg" {
            return true;
        }
        if !std::mem::take(&mut is_first) && !SHAPES.contains(&&*name) {
            return false;
        }
        let next = memchr(b'<', behind).and_then(|at| behind.get(at..)).unwrap_or_default();
        let is_tag = |tag: &[u8]| tag.first().is_some_and(u8::is_ascii_alphabetic);
        match next {
            [b'<', b'/', name @ ..] | [b'<', name @ ..] if is_tag(name) => rest = next,
            _ => return false,
        }
    }
}
