//! Takes a content coding off, a piece at a time.

use std::{collections::VecDeque, fmt};

use bytes::{Buf, Bytes};

use super::{
    Coding,
    decoders::{Codec, Fault, Place},
};

/// The most that comes out at once. With it, a small body that unpacks to gigabytes costs no more memory than any other: what
/// is not asked for is not unpacked.
pub(crate) const PIECE: usize = 32 * 1024;

/// Takes a [`Coding`] off a body that arrives in chunks.
///
/// [`feed`](Self::feed) it a chunk, then [`pull`](Self::pull) until there is nothing more for now; after the last chunk say
/// [`end`](Self::end), and pull again. All that can be told from the bytes fed so far comes out: nothing waits for the next
/// chunk. Memory is bounded by the chunks fed and not yet used, a piece, and the coding's window (32 KiB for `gzip` and
/// `deflate`, 8 MiB for `zstd`, 16 MiB for `br`, less for small pages).
///
/// A body without a single byte is taken as an empty page, as browsers do.
pub(crate) struct Decoder {
    coding: Coding,
    /// Made when the first byte arrives.
    codec: Option<Codec>,
    input: VecDeque<Bytes>,
    input_ended: bool,
    /// Whether the codec may have more to give without more input: it filled the last piece.
    backlog: bool,
    scratch: Vec<u8>,
    failed: Option<DecodeError>,
}

impl Decoder {
    /// A decoder for one body.
    pub(crate) fn new(coding: Coding) -> Self {
        Self {
            coding,
            codec: None,
            input: VecDeque::new(),
            input_ended: false,
            backlog: false,
            scratch: Vec::new(),
            failed: None,
        }
    }

    /// Adds a chunk of the body. It is not looked at before [`pull`](Self::pull).
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.input.push_back(chunk);
        }
    }

    /// Says that the body has ended: from now on, a coding that isn't complete is an error.
    pub(crate) fn end(&mut self) {
        self.input_ended = true;
    }

    /// The next piece of the page, at most [`PIECE`] bytes and never empty; `None` when more has to be fed first, or when the
    /// body has ended and was whole.
    ///
    /// # Errors
    ///
    /// When the body is corrupt, cut short, or longer than it should be. What came out before stays right as far as the coding
    /// can tell (`gzip` and `deflate` have their checksum at the end). After an error, each call gives that error again.
    pub(crate) fn pull(&mut self) -> Result<Option<Bytes>, DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut filled = 0;
        if let Err(fault) = self.fill(&mut filled) {
            // What comes before the fault goes out first.
            self.failed = Some(DecodeError { coding: self.coding, fault });
            self.codec = None;
            self.input.clear();
        }
        match (self.scratch.get(..filled), &self.failed) {
            (Some(piece), _) if !piece.is_empty() => Ok(Some(Bytes::copy_from_slice(piece))),
            (_, Some(error)) => Err(error.clone()),
            (_, None) => Ok(None),
        }
    }

    /// How many bytes were fed and not yet used.
    #[cfg(test)]
    pub(crate) fn unused_input(&self) -> usize {
        self.input.iter().map(Bytes::len).sum()
    }

    /// Decodes until the scratch is full or the input is used up.
    fn fill(&mut self, filled: &mut usize) -> Result<(), Fault> {
        loop {
            while self.input.front().is_some_and(Bytes::is_empty) {
                self.input.pop_front();
            }
            let input = self.input.front().map_or(&[][..], |chunk| &chunk[..]);
            if input.is_empty() && !self.backlog {
                break;
            }
            let codec = match &mut self.codec {
                Some(codec) => codec,
                None => {
                    self.scratch.resize(PIECE, 0);
                    self.codec.insert(Codec::new(self.coding)?)
                }
            };
            if codec.place() == Place::Over {
                return Err(Fault::TrailingData);
            }
            let room = self.scratch.get_mut(*filled..).unwrap_or_default();
            if room.is_empty() {
                return Ok(());
            }

            let step = codec.step(input, room)?;
            if step.is_stalled() && !input.is_empty() {
                return Err(Fault::corrupt("it leads nowhere"));
            }
            self.backlog = step.written == room.len() && codec.place() != Place::Over;
            *filled += step.written;
            if let Some(chunk) = self.input.front_mut() {
                chunk.advance(step.read);
            }
        }
        match &self.codec {
            Some(codec) if self.input_ended && codec.place() == Place::Inside => {
                Err(Fault::Truncated)
            }
            _ => Ok(()),
        }
    }
}

/// A body that is not what its `Content-Encoding` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecodeError {
    coding: Coding,
    fault: Fault,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coding = self.coding;
        match &self.fault {
            Fault::Corrupt(cause) => write!(f, "the page is not valid {coding}: {cause}"),
            Fault::Truncated => write!(f, "the page's {coding} data is cut short"),
            Fault::TrailingData => write!(f, "the page has more after its {coding} data ended"),
        }
    }
}

impl std::error::Error for DecodeError {}
