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
        #[pin]
        kind: Kind<F, ReqBody>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<F, ReqBody> {
        App { site: Arc<Site>, visit: Visit, #[pin] future: F },
        Own { site: Arc<Site>, visit: Visit, #[pin] answer: Answer<ReqBody> },
        Inside { #[pin] future: F },
    }
}

impl<F, ReqBody> ResponseFuture<F, ReqBody> {
    pub(crate) fn app(site: Arc<Site>, visit: Visit, future: F) -> Self {
        Self { kind: Kind::App { site, visit, future } }
    }

    pub(crate) fn own(site: Arc<Site>, visit: Visit, answer: Answer<ReqBody>) -> Self {
        Self { kind: Kind::Own { site, visit, answer } }
    }

    /// Another layer is around this one.
    pub(crate) fn inside(future: F) -> Self {
        Self { kind: Kind::Inside { future } }
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
        Poll::Ready(Ok(match self.project().kind.project() {
            KindProjection::App { site, visit, future } => {
                site.finish(visit, ready!(future.poll(cx))?)
            }
            KindProjection::Own { site, visit, answer } => {
                site.finish_own(visit, ready!(answer.poll(cx)))
            }
            KindProjection::Inside { future } => ready!(future.poll(cx))?.map(ResponseBody::passed),
        }))
    }
}

impl<F, ReqBody> std::fmt::Debug for ResponseFuture<F, ReqBody> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
