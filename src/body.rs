use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::gate::{DIGESTS, Rewriter};

pin_project! {
    /// The body of a response: the application's, passed through or with the banner put in as it
    /// streams, or the layer's own.
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Passed { #[pin] body: B },
        // Boxed, so that every other body stays small: it is moved from hand to hand.
        Page { #[pin] body: B, page: Box<Page> },
        PageOfHead,
        Own { bytes: Bytes },
    }
}

/// A page on its way through.
struct Page {
    rewriter: Rewriter,
    trailers: Option<HeaderMap>,
    has_begun: bool,
    has_ended: bool,
}

impl<B> ResponseBody<B> {
    pub(crate) fn passed(body: B) -> Self {
        Self { kind: Kind::Passed { body } }
    }

    pub(crate) fn own(bytes: Bytes) -> Self {
        Self { kind: Kind::Own { bytes } }
    }

    /// What answers `HEAD` for a page: no bytes, and no size either. Servers tell an exact size as
    /// `Content-Length`, and that of the application's page isn't the one that `GET` would have.
    pub(crate) fn page_of_head() -> Self {
        Self { kind: Kind::PageOfHead }
    }

    pub(crate) fn page(body: B, rewriter: Rewriter) -> Self {
        Self { kind: Kind::Page { body, page: Box::new(Page::new(rewriter)) } }
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
            KindProjection::PageOfHead => Poll::Ready(None),
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
            Kind::PageOfHead => true,
            Kind::Own { bytes } => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passed { body } => body.size_hint(),
            Kind::Page { body, page } => page.size_hint(body),
            Kind::PageOfHead => SizeHint::default(),
            Kind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

impl<B> std::fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

/// The next frame with its data as one `Bytes`: the same one where it is `Bytes` already.
fn poll_bytes<B>(
    body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
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
    fn new(rewriter: Rewriter) -> Self {
        Self { rewriter, trailers: None, has_begun: false, has_ended: false }
    }

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
            match self.rewriter.pull() {
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Err(error) => return self.fail(error),
                Ok(None) => {}
            }
            if self.has_ended {
                let trailers = self.trailers.take();
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            match poll_bytes(body.as_mut(), cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        let is_whole = !self.has_begun && body.is_end_stream();
                        self.has_begun = true;
                        self.rewriter.feed(data, is_whole);
                    }
                    Err(frame) => self.end(frame.into_trailers().ok()),
                },
                Poll::Ready(Some(Err(error))) => return self.fail(error),
                Poll::Ready(None) => self.end(None),
                Poll::Pending => {
                    return match self.rewriter.flush() {
                        Ok(Some(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                        Ok(None) => Poll::Pending,
                        Err(error) => self.fail(error),
                    };
                }
            }
        }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) {
        self.has_ended = true;
        self.rewriter.end();
        self.trailers = trailers.and_then(|mut trailers| {
            // A digest of the application's bytes isn't one of these.
            for name in &DIGESTS {
                trailers.remove(name);
            }
            (!trailers.is_empty()).then_some(trailers)
        });
    }

    /// Nothing follows an error.
    fn fail(&mut self, error: BoxError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        *self = Self { has_begun: true, has_ended: true, ..Self::new(Rewriter::default()) };
        Poll::Ready(Some(Err(error)))
    }

    fn is_end_stream<B: Body>(&self, body: &B) -> bool {
        let is_through = self.has_ended || body.is_end_stream();
        is_through && self.rewriter.is_transparent() && self.trailers.is_none()
    }

    fn size_hint<B: Body>(&self, body: &B) -> SizeHint {
        let rest = if self.has_ended { SizeHint::with_exact(0) } else { body.size_hint() };
        self.rewriter.size_hint(&rest)
    }
}
