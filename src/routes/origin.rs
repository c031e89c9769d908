//! Where a request to make a choice may come from (E1).
//!
//! 1. `Sec-Fetch-Site` decides where the browser sends it: `same-origin` and `none` may.
//! 2. Without it, `Origin` must name the host that the request was made to.
//! 3. Without both the request comes from no browser that could be tricked, and may.
//!
//! No token is needed, so pages stay cacheable and there is no session.

use http::{HeaderName, Request, header};

use crate::gate::Host;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) fn is_same<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    if headers.contains_key(SEC_FETCH_SITE) {
        let may = |value: &http::HeaderValue| value == "same-origin" || value == "none";
        return headers.get_all(SEC_FETCH_SITE).iter().all(may);
    }
    let host = Host::of(request.uri(), headers.get(header::HOST));
    headers.get_all(header::ORIGIN).iter().all(|origin| {
        origin.to_str().is_ok_and(|origin| !origin.starts_with('/') && host.is_origin_of(origin))
    })
}
