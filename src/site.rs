use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, response::Parts};
use http_body::Body;

use crate::{
    banner::Banners,
    body::ResponseBody,
    choice::{self, Signing},
    consent::{Consent, NoTracking, Signals},
    gate::{self, Report, Visit},
    policy::Policy,
    routes,
};

/// All that requests share: the policy, and what was made from it once.
pub(crate) struct Site {
    pub(crate) policy: Arc<Policy>,
    pub(crate) banners: Banners,
    signing: Signing,
    report: Report,
}

impl Site {
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        Self {
            banners: Banners::new(&policy),
            policy,
            signing: Signing::default(),
            report: Report::default(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn again(&self) -> Self {
        let site = Self { signing: self.signing.clone(), ..Self::new(Arc::clone(&self.policy)) };
        if self.report.explains { site.explaining() } else { site }
    }

    /// Responses tell what was decided in them.
    pub(crate) fn explaining(mut self) -> Self {
        self.report.explains = true;
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
        let choice = choice::read(headers, &self.policy, &self.signing);
        let no_tracking = request.extensions().get::<NoTracking>().is_some();
        Consent::new(Arc::clone(&self.policy), choice, Signals::read(headers), no_tracking)
    }

    /// Enforces consent on a response, and puts the banner into a page.
    pub(crate) fn finish<B: Body>(
        &self,
        visit: &Visit,
        response: Response<B>,
    ) -> Response<ResponseBody<B>> {
        let (mut parts, body) = response.into_parts();
        let takes_banner = visit.is_head || !body.is_end_stream();
        let (consent, shows_banner) = self.gate(visit, &mut parts, takes_banner);
        let body = if !shows_banner {
            ResponseBody::passed(body)
        } else if visit.is_head {
            ResponseBody::page_of_head()
        } else {
            let return_to = visit.uri.path_and_query().map_or("/", |path| path.as_str());
            let return_to =
                routes::return_to::sanitize(return_to, &self.policy.declared().endpoint);
            let snippet = self.banners.fill(&consent, return_to);
            ResponseBody::page(body, gate::rewriter(&parts.headers, snippet))
        };
        Response::from_parts(parts, body)
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
        takes_banner: bool,
    ) -> (Cow<'a, Consent>, bool) {
        let page_for = |consent: &Consent| gate::Page {
            tag: self.banners.tag(consent),
            hashes: self.banners.hashes(consent),
        };
        gate::response(parts, visit, takes_banner, &self.signing, &self.report, page_for)
    }
}
