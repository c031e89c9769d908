//! Takes from a page what would contact a vendor that is not allowed.

use super::{
    edits::Edits,
    host::Host,
    markup::{Context, Markup},
    sieve::last_mention,
    url::Base,
};
use bytes::{Bytes, BytesMut};
use memchr::memchr;
use std::{collections::VecDeque, fmt};

/// What decides: the vendors that are not allowed. Shared and cheap to clone: nothing is compiled per page.
pub(crate) trait Rules {
    /// Whether a denied vendor has anything on this host: lower-case ASCII, no port, no trailing dot. Cheap; it is asked for every
    /// URL that leads elsewhere.
    fn concerns(&self, host: &str) -> bool;

    /// The denied vendor that this place belongs to. `path` begins with `/`, has no dot segments, and
    /// keeps its query, by which some vendors are told apart.
    fn denied_host(&self, host: &str, path: &str) -> Option<Denial<'_>>;

    /// The denied vendor whose mark the text of an inline script contains.
    fn denied_inline(&self, text: &[u8]) -> Option<Denial<'_>>;

    /// Whether `data-consent="slug"` names something denied.
    fn is_denied(&self, slug: &str) -> bool;

    /// What is said to be denied where it can't be told who is contacted.
    fn in_doubt(&self) -> &str;

    /// Whether a page passes that can't be read, because of this.
    fn let_pass(&self, _error: GateError) -> bool {
        false
    }

    /// Whether [`passes`](Self::passes) is to be told of all hosts: nothing is skipped then.
    fn is_curious(&self) -> bool {
        false
    }

    /// An element fetches from this host, by a URL that isn't denied.
    fn passes(&self, _host: &str) {}

    /// An element is gated. What stands in a page in `srcdoc` is told before the element that has it.
    fn gated(&self, _reason: &Reason<'_>) {}

    /// What begins before a gated `iframe` or `embed` and ends behind it, or stands before an `object`.
    fn placeholder(&self, _gated: &Gated<'_>) -> Option<Bytes> {
        None
    }

    /// What ends it.
    fn placeholder_end(&self) -> &'static [u8] {
        b""
    }
}

/// What is denied, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Denial<'a> {
    pub(crate) slug: &'a str,
    /// The rule that decided, in up to two parts: a host and a path.
    pub(crate) rule: (&'a str, &'a str),
}

/// Without a rule.
impl<'a> From<&'a str> for Denial<'a> {
    fn from(slug: &'a str) -> Self {
        Self { slug, rule: ("", "") }
    }
}

/// Why an element is gated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason<'a> {
    /// Its name, as written.
    pub(crate) element: &'a [u8],
    /// The attribute that decided, as written, and its value. Of an inline script and the like both are empty.
    pub(crate) attribute: (&'a [u8], &'a [u8]),
    pub(crate) denial: Denial<'a>,
}

/// A gated element that shows what it fetches. Its values are decoded: `&amp;` is `&`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gated<'a> {
    pub(crate) slug: &'a str,
    /// `src`, or `data` of an `object`, as written: it may be relative.
    pub(crate) url: Option<&'a [u8]>,
    pub(crate) width: Option<&'a [u8]>,
    pub(crate) height: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of one tag.
    pub(crate) tag: usize,
    /// Bytes of one inline script, style sheet or `noscript`: it is held back until it is known whether it may run.
    pub(crate) inline: usize,
}

/// Why a page can't be gated. Nothing of it may follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GateError {
    LongTag,
    LongInline,
    /// UTF-16 or ISO-2022-JP: bytes that look like markup need not be.
    Charset,
    /// Parsers don't agree on what is markup and what is text.
    Ambiguous,
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LongTag => "a tag of the page is longer than the limit, `limits.tag_bytes`",
            Self::LongInline => {
                "a script, style or noscript of the page is longer than the limit, `limits.inline_bytes`"
            }
            Self::Charset => "the page is in UTF-16 or ISO-2022-JP; write it in UTF-8",
            Self::Ambiguous => "the page has raw text where parsers don't agree on what is markup",
        })
    }
}

impl std::error::Error for GateError {}

/// Gates a page as it streams by.
///
/// A denied attribute gets `data-consent-` before its name, and the element `data-consent="slug"`; nothing else in the page
/// changes. Bytes are held back only where they belong to an unfinished tag, inline script, style sheet or `noscript`.
///
/// Run it before the [`Inserter`](super::Inserter): what the layer itself puts in is not gated then, and where `body` opens is
/// the same with and without.
#[derive(Debug)]
pub(crate) struct Gate<R> {
    context: Context<R>,
    markup: Markup,
    edits: Edits,
    has_begun: bool,
    /// What came and can't leave yet.
    held: BytesMut,
    /// How much of it was read.
    read: usize,
    failed: Option<GateError>,
    /// It could not be read, and passes.
    passes: bool,
}

impl<R: Rules> Gate<R> {
    /// `host` (of the `Host` header, with or without its port) and `path` are the page's own.
    pub(crate) fn new(rules: R, host: &str, path: &str, limits: Limits) -> Self {
        let base = Base { host: Host::read(host.as_bytes()), path: path.to_owned() };
        Self {
            context: Context::new(rules, base, limits),
            markup: Markup::page(),
            edits: Edits::default(),
            has_begun: false,
            held: BytesMut::new(),
            read: 0,
            failed: None,
            passes: false,
        }
    }

    /// Feeds a chunk; all bytes that can leave now are appended to `out`. After an error nothing leaves any more.
    pub(crate) fn push(
        &mut self,
        chunk: Bytes,
        out: &mut VecDeque<Bytes>,
    ) -> Result<(), GateError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.passes {
            out.push_back(chunk);
            return Ok(());
        }
        match self.held.is_empty() {
            true => self.push_first(chunk, out),
            false => self.push_more(&chunk, out),
        }
    }

    /// The same for a page that comes in one piece. What comes after the last thing in it that may be denied isn't read: mostly
    /// all of it.
    pub(crate) fn whole(mut self, page: Bytes, out: &mut VecDeque<Bytes>) -> Result<(), GateError> {
        const ESCAPE: u8 = 0x1b;
        let is_utf_16 = matches!(*page, [0xfe, 0xff, ..] | [0xff, 0xfe, ..]);
        // Without escapes ISO-2022-JP is ASCII.
        if !is_utf_16 && memchr(ESCAPE, &page).is_none() && !self.context.has_denied_base() {
            match last_mention(&page, self.context.judge().rules) {
                None => {
                    self.context.look_over(&page);
                    out.push_back(page);
                    return Ok(());
                }
                Some(last) => self.markup.stop_behind(last),
            }
        }
        self.push(page, out)?;
        self.finish(out)
    }

    /// The page has ended.
    pub(crate) fn finish(&mut self, out: &mut VecDeque<Bytes>) -> Result<(), GateError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.passes {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held).freeze();
        let read = match self.has_begun {
            true => Ok(self.read),
            false => self.begin(&held, true).map(Option::unwrap_or_default),
        };
        let ended = read.and_then(|read| {
            self.markup.read(&mut self.context, &mut self.edits, &held, read)?;
            self.markup.end(&mut self.context, &mut self.edits, &held)
        });
        match ended {
            Ok(()) => self.edits.apply(&held, out),
            Err(error) => self.give_up(error, held, out)?,
        }
        Ok(())
    }

    /// Bytes held back now.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    fn push_first(&mut self, chunk: Bytes, out: &mut VecDeque<Bytes>) -> Result<(), GateError> {
        let keep = match self.advance(&chunk) {
            Ok(keep) => keep,
            Err(error) => return self.give_up(error, chunk, out),
        };
        let mut chunk = chunk;
        let leaving = chunk.split_to(keep.min(chunk.len()));
        self.edits.apply(&leaving, out);
        self.held.extend_from_slice(&chunk);
        Ok(())
    }

    fn push_more(&mut self, chunk: &[u8], out: &mut VecDeque<Bytes>) -> Result<(), GateError> {
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(chunk);
        let keep = match self.advance(&held) {
            Ok(keep) => keep,
            Err(error) => return self.give_up(error, held.freeze(), out),
        };
        if keep > 0 {
            let leaving = held.split_to(keep.min(held.len())).freeze();
            self.edits.apply(&leaving, out);
        }
        self.held = held;
        Ok(())
    }

    /// Reads as far as it can; says how many bytes may leave.
    fn advance(&mut self, input: &[u8]) -> Result<usize, GateError> {
        if !self.has_begun {
            match self.begin(input, false)? {
                Some(read) => self.read = read,
                None => return Ok(0),
            }
        }
        let read = self.markup.read(&mut self.context, &mut self.edits, input, self.read)?;
        let leaving = self.markup.leave(read);
        self.read = read - leaving;
        let limits = self.context.limits();
        match input.len() - leaving {
            held if self.markup.has_open() && held > limits.inline + 2 * limits.tag => {
                Err(GateError::LongInline)
            }
            held if !self.markup.has_open() && held > limits.tag => Err(GateError::LongTag),
            _ => Ok(leaving),
        }
    }

    /// Reads the byte order mark. `None`: what came may become one.
    fn begin(&mut self, input: &[u8], is_all: bool) -> Result<Option<usize>, GateError> {
        const UTF_8: &[u8] = b"\xef\xbb\xbf";
        let mark = match input {
            [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => return Err(GateError::Charset),
            _ if input.starts_with(UTF_8) => UTF_8.len(),
            _ if is_all => 0,
            [] | [0xfe] | [0xff] => return Ok(None),
            _ if UTF_8.starts_with(input) => return Ok(None),
            _ => 0,
        };
        self.has_begun = true;
        Ok(Some(mark))
    }

    /// The page can't be read from here on, where `unread` begins.
    fn give_up(
        &mut self,
        error: GateError,
        unread: Bytes,
        out: &mut VecDeque<Bytes>,
    ) -> Result<(), GateError> {
        self.held = BytesMut::new();
        self.edits = Edits::default();
        if self.context.judge().rules.let_pass(error) {
            self.passes = true;
            out.push_back(unread);
            return Ok(());
        }
        self.failed = Some(error);
        Err(error)
    }
}
