use bytes::Bytes;

use super::{
    html::{Gated, Rules},
    vendors::VendorGate,
    verdict::UNDECLARED,
};
use crate::{
    banner::{self, Offer, PlaceholderView, placeholder},
    consent::Consent,
    policy::Vendor,
};

/// What one visitor's page may not fetch from: the rules of the HTML gate.
pub(crate) struct DeniedVendors {
    consent: Consent,
    page_host: String,
    return_to: String,
}

impl DeniedVendors {
    /// `page_host` is the one that the request was made to, without port; `return_to` is the page's
    /// path.
    pub(crate) fn new(consent: Consent, page_host: &str, return_to: &str) -> Self {
        Self { consent, page_host: page_host.to_owned(), return_to: return_to.to_owned() }
    }

    /// What would have the visitor see this after all.
    fn offer(&self, slug: &str) -> Offer {
        let policy = self.consent.policy();
        match policy.gated_purpose(slug) {
            Some(purpose) if self.consent.can_allow(purpose) => {
                let is_category = policy.categories().iter().any(|one| one.slug() == slug);
                if is_category { Offer::Category } else { Offer::Vendor }
            }
            _ => Offer::Nothing,
        }
    }

    fn gate(&self) -> VendorGate<'_> {
        VendorGate::new(&self.consent, &self.page_host)
    }
}

impl Rules for DeniedVendors {
    fn concerns(&self, host: &str) -> bool {
        self.gate().concerns(host)
    }

    fn denied_host(&self, host: &str, path: &str) -> Option<&str> {
        let verdict = self.gate().judge(host, path);
        (!verdict.allowed).then(|| verdict.slug())
    }

    fn denied_inline(&self, text: &[u8]) -> Option<&str> {
        self.gate().denied_mark(text)
    }

    fn is_denied(&self, slug: &str) -> bool {
        self.gate().is_denied(slug)
    }

    fn in_doubt(&self) -> &str {
        UNDECLARED
    }

    fn let_unreadable_pass(&self) -> bool {
        !self.gate().gates_what_is_declared()
    }

    fn placeholder(&self, gated: &Gated<'_>) -> Option<Bytes> {
        let policy = self.consent.policy();
        let texts = policy.texts();
        let offer = self.offer(gated.slug);
        let category = || banner::category_name(policy, gated.slug);
        let name = policy.vendor(gated.slug).map(Vendor::name).or_else(category);
        let pixels = |value: Option<&[u8]>| std::str::from_utf8(value?).ok()?.trim().parse().ok();
        Some(placeholder::render(&PlaceholderView {
            name: name.unwrap_or(&texts.placeholder.unknown),
            slug: gated.slug,
            offer,
            return_to: &self.return_to,
            endpoint: &policy.declared().endpoint,
            url: gated.url.and_then(|url| std::str::from_utf8(url).ok()),
            size: (pixels(gated.width), pixels(gated.height)),
            texts,
        }))
    }

    fn placeholder_end(&self) -> &'static [u8] {
        placeholder::END.as_bytes()
    }
}
