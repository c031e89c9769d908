//! What happens to a request on its way to the application.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use super::{Explanation, PageTag, address, caches, cookies, headers, page, vendors::VendorGate};
use crate::{
    consent::Consent,
    policy::{HeaderRules, HeaderSide},
};

/// What the response's side needs to know of the request.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) consent: Consent,
    pub(crate) target: page::Target,
    pub(crate) is_head: bool,
    pub(crate) uri: Uri,
    host: Option<HeaderValue>,
    /// `Cookie` as it came, where a choice would expire something of it.
    pub(crate) cookies: Vec<HeaderValue>,
    /// Whether the client asked for news of a page that this layer changed.
    pub(crate) has_own_etag: bool,
}

/// Hides from the application what is not allowed, and asks it for what the layer can work with.
/// `page_tag` names the variant of a page that this visitor gets.
pub(crate) fn request<B>(
    request: &mut Request<B>,
    consent: Consent,
    page_tag: impl Fn(&Consent) -> PageTag,
) -> Visit {
    let rare = Rare::find(request.headers(), consent.policy().header_rules());
    let mut visit = Visit {
        target: page::Target::of(request.headers(), rare.of_fragment),
        is_head: request.method() == Method::HEAD,
        uri: request.uri().clone(),
        host: request.headers().get(header::HOST).cloned(),
        cookies: Vec::new(),
        has_own_etag: false,
        consent,
    };
    let is_per_user = visit.hides_validators();
    let headers = request.headers_mut();
    let mut explanation = Explanation::new(visit.consent.policy(), false);
    let cookies = cookies::filter_request(headers, &visit.consent, &mut explanation);
    if rare.ruled {
        let side = HeaderSide::Request;
        headers::filter(headers, side, &visit.host(), &visit.consent, &mut explanation);
    }
    visit.cookies = cookies;
    address::truncate(headers, &visit.consent);
    if rare.conditional {
        let tag = page_tag(&visit.consent);
        // What a frame stored may be from when all was allowed.
        let changes_page = match visit.target {
            page::Target::Document => true,
            page::Target::Piece => !VendorGate::new(&visit.consent, "").gates_nothing(),
            page::Target::Unknown | page::Target::Other => false,
        };
        visit.has_own_etag = caches::translate_conditions(headers, changes_page, tag);
    }
    if is_per_user {
        caches::drop_conditions(headers);
    }
    if visit.target.could_be_html() {
        ask_for_a_body_to_work_with(headers);
    }
    visit
}

/// Which headers a request has that few have. One look at all names costs less than looking each up.
#[derive(Default)]
struct Rare {
    of_fragment: bool,
    conditional: bool,
    /// A rule of the policy may be for it.
    ruled: bool,
}

impl Rare {
    fn find(headers: &HeaderMap, rules: &HeaderRules) -> Self {
        let mut rare = Self::default();
        for name in headers.keys().map(HeaderName::as_str) {
            rare.of_fragment |= page::is_of_fragment(name);
            rare.conditional |= name.starts_with("if-");
            rare.ruled |= rules.may_have(name);
        }
        rare
    }
}

impl Visit {
    /// Whether validators on this path would identify a visitor who isn't to be followed.
    pub(crate) fn hides_validators(&self) -> bool {
        let policy = self.consent.policy();
        policy.is_per_user(self.uri.path()) && !self.consent.allows_purpose(policy.analytics())
    }

    pub(crate) fn host(&self) -> Host<'_> {
        Host::of(&self.uri, self.host.as_ref())
    }
}

/// A page that comes compressed can't be changed without the codecs, and costs more with them (H11).
/// Without the header any coding would do (RFC 9110, 12.5.3).
#[cfg(not(feature = "compression"))]
fn ask_for_a_body_to_work_with(headers: &mut HeaderMap) {
    if headers.contains_key(header::ACCEPT_ENCODING) {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
}

/// Only codings that can be decoded are asked for (H11).
#[cfg(feature = "compression")]
fn ask_for_a_body_to_work_with(headers: &mut HeaderMap) {
    let accepted = headers.get_all(header::ACCEPT_ENCODING);
    if let Some(restricted) = super::encoding::accept::restrict(accepted) {
        headers.insert(header::ACCEPT_ENCODING, restricted);
    }
}

/// The host that the request was made to, port included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host<'a> {
    uri: &'a Uri,
    header: Option<&'a HeaderValue>,
}

impl<'a> Host<'a> {
    pub(crate) fn of(uri: &'a Uri, header: Option<&'a HeaderValue>) -> Self {
        Self { uri, header }
    }

    fn authority(self) -> &'a str {
        let from_uri = self.uri.authority().map(http::uri::Authority::as_str);
        let from_header = || self.header.and_then(|value| value.to_str().ok());
        from_uri.or_else(from_header).unwrap_or_default()
    }

    /// Without the port.
    pub(crate) fn name(self) -> &'a str {
        let host = self.authority();
        let without_digits = host.trim_end_matches(|c: char| c.is_ascii_digit());
        without_digits.strip_suffix(':').unwrap_or(host)
    }

    /// Whether this URL leads to the same host and port, over HTTP or HTTPS: behind a proxy the
    /// scheme of the request isn't known. A path does.
    pub(crate) fn is_origin_of(self, url: &str) -> bool {
        // Browsers drop tabs and newlines before they read: `/\t/x` is another host.
        if url.contains(|c: char| c.is_ascii_control()) {
            return false;
        }
        if url.starts_with('/') {
            return !url.starts_with("//") && !url.starts_with("/\\");
        }
        let own = self.authority();
        let web = [("https://", ":443"), ("http://", ":80")];
        web.into_iter().any(|(scheme, port)| {
            let authority = strip_prefix_ignoring_case(url, scheme)
                .and_then(|rest| rest.split(['/', '?', '#', '\\']).next());
            authority.is_some_and(|authority| {
                let without_default = |host: &'a str| host.strip_suffix(port).unwrap_or(host);
                let authority = authority.strip_suffix(port).unwrap_or(authority);
                !own.is_empty() && authority.eq_ignore_ascii_case(without_default(own))
            })
        })
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
