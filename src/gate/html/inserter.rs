//! Puts a snippet where `body` opens, and lets the policies before it admit what they have to.

use super::{
    body_start::{BodyStart, Decision},
    edits::Edits,
    policies::{self, Policies},
    tokenizer::{Kind, Tokenizer},
};
use bytes::Bytes;
use memchr::memchr;
use std::collections::VecDeque;

/// Puts a snippet into a page, right where the parser opens `body`, as the page streams by. Content Security Policies that stand
/// in `head` become what [`Policies`] makes of them; behind `head` they count for nothing.
///
/// Nothing is inserted into framesets, into what has no body (pieces of pages, empty pages), into pages that end inside a tag,
/// comment, script or template before their body, and into UTF-16 and ISO-2022-JP.
///
/// Bytes are held back only while it isn't known whether the snippet goes before them: an unfinished tag, and up to 16 KiB after
/// an implied body (see [`BodyStart`]).
#[derive(Debug)]
pub(crate) struct Inserter<P> {
    snippet: Vec<Bytes>,
    policies: P,
    fate: Fate,
    tokenizer: Tokenizer,
    body: BodyStart,
    has_begun: bool,
    /// The start of a token that the last chunk cut; its bytes are held back, too.
    cut: Vec<u8>,
    /// Offsets in the page: of the next token, of the first byte held back, of the next chunk.
    position: u64,
    left: u64,
    received: u64,
    held: VecDeque<Bytes>,
    /// To what is held back.
    edits: Edits,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Open,
    Inserted,
    Never,
}

/// A page is passed on as it is from a longer tag before its body on.
pub(super) const LONGEST_TAG: usize = 64 * 1024;

impl<P: Policies> Inserter<P> {
    /// `snippet`: the pieces to insert, in order. There may be none.
    pub(crate) fn new(snippet: Vec<Bytes>, policies: P) -> Self {
        Self {
            snippet,
            policies,
            fate: Fate::Open,
            tokenizer: Tokenizer::new(),
            body: BodyStart::default(),
            has_begun: false,
            cut: Vec::new(),
            position: 0,
            left: 0,
            received: 0,
            held: VecDeque::new(),
            edits: Edits::default(),
        }
    }

    /// Feeds a chunk; all bytes that can leave now are appended to `out`, as slices of the chunks that came in, but around what is
    /// changed.
    pub(crate) fn push(&mut self, chunk: Bytes, out: &mut VecDeque<Bytes>) {
        if chunk.is_empty() {
            return;
        }
        if self.is_settled() {
            out.push_back(chunk);
            return;
        }
        self.received += chunk.len() as u64;
        self.held.push_back(chunk.clone());
        let decision = self.read(&chunk);
        self.act_on(decision, out);
    }

    /// The body has ended: everything held back leaves.
    pub(crate) fn finish(&mut self, out: &mut VecDeque<Bytes>) {
        if self.is_settled() {
            return;
        }
        let decision = self.read_end();
        self.act_on(decision, out);
    }

    /// Decided for good (inserted, or never will be): later chunks pass untouched and uninspected.
    pub(crate) fn is_settled(&self) -> bool {
        self.fate != Fate::Open
    }

    /// Bytes held back now.
    pub(crate) fn held(&self) -> usize {
        if self.is_settled() {
            0
        } else {
            usize::try_from(self.received - self.left).unwrap_or(usize::MAX)
        }
    }

    fn read(&mut self, chunk: &[u8]) -> Decision {
        /// A cut token is finished in a copy, and there is no need to copy more than that.
        const STEP: usize = 4096;
        let mut rest = chunk;
        while !self.cut.is_empty() {
            let end = memchr(b'>', rest).map_or(rest.len(), |at| at + 1).min(STEP);
            let Some((more, after)) = rest.split_at_checked(end) else {
                break;
            };
            if more.is_empty() {
                break;
            }
            let mut cut = std::mem::take(&mut self.cut);
            cut.extend_from_slice(more);
            let (decision, read) = self.read_tokens(&cut);
            if decision != Decision::Undecided {
                return decision;
            }
            cut.drain(..read.min(cut.len()));
            self.cut = cut;
            rest = after;
        }
        if self.cut.is_empty() {
            let (decision, read) = self.read_tokens(rest);
            if decision != Decision::Undecided {
                return decision;
            }
            rest = rest.get(read..).unwrap_or_default();
            if rest.len() <= LONGEST_TAG {
                self.cut.extend_from_slice(rest);
                rest = &[];
            }
        }
        self.give_up_on_long(self.cut.len() + rest.len())
    }

    /// `unread`: the length of the token that isn't whole yet.
    fn give_up_on_long(&self, unread: usize) -> Decision {
        match self.body.implied_at() {
            Some(start) if self.position + unread as u64 > start + BodyStart::FARTHEST => {
                Decision::At(start)
            }
            None if unread > LONGEST_TAG => Decision::Never,
            _ => Decision::Undecided,
        }
    }

    /// Reads as many tokens as are whole; says how many bytes that were.
    fn read_tokens(&mut self, input: &[u8]) -> (Decision, usize) {
        let mut rest = input;
        if !self.has_begun {
            match byte_order_mark(rest) {
                Some(Mark::Unknown) => return (Decision::Undecided, 0),
                Some(Mark::Utf16) => return (Decision::Never, 0),
                Some(Mark::Utf8) => {
                    rest = rest.get(UTF_8.len()..).unwrap_or_default();
                    self.position += UTF_8.len() as u64;
                }
                None => {}
            }
            self.has_begun = true;
        }
        while let Some(token) = self.tokenizer.next(rest) {
            let Some((bytes, after)) = rest.split_at_checked(token.len) else {
                break;
            };
            let is_tag = matches!(token.kind, Kind::StartTag | Kind::EndTag);
            if is_tag && token.len > LONGEST_TAG && self.body.implied_at().is_none() {
                return (Decision::Never, 0);
            }
            let decision = self.body.token(token.kind, bytes, self.position);
            if decision != Decision::Undecided {
                return (decision, 0);
            }
            if token.kind == Kind::StartTag && self.body.is_in_head() {
                self.merge_policy(bytes);
            }
            if self.snippet.is_empty() && self.body.implied_at().is_some() {
                return (Decision::Never, 0);
            }
            self.position += token.len as u64;
            rest = after;
            if is_tag {
                self.tokenizer.set_foreign(self.body.is_foreign());
            }
        }
        (Decision::Undecided, input.len() - rest.len())
    }

    fn merge_policy(&mut self, tag: &[u8]) {
        if let Ok(at) = usize::try_from(self.position - self.left) {
            policies::merge(&self.policies, tag, &mut self.edits, at);
        }
    }

    fn read_end(&mut self) -> Decision {
        let mut rest = std::mem::take(&mut self.cut);
        if !self.has_begun {
            self.has_begun = true;
            let (decision, read) = self.read_tokens(&rest);
            if decision != Decision::Undecided {
                return decision;
            }
            rest.drain(..read.min(rest.len()));
        }
        let text = self.tokenizer.end(&rest).filter(|&kind| kind == Kind::Text);
        if let Some(kind) = text {
            let decision = self.body.token(kind, &rest, self.position);
            if decision != Decision::Undecided {
                return decision;
            }
        }
        let is_complete = self.tokenizer.is_at_rest() && (rest.is_empty() || text.is_some());
        self.body.end(self.position + rest.len() as u64, is_complete)
    }

    fn act_on(&mut self, decision: Decision, out: &mut VecDeque<Bytes>) {
        match decision {
            Decision::Undecided => {
                self.release(self.body.holds_from().unwrap_or(self.position), out);
            }
            Decision::Never => {
                self.fate = Fate::Never;
                self.release(self.received, out);
            }
            Decision::At(at) => {
                self.release(at, out);
                self.fate = Fate::Inserted;
                out.extend(self.snippet.iter().cloned());
                out.append(&mut self.held);
            }
        }
        if self.is_settled() {
            self.cut = Vec::new();
        }
    }

    /// Lets go of the bytes before `end`.
    fn release(&mut self, end: u64, out: &mut VecDeque<Bytes>) {
        while let Some(mut first) = self.held.pop_front() {
            let count = usize::try_from(end.saturating_sub(self.left))
                .unwrap_or(usize::MAX)
                .min(first.len());
            let part = first.split_to(count);
            self.left += count as u64;
            self.edits.apply(&part, out);
            if !first.is_empty() {
                self.held.push_front(first);
                break;
            }
        }
    }
}

enum Mark {
    Utf8,
    Utf16,
    /// It may become one.
    Unknown,
}

const UTF_8: &[u8] = b"\xef\xbb\xbf";

fn byte_order_mark(input: &[u8]) -> Option<Mark> {
    match input {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => Some(Mark::Utf16),
        _ if input.starts_with(UTF_8) => Some(Mark::Utf8),
        [] | [0xfe] | [0xff] => Some(Mark::Unknown),
        _ if UTF_8.starts_with(input) => Some(Mark::Unknown),
        _ => None,
    }
}
