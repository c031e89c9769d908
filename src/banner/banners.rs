//! What one site's visitors see: its policy, in the view structs of this room.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use time::{Month, OffsetDateTime};

use super::{
    policy_page::{self, CookieRow, PageView, Partner, Section},
    render::{self, Banner, Toggle, ToggleState, View},
    texts::fill,
};
use crate::{
    consent::Consent,
    gate::{InlineHashes, PageTag},
    policy::{Category, Policy, Purpose, Vendor, category},
};

/// The banners of a site, made once: by what the visitor decided, and whether a signal is honored.
pub(crate) struct Banners {
    all: [(Banner, u64); 6],
}

/// What a banner depends on, of the visitor.
#[derive(Clone, Copy)]
struct State {
    decided: bool,
    allows_everything: bool,
    gpc_honored: bool,
}

impl State {
    fn of(consent: &Consent) -> Self {
        Self {
            decided: consent.is_decided(),
            allows_everything: consent.allows_everything(),
            gpc_honored: consent.honors_gpc(),
        }
    }
}

/// The policy page for one visitor, and the CSP source of its style.
pub(crate) struct PolicyPage {
    pub(crate) html: Bytes,
    pub(crate) style: &'static str,
}

impl Banners {
    pub(crate) fn new(policy: &Policy) -> Self {
        let toggles = toggles(policy);
        let states = [
            (false, false, false),
            (false, false, true),
            (true, false, false),
            (true, false, true),
            (true, true, false),
            (true, true, true),
        ];
        let all = states.map(|(decided, allows_everything, gpc_honored)| {
            let state = State { decided, allows_everything, gpc_honored };
            let banner = render::render(&view(policy, &toggles, state));
            let mut hasher = DefaultHasher::new();
            banner.fill("", |_| false, |_| String::new()).hash(&mut hasher);
            (banner, hasher.finish())
        });
        Self { all }
    }

    fn of(&self, consent: &Consent) -> &(Banner, u64) {
        let [ask, ask_gpc, part, part_gpc, whole, whole_gpc] = &self.all;
        let state = State::of(consent);
        match (state.decided, state.allows_everything, state.gpc_honored) {
            (false, _, false) => ask,
            (false, _, true) => ask_gpc,
            (true, false, false) => part,
            (true, false, true) => part_gpc,
            (true, true, false) => whole,
            (true, true, true) => whole_gpc,
        }
    }

    /// The banner's bytes for this visitor, whom a choice brings back to this path.
    pub(crate) fn fill(&self, consent: &Consent, return_to: &str) -> Bytes {
        self.of(consent).0.fill(return_to, is_on(consent), lone_vendors(consent))
    }

    /// Names the variant of a page that this visitor gets: the banner, and what is allowed. What is for
    /// once is no setting in the banner.
    pub(crate) fn tag(&self, consent: &Consent) -> PageTag {
        PageTag(self.of(consent).1 ^ consent.allowed().key() ^ u64::from(consent.is_for_once()))
    }

    /// What a page's CSP must allow for the banner.
    pub(crate) fn hashes(&self, consent: &Consent) -> InlineHashes {
        let (banner, _) = self.of(consent);
        InlineHashes { style: banner.style_source(), script: banner.script_source() }
    }
}

/// The policy page as this visitor sees it.
pub(crate) fn policy_page(consent: &Consent) -> PolicyPage {
    let policy = consent.policy();
    let toggles = toggles(policy);
    let banner = view(policy, &toggles, State::of(consent));
    let decided_on = consent.choice().map(|choice| format_date(choice.at()));
    let lifetime_days = policy.declared().lifetime_days;
    let days = lifetime_days.to_string();
    let choice_lifetime = fill(&policy.texts().page.choice_lifetime, &[("days", &days)]);
    let sections: Vec<Section<'_>> = policy
        .categories()
        .iter()
        .map(|category| section(policy, category, &choice_lifetime))
        .collect();
    let page =
        PageView { banner, decided_on: decided_on.as_deref(), lifetime_days, sections: &sections };
    PolicyPage {
        html: policy_page::render(&page, is_on(consent), lone_vendors(consent)),
        style: policy_page::STYLE.csp,
    }
}

fn is_on(consent: &Consent) -> impl Fn(usize) -> bool {
    |purpose| consent.is_set(Purpose::new(purpose))
}

/// The switches of the vendors in a category that the visitor has allowed by themselves: on, to be
/// turned off.
fn lone_vendors(consent: &Consent) -> impl Fn(usize) -> String {
    |purpose| {
        let policy = consent.policy();
        let Some(category) = policy.categories().get(purpose) else { return String::new() };
        let of_category = |vendor: &&Vendor| vendor.category() == category.slug();
        let vendors = consent.lone_vendors().filter(of_category);
        let toggles: Vec<_> =
            vendors.map(|vendor| vendor_toggle(vendor, ToggleState::On)).collect();
        render::lone_vendors(words(policy, category).0, &toggles, policy.texts())
    }
}

fn view<'a>(policy: &'a Policy, toggles: &'a [Toggle<'a>], state: State) -> View<'a> {
    View {
        regime: policy.regime(),
        decided: state.decided,
        allows_everything: state.allows_everything,
        gpc_honored: state.gpc_honored,
        site: policy.site(),
        endpoint: &policy.declared().endpoint,
        privacy_url: policy.declared().privacy_url.as_deref(),
        toggles,
        texts: policy.texts(),
    }
}

fn toggles(policy: &Policy) -> Vec<Toggle<'_>> {
    policy.categories().iter().map(|category| category_toggle(policy, category)).collect()
}

fn category_toggle<'a>(policy: &'a Policy, category: &'a Category) -> Toggle<'a> {
    let (name, description) = words(policy, category);
    let is_own = |vendor: &&Vendor| vendor.ask_separately && vendor.category == category.slug();
    let own = policy.vendors().iter().filter(is_own);
    Toggle {
        slug: category.slug(),
        name,
        description,
        state: match category.slug() {
            category::NECESSARY => ToggleState::Locked,
            slug => asked(policy, slug),
        },
        vendors: own.map(|vendor| vendor_toggle(vendor, asked(policy, vendor.slug()))).collect(),
    }
}

fn vendor_toggle(vendor: &Vendor, state: ToggleState) -> Toggle<'_> {
    Toggle { slug: vendor.slug(), name: &vendor.name, description: "", state, vendors: Vec::new() }
}

fn asked(policy: &Policy, slug: &str) -> ToggleState {
    ToggleState::Asked(policy.purpose(slug).unwrap_or(Purpose::NEVER).index())
}

/// What visitors read for the category of this slug.
pub(crate) fn category_name<'a>(policy: &'a Policy, slug: &str) -> Option<&'a str> {
    let category = policy.categories().iter().find(|category| category.slug() == slug)?;
    Some(words(policy, category).0)
}

/// The category's name and description: the site's own, or the built-in ones.
fn words<'a>(policy: &'a Policy, category: &'a Category) -> (&'a str, &'a str) {
    let built_in = policy.texts().category(category.slug());
    let name = category.name.as_deref().or(built_in.map(|texts| texts.name.as_str()));
    let description =
        category.description.as_deref().or(built_in.map(|texts| texts.description.as_str()));
    (name.unwrap_or(category.slug()), description.unwrap_or_default())
}

/// A category with the cookies and vendors that were declared for it.
fn section<'a>(
    policy: &'a Policy,
    category: &'a Category,
    choice_lifetime: &'a str,
) -> Section<'a> {
    let (name, description) = words(policy, category);
    let vendor = |slug: &str| policy.vendors().iter().find(|vendor| vendor.slug() == slug);
    let mut cookies = Vec::new();
    if category.slug() == category::NECESSARY {
        cookies.push(CookieRow {
            name: policy.choice_cookie_name(),
            purpose: Some(&policy.texts().page.choice_purpose),
            provider: Some(policy.site()),
            lifetime: Some(choice_lifetime),
        });
        cookies.push(CookieRow {
            name: policy.once_cookie_name(),
            purpose: Some(&policy.texts().page.once_purpose),
            provider: Some(policy.site()),
            lifetime: Some(&policy.texts().page.once_lifetime),
        });
    }
    for rule in policy.cookies() {
        let owner = vendor(&rule.belongs_to);
        if owner.map_or(rule.belongs_to.as_str(), |vendor| &vendor.category) != category.slug() {
            continue;
        }
        let company = owner.map(|vendor| vendor.company.as_ref().unwrap_or(&vendor.name).as_str());
        cookies.push(CookieRow {
            name: &rule.name,
            purpose: rule.purpose.as_deref(),
            provider: rule.provider.as_deref().or(company).or(Some(policy.site())),
            lifetime: rule.lifetime.as_deref(),
        });
    }
    let partners = policy.vendors().iter().filter(|vendor| vendor.category == category.slug());
    let partners = partners.map(|vendor| Partner {
        name: &vendor.name,
        company: vendor.company.as_deref(),
        privacy_url: vendor.privacy_url.as_deref(),
    });
    Section { name, description, cookies, partners: partners.collect() }
}

/// `November 24, 2026`.
fn format_date(time: OffsetDateTime) -> String {
    let (year, month, day) = time.to_calendar_date();
    let month: Month = month;
    format!("{month} {day}, {year}")
}
