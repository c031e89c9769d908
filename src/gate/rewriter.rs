use std::collections::VecDeque;

use bytes::Bytes;
use http_body::SizeHint;
use tower::BoxError;

#[cfg(feature = "compression")]
use super::encoding::{Coding, decode::Decoder, encode::Encoder};
use super::html::Inserter;

/// A page's bytes on their way through: the coding off, the banner in, the coding on again. Bytes
/// in, bytes out, no I/O.
///
/// After each [`feed`](Rewriter::feed) or [`end`](Rewriter::end), [`pull`](Rewriter::pull) until
/// there is nothing.
pub(crate) struct Rewriter {
    inserter: Inserter,
    /// What can leave.
    ready: VecDeque<Bytes>,
    has_ended: bool,
    #[cfg(feature = "compression")]
    coded: Option<Coded>,
}

/// What a compressed page needs besides.
#[cfg(feature = "compression")]
struct Coded {
    decoder: Decoder,
    /// Gone when the page has ended.
    encoder: Option<Encoder>,
}

impl Rewriter {
    pub(crate) fn new(snippet: Bytes) -> Self {
        Self {
            inserter: Inserter::new(vec![snippet]),
            ready: VecDeque::new(),
            has_ended: false,
            #[cfg(feature = "compression")]
            coded: None,
        }
    }

    /// The page comes, and leaves, in this coding.
    #[cfg(feature = "compression")]
    pub(crate) fn coded(mut self, coding: Option<Coding>) -> Self {
        self.coded = coding.map(|coding| Coded {
            decoder: Decoder::new(coding),
            encoder: Some(Encoder::new(coding)),
        });
        self
    }

    /// Takes a chunk of the page.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        #[cfg(feature = "compression")]
        if let Some(coded) = &mut self.coded {
            return coded.decoder.feed(chunk);
        }
        self.inserter.push(chunk, &mut self.ready);
    }

    /// The page has ended.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
        #[cfg(feature = "compression")]
        if let Some(coded) = &mut self.coded {
            return coded.decoder.end();
        }
        self.inserter.finish(&mut self.ready);
    }

    /// The next bytes that can leave.
    pub(crate) fn pull(&mut self) -> Result<Option<Bytes>, BoxError> {
        #[cfg(feature = "compression")]
        if self.coded.is_some() {
            return self.pull_coded();
        }
        Ok(self.ready.pop_front())
    }

    /// Decodes piece by piece, so that a small chunk that unfolds to a huge one takes no more memory
    /// than a piece.
    #[cfg(feature = "compression")]
    fn pull_coded(&mut self) -> Result<Option<Bytes>, BoxError> {
        let Some(coded) = &mut self.coded else { return Ok(None) };
        while let Some(encoder) = &mut coded.encoder {
            let piece = coded.decoder.pull()?;
            let is_last = piece.is_none() && self.has_ended;
            match piece {
                Some(piece) => self.inserter.push(piece, &mut self.ready),
                None if is_last => self.inserter.finish(&mut self.ready),
                None => return Ok(None),
            }
            let mut bytes = Vec::new();
            for plain in self.ready.drain(..) {
                bytes.push(encoder.push(&plain)?);
            }
            if is_last && let Some(encoder) = coded.encoder.take() {
                bytes.push(encoder.finish()?);
            }
            let bytes = Bytes::from(bytes.concat());
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// What lies in the encoder leaves too: the rest of the page may take a while.
    pub(crate) fn flush(&mut self) -> Result<Option<Bytes>, BoxError> {
        #[cfg(feature = "compression")]
        if let Some(encoder) = self.coded.as_mut().and_then(|coded| coded.encoder.as_mut()) {
            return Ok(Some(encoder.flush()?).filter(|bytes| !bytes.is_empty()));
        }
        Ok(None)
    }

    /// Whether all that is to come passes untouched, with nothing held back.
    pub(crate) fn is_transparent(&self) -> bool {
        #[cfg(feature = "compression")]
        if self.coded.is_some() {
            return false;
        }
        self.ready.is_empty() && self.inserter.is_settled()
    }

    /// How many bytes leave, with these to come in.
    pub(crate) fn size_hint(&self, rest: &SizeHint) -> SizeHint {
        #[cfg(feature = "compression")]
        if self.coded.is_some() {
            return SizeHint::default();
        }
        let ready: usize = self.ready.iter().map(Bytes::len).sum();
        let sure = (ready + self.inserter.held()) as u64;
        let most = sure + self.inserter.insertable() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(sure));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(most)) {
            hint.set_upper(upper);
        }
        hint
    }
}
