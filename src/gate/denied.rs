use std::sync::Arc;

use bytes::Bytes;

use super::{
    Report, explanation,
    html::{Denial, GateError, Gated, Reason, Rules},
    vendors::VendorGate,
    verdict::{Because, UNDECLARED},
};
use crate::{
    banner::{PlaceholderView, placeholder},
    consent::Consent,
    policy::Vendor,
};

/// What one visitor's page may not fetch from: the rules of the HTML gate.
pub(crate) struct DeniedVendors {
    consent: Consent,
    page_host: String,
    report: Arc<Report>,
    /// Whether all hosts of the page that nobody names are told.
    is_sample: bool,
}

impl DeniedVendors {
    /// `page_host` is the one that the request was made to, without port.
    pub(crate) fn new(consent: Consent, page_host: &str, report: Arc<Report>) -> Self {
        let is_sample = report.samples_page();
        Self { consent, page_host: page_host.to_owned(), report, is_sample }
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
        let vendor = policy.vendor(gated.slug).map(Vendor::name);
        let pixels = |value: Option<&[u8]>| std::str::from_utf8(value?).ok()?.trim().parse().ok();
        Some(placeholder::render(&PlaceholderView {
            vendor: vendor.unwrap_or(&texts.placeholder.unknown),
            slug: gated.slug,
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
