//! What happens to the head of a response on its way to the visitor.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response::Parts};

#[cfg(feature = "compression")]
use super::encoding::Coding;
use super::{
    Admission, DeniedVendors, InlineHashes, PageTag, Report, Rewriter, caches, cookies, headers,
    html::{Gate, Limits},
    links, page,
    request::Visit,
    vendors::VendorGate,
};
use crate::{
    choice::{self, Choice, Once, Signing},
    consent::{Consent, NoTracking},
    policy::HeaderSide,
};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The browser's advertising interfaces, as `Permissions-Policy` calls them.
const AD_APIS: [&str; 5] = [
    "browsing-topics",
    "attribution-reporting",
    "join-ad-interest-group",
    "run-ad-auction",
    "shared-storage",
];

/// What a page needs to show the visitor's state.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) tag: PageTag,
    pub(crate) hashes: InlineHashes,
}

/// What happens to the body of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// It passes.
    Pass,
    /// It is a page: a banner goes in, denied tags come out, and policies admit what they have to.
    Rewrite { banner: bool, gate: bool },
    /// It is a page that may hold denied tags and can't be read: it goes to nobody (H12).
    Refuse,
}

/// Enforces consent on the head of a response. `has_body` says whether bytes follow, or would for
/// `GET`; `page_for` what a page would carry. Returns the consent that holds for the response, and what
/// is to happen to its body.
pub(crate) fn response<'a>(
    parts: &mut Parts,
    visit: &'a Visit,
    has_body: bool,
    signing: &Signing,
    report: &Report,
    page_for: impl Fn(&Consent) -> Page,
) -> (Cow<'a, Consent>, Treatment) {
    let change = parts.extensions.remove::<Choice>();
    let consent = effective(visit, change, parts.extensions.remove::<NoTracking>());
    let headers = &mut parts.headers;
    let mut explanation = report.explanation(consent.policy());
    let mut depends = cookies::filter_response(headers, &consent, &mut explanation, report);
    let side = HeaderSide::Response;
    depends |= headers::filter(headers, side, &visit.host(), &consent, &mut explanation);
    let vendors = VendorGate::new(&consent, visit.host().name());
    depends |= links::filter(headers, vendors, &mut explanation, report);
    if visit.hides_validators() {
        caches::drop_validators(headers);
        depends = true;
    }
    if let Some(choice) = change {
        keep_choice(headers, &choice, visit, &consent, signing);
        caches::forbid_storing(headers);
    }
    let once = parts.extensions.remove::<Once>();
    let kind = page::kind(parts);
    let updates_page = parts.status == StatusCode::NOT_MODIFIED && visit.has_own_etag;
    let headers = &mut parts.headers;
    let is_html = kind == page::Kind::Html;
    if is_html || updates_page {
        guard_page(headers, &consent, updates_page);
    }
    if kind != page::Kind::Other || updates_page {
        caches::vary_by_consent(headers, true);
    } else if depends {
        caches::vary_by_consent(headers, false);
    }
    let treatment = treat(headers, kind, has_body, visit, &consent, report);
    let carries_banner = match treatment {
        Treatment::Rewrite { banner, .. } => banner,
        Treatment::Pass | Treatment::Refuse => updates_page && visit.target.could_be_document(),
    };
    if is_html || updates_page {
        let banner = carries_banner.then(|| page_for(&consent).hashes);
        let is_gated = match treatment {
            Treatment::Rewrite { gate, .. } => gate,
            Treatment::Pass | Treatment::Refuse => carries_banner && !vendors.gates_nothing(),
        };
        let admission = Admission::new(Cow::Borrowed(&consent), banner, is_gated);
        admission.merge_into(headers, &mut explanation);
    }
    if carries_banner {
        caches::make_private(headers, !consent.is_decided());
    }
    let is_page = updates_page || matches!(treatment, Treatment::Rewrite { .. });
    if is_page {
        caches::mark_changed_page(headers, page_for(&consent).tag);
    }
    // A page in a frame uses it up too, and a choice that comes later is the visitor's last word.
    let ends_once = visit.consent.is_for_once() && (is_page || change.is_some());
    if once.is_some() || ends_once {
        keep_once(headers, once, &consent, signing);
        caches::forbid_storing(headers);
    }
    explanation.put_into(headers);
    (consent, treatment)
}

fn treat(
    headers: &HeaderMap,
    kind: page::Kind,
    has_body: bool,
    visit: &Visit,
    consent: &Consent,
    report: &Report,
) -> Treatment {
    if kind == page::Kind::Other || !has_body {
        return Treatment::Pass;
    }
    let vendors = VendorGate::new(consent, visit.host().name());
    let gate = !vendors.gates_nothing();
    let is_readable = kind == page::Kind::Html && is_readable(headers, report);
    let banner = visit.target.could_be_document();
    if !is_readable && gate && vendors.gates_what_is_declared() {
        report.refused_page();
        return Treatment::Refuse;
    }
    let admits = || !Admission::new(Cow::Borrowed(consent), None, gate).is_empty();
    if is_readable && (gate || banner || admits()) {
        Treatment::Rewrite { banner, gate }
    } else {
        Treatment::Pass
    }
}

/// What holds for the response: a handler may have changed it.
fn effective(
    visit: &Visit,
    change: Option<Choice>,
    no_tracking: Option<NoTracking>,
) -> Cow<'_, Consent> {
    let changed = change.map(|choice| visit.consent.after(choice));
    let consent = changed.map_or(Cow::Borrowed(&visit.consent), Cow::Owned);
    if no_tracking.is_some() { Cow::Owned(consent.without_tracking()) } else { consent }
}

/// Sets the choice cookie, and expires the cookies of what is denied (G7) and the choice cookie's
/// duplicates (K5).
fn keep_choice(
    headers: &mut HeaderMap,
    choice: &Choice,
    visit: &Visit,
    consent: &Consent,
    signing: &Signing,
) {
    let policy = consent.policy();
    let host = visit.host().name();
    for expiry in cookies::expiries(&visit.cookies, host, consent) {
        headers.append(header::SET_COOKIE, expiry);
    }
    if cookies::count(&visit.cookies, policy.choice_cookie_name()) > 1 {
        let domain = policy.declared().choice_cookie.domain.as_deref();
        for expiry in cookies::choice_duplicates(policy.choice_cookie_name(), host, domain) {
            headers.append(header::SET_COOKIE, expiry);
        }
    }
    if let Some(cookie) = choice::set_cookie(choice, policy, signing) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Allows something for the next page, or, on that page, ends it.
fn keep_once(headers: &mut HeaderMap, once: Option<Once>, consent: &Consent, signing: &Signing) {
    if let Some(cookie) = choice::set_once(once, consent.policy(), signing) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Keeps a page from telling others more than the visitor allowed. A 304 gets no header of its own:
/// each one replaces the stored page's, which may be stricter (RFC 9111, 3.2).
fn guard_page(headers: &mut HeaderMap, consent: &Consent, is_update: bool) {
    let policy = consent.policy();
    if consent.allows_purpose(policy.marketing()) {
        return;
    }
    if !is_update && !headers.contains_key(header::REFERRER_POLICY) {
        let strict = HeaderValue::from_static("strict-origin-when-cross-origin");
        headers.insert(header::REFERRER_POLICY, strict);
    }
    if policy.declared().deny_ad_apis && (!is_update || headers.contains_key(PERMISSIONS_POLICY)) {
        deny_ad_apis(headers);
    }
}

fn deny_ad_apis(headers: &mut HeaderMap) {
    let lines = || headers.get_all(PERMISSIONS_POLICY).iter().filter_map(|line| line.to_str().ok());
    let is_said = |api: &str| {
        let mut said = lines().flat_map(headers::split_list);
        said.any(|item| item.split('=').next().map(str::trim) == Some(api))
    };
    let denials = AD_APIS.iter().filter(|api| !is_said(api)).map(|api| format!("{api}=()"));
    let denials = denials.collect::<Vec<_>>().join(", ");
    // On a line of its own: browsers read all lines as one list, and no byte of others changes.
    if let (false, Ok(denials)) = (denials.is_empty(), HeaderValue::try_from(denials)) {
        headers.append(PERMISSIONS_POLICY, denials);
    }
}

/// Whether the body comes plain, or in a coding that can be taken off.
#[cfg(feature = "compression")]
fn is_readable(headers: &HeaderMap, report: &Report) -> bool {
    let coding = Coding::parse(headers.get_all(header::CONTENT_ENCODING));
    coding.inspect_err(|unsupported| report.compressed_page(unsupported)).is_ok()
}

/// Whether the body comes plain.
#[cfg(not(feature = "compression"))]
fn is_readable(headers: &HeaderMap, report: &Report) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let coded = codings.find(|coding| {
        !coding.is_empty() && !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")
    });
    if let Some(coding) = coded {
        report.compressed_page(&String::from_utf8_lossy(coding.as_bytes()));
    }
    coded.is_none()
}

/// What takes from a page what this visitor has not allowed.
pub(crate) fn page_gate(
    visit: &Visit,
    consent: &Consent,
    return_to: &str,
    report: &Arc<Report>,
) -> Gate<DeniedVendors> {
    let host = visit.host().name();
    let rules = DeniedVendors::new(consent.clone(), host, return_to, Arc::clone(report));
    let limits = consent.policy().declared().limits;
    let limits = Limits { tag: limits.tag_bytes, inline: limits.inline_bytes };
    Gate::new(rules, host, visit.uri.path(), limits)
}

/// What changes the page of this head: puts the snippet in, lets policies admit what they have to, and
/// gates it.
pub(crate) fn rewriter(
    headers: &HeaderMap,
    snippet: Option<Bytes>,
    admission: Admission<'static>,
    gate: Option<Gate<DeniedVendors>>,
) -> Rewriter {
    let mut rewriter = Rewriter::default();
    if !admission.is_empty() {
        rewriter = rewriter.insert(snippet, admission);
    }
    if let Some(gate) = gate {
        rewriter = rewriter.gate(gate);
    }
    #[cfg(feature = "compression")]
    let rewriter = {
        let coding = Coding::parse(headers.get_all(header::CONTENT_ENCODING));
        rewriter.coded(coding.unwrap_or_default())
    };
    #[cfg(not(feature = "compression"))]
    let _ = headers;
    rewriter
}
