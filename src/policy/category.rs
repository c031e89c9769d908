//! Purpose categories, and the slugs of those that every policy starts with.

use serde::{Deserialize, Serialize};

/// What the site can't work without: always allowed, never asked.
pub const NECESSARY: &str = "necessary";
/// What remembers how the visitor likes the site: language, layout, volume.
pub const PREFERENCES: &str = "preferences";
/// What measures how the site is used.
pub const ANALYTICS: &str = "analytics";
/// What follows the visitor to show or measure advertising.
pub const MARKETING: &str = "marketing";

/// A purpose category: what the visitor is asked about, by slug.
///
/// A policy starts with [`NECESSARY`], [`PREFERENCES`], [`ANALYTICS`] and [`MARKETING`], whose
/// names and descriptions come in the visitor's language. Declaring one of these slugs again
/// changes it; any other slug adds a category.
///
/// ```
/// use tower_consent::{Category, Policy};
///
/// let policy = Policy::builder("Example News")
///     .category(Category::new("chat").name("Live chat").description("Talk to our staff."))
///     .build()?;
/// # Ok::<(), tower_consent::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    pub(crate) slug: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sells_or_shares: Option<bool>,
}

impl Category {
    /// A category with this slug: up to 32 of `a-z`, `0-9` and `-`, beginning with a letter.
    pub fn new(slug: impl Into<String>) -> Self {
        Self { slug: slug.into(), name: None, description: None, sells_or_shares: None }
    }

    /// The name that the visitor reads.
    ///
    /// **Default**: the built-in text for the four built-in slugs; any other needs one.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// One or two sentences on what it is for.
    ///
    /// **Default**: the built-in text for the four built-in slugs; empty for any other.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Whether the category sells personal data or shares it for advertising, so that Global
    /// Privacy Control denies it (11 CCR 7025).
    ///
    /// **Default**: `true` for [`ANALYTICS`] and [`MARKETING`], `false` for any other. Set it to
    /// `false` for analytics only where the measuring party uses the data for the site alone.
    #[must_use]
    pub fn sells_or_shares(mut self, sells: bool) -> Self {
        self.sells_or_shares = Some(sells);
        self
    }

    /// The slug that cookie and header rules refer to.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    pub(crate) fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.slug.as_str())
    }

    pub(crate) fn is_sold_or_shared(&self) -> bool {
        self.sells_or_shares.unwrap_or(matches!(self.slug.as_str(), ANALYTICS | MARKETING))
    }
}

pub(crate) const BUILT_IN: [&str; 4] = [NECESSARY, PREFERENCES, ANALYTICS, MARKETING];
