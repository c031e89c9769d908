use std::collections::BTreeMap;

use http::HeaderName;
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Category, ChoiceCookie, CookieRule, Fault, HeaderRule, PageLimits, Policy, PolicyError,
    Purpose, Undeclared, Vendor, catalog, category,
    error::Place,
    rules::{has_default_rule, is_protected_header},
    vendor::check_cookie,
};
use crate::{banner::Texts, choice, consent::Regime};

/// Builds a [`Policy`]; made by [`Policy::builder`].
///
/// Each setter adds to or replaces what was said before. All is checked in
/// [`build`](PolicyBuilder::build).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyBuilder {
    pub(crate) site: String,
    #[serde(default)]
    pub(crate) regime: Regime,
    #[serde(default = "first_revision")]
    pub(crate) revision: u32,
    #[serde(default = "default_lifetime")]
    pub(crate) lifetime_days: u16,
    #[serde(default)]
    pub(crate) undeclared: Undeclared,
    #[serde(default = "allow")]
    pub(crate) undeclared_hosts: Undeclared,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) privacy_url: Option<String>,
    #[serde(default = "default_endpoint")]
    pub(crate) endpoint: String,
    #[serde(default)]
    pub(crate) choice_cookie: ChoiceCookie,
    #[serde(default)]
    pub(crate) limits: PageLimits,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) omit_categories: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pass_headers: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) deny_ad_apis: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) truncate_client_address: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) per_user_paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) catalog: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) whole_catalog: bool,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub(crate) well_known_cookies: bool,
    #[serde(default, rename = "category", skip_serializing_if = "Vec::is_empty")]
    pub(crate) categories: Vec<Category>,
    #[serde(default, rename = "vendor", skip_serializing_if = "Vec::is_empty")]
    pub(crate) vendors: Vec<Vendor>,
    #[serde(default, rename = "cookie", skip_serializing_if = "Vec::is_empty")]
    pub(crate) cookies: Vec<CookieRule>,
    #[serde(default, rename = "header", skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<HeaderRule>,
    #[serde(
        default,
        deserialize_with = "dotted_texts",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(crate) texts: BTreeMap<String, String>,
}

fn allow() -> Undeclared {
    Undeclared::Allow
}

fn yes() -> bool {
    true
}

/// Tables in tables, as in `[texts.prompt.opt_in]`, become dotted keys.
fn dotted_texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text, or a table of texts")]
    enum Node {
        Text(String),
        Table(BTreeMap<String, Node>),
    }
    fn collect(prefix: &str, table: BTreeMap<String, Node>, texts: &mut BTreeMap<String, String>) {
        for (key, node) in table {
            match node {
                Node::Text(text) => _ = texts.insert(format!("{prefix}{key}"), text),
                Node::Table(table) => collect(&format!("{prefix}{key}."), table, texts),
            }
        }
    }
    let mut texts = BTreeMap::new();
    collect("", BTreeMap::deserialize(deserializer)?, &mut texts);
    Ok(texts)
}

fn first_revision() -> u32 {
    1
}

fn default_lifetime() -> u16 {
    180
}

fn default_endpoint() -> String {
    "/_consent".to_owned()
}

impl PolicyBuilder {
    pub(crate) fn new(site: String) -> Self {
        Self {
            site,
            regime: Regime::default(),
            revision: first_revision(),
            lifetime_days: default_lifetime(),
            undeclared: Undeclared::default(),
            undeclared_hosts: allow(),
            privacy_url: None,
            endpoint: default_endpoint(),
            choice_cookie: ChoiceCookie::default(),
            limits: PageLimits::default(),
            omit_categories: Vec::new(),
            pass_headers: Vec::new(),
            deny_ad_apis: false,
            truncate_client_address: None,
            per_user_paths: Vec::new(),
            categories: Vec::new(),
            vendors: Vec::new(),
            cookies: Vec::new(),
            headers: Vec::new(),
            catalog: Vec::new(),
            whole_catalog: false,
            well_known_cookies: true,
            texts: BTreeMap::new(),
        }
    }

    /// The rule of the visitor's place.
    ///
    /// **Default**: [`Regime::OptIn`], the strictest.
    #[must_use]
    pub fn regime(mut self, regime: Regime) -> Self {
        self.regime = regime;
        self
    }

    /// The number of this declaration. Raise it when what the visitor was told no longer holds:
    /// everyone is asked again, and until then an old "yes" no longer counts, while an old "no"
    /// still does. A new category, or a vendor that is [asked separately](Vendor::ask_separately),
    /// needs no new revision: it is asked about by itself. A vendor that follows its category does,
    /// where visitors who allowed the category were told who is in it.
    ///
    /// **Default**: 1.
    #[must_use]
    pub fn revision(mut self, revision: u32) -> Self {
        self.revision = revision;
        self
    }

    /// How many days a choice lives, accept and refuse alike: 1 to 400.
    ///
    /// **Default**: 180 (CNIL 2020-092, point 41).
    #[must_use]
    pub fn lifetime_days(mut self, days: u16) -> Self {
        self.lifetime_days = days;
        self
    }

    /// What happens to a cookie that no rule names.
    ///
    /// **Default**: [`Undeclared::Block`].
    #[must_use]
    pub fn undeclared(mut self, undeclared: Undeclared) -> Self {
        self.undeclared = undeclared;
        self
    }

    /// What happens to third parties that no vendor names, when a page would make the browser fetch
    /// from their hosts. Each host is logged once; those that pass are looked for in a [sample of
    /// pages](crate::manual::defaults#pages). The page's own host always passes, and so do its
    /// subdomains, its parents, the subdomains of what comes after its `www.`, and those of the
    /// [choice cookie's domain](Self::choice_cookie_domain).
    ///
    /// Known trackers are not meant here: a host of the [catalog] follows its vendor's category,
    /// declared or not.
    ///
    /// **Default**: [`Undeclared::Allow`].
    #[must_use]
    pub fn undeclared_hosts(mut self, undeclared: Undeclared) -> Self {
        self.undeclared_hosts = undeclared;
        self
    }

    /// The site's privacy policy: a path or a URL.
    ///
    /// **Default**: none; the policy page stands alone.
    #[must_use]
    pub fn privacy_url(mut self, url: impl Into<String>) -> Self {
        self.privacy_url = Some(url.into());
        self
    }

    /// The path below which the layer answers itself.
    ///
    /// **Default**: `/_consent`.
    #[must_use]
    pub fn endpoint(mut self, path: impl Into<String>) -> Self {
        self.endpoint = path.into();
        self
    }

    /// The name of the choice cookie, without prefix.
    ///
    /// **Default**: `consent`, so `__Host-consent` on the wire.
    #[must_use]
    pub fn choice_cookie(mut self, name: impl Into<String>) -> Self {
        self.choice_cookie.name = name.into();
        self
    }

    /// Shares the choice with all hosts of this domain. The prefix becomes `__Secure-`.
    ///
    /// **Default**: the choice holds for one host.
    #[must_use]
    pub fn choice_cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.choice_cookie.domain = Some(domain.into());
        self
    }

    /// Drops `Secure` and the prefix, for a development host that is reached without TLS. Browsers
    /// keep secure cookies of `localhost` without it; Safari does not, and asks on every page there.
    /// Anyone on the network can then read and forge the choice.
    ///
    /// **Default**: off.
    #[must_use]
    pub fn insecure_cookie_for_development(mut self) -> Self {
        self.choice_cookie.insecure_for_development = true;
        self
    }

    /// Adds a category, or changes a built-in one of the same slug.
    ///
    /// **Default**: `necessary`, `preferences`, `analytics`, `marketing`.
    #[must_use]
    pub fn category(mut self, category: Category) -> Self {
        self.categories.push(category);
        self
    }

    /// Leaves a built-in category out, so that no visitor is asked about what the site doesn't do.
    ///
    /// **Default**: none is left out.
    #[must_use]
    pub fn omit_category(mut self, slug: impl Into<String>) -> Self {
        self.omit_categories.push(slug.into());
        self
    }

    /// Adds a vendor.
    ///
    /// **Default**: none.
    #[must_use]
    pub fn vendor(mut self, vendor: Vendor) -> Self {
        self.vendors.push(vendor);
        self
    }

    /// Adds a vendor from the built-in [catalog], by slug: its name, category, hosts, cookies, and the
    /// rest come along. In TOML: `catalog = ["google-analytics", "youtube"]`.
    ///
    /// To change one, pass it to [`vendor`](Self::vendor) instead, as the [catalog]'s page shows.
    ///
    /// **Default**: none.
    ///
    /// # Errors
    /// [`Fault::NotInCatalog`] with slugs that are near.
    pub fn vendor_from_catalog(mut self, slug: impl Into<String>) -> Result<Self, PolicyError> {
        self.catalog.push(slug.into());
        self.check_catalog()?;
        Ok(self)
    }

    /// Takes every vendor of the built-in [catalog] as known: its cookies follow its category, and
    /// rules may belong to it, without being declared one by one. In TOML: `whole_catalog = true`.
    /// (What pages fetch from it follows its category anyway.)
    ///
    /// It is for sites that can't say in advance what editors or plugins will embed. The visitor is
    /// asked by category and is not shown the whole catalog: prompt, settings and policy page name what
    /// is declared. Since consent covers only those who were named (GDPR 4(11)), declare what the site
    /// does use with [`vendor_from_catalog`](Self::vendor_from_catalog) all the same.
    ///
    /// **Default**: a cookie that isn't declared is not allowed under opt-in, be it of a vendor of the
    /// catalog. A [policy that declares nothing](Policy::default) takes the whole catalog.
    #[must_use]
    pub fn catalog(mut self) -> Self {
        self.whole_catalog = true;
        self
    }

    /// Gates cookies with well-known necessary names, such as `PHPSESSID`, `csrftoken` or `AWSALB`,
    /// like any other that no rule names. In TOML: `well_known_cookies = false`.
    ///
    /// **Default**: they pass as necessary where no rule says otherwise; the
    /// [manual](crate::manual::defaults) tells which.
    #[must_use]
    pub fn without_well_known_cookies(mut self) -> Self {
        self.well_known_cookies = false;
        self
    }

    /// Declares a cookie by name or glob; `belongs_to` is the slug of a category or vendor.
    ///
    /// **Default**: none is declared.
    #[must_use]
    pub fn cookie(self, name: impl Into<String>, belongs_to: impl Into<String>) -> Self {
        self.cookie_rule(CookieRule::new(name, belongs_to))
    }

    /// Declares a cookie with all that the policy page tells of it.
    #[must_use]
    pub fn cookie_rule(mut self, rule: CookieRule) -> Self {
        self.cookies.push(rule);
        self
    }

    /// Gates a header, in requests and responses; it overrides a default rule of the same name.
    ///
    /// **Default**: the [table of the manual](crate::manual::defaults).
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, belongs_to: impl Into<String>) -> Self {
        self.headers.push(HeaderRule::new(name, belongs_to));
        self
    }

    /// Switches the default rule for this header off.
    ///
    /// **Default**: all are on.
    #[must_use]
    pub fn pass_header(mut self, name: impl Into<String>) -> Self {
        self.pass_headers.push(name.into());
        self
    }

    /// Denies the browser's advertising interfaces (`browsing-topics`, `attribution-reporting`,
    /// `join-ad-interest-group`, `run-ad-auction`, `shared-storage`) in `Permissions-Policy` while
    /// marketing isn't allowed. What the application says of them stays.
    ///
    /// **Default**: off; current browsers have retired them.
    #[must_use]
    pub fn deny_ad_apis(mut self) -> Self {
        self.deny_ad_apis = true;
        self
    }

    /// Cuts client addresses to /24 (IPv4) and /48 (IPv6) before the application sees them, while
    /// this category or vendor isn't allowed: in `Forwarded`, `X-Forwarded-For`, `X-Real-IP`,
    /// `X-Client-IP`, `X-Cluster-Client-IP`, `True-Client-IP`, `CF-Connecting-IP`, `Fastly-Client-IP`.
    ///
    /// **Default**: they pass whole.
    #[must_use]
    pub fn truncate_client_address(mut self, belongs_to: impl Into<String>) -> Self {
        self.truncate_client_address = Some(belongs_to.into());
        self
    }

    /// A path whose `ETag` and `Last-Modified` are made for one visitor and so work like a cookie:
    /// they go while analytics isn't allowed. `*` at the end stands for all below.
    ///
    /// **Default**: validators are taken to come from the content, and are kept.
    #[must_use]
    pub fn per_user_path(mut self, path: impl Into<String>) -> Self {
        self.per_user_paths.push(path.into());
        self
    }

    /// The most bytes of one tag in a page that is gated, with all its attributes: 1 KiB to 1 GiB. A
    /// `data:` URL makes a long one. While a tag comes in, as much of the page is held in memory. In TOML:
    /// `limits.tag_bytes`.
    ///
    /// A page with a longer tag can't be read: it passes whole, or is broken off before the tag, as the
    /// [manual](crate::manual::defaults#pages-that-cant-be-read) says.
    ///
    /// **Default**: 1 MiB, 1048576.
    #[must_use]
    pub fn tag_limit(mut self, bytes: usize) -> Self {
        self.limits.tag_bytes = bytes;
        self
    }

    /// The most bytes of one inline script, style sheet or `noscript` in a page that is gated: 1 KiB to
    /// 1 GiB. Its contents decide about it, so it is held in memory until its end has come. (JSON, and
    /// scripts of other types that don't run, are not.) In TOML: `limits.inline_bytes`.
    ///
    /// A page with a longer one can't be read: it passes whole, or is broken off before it, as the
    /// [manual](crate::manual::defaults#pages-that-cant-be-read) says.
    ///
    /// **Default**: 2 MiB, 2097152.
    #[must_use]
    pub fn inline_limit(mut self, bytes: usize) -> Self {
        self.limits.inline_bytes = bytes;
        self
    }

    /// Replaces a text of the banner or the policy page by the site's own, in every language.
    ///
    /// **Default**: the built-in texts; their keys stand in `locales/en.toml`.
    #[must_use]
    pub fn text(mut self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.texts.insert(key.into(), text.into());
        self
    }

    /// Checks the declaration.
    ///
    /// # Errors
    /// The first thing that is wrong, and where: see [`Fault`].
    pub fn build(self) -> Result<Policy, PolicyError> {
        self.check_site()?;
        self.check_catalog()?;
        self.check_slugs()?;
        self.check_vendors()?;
        self.check_cookies()?;
        self.check_headers()?;
        let texts = self.check_texts()?;
        let asks_vendors = self.vendors.iter().any(|vendor| vendor.ask_separately);
        let asked = Place::key(if asks_vendors { "vendor" } else { "category" });
        let policy = Policy::compile(self, texts);
        let purposes = policy.purposes().len();
        if purposes > Purpose::MOST {
            return Err(PolicyError::new(asked, Fault::TooManyPurposes(purposes)));
        }
        let longest = choice::longest(&policy);
        if longest > choice::MOST_BYTES {
            return Err(PolicyError::new(asked, Fault::ChoiceTooLong(longest)));
        }
        Ok(policy)
    }

    fn check_texts(&self) -> Result<Texts, PolicyError> {
        Texts::locale("en", &self.texts).map_err(|error| {
            let is_wrong = |key: &str, text: &str| {
                Texts::locale("en", &[(key.to_owned(), text.to_owned())].into()).is_err()
            };
            let wrong = self.texts.iter().find(|(key, text)| is_wrong(key, text));
            let key = wrong.map_or_else(String::new, |(key, _)| key.clone());
            PolicyError::new(Place::entry("texts", key), error.into())
        })
    }

    fn check_site(&self) -> Result<(), PolicyError> {
        let fail = |key, fault| Err(PolicyError::new(Place::key(key), fault));
        if self.site.trim().is_empty() {
            return fail("site", Fault::Empty);
        }
        if self.revision == 0 {
            let fault = Fault::OutOfRange { value: 0, least: 1, most: u32::MAX.into() };
            return fail("revision", fault);
        }
        if !(1..=400).contains(&self.lifetime_days) {
            let value = self.lifetime_days.into();
            return fail("lifetime_days", Fault::OutOfRange { value, least: 1, most: 400 });
        }
        if !is_endpoint(&self.endpoint) {
            return fail("endpoint", Fault::BadEndpoint(self.endpoint.clone()));
        }
        if let Some(url) = self.privacy_url.as_deref().filter(|url| !is_link_target(url)) {
            return fail("privacy_url", Fault::BadUrl(url.to_owned()));
        }
        let cookie = &self.choice_cookie;
        if !is_cookie_name(&cookie.name) {
            return fail("choice_cookie", Fault::BadCookieName(cookie.name.clone()));
        }
        if cookie.name.starts_with("__") {
            return fail("choice_cookie", Fault::PrefixIsAdded(cookie.name.clone()));
        }
        if let Some(domain) = &cookie.domain {
            if cookie.insecure_for_development {
                return fail("choice_cookie", Fault::InsecureDomain);
            }
            if !is_domain(domain) {
                return fail("choice_cookie", Fault::BadDomain(domain.clone()));
            }
        }
        let limits = &self.limits;
        for (key, bytes) in [("tag_bytes", limits.tag_bytes), ("inline_bytes", limits.inline_bytes)]
        {
            let (least, most) = (PageLimits::LEAST, PageLimits::MOST);
            if !(least..=most).contains(&bytes) {
                let [value, least, most] = [bytes, least, most].map(|bytes| bytes as u64);
                let fault = Fault::OutOfRange { value, least, most };
                return Err(PolicyError::new(Place::entry("limits", key.to_owned()), fault));
            }
        }
        for path in &self.per_user_paths {
            if !is_path(path) {
                return fail("per_user_paths", Fault::BadPath(path.clone()));
            }
            if path.strip_suffix('*').unwrap_or(path).contains('*') {
                return fail("per_user_paths", Fault::StarInside(path.clone()));
            }
        }
        Ok(())
    }

    fn check_slugs(&self) -> Result<(), PolicyError> {
        for slug in &self.omit_categories {
            let place = Place::key("omit_categories");
            if slug == category::NECESSARY {
                return Err(PolicyError::new(place, Fault::NecessaryIsFixed));
            }
            if !category::BUILT_IN.contains(&slug.as_str()) {
                let known = category::BUILT_IN.map(str::to_owned).to_vec();
                let fault = Fault::UnknownSlug { slug: slug.clone(), known };
                return Err(PolicyError::new(place, fault));
            }
        }
        let mut seen: Vec<&str> = Vec::new();
        for (index, category) in self.categories.iter().enumerate() {
            let place = |key| Place::item("category", index, key);
            check_slug(&category.slug, &mut seen)
                .map_err(|f| PolicyError::new(place("slug"), f))?;
            if self.omit_categories.contains(&category.slug) {
                let fault = Fault::OmittedAndDeclared(category.slug.clone());
                return Err(PolicyError::new(place("slug"), fault));
            }
            if category.slug == category::NECESSARY && category.sells_or_shares == Some(true) {
                return Err(PolicyError::new(place("sells_or_shares"), Fault::NecessaryIsFixed));
            }
            let name = category.name.as_deref().map(str::trim);
            if !category.is_built_in() && name.is_none_or(str::is_empty) {
                let fault = Fault::CategoryWithoutName(category.slug.clone());
                return Err(PolicyError::new(place("name"), fault));
            }
            if name.is_some_and(str::is_empty) {
                return Err(PolicyError::new(place("name"), Fault::Empty));
            }
        }
        let is_category = |slug: &str| self.category_slugs().any(|category| category == slug);
        for (index, vendor) in self.vendors.iter().enumerate() {
            let fail = |key, fault| Err(PolicyError::new(Place::item("vendor", index, key), fault));
            if let Err(fault) = check_slug(&vendor.slug, &mut seen) {
                return fail("slug", fault);
            }
            if category::BUILT_IN.contains(&vendor.slug.as_str()) {
                return fail("slug", Fault::Duplicate(vendor.slug.clone()));
            }
            if !is_category(&vendor.category) {
                let known = self.category_slugs().map(str::to_owned).collect();
                let fault = Fault::UnknownSlug { slug: vendor.category.clone(), known };
                return fail("category", fault);
            }
            if vendor.ask_separately && vendor.category == category::NECESSARY {
                return fail("ask_separately", Fault::NecessaryIsFixed);
            }
        }
        for (index, slug) in self.catalog.iter().enumerate() {
            let fail = |fault| Err(PolicyError::new(Place::item("catalog", index, ""), fault));
            if seen.contains(&slug.as_str()) {
                return fail(Fault::Duplicate(slug.clone()));
            }
            seen.push(slug);
            let category = catalog::vendor(slug).map(Vendor::category);
            if let Some(category) = category.filter(|category| !is_category(category)) {
                let known = self.category_slugs().map(str::to_owned).collect();
                return fail(Fault::UnknownSlug { slug: category.to_owned(), known });
            }
        }
        Ok(())
    }

    fn check_catalog(&self) -> Result<(), PolicyError> {
        match self.catalog.iter().zip(0..).find(|(slug, _)| catalog::vendor(slug).is_none()) {
            Some((slug, index)) => {
                let fault = Fault::NotInCatalog { slug: slug.clone(), near: catalog::near(slug) };
                Err(PolicyError::new(Place::item("catalog", index, ""), fault))
            }
            None => Ok(()),
        }
    }

    /// What one vendor says of itself, and that no two claim the same host or cookie.
    fn check_vendors(&self) -> Result<(), PolicyError> {
        let mut claimed: Vec<&str> = Vec::new();
        for vendor in self.catalog.iter().filter_map(|slug| catalog::vendor(slug)) {
            claimed.extend(vendor.claims());
        }
        for (index, vendor) in self.vendors.iter().enumerate() {
            let fail = |key, fault| Err(PolicyError::new(Place::item("vendor", index, key), fault));
            if let Err((key, fault)) = vendor.check() {
                return fail(key, fault);
            }
            let is_own =
                |rule: &&CookieRule| !rule.third_party && self.choice_cookie.is_own(&rule.name);
            if let Some(rule) = vendor.cookies.iter().find(is_own) {
                return fail("cookies", Fault::RuleForChoiceCookie(rule.name.clone()));
            }
            if let Some(name) = vendor.claims().find(|name| claimed.contains(name)) {
                let key =
                    if vendor.hosts.iter().any(|host| host == name) { "hosts" } else { "cookies" };
                return fail(key, Fault::Duplicate(name.to_owned()));
            }
            claimed.extend(vendor.claims());
        }
        Ok(())
    }

    fn check_cookies(&self) -> Result<(), PolicyError> {
        for (index, rule) in self.cookies.iter().enumerate() {
            let fail = |key, fault| Err(PolicyError::new(Place::item("cookie", index, key), fault));
            if let Err((key, fault)) = check_cookie(rule) {
                return fail(key, fault);
            }
            if self.choice_cookie.is_own(&rule.name) {
                return fail("name", Fault::RuleForChoiceCookie(rule.name.clone()));
            }
            if self.cookies.iter().take(index).any(|other| other.name == rule.name) {
                return fail("name", Fault::Duplicate(rule.name.clone()));
            }
            if rule.belongs_to.is_empty() {
                return fail("belongs_to", Fault::Empty);
            }
            if let Some(fault) = self.unknown_slug(&rule.belongs_to) {
                return fail("belongs_to", fault);
            }
        }
        Ok(())
    }

    fn check_headers(&self) -> Result<(), PolicyError> {
        for (index, rule) in self.headers.iter().enumerate() {
            let fail = |key, fault| Err(PolicyError::new(Place::item("header", index, key), fault));
            if HeaderName::try_from(&rule.name).is_err() {
                return fail("name", Fault::BadHeaderName(rule.name.clone()));
            }
            if is_protected_header(&rule.name) {
                return fail("name", Fault::ProtectedHeader(rule.name.clone()));
            }
            let earlier = self.headers.iter().take(index).map(|rule| &rule.name);
            if earlier.chain(&self.pass_headers).any(|name| name.eq_ignore_ascii_case(&rule.name)) {
                return fail("name", Fault::Duplicate(rule.name.clone()));
            }
            if let Some(fault) = self.unknown_slug(&rule.belongs_to) {
                return fail("belongs_to", fault);
            }
        }
        if let Some(name) = self.pass_headers.iter().find(|n| HeaderName::try_from(*n).is_err()) {
            let fault = Fault::BadHeaderName(name.clone());
            return Err(PolicyError::new(Place::key("pass_headers"), fault));
        }
        if let Some(name) = self.pass_headers.iter().find(|name| !has_default_rule(name)) {
            let fault = Fault::NoDefaultRule(name.clone());
            return Err(PolicyError::new(Place::key("pass_headers"), fault));
        }
        if let Some(fault) =
            self.truncate_client_address.as_deref().and_then(|slug| self.unknown_slug(slug))
        {
            return Err(PolicyError::new(Place::key("truncate_client_address"), fault));
        }
        Ok(())
    }

    /// The slugs of all categories: built-in ones first, then the site's own.
    fn category_slugs(&self) -> impl Iterator<Item = &str> {
        let is_kept = |slug: &&str| !self.omit_categories.iter().any(|omitted| omitted == slug);
        let own = self.categories.iter().filter(|category| !category.is_built_in());
        category::BUILT_IN.into_iter().filter(is_kept).chain(own.map(Category::slug))
    }

    fn unknown_slug(&self, slug: &str) -> Option<Fault> {
        let named = || self.catalog.iter().map(String::as_str);
        let vendors = || self.vendors.iter().map(Vendor::slug).chain(named());
        let known = || self.category_slugs().chain(vendors());
        let is_in_catalog = self.whole_catalog && catalog::vendor(slug).is_some();
        if is_in_catalog || known().any(|one| one == slug) {
            return None;
        }
        let known = known().map(str::to_owned).collect();
        Some(Fault::UnknownSlug { slug: slug.to_owned(), known })
    }

    /// The declared vendors: the site's own, then those named from the catalog.
    pub(super) fn all_vendors(&self) -> Vec<Vendor> {
        let named = self.catalog.iter().filter_map(|slug| catalog::vendor(slug));
        self.vendors.iter().chain(named).cloned().collect()
    }

    /// The declared cookies: the site's own rules, then those of its vendors for other names.
    pub(super) fn all_cookies(&self, vendors: &[Vendor]) -> Vec<CookieRule> {
        let is_own = |rule: &CookieRule| self.cookies.iter().any(|own| own.name == rule.name);
        let vendors = vendors.iter().flat_map(Vendor::cookie_rules);
        let of_vendors = vendors.filter(|rule| rule.third_party || !is_own(rule));
        self.cookies.iter().cloned().chain(of_vendors).collect()
    }

    /// All categories as declared: built-in ones first, with the site's changes.
    pub(super) fn all_categories(&self) -> Vec<Category> {
        let declared = |slug: &str| self.categories.iter().find(|own| own.slug == slug).cloned();
        self.category_slugs()
            .map(|slug| declared(slug).unwrap_or_else(|| Category::new(slug)))
            .collect()
    }
}

fn check_slug<'a>(slug: &'a str, seen: &mut Vec<&'a str>) -> Result<(), Fault> {
    let is_slug_byte =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins_well = slug.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !begins_well || slug.len() > 32 || !slug.bytes().all(is_slug_byte) {
        return Err(Fault::BadSlug(slug.to_owned()));
    }
    if seen.contains(&slug) {
        return Err(Fault::Duplicate(slug.to_owned()));
    }
    seen.push(slug);
    Ok(())
}

/// A token (RFC 9110, 5.6.2), which is what a cookie name is; `*` is a token character too.
pub(super) fn is_cookie_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= 256 && name.bytes().all(is_token)
}

pub(super) fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
}

fn is_endpoint(path: &str) -> bool {
    let is_segment = |segment: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !segment.is_empty() && segment.bytes().all(is_plain)
    };
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment))
}

pub(super) fn is_link_target(url: &str) -> bool {
    let is_clean = !url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let is_path = url.starts_with('/') && !url.starts_with("//");
    let is_web = ["https://", "http://"].iter().any(|scheme| {
        url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    is_clean && (is_path || is_web)
}

/// A name of at least two labels, and no address: a cookie can't be shared among addresses.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_edged = label.starts_with('-') || label.ends_with('-');
        (1..=63).contains(&label.len()) && label.bytes().all(is_host_byte) && !is_edged
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    domain.len() <= 253
        && domain.split('.').all(is_label)
        && domain.rsplit_once('.').is_some_and(|(_, last)| !is_number(last))
}
