use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, response::Parts};
use http_body::Body;

use crate::{
    banner::Banners,
    body::ResponseBody,
    choice::{self, Signing},
    consent::{Consent, NoTracking, Signals},
    gate::{self, Admission, Report, Visit},
    policy::Policy,
    routes,
};

/// All that requests share: the policy, and what was made from it once.
pub(crate) struct Site {
    pub(crate) policy: Arc<Policy>,
    pub(crate) banners: Banners,
    signing: Signing,
    report: Arc<Report>,
}

impl Site {
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        Self {
            banners: Banners::new(&policy),
            policy,
            signing: Signing::default(),
            report: Arc::default(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn again(&self) -> Self {
        let site = Self { signing: self.signing.clone(), ..Self::new(Arc::clone(&self.policy)) };
        if self.report.explains { site.explaining() } else { site }
    }

    /// Responses tell what was decided in them.
    pub(crate) fn explaining(mut self) -> Self {
        self.report = Arc::new(Report::explaining());
        self
    }

    #[cfg(feature = "signed")]
    pub(crate) fn signed_with(mut self, key: cookie::Key) -> Self {
        self.signing.key = Some(key);
        self
    }

    /// What holds for this request: policy x choice x signals x regime.
    pub(crate) fn consent<B>(&self, request: &Request<B>) -> Consent {
        let headers = request.headers();
        let recalled = choice::read(headers, &self.policy, &self.signing);
        let no_tracking = request.extensions().get::<NoTracking>().is_some();
        Consent::new(Arc::clone(&self.policy), recalled, Signals::read(headers), no_tracking)
    }

    /// Enforces consent on a response: on its head, and on the body of a page.
    pub(crate) fn finish<B: Body>(
        &self,
        visit: &Visit,
        response: Response<B>,
    ) -> Response<ResponseBody<B>> {
        let (mut parts, body) = response.into_parts();
        let has_body = visit.is_head || !body.is_end_stream();
        let (consent, treatment) = self.gate(visit, &mut parts, has_body);
        let body = match treatment {
            gate::Treatment::Pass => ResponseBody::passed(body),
            gate::Treatment::Refuse => return refuse(parts),
            gate::Treatment::Rewrite { .. } if visit.is_head => ResponseBody::page_of_head(),
            gate::Treatment::Rewrite { banner, gate } => {
                let return_to = self.return_to(visit);
                let snippet = banner.then(|| self.banners.fill(&consent, return_to));
                let hashes = banner.then(|| self.banners.hashes(&consent));
                let admission =
                    Admission::new(Cow::Owned(consent.clone().into_owned()), hashes, gate);
                let gate = gate.then(|| gate::page_gate(visit, &consent, return_to, &self.report));
                ResponseBody::page(body, gate::rewriter(&parts.headers, snippet, admission, gate))
            }
        };
        Response::from_parts(parts, body)
    }

    /// Where a choice that is made on this page leads back to.
    fn return_to<'a>(&self, visit: &'a Visit) -> &'a str {
        let path = visit.uri.path_and_query().map_or("/", |path| path.as_str());
        routes::return_to::sanitize(path, &self.policy.declared().endpoint)
    }

    /// The same for the layer's own answers, which carry no banner.
    pub(crate) fn finish_own<B: Body>(
        &self,
        visit: &Visit,
        response: Response<Bytes>,
    ) -> Response<ResponseBody<B>> {
        let (mut parts, body) = response.into_parts();
        self.gate(visit, &mut parts, false);
        Response::from_parts(parts, ResponseBody::own(body))
    }

    fn gate<'a>(
        &self,
        visit: &'a Visit,
        parts: &mut Parts,
        has_body: bool,
    ) -> (Cow<'a, Consent>, gate::Treatment) {
        let page_for = |consent: &Consent| gate::Page {
            tag: self.banners.tag(consent),
            hashes: self.banners.hashes(consent),
        };
        gate::response(parts, visit, has_body, &self.signing, &self.report, page_for)
    }
}

/// In place of a page that may hold what the visitor has not allowed, and that can't be read (H12).
fn refuse<B>(mut parts: Parts) -> Response<ResponseBody<B>> {
    const REASON: &str = "This page can't be shown: it may contact third parties that you have not \
        allowed, and it comes in a form in which they can't be taken out.\n";
    parts.status = StatusCode::INTERNAL_SERVER_ERROR;
    for name in
        [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_RANGE, header::ETAG]
    {
        parts.headers.remove(name);
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    parts.headers.insert(header::CONTENT_TYPE, plain);
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Response::from_parts(parts, ResponseBody::own(Bytes::from_static(REASON.as_bytes())))
}
