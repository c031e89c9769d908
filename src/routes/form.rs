use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http_body::Body;
use pin_project_lite::pin_project;

/// The most bytes that a form may have (E3).
pub(super) const MOST_BYTES: usize = 8 * 1024;

/// Why a form could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    TooLarge,
    /// The connection broke before its end.
    Broken,
}

pin_project! {
    /// A form on its way in, of which no more than [`MOST_BYTES`] are kept.
    pub(crate) struct FormBody<B> {
        #[pin]
        body: B,
        read: Vec<u8>,
    }
}

impl<B: Body> FormBody<B> {
    pub(super) fn new(body: B) -> Self {
        Self { body, read: Vec::new() }
    }
}

impl<B: Body> Future for FormBody<B> {
    type Output = Result<Vec<u8>, FormError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let frame = match ready!(this.body.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(Ok(std::mem::take(this.read))),
                Some(Err(_)) => return Poll::Ready(Err(FormError::Broken)),
                Some(Ok(frame)) => frame,
            };
            let Ok(mut data) = frame.into_data() else { continue };
            if data.remaining() > MOST_BYTES - this.read.len() {
                return Poll::Ready(Err(FormError::TooLarge));
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                this.read.extend_from_slice(chunk);
                let length = chunk.len();
                data.advance(length);
            }
        }
    }
}
