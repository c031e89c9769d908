use std::collections::VecDeque;

use bytes::Bytes;
use http_body::SizeHint;
use tower::BoxError;

#[cfg(feature = "compression")]
use super::encoding::{Coding, decode::Decoder, encode::Encoder};
use super::{
    Admission, DeniedVendors,
    html::{Gate, GateError, Inserter},
};

/// A page's bytes on their way through: the coding off, denied tags out, the banner in, the coding on
/// again. Bytes in, bytes out, no I/O.
///
/// After each [`feed`](Rewriter::feed) or [`end`](Rewriter::end), [`pull`](Rewriter::pull) until
/// there is nothing.
#[derive(Default)]
pub(crate) struct Rewriter {
    change: Change,
    /// What can leave.
    ready: VecDeque<Bytes>,
    has_ended: bool,
    /// Nothing of a page that can't be gated may follow.
    failure: Option<GateError>,
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

/// What is changed in a page. Gating comes first: what the layer itself puts in is not for the gate.
#[derive(Default)]
struct Change {
    gate: Option<Gate<DeniedVendors>>,
    inserter: Option<Inserter<Admission<'static>>>,
    between: VecDeque<Bytes>,
}

impl Change {
    /// `is_whole` says that the chunk is all of the page.
    fn push(
        &mut self,
        chunk: Bytes,
        is_whole: bool,
        out: &mut VecDeque<Bytes>,
    ) -> Result<(), GateError> {
        let gated = match (&mut self.gate, is_whole) {
            (None, _) => {
                self.between.push_back(chunk);
                Ok(())
            }
            (gate @ Some(_), true) => {
                gate.take().map_or(Ok(()), |gate| gate.whole(chunk, &mut self.between))
            }
            (Some(gate), false) => gate.push(chunk, &mut self.between),
        };
        self.insert(out);
        gated
    }

    fn finish(&mut self, out: &mut VecDeque<Bytes>) -> Result<(), GateError> {
        let gated = self.gate.take().map_or(Ok(()), |mut gate| gate.finish(&mut self.between));
        self.insert(out);
        if let (Ok(()), Some(inserter)) = (gated, &mut self.inserter) {
            inserter.finish(out);
        }
        gated
    }

    fn insert(&mut self, out: &mut VecDeque<Bytes>) {
        match &mut self.inserter {
            Some(inserter) => self.between.drain(..).for_each(|chunk| inserter.push(chunk, out)),
            None => out.append(&mut self.between),
        }
    }
}

impl Rewriter {
    /// Puts this into the page, where `body` opens, and lets its policies admit what they have to.
    pub(crate) fn insert(mut self, snippet: Option<Bytes>, admission: Admission<'static>) -> Self {
        self.change.inserter = Some(Inserter::new(snippet.into_iter().collect(), admission));
        self
    }

    /// Takes from the page what fetches from a vendor that isn't allowed.
    pub(crate) fn gate(mut self, gate: Gate<DeniedVendors>) -> Self {
        self.change.gate = Some(gate);
        self
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

    /// Takes a chunk of the page. `is_whole` says that it is all of it.
    pub(crate) fn feed(&mut self, chunk: Bytes, is_whole: bool) {
        #[cfg(feature = "compression")]
        if let Some(coded) = &mut self.coded {
            return coded.decoder.feed(chunk);
        }
        self.failure = self.change.push(chunk, is_whole, &mut self.ready).err();
    }

    /// The page has ended.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
        #[cfg(feature = "compression")]
        if let Some(coded) = &mut self.coded {
            return coded.decoder.end();
        }
        self.failure = self.failure.or(self.change.finish(&mut self.ready).err());
    }

    /// The next bytes that can leave.
    pub(crate) fn pull(&mut self) -> Result<Option<Bytes>, BoxError> {
        #[cfg(feature = "compression")]
        if self.coded.is_some() {
            return self.pull_coded();
        }
        match (self.ready.pop_front(), self.failure) {
            (None, Some(failure)) => Err(failure.into()),
            (ready, _) => Ok(ready),
        }
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
                Some(piece) => self.change.push(piece, false, &mut self.ready)?,
                None if is_last => self.change.finish(&mut self.ready)?,
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
        let is_settled = self.change.inserter.as_ref().is_none_or(Inserter::is_settled);
        self.ready.is_empty() && self.change.gate.is_none() && is_settled
    }

    /// How many bytes leave, with these to come in.
    pub(crate) fn size_hint(&self, rest: &SizeHint) -> SizeHint {
        #[cfg(feature = "compression")]
        if self.coded.is_some() {
            return SizeHint::default();
        }
        let ready: usize = self.ready.iter().map(Bytes::len).sum();
        let inserter = self.change.inserter.as_ref().filter(|inserter| !inserter.is_settled());
        let gate = self.change.gate.as_ref();
        let held = inserter.map_or(0, Inserter::held) + gate.map_or(0, Gate::held);
        let sure = (ready + held) as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(sure));
        // Both only put in, and how much isn't known before.
        let is_exact = inserter.is_none() && gate.is_none();
        if let Some(upper) = rest.upper().filter(|_| is_exact) {
            hint.set_upper(upper.saturating_add(sure));
        }
        hint
    }
}
