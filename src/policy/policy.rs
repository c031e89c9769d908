use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Category, CookieRule, PolicyBuilder, PolicyError, Purpose, PurposeSet, Sources, ThirdParties,
    Undeclared, Vendor, catalog, category,
    rules::{CookieRules, HeaderRules},
};
use crate::{banner::Texts, consent::Regime};

/// What the site declares, checked: categories, vendors, cookies, headers, and the regime.
///
/// Made by [`Policy::builder`], [`Policy::from_toml`], [`Policy::from_json`], or any `serde` format.
///
/// ```
/// use tower_consent::{Policy, category};
///
/// let policy = Policy::builder("Example News")
///     .cookie("session", category::NECESSARY)
///     .cookie("_ga*", category::ANALYTICS)
///     .privacy_url("/privacy")
///     .build()?;
///
/// let same = Policy::from_toml(
///     r#"
///     site = "Example News"
///     privacy_url = "/privacy"
///
///     [[cookie]]
///     name = "session"
///     belongs_to = "necessary"
///
///     [[cookie]]
///     name = "_ga*"
///     belongs_to = "analytics"
///     "#,
/// )?;
/// assert_eq!(policy, same);
/// # Ok::<(), tower_consent::PolicyError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "PolicyBuilder", into = "PolicyBuilder")]
pub struct Policy {
    declared: PolicyBuilder,
    categories: Vec<Category>,
    vendors: Vec<Vendor>,
    cookies: Vec<CookieRule>,
    /// The slug of each purpose, in the order of its number.
    purposes: Vec<Box<str>>,
    /// The purpose of each vendor: its own, or its category's.
    vendor_purposes: Vec<Purpose>,
    third_parties: ThirdParties,
    sources: Sources,
    asked: PurposeSet,
    sold_or_shared: PurposeSet,
    cookie_rules: CookieRules,
    cookie_purposes: Vec<Purpose>,
    header_rules: HeaderRules,
    marketing: Purpose,
    analytics: Purpose,
    address_purpose: Option<Purpose>,
    choice_cookie_name: Box<str>,
    once_cookie_name: Box<str>,
    texts: Texts,
}

impl Policy {
    /// Begins a policy for the site of this name.
    pub fn builder(site: impl Into<String>) -> PolicyBuilder {
        PolicyBuilder::new(site.into())
    }

    /// Reads a policy from TOML. An unknown key is an error.
    ///
    /// # Errors
    /// What is wrong, with its [line](PolicyError::line).
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let builder: PolicyBuilder = toml::from_str(text).map_err(|error| {
            let line = error.span().and_then(|span| text.get(..span.start));
            PolicyError::syntax(
                error.to_string(),
                line.map(|before| before.matches('\n').count() + 1),
            )
        })?;
        builder.build().map_err(|error| error.located_in(text))
    }

    /// Reads a policy from JSON. An unknown key is an error.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        let builder: PolicyBuilder = serde_json::from_str(text)
            .map_err(|error| PolicyError::syntax(error.to_string(), Some(error.line())))?;
        builder.build()
    }

    pub(super) fn compile(declared: PolicyBuilder, texts: Texts) -> Self {
        // Read it now, so that no request waits for that.
        catalog::all();
        let categories = declared.all_categories();
        let vendors = declared.all_vendors();
        let cookies = declared.all_cookies(&vendors);
        let mut purposes: Vec<Box<str>> =
            categories.iter().map(|category| category.slug().into()).collect();
        let mut asked = PurposeSet::EMPTY;
        let mut sold_or_shared = PurposeSet::EMPTY;
        for (index, category) in categories.iter().enumerate() {
            if category.slug() != category::NECESSARY {
                asked = asked.with(Purpose::new(index));
            }
            if category.is_sold_or_shared() {
                sold_or_shared = sold_or_shared.with(Purpose::new(index));
            }
        }
        let mut vendor_purposes = Vec::new();
        for (place, vendor) in vendors.iter().enumerate() {
            let index = categories.iter().position(|category| category.slug() == vendor.category);
            let category = index.map_or(Purpose::NEVER, Purpose::new);
            if !vendor.ask_separately {
                vendor_purposes.push(category.of_follower(place));
                continue;
            }
            let own = Purpose::new(purposes.len());
            purposes.push(vendor.slug().into());
            asked = asked.with(own);
            if sold_or_shared.contains(category) {
                sold_or_shared = sold_or_shared.with(own);
            }
            vendor_purposes.push(own);
        }
        let find = |slug: &str| {
            let own = |slug: &str| purposes.iter().position(|purpose| &**purpose == slug);
            let vendor = || vendors.iter().position(|vendor| vendor.slug() == slug);
            let declared_as = || vendor_purposes.get(vendor()?).copied();
            let known =
                || known_purpose(&categories, vendors.len(), known_vendor(&declared, slug)?);
            own(slug).map(Purpose::new).or_else(declared_as).or_else(known)
        };
        let resolve = |slug: &str| find(slug).unwrap_or(Purpose::NEVER);
        let known = |vendor: &Vendor| known_purpose(&categories, vendors.len(), vendor);
        Self {
            sources: Sources::new(&vendors, &vendor_purposes),
            third_parties: ThirdParties::new(&vendors, &vendor_purposes, known),
            cookie_rules: CookieRules::new(&cookies),
            cookie_purposes: cookies.iter().map(|rule| resolve(&rule.belongs_to)).collect(),
            header_rules: HeaderRules::new(&declared.headers, &declared.pass_headers, find),
            marketing: resolve(category::MARKETING),
            analytics: resolve(category::ANALYTICS),
            address_purpose: declared.truncate_client_address.as_deref().map(resolve),
            choice_cookie_name: declared.choice_cookie.full_name().into(),
            once_cookie_name: declared.choice_cookie.once_name().into(),
            texts,
            categories,
            vendors,
            cookies,
            purposes,
            vendor_purposes,
            asked,
            sold_or_shared,
            declared,
        }
    }

    /// The name of the site.
    pub fn site(&self) -> &str {
        &self.declared.site
    }

    /// The rule of the visitor's place.
    pub fn regime(&self) -> Regime {
        self.declared.regime
    }

    /// The number of this declaration.
    pub fn revision(&self) -> u32 {
        self.declared.revision
    }

    /// The categories, `necessary` first.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The declared vendors: the site's own, then those named from the catalog.
    pub fn vendors(&self) -> &[Vendor] {
        &self.vendors
    }

    /// The vendors that are known without being declared: the rest of the
    /// [whole catalog](PolicyBuilder::catalog), or none.
    pub fn known_vendors(&self) -> impl Iterator<Item = &Vendor> {
        let is_declared = |slug: &str| self.vendors.iter().any(|vendor| vendor.slug() == slug);
        let known = if self.declared.whole_catalog { catalog::all() } else { &[] };
        known.iter().filter(move |vendor| !is_declared(vendor.slug()))
    }

    /// The declared cookies: the site's own rules, then those of its vendors for other names.
    pub fn cookies(&self) -> &[CookieRule] {
        &self.cookies
    }

    /// What visitors read, the site's own texts included.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    pub(crate) fn declared(&self) -> &PolicyBuilder {
        &self.declared
    }

    pub(crate) fn undeclared(&self) -> Undeclared {
        self.declared.undeclared
    }

    pub(crate) fn undeclared_hosts(&self) -> Undeclared {
        self.declared.undeclared_hosts
    }

    /// Whose hosts are whose.
    pub(crate) fn third_parties(&self) -> &ThirdParties {
        &self.third_parties
    }

    /// What vendors need in a Content Security Policy.
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The vendor of this slug: declared, or known to the catalog.
    pub(crate) fn vendor(&self, slug: &str) -> Option<&Vendor> {
        let declared = self.vendors.iter().find(|vendor| vendor.slug() == slug);
        declared.or_else(|| catalog::vendor(slug))
    }

    pub(crate) fn lifetime_seconds(&self) -> u64 {
        u64::from(self.declared.lifetime_days) * 24 * 60 * 60
    }

    pub(crate) fn choice_cookie_name(&self) -> &str {
        &self.choice_cookie_name
    }

    /// The cookie that allows a vendor for one page. Its name begins with the choice cookie's.
    pub(crate) fn once_cookie_name(&self) -> &str {
        &self.once_cookie_name
    }

    /// Whether the layer itself keeps this cookie.
    pub(crate) fn is_own_cookie(&self, name: &[u8]) -> bool {
        name == self.choice_cookie_name.as_bytes() || name == self.once_cookie_name.as_bytes()
    }

    /// The slugs of all purposes, in the order of their numbers.
    pub(crate) fn purposes(&self) -> &[Box<str>] {
        &self.purposes
    }

    /// What this slug stands for: a category, or a vendor by itself or by its category.
    pub(crate) fn purpose(&self, slug: &str) -> Option<Purpose> {
        if let Some(index) = self.purposes.iter().position(|purpose| &**purpose == slug) {
            return Some(Purpose::new(index));
        }
        if let Some(index) = self.vendors.iter().position(|vendor| vendor.slug() == slug) {
            return self.vendor_purposes.get(index).copied();
        }
        let known = known_vendor(&self.declared, slug)?;
        known_purpose(&self.categories, self.vendors.len(), known)
    }

    /// What this slug of a category, or of a vendor of the policy or the whole catalog, stands for:
    /// known trackers are gated, and can be allowed, whether or not the site has heard of them.
    pub(crate) fn gated_purpose(&self, slug: &str) -> Option<Purpose> {
        self.purpose(slug).or_else(|| self.third_parties.purpose_of_known(slug))
    }

    /// The slug of this category or vendor.
    pub(crate) fn slug(&self, purpose: Purpose) -> Option<&str> {
        let own = || self.purposes.get(purpose.index()).map(|slug| &**slug);
        self.follower(purpose).map(Vendor::slug).or_else(own)
    }

    /// The vendor that follows its category.
    pub(crate) fn follower(&self, purpose: Purpose) -> Option<&Vendor> {
        let place = purpose.follower()?.place();
        let known = || catalog::all().get(place.checked_sub(self.vendors.len())?);
        self.vendors.get(place).or_else(known)
    }

    /// What the visitor is asked about.
    pub(crate) fn asked(&self) -> PurposeSet {
        self.asked
    }

    /// What Global Privacy Control denies.
    pub(crate) fn sold_or_shared(&self) -> PurposeSet {
        self.sold_or_shared
    }

    /// The rule for the cookie of this name, and what it belongs to: what is declared, else what the
    /// catalog knows, else what is well known to be necessary.
    pub(crate) fn cookie(&self, name: &[u8]) -> Option<(&CookieRule, Purpose)> {
        if let Some(index) = self.cookie_rules.find(name) {
            return Some((self.cookies.get(index)?, *self.cookie_purposes.get(index)?));
        }
        if let (true, Some(rule)) = (self.declared.whole_catalog, catalog::cookie(name)) {
            return Some((rule, self.purpose(&rule.belongs_to).unwrap_or(Purpose::NEVER)));
        }
        let rule = catalog::necessary(name).filter(|_| self.declared.well_known_cookies)?;
        Some((rule, Purpose::NECESSARY))
    }

    pub(crate) fn header_rules(&self) -> &HeaderRules {
        &self.header_rules
    }

    pub(crate) fn marketing(&self) -> Purpose {
        self.marketing
    }

    pub(crate) fn analytics(&self) -> Purpose {
        self.analytics
    }

    /// What whole client addresses belong to, where they are cut otherwise.
    pub(crate) fn address_purpose(&self) -> Option<Purpose> {
        self.address_purpose
    }

    /// Whether validators on this path are made for one visitor.
    pub(crate) fn is_per_user(&self, path: &str) -> bool {
        self.declared.per_user_paths.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == pattern,
        })
    }
}

/// What a vendor of the catalog belongs to that isn't one of the `declared`.
fn known_purpose(categories: &[Category], declared: usize, vendor: &Vendor) -> Option<Purpose> {
    let category = categories.iter().position(|one| one.slug() == vendor.category())?;
    let place = catalog::place(vendor.slug())?;
    Some(Purpose::new(category).of_follower(declared + place))
}

/// The vendor of the catalog that has this slug, where the whole of it is known.
fn known_vendor(declared: &PolicyBuilder, slug: &str) -> Option<&'static Vendor> {
    catalog::vendor(slug).filter(|_| declared.whole_catalog)
}

/// The policy of a site that declares nothing: the [whole catalog](PolicyBuilder::catalog) is known.
impl Default for Policy {
    fn default() -> Self {
        match Self::builder("This website").catalog().build() {
            Ok(policy) => policy,
            Err(error) => unreachable!("the built-in policy is right: {error}"),
        }
    }
}

impl TryFrom<PolicyBuilder> for Policy {
    type Error = PolicyError;

    fn try_from(builder: PolicyBuilder) -> Result<Self, PolicyError> {
        builder.build()
    }
}

impl From<Policy> for PolicyBuilder {
    fn from(policy: Policy) -> Self {
        policy.declared
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.declared == other.declared
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.declared).finish()
    }
}
