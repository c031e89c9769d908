//! Whose a host is, and whether a page may make the browser fetch from it.
//!
//! 1. The page's own host passes.
//! 2. What the site's own vendors claim follows them, be it a subdomain of the site's.
//! 3. The site's other hosts pass: see [`is_of_the_site`].
//! 4. What a vendor of the catalog claims follows the vendor, if it is declared, else its category.
//!    One of a category that the policy doesn't have is never allowed.
//! 5. Any other host passes, or counts as undeclared cookies do: as the policy says.

use super::verdict::{Because, Rule, Verdict};
use crate::{
    consent::Consent,
    policy::{Owner, Purpose, Undeclared},
};

/// Judges the hosts that a page of this host fetches from. Costs nothing to make, and allocates
/// nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VendorGate<'a> {
    consent: &'a Consent,
    page_host: &'a str,
}

impl<'a> VendorGate<'a> {
    /// `page_host` is the one that the request was made to, without port.
    pub(crate) fn new(consent: &'a Consent, page_host: &'a str) -> Self {
        Self { consent, page_host: page_host.strip_suffix('.').unwrap_or(page_host) }
    }

    /// Whether the browser may be sent to this place. The host is in lower case, without port and
    /// trailing dot; the path begins with `/`, has no dot segments, and keeps its query, by which some
    /// vendors are told apart.
    pub(crate) fn judge(&self, host: &str, path: &str) -> Verdict<'a> {
        let policy = self.consent.policy();
        let (vendors, third_parties) = (policy.vendors(), policy.third_parties());
        if host.eq_ignore_ascii_case(self.page_host) {
            return Verdict::OWN;
        }
        if let Some(owner) = third_parties.own(vendors, host, path) {
            return self.verdict(owner);
        }
        if self.is_own(host) {
            return Verdict::OWN;
        }
        match third_parties.known(vendors, host, path) {
            Some(owner) => self.verdict(owner),
            None => Verdict {
                allowed: self.consent.allows_undeclared_hosts(),
                because: Because::Undeclared,
            },
        }
    }

    /// What holds where it can't be told who is contacted.
    pub(crate) fn in_doubt(&self) -> Verdict<'a> {
        let allowed = self.gates_nothing() || self.consent.allows_everything();
        Verdict { allowed, because: Because::Unreadable }
    }

    /// Whether another visitor may get another verdict.
    pub(crate) fn depends(&self, verdict: Verdict<'_>) -> bool {
        match verdict.because {
            Because::Own => false,
            Because::Rule(rule) => !rule.purpose.is_necessary(),
            Because::Undeclared => self.consent.policy().undeclared_hosts() != Undeclared::Allow,
            Because::Unreadable => true,
        }
    }

    /// Whether anything on this host may be denied: [`judge`](Self::judge) says what. The host is as
    /// there.
    pub(crate) fn concerns(&self, host: &str) -> bool {
        if host.eq_ignore_ascii_case(self.page_host) {
            return false;
        }
        let is_denied = |purpose: Purpose| !self.consent.allows_purpose(purpose);
        let third_parties = self.consent.policy().third_parties();
        third_parties.purposes_on(host).any(is_denied)
            || !(self.consent.allows_undeclared_hosts() || self.is_own(host))
    }

    /// Whether this host is neither the site's own nor any vendor's. It is as in [`judge`](Self::judge).
    pub(crate) fn is_undeclared(&self, host: &str) -> bool {
        let third_parties = self.consent.policy().third_parties();
        !host.is_empty()
            && !host.eq_ignore_ascii_case(self.page_host)
            && third_parties.purposes_on(host).next().is_none()
            && !self.is_own(host)
    }

    /// Whether every host passes.
    pub(crate) fn gates_nothing(&self) -> bool {
        let third_parties = self.consent.policy().third_parties();
        third_parties.are_all_in(self.consent.allowed().purposes)
            && self.consent.allows_undeclared_hosts()
    }

    /// Whether a page that can't be read would surely be a leak: the site says itself that its pages
    /// fetch from what is denied, or that they may from nobody else.
    pub(crate) fn gates_what_is_declared(&self) -> bool {
        let third_parties = self.consent.policy().third_parties();
        !third_parties.are_declared_in(self.consent.allowed().purposes)
            || !self.consent.allows_undeclared_hosts()
    }

    /// Whether this category or vendor, of the policy or the catalog, is denied.
    pub(crate) fn is_denied(&self, slug: &str) -> bool {
        !self.consent.allows(slug)
    }

    /// The denied vendor whose mark the text of an inline script contains, and the mark.
    pub(crate) fn denied_mark(&self, text: &[u8]) -> Option<(&'a str, &'a str)> {
        let consent = self.consent;
        let third_parties = consent.policy().third_parties();
        third_parties.marked(text, |purpose| !consent.allows_purpose(purpose))
    }

    fn verdict(&self, owner: Owner<'a>) -> Verdict<'a> {
        Verdict {
            allowed: self.consent.allows_purpose(owner.purpose),
            because: Because::Rule(Rule {
                pattern: owner.pattern,
                belongs_to: owner.vendor.slug(),
                purpose: owner.purpose,
            }),
        }
    }

    fn is_own(&self, host: &str) -> bool {
        let shared = self.consent.policy().declared().choice_cookie.domain.as_deref();
        is_of_the_site(host, self.page_host)
            || shared.is_some_and(|domain| is_or_is_below(host, domain))
    }
}

/// Whether a host belongs to the site of a page, as far as names tell: the page's own host, what is
/// below it or below what comes after its `www.`, and its parents of at least two labels.
///
/// What only shares a parent with it doesn't: under `co.uk` or `github.io` that would be anybody, and
/// which names are like that takes a list that changes weekly. A site that has more hosts declares them
/// as a necessary vendor, or shares its choice with their common domain.
fn is_of_the_site(host: &str, page_host: &str) -> bool {
    let has_two_labels = |name: &str| name.contains('.');
    let is_address = page_host.ends_with(|c: char| c.is_ascii_digit() || c == ']');
    if page_host.is_empty() || is_address {
        return host.eq_ignore_ascii_case(page_host) && !host.is_empty();
    }
    let site = match page_host.split_at_checked(4) {
        Some((www, rest)) if www.eq_ignore_ascii_case("www.") && has_two_labels(rest) => rest,
        _ => page_host,
    };
    is_or_is_below(host, site) || has_two_labels(host) && is_or_is_below(page_host, host)
}

/// Whether the host is this one, or a subdomain of it.
fn is_or_is_below(host: &str, parent: &str) -> bool {
    let Some((before, end)) =
        host.len().checked_sub(parent.len()).and_then(|at| host.split_at_checked(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(parent) && (before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, PolicyBuilder, Vendor, category, consent::Signals};

    fn policy() -> PolicyBuilder {
        Policy::builder("Example")
            .vendor(Vendor::new("cloaked", "C", "analytics").host("metrics.example.com"))
            .vendor(Vendor::new("cdn", "CDN", "necessary").host("cdn.test"))
            .vendor(
                Vendor::new("own-tags", "T", "necessary")
                    .host("googletagmanager.com/gtag/destination"),
            )
            .vendor(
                crate::catalog::vendor("google-analytics")
                    .cloned()
                    .unwrap()
                    .in_category(category::PREFERENCES),
            )
    }

    fn consent(policy: PolicyBuilder, allowed: &[&str]) -> Consent {
        let policy = std::sync::Arc::new(policy.build().unwrap());
        let headers = http::HeaderMap::new();
        let new = Consent::new(policy, Default::default(), Signals::read(&headers), false);
        let choice = new.allow_only(allowed.iter().copied()).unwrap();
        new.after(choice)
    }

    #[test]
    fn g9_who_a_host_belongs_to_and_whether_it_is_allowed() {
        let consent = consent(policy(), &["preferences"]);
        let gate = VendorGate::new(&consent, "www.example.com");
        for (host, path, allowed, slug) in [
            ("www.example.com", "/", true, "necessary"),
            ("static.example.com", "/", true, "necessary"),
            ("example.com", "/", true, "necessary"),
            // A subdomain of the site's own that the site says is a vendor's.
            ("metrics.example.com", "/", false, "cloaked"),
            ("cdn.test", "/", true, "cdn"),
            // The catalog's vendors in their categories, declared or not.
            ("connect.facebook.net", "/x.js", false, "meta"),
            ("js.stripe.com", "/v3/", true, "stripe"),
            ("www.google-analytics.com", "/", true, "google-analytics"),
            // Among what the catalog says the narrowest claim holds; over it, what the site says.
            ("www.googletagmanager.com", "/gtag/js?id=G-1", true, "google-analytics"),
            ("www.googletagmanager.com", "/gtag/js?id=AW-1", false, "google-ads"),
            ("www.googletagmanager.com", "/gtag/destination?id=AW-1", true, "own-tags"),
            ("www.googletagmanager.com", "/gtm.js", false, "google-tag-manager"),
            // Unknown.
            ("other.test", "/", true, "undeclared"),
            ("", "/", true, "undeclared"),
        ] {
            let verdict = gate.judge(host, path);
            assert_eq!((verdict.allowed, verdict.slug()), (allowed, slug), "{host}{path}");
            assert!(allowed || gate.concerns(host), "{host}");
        }
        let Because::Rule(rule) = gate.judge("a.metrics.example.com", "/x").because else {
            panic!()
        };
        assert_eq!(rule.pattern, ("metrics.example.com", ""));
        assert!(!gate.concerns("www.example.com") && !gate.concerns("other.test"));
        assert!(gate.is_denied("meta") && gate.is_denied("marketing") && gate.is_denied("no-such"));
        assert!(!gate.is_denied("google-analytics") && !gate.is_denied("stripe"));
    }

    #[test]
    fn g9_judging_allocates_nothing() {
        let consent = consent(policy(), &["preferences"]);
        let measured = allocation_counter::measure(|| {
            let gate = VendorGate::new(&consent, "www.example.com");
            for host in ["www.example.com", "a.static.hotjar.com", "metrics.example.com", "x.test"]
            {
                std::hint::black_box((gate.judge(host, "/a/b?c"), gate.concerns(host)));
            }
            std::hint::black_box((gate.gates_nothing(), gate.is_denied("hotjar")));
        });
        assert_eq!(measured.count_total, 0);
    }

    #[test]
    fn g9_nothing_is_gated_for_who_allows_everything() {
        let all = ["preferences", "analytics", "marketing"];
        let everything = consent(policy(), &all);
        assert!(VendorGate::new(&everything, "").gates_nothing());
        assert!(VendorGate::new(&everything, "").in_doubt().allowed);
        let part = consent(policy(), &all[..2]);
        assert!(!VendorGate::new(&part, "").gates_nothing());
        assert!(!VendorGate::new(&part, "").in_doubt().allowed);
        // What the site says it doesn't do is not done.
        let without = consent(policy().omit_category("marketing"), &all[..2]);
        let gate = VendorGate::new(&without, "");
        assert!(!gate.gates_nothing() && !gate.judge("connect.facebook.net", "/").allowed);
        // Under opt-in, undeclared is not allowed.
        let blocks = policy().undeclared_hosts(Undeclared::Block);
        let blocks = consent(blocks.choice_cookie_domain("shared.test"), &all);
        let gate = VendorGate::new(&blocks, "app.example.com");
        assert!(!gate.gates_nothing() && gate.in_doubt().allowed);
        assert!(!gate.judge("other.test", "/").allowed && gate.concerns("other.test"));
        assert!(gate.judge("a.shared.test", "/").allowed && !gate.concerns("a.shared.test"));
        assert!(!gate.judge("www.example.com", "/").allowed);
    }

    #[test]
    fn g9_the_hosts_of_one_site() {
        for (host, page_host, expected) in [
            ("example.com", "example.com", true),
            ("EXAMPLE.com", "example.com", true),
            ("a.example.com", "example.com", true),
            ("example.com", "a.b.example.com", true),
            ("static.example.com", "www.example.com", true),
            ("static.example.com", "app.example.com", false),
            ("notexample.com", "example.com", false),
            ("example.com.evil.test", "example.com", false),
            ("com", "example.com", false),
            ("b.co.uk", "a.co.uk", false),
            ("other.uk", "www.uk", false),
            ("localhost", "localhost", true),
            ("a.localhost", "localhost", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("0.0.1", "127.0.0.1", false),
            ("[::1]", "[::1]", true),
            ("", "", false),
            ("example.com", "", false),
            ("a.b", "\u{e4}\u{f6}\u{fc}.a.b", true),
        ] {
            assert_eq!(is_of_the_site(host, page_host), expected, "{host} {page_host}");
        }
    }
}
