//! The contract of `http_body::Body`, as a checker. Tests put it around every body: the
//! application's (so that no test proves anything with a body that couldn't be) and the layer's.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body that panics where the one in it breaks the contract:
    ///
    /// 1. After trailers nothing comes but the end; after the end or an error nothing comes at all.
    /// 2. `is_end_stream` is true only where the next poll gives the end, and stays true.
    /// 3. All `size_hint`s that were ever given agree with each other and with the data that came: a
    ///    body may come to know more, and must not change its mind. (`lower <= upper` is kept by
    ///    `SizeHint` itself.)
    /// 4. Frames of data aren't empty. This is no rule of `http_body`, but an empty frame costs a
    ///    frame of HTTP/2 and says nothing. The layer may pass on those of the application, and adds
    ///    none: [`allow_empty_frames`](LintBody::allow_empty_frames) is for that.
    pub(crate) struct LintBody<B> {
        #[pin]
        body: B,
        ledger: Ledger,
    }
}

/// What is known of the body so far.
struct Ledger {
    stage: Stage,
    allows_empty: bool,
    said_end: bool,
    came: u64,
    /// What the hints leave for the whole of the data.
    least: u64,
    most: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Data,
    Trailers,
    End,
    Error,
}

impl<B: Body> LintBody<B> {
    pub(crate) fn new(body: B) -> Self {
        let mut ledger = Ledger {
            stage: Stage::Data,
            allows_empty: false,
            said_end: false,
            came: 0,
            least: 0,
            most: u64::MAX,
        };
        ledger.look_at(&body);
        Self { body, ledger }
    }

    #[allow(dead_code, reason = "few tests need it")]
    pub(crate) fn allow_empty_frames(mut self) -> Self {
        self.ledger.allows_empty = true;
        self
    }
}

impl<B: Body> Body for LintBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        this.ledger.look_at(&*this.body);
        let polled = this.body.as_mut().poll_frame(cx);
        this.ledger.check(&polled);
        this.ledger.look_at(&*this.body);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Ledger {
    /// Takes down what the body says of itself.
    fn look_at<B: Body>(&mut self, body: &B) {
        let says_end = body.is_end_stream();
        assert!(says_end || !self.said_end, "is_end_stream was true, and is false again");
        self.said_end = says_end;

        let hint = body.size_hint();
        let upper = hint.upper().unwrap_or(u64::MAX);
        if self.stage == Stage::Data {
            self.least = self.least.max(self.came.saturating_add(hint.lower()));
            self.most = self.most.min(self.came.saturating_add(upper));
            assert!(
                self.least <= self.most,
                "size_hint changed its mind: at least {}, at most {} in all, after {} bytes",
                self.least,
                self.most,
                self.came
            );
        }
    }

    fn check<D: Buf, E>(&mut self, polled: &Poll<Option<Result<Frame<D>, E>>>) {
        let what = match polled {
            Poll::Pending => "waits",
            Poll::Ready(None) => "ends",
            Poll::Ready(Some(Err(_))) => "fails",
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => "gives trailers",
            Poll::Ready(Some(Ok(_))) => "gives data",
        };
        if what != "ends" {
            assert!(
                matches!(self.stage, Stage::Data)
                    || (self.stage == Stage::Trailers && what == "waits"),
                "the body {what} after its {:?}",
                self.stage
            );
            assert!(!self.said_end, "the body {what}, and is_end_stream was true");
        }
        match polled {
            Poll::Pending => {}
            Poll::Ready(None) => {
                self.check_whole();
                if self.stage != Stage::Error {
                    self.stage = Stage::End;
                }
            }
            Poll::Ready(Some(Err(_))) => self.stage = Stage::Error,
            Poll::Ready(Some(Ok(frame))) => match frame.data_ref() {
                Some(data) => self.take(data.remaining()),
                None => {
                    self.check_whole();
                    self.stage = Stage::Trailers;
                }
            },
        }
    }

    fn take(&mut self, length: usize) {
        assert!(length > 0 || self.allows_empty, "the body gives an empty frame of data");
        self.came += length as u64;
        assert!(
            self.came <= self.most,
            "size_hint allowed {} bytes in all, and {} came",
            self.most,
            self.came
        );
    }

    fn check_whole(&self) {
        assert!(
            self.stage != Stage::Data || self.came >= self.least,
            "size_hint promised {} bytes in all, and {} came",
            self.least,
            self.came
        );
    }
}
