use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::gate::{DIGESTS, html::Inserter};

pin_project! {
    /// The body of a response: the application's, passed through or with the banner put in as it
    /// streams, or the layer's own.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<B> {
        Passed { #[pin] body: B },
        Page { #[pin] body: B, page: Page },
        Own { bytes: Bytes },
    }
}

/// A page on its way through.
#[derive(Debug)]
struct Page {
    inserter: Inserter,
    /// What can leave.
    ready: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    has_ended: bool,
}

impl<B> ResponseBody<B> {
    pub(crate) fn passed(body: B) -> Self {
        Self { kind: Kind::Passed { body } }
    }

    pub(crate) fn own(bytes: Bytes) -> Self {
        Self { kind: Kind::Own { bytes } }
    }

    /// The body of a page, with the pieces of the snippet put in where `body` opens.
    pub(crate) fn page(body: B, snippet: Vec<Bytes>) -> Self {
        let page = Page {
            inserter: Inserter::new(snippet),
            ready: VecDeque::new(),
            trailers: None,
            has_ended: false,
        };
        Self { kind: Kind::Page { body, page } }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Passed { body } => poll_bytes(body, cx),
            KindProjection::Page { body, page } => page.poll(body, cx),
            KindProjection::Own { bytes } if bytes.is_empty() => Poll::Ready(None),
            KindProjection::Own { bytes } => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Passed { body } => body.is_end_stream(),
            Kind::Page { body, page } => page.is_end_stream(body),
            Kind::Own { bytes } => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passed { body } => body.size_hint(),
            Kind::Page { body, page } => page.size_hint(body),
            Kind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

/// The next frame with its data as one `Bytes`: the same one where it is `Bytes` already.
fn poll_bytes<B>(body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let frame = ready!(body.poll_frame(cx));
    Poll::Ready(frame.map(|frame| {
        frame
            .map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
            .map_err(Into::into)
    }))
}

impl Page {
    fn poll<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.has_ended {
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            match ready!(poll_bytes(body.as_mut(), cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.inserter.push(data, &mut self.ready),
                    Err(frame) => self.end(frame.into_trailers().ok()),
                },
                Some(Err(error)) => {
                    self.has_ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.end(None),
            }
        }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) {
        self.has_ended = true;
        self.inserter.finish(&mut self.ready);
        self.trailers = trailers.map(|mut trailers| {
            // A digest of the application's bytes isn't one of these.
            for name in &DIGESTS {
                trailers.remove(name);
            }
            trailers
        });
    }

    fn is_end_stream<B: Body>(&self, body: &B) -> bool {
        let is_through = self.has_ended || (self.inserter.is_settled() && body.is_end_stream());
        is_through && self.ready.is_empty() && self.trailers.is_none()
    }

    fn size_hint<B: Body>(&self, body: &B) -> SizeHint {
        let ready: usize = self.ready.iter().map(Bytes::len).sum();
        let sure = (ready + self.inserter.held()) as u64;
        let inner = if self.has_ended { SizeHint::with_exact(0) } else { body.size_hint() };
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(sure));
        let open = self.inserter.still_to_insert() as u64;
        if let Some(upper) = inner.upper().and_then(|upper| upper.checked_add(sure + open)) {
            hint.set_upper(upper);
        }
        hint
    }
}
