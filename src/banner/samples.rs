//! Views for this room's tests.

use super::policy_page::{CookieRow, PageView, Partner, Section};
use super::render::{Toggle, ToggleState, View};
use super::texts::{TextOverrides, Texts};
use crate::consent::Regime;

pub(super) fn english() -> Texts {
    Texts::locale("en", &TextOverrides::new()).unwrap()
}

/// The four built-in categories, as a policy without vendors has them.
pub(super) fn categories(texts: &Texts) -> Vec<Toggle<'_>> {
    let slugs = ["necessary", "preferences", "analytics", "marketing"];
    let toggle = |(id, slug): (usize, &'static str)| {
        let text = texts.category(slug).unwrap();
        Toggle {
            slug,
            name: &text.name,
            description: &text.description,
            state: if id == 0 { ToggleState::Locked } else { ToggleState::Asked(id) },
            vendors: Vec::new(),
        }
    };
    slugs.into_iter().enumerate().map(toggle).collect()
}

pub(super) fn view<'a>(texts: &'a Texts, toggles: &'a [Toggle<'a>]) -> View<'a> {
    View {
        regime: Regime::OptIn,
        decided: false,
        allows_everything: false,
        gpc_honored: false,
        site: "Example News",
        endpoint: "/_consent",
        privacy_url: Some("/privacy"),
        toggles,
        texts,
    }
}

pub(super) fn sections(texts: &Texts) -> Vec<Section<'_>> {
    let cookie = |name, purpose, provider, lifetime| CookieRow {
        name,
        purpose: Some(purpose),
        provider: Some(provider),
        lifetime: Some(lifetime),
    };
    let mut sections: Vec<Section<'_>> = categories(texts)
        .iter()
        .map(|toggle| Section {
            name: toggle.name,
            description: toggle.description,
            cookies: Vec::new(),
            partners: Vec::new(),
        })
        .collect();
    sections[0].cookies = vec![
        cookie("__Host-consent", &texts.page.choice_purpose, "Example News", "180 days"),
        cookie("session", "Keeps you signed in.", "Example News", "Until you close the browser"),
    ];
    sections[2].cookies = vec![
        cookie("_em_*", "Tells visits apart, to count them.", "Example Metrics", "13 months"),
        CookieRow { name: "visitor_id", purpose: None, provider: None, lifetime: None },
    ];
    sections[2].partners = vec![Partner {
        name: "Example Metrics",
        company: Some("Example Metrics Ltd"),
        privacy_url: Some("https://metrics.example/privacy"),
    }];
    sections
}

pub(super) fn page<'a>(banner: View<'a>, sections: &'a [Section<'a>]) -> PageView<'a> {
    PageView { banner, decided_on: None, lifetime_days: 180, sections }
}
