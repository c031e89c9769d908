use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::{body::ResponseBody, gate::Visit, routes::Answer, site::Site};

pin_project! {
    /// The response of a [`ConsentService`](crate::ConsentService), in the making.
    pub struct ResponseFuture<F, ReqBody> {
        site: Arc<Site>,
        visit: Visit,
        #[pin]
        kind: Kind<F, ReqBody>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<F, ReqBody> {
        App { #[pin] future: F },
        Own { #[pin] answer: Answer<ReqBody> },
    }
}

impl<F, ReqBody> ResponseFuture<F, ReqBody> {
    pub(crate) fn app(site: Arc<Site>, visit: Visit, future: F) -> Self {
        Self { site, visit, kind: Kind::App { future } }
    }

    pub(crate) fn own(site: Arc<Site>, visit: Visit, answer: Answer<ReqBody>) -> Self {
        Self { site, visit, kind: Kind::Own { answer } }
    }
}

impl<F, ReqBody, ResBody, E> Future for ResponseFuture<F, ReqBody>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ReqBody: Body,
    ResBody: Body,
    ResBody::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(Ok(match this.kind.project() {
            KindProjection::App { future } => {
                let response = ready!(future.poll(cx))?;
                this.site.finish(this.visit, response)
            }
            KindProjection::Own { answer } => {
                let response = ready!(answer.poll(cx));
                this.site.finish_own(this.visit, response)
            }
        }))
    }
}

impl<F, ReqBody> std::fmt::Debug for ResponseFuture<F, ReqBody> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
