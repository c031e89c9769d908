use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    CookieRule, Fault,
    builder::{is_cookie_name, is_link_target, is_path},
    hosts::is_host_pattern,
    sources::is_directive,
};

/// A third party that the site lets in: by slug, in a category.
///
/// It says by what the vendor is known: the hosts that pages fetch from, the cookies that it sets,
/// and texts of its inline scripts. Cookie and header rules may belong to a vendor instead of a
/// category. A vendor follows its category's answer, unless it is
/// [asked separately](Vendor::ask_separately).
///
/// Many vendors are described in the [catalog](crate::catalog), so that a site need only
/// [name them](crate::PolicyBuilder::vendor_from_catalog).
///
/// ```
/// use tower_consent::{CookieRule, Policy, Vendor, category};
///
/// let policy = Policy::builder("Example News")
///     .vendor(
///         Vendor::new("example-metrics", "Example Metrics", category::ANALYTICS)
///             .company("Example Metrics Ltd")
///             .privacy_url("https://metrics.example/privacy")
///             .host("metrics.example")
///             .cookie("_em_session")
///             .cookie_rule(
///                 CookieRule::new("_em_*", "example-metrics")
///                     .purpose("Counts visits")
///                     .lifetime("1 year"),
///             )
///             .mark("emq.push(")
///             .csp("script-src", "https://metrics.example"),
///     )
///     .build()?;
/// # Ok::<(), tower_consent::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) category: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) company: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) privacy_url: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ask_separately: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hosts: Vec<String>,
    /// What they belong to is empty: it is this vendor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cookies: Vec<CookieRule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) marks: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) csp: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

impl Vendor {
    /// A vendor with this slug (as for a [`Category`](crate::Category)), name, and category.
    pub fn new(
        slug: impl Into<String>,
        name: impl Into<String>,
        category: impl Into<String>,
    ) -> Self {
        Self {
            slug: slug.into(),
            name: name.into(),
            category: category.into(),
            company: None,
            privacy_url: None,
            ask_separately: false,
            hosts: Vec::new(),
            cookies: Vec::new(),
            marks: Vec::new(),
            csp: BTreeMap::new(),
            note: None,
        }
    }

    /// Moves the vendor to another category: to differ from the [catalog](crate::catalog), say.
    ///
    /// **Default**: the one that it was made with.
    #[must_use]
    pub fn in_category(mut self, slug: impl Into<String>) -> Self {
        self.category = slug.into();
        self
    }

    /// Who is behind it, as the policy page says.
    ///
    /// **Default**: the vendor's name.
    #[must_use]
    pub fn company(mut self, company: impl Into<String>) -> Self {
        self.company = Some(company.into());
        self
    }

    /// Where the vendor tells what it does with data: an `https:` or `http:` URL.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn privacy_url(mut self, url: impl Into<String>) -> Self {
        self.privacy_url = Some(url.into());
        self
    }

    /// Gives the vendor its own switch below its category's.
    ///
    /// **Default**: it follows its category.
    #[must_use]
    pub fn ask_separately(mut self) -> Self {
        self.ask_separately = true;
        self
    }

    /// A host that pages fetch from, subdomains included: `example.com` covers `cdn.example.com`. A
    /// path narrows it: `www.example.com/maps` leaves the rest of the host alone. With `?` in it the
    /// path is compared byte by byte, query included. What claims more of a name or path wins.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// A cookie that the vendor sets on the site's own host, by name or glob.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn cookie(self, name: impl Into<String>) -> Self {
        let belongs_to = self.slug.clone();
        self.cookie_rule(CookieRule::new(name, belongs_to))
    }

    /// A cookie of the vendor's with all that the policy page tells of it. It belongs to this vendor,
    /// whatever the rule says. A rule of the site's own for the same name wins.
    #[must_use]
    pub fn cookie_rule(mut self, rule: CookieRule) -> Self {
        self.cookies.push(CookieRule { belongs_to: String::new(), ..rule });
        self
    }

    /// A text by which an inline script is known as this vendor's, of at least four characters: the
    /// address of its loader, or a call that nothing else makes. A script of the site that happens to
    /// contain it is gated as a whole, so let it be specific.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn mark(mut self, text: impl Into<String>) -> Self {
        self.marks.push(text.into());
        self
    }

    /// A source that the vendor needs in a Content Security Policy, and the directive: it is added
    /// only while the vendor is allowed.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn csp(mut self, directive: impl Into<String>, source: impl Into<String>) -> Self {
        self.csp.entry(directive.into()).or_default().push(source.into());
        self
    }

    /// What whoever declares the vendor should know. Visitors don't see it.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The slug that cookie and header rules refer to.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The name that the visitor reads.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The slug of its category.
    pub fn category(&self) -> &str {
        &self.category
    }

    /// The hosts that pages fetch from, with or without a path prefix.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The texts by which its inline scripts are known.
    pub fn marks(&self) -> &[String] {
        &self.marks
    }

    /// What it needs in a Content Security Policy: directives and their sources.
    pub fn csp_sources(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.csp.iter().map(|(directive, sources)| (directive.as_str(), sources.as_slice()))
    }

    /// Its cookies as rules that belong to it.
    pub(crate) fn cookie_rules(&self) -> impl Iterator<Item = CookieRule> {
        let belongs_to = || self.slug.clone();
        self.cookies.iter().map(move |rule| CookieRule { belongs_to: belongs_to(), ..rule.clone() })
    }

    /// What no other vendor may claim: hosts, and names of cookies on the site's host.
    pub(super) fn claims(&self) -> impl Iterator<Item = &str> {
        let own = self.cookies.iter().filter(|rule| !rule.third_party);
        self.hosts.iter().map(String::as_str).chain(own.map(CookieRule::name))
    }

    /// What is wrong with it by itself, and at which key.
    pub(super) fn check(&self) -> Result<(), (&'static str, Fault)> {
        if self.name.trim().is_empty() {
            return Err(("name", Fault::Empty));
        }
        if let Some(url) = self.privacy_url.as_deref().filter(|url| !is_link_target(url)) {
            return Err(("privacy_url", Fault::BadUrl(url.to_owned())));
        }
        if let Some(host) = self.hosts.iter().find(|host| !is_host_pattern(host)) {
            return Err(("hosts", Fault::BadHost(host.clone())));
        }
        if let Some(mark) = self.marks.iter().find(|mark| mark.trim().chars().count() < 4) {
            return Err(("marks", Fault::ShortMark(mark.clone())));
        }
        if let Some(directive) = self.csp.keys().find(|name| !is_directive(name)) {
            return Err(("csp", Fault::BadDirective(directive.clone())));
        }
        if let Some(source) = self.csp.values().flatten().find(|source| !is_source(source)) {
            return Err(("csp", Fault::BadSource(source.clone())));
        }
        self.cookies
            .iter()
            .try_for_each(|rule| {
                if !rule.belongs_to.is_empty() && rule.belongs_to != self.slug {
                    return Err(Fault::CookieOfAnother(rule.belongs_to.clone()));
                }
                check_cookie(rule).map_err(|(_, fault)| fault)
            })
            .map_err(|fault| ("cookies", fault))
    }
}

/// What is wrong with a cookie rule by itself, and at which key.
pub(super) fn check_cookie(rule: &CookieRule) -> Result<(), (&'static str, Fault)> {
    if !is_cookie_name(&rule.name) {
        return Err(("name", Fault::BadCookieName(rule.name.clone())));
    }
    if rule.name.bytes().all(|byte| byte == b'*') {
        return Err(("name", Fault::MatchesEveryCookie));
    }
    match rule.path.as_deref().filter(|path| !is_path(path)) {
        Some(path) => Err(("path", Fault::BadPath(path.to_owned()))),
        None => Ok(()),
    }
}

/// One source expression that opens something, but not everything, and closes nothing.
fn is_source(source: &str) -> bool {
    let is_clean = source.bytes().all(|byte| byte.is_ascii_graphic() && !b";,".contains(&byte));
    let closes = ["'none'", "'strict-dynamic'"];
    is_clean
        && !matches!(source, "" | "*")
        && !closes.iter().any(|s| source.eq_ignore_ascii_case(s))
}
