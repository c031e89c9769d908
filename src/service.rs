use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use crate::{
    body::ResponseBody, consent::Consent, future::ResponseFuture, gate, routes, site::Site,
};

/// The whole life of a request; made by [`ConsentLayer`](crate::ConsentLayer).
#[derive(Clone)]
pub struct ConsentService<S> {
    inner: S,
    site: Arc<Site>,
}

impl<S> ConsentService<S> {
    pub(crate) fn new(inner: S, site: Arc<Site>) -> Self {
        Self { inner, site }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ConsentService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ReqBody: Body,
    ResBody: Body,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if request.extensions().get::<Consent>().is_some() {
            // Of several layers around one request the outermost acts.
            return ResponseFuture::inside(self.inner.call(request));
        }
        let site = Arc::clone(&self.site);
        let consent = site.consent(&request);
        let visit = gate::request(&mut request, consent, |consent| site.banners.tag(consent));
        if let Some(route) = routes::find(&site.policy, request.uri().path()) {
            let answer = routes::answer(route, &visit.consent, request);
            return ResponseFuture::own(site, visit, answer);
        }
        request.extensions_mut().insert(visit.consent.clone());
        ResponseFuture::app(site, visit, self.inner.call(request))
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for ConsentService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
