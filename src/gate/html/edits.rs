//! What is to be changed in a piece of a page, and the piece changed.

use bytes::Bytes;
use std::{collections::VecDeque, ops::Range};

/// Changes in the order of the page.
#[derive(Debug, Default)]
pub(super) struct Edits {
    list: Vec<Edit>,
    /// What is put in, one after the other.
    bytes: Vec<u8>,
    /// Added to every place.
    offset: usize,
}

#[derive(Debug)]
struct Edit {
    at: usize,
    skip: usize,
    insert: Range<usize>,
}

impl Edits {
    /// Shorter runs between two edits are copied: it costs less than another piece does.
    const SHORT: usize = 512;

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn insert<'b>(&mut self, at: usize, pieces: impl IntoIterator<Item = &'b [u8]>) {
        let start = self.bytes.len();
        for piece in pieces {
            self.bytes.extend_from_slice(piece);
        }
        self.list.push(Edit { at: self.offset + at, skip: 0, insert: start..self.bytes.len() });
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.list.push(Edit { at: self.offset + range.start, skip: range.len(), insert: 0..0 });
    }

    /// Counts places from this one on, until the offset that it returns is set again.
    pub(super) fn set_offset(&mut self, offset: usize) -> usize {
        std::mem::replace(&mut self.offset, offset)
    }

    /// How many there are: to go [back](Self::back_to) to.
    pub(super) fn mark(&self) -> usize {
        self.list.len()
    }

    /// Forgets all edits since `mark`.
    pub(super) fn back_to(&mut self, mark: usize) {
        self.list.truncate(mark);
    }

    /// Appends `piece`, with which the places begin, with its edits made; those behind it are kept, counted from its end. What is
    /// not changed is not copied, unless it is short.
    pub(super) fn apply(&mut self, piece: &Bytes, out: &mut VecDeque<Bytes>) {
        if self.list.is_empty() {
            if !piece.is_empty() {
                out.push_back(piece.clone());
            }
            return;
        }
        let mut changed = Vec::new();
        let mut from = 0;
        let mut keep = |range: Range<usize>, changed: &mut Vec<u8>| {
            let kept = piece.get(range.clone()).unwrap_or_default();
            if kept.len() <= Self::SHORT {
                changed.extend_from_slice(kept);
                return;
            }
            if !changed.is_empty() {
                out.push_back(Bytes::from(std::mem::take(changed)));
            }
            out.push_back(piece.slice_ref(kept));
        };
        let is_here =
            |edit: &Edit| edit.at < piece.len() || edit.at == piece.len() && edit.skip == 0;
        let here = self.list.partition_point(is_here);
        for edit in self.list.drain(..here) {
            keep(from..edit.at, &mut changed);
            changed.extend_from_slice(self.bytes.get(edit.insert).unwrap_or_default());
            from = edit.at + edit.skip;
        }
        keep(from..piece.len(), &mut changed);
        if from > piece.len() {
            let rest = Edit { at: piece.len(), skip: from - piece.len(), insert: 0..0 };
            self.list.insert(0, rest);
        }
        if !changed.is_empty() {
            out.push_back(Bytes::from(changed));
        }
        for edit in &mut self.list {
            edit.at -= piece.len();
        }
        if self.list.is_empty() {
            self.bytes.clear();
        }
    }
}
