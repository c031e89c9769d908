use std::sync::Arc;

use bytes::Bytes;

use super::{
    Report, explanation,
    html::{Denial, GateError, Gated, Reason, Rules},
    vendors::VendorGate,
    verdict::{Because, UNDECLARED},
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
    report: Arc<Report>,
    /// Whether all hosts of the page that nobody names are told.
    is_sample: bool,
}

impl DeniedVendors {
    /// `page_host` is the one that the request was made to, without port; `return_to` is the page's
    /// path.
    pub(crate) fn new(
        consent: Consent,
        page_host: &str,
        return_to: &str,
        report: Arc<Report>,
    ) -> Self {
        let is_sample = report.samples_page();
        let (page_host, return_to) = (page_host.to_owned(), return_to.to_owned());
        Self { consent, page_host, return_to, report, is_sample }
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

    fn denied_host(&self, host: &str, path: &str) -> Option<Denial<'_>> {
        let verdict = self.gate().judge(host, path);
        if verdict.allowed {
            return None;
        }
        let rule = match verdict.because {
            Because::Rule(rule) => rule.pattern,
            Because::Undeclared => {
                self.report.undeclared_host(host, false);
                Default::default()
            }
            Because::Own | Because::Unreadable => Default::default(),
        };
        Some(Denial { slug: verdict.slug(), rule })
    }

    fn denied_inline(&self, text: &[u8]) -> Option<Denial<'_>> {
        let (slug, mark) = self.gate().denied_mark(text)?;
        Some(Denial { slug, rule: (mark, "") })
    }

    fn is_curious(&self) -> bool {
        self.is_sample
    }

    fn passes(&self, host: &str) {
        if self.is_sample && self.gate().is_undeclared(host) {
            self.report.undeclared_host(host, true);
        }
    }

    fn gated(&self, reason: &Reason<'_>) {
        explanation::log_element(self.consent.policy(), reason);
    }

    fn is_denied(&self, slug: &str) -> bool {
        self.gate().is_denied(slug)
    }

    fn in_doubt(&self) -> &str {
        UNDECLARED
    }

    fn let_pass(&self, error: GateError) -> bool {
        let is_leak = self.gate().gates_what_is_declared();
        if is_leak {
            self.report.broken_page(error);
        }
        !is_leak
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
