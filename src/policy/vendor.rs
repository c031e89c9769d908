use serde::{Deserialize, Serialize};

/// A third party that the site lets in: by slug, in a category.
///
/// Cookie and header rules may belong to a vendor instead of a category. A vendor follows its
/// category's answer, unless it is [asked separately](Vendor::ask_separately).
///
/// ```
/// use tower_consent::{Policy, Vendor, category};
///
/// let policy = Policy::builder("Example News")
///     .vendor(
///         Vendor::new("example-metrics", "Example Metrics", category::ANALYTICS)
///             .company("Example Metrics Ltd")
///             .privacy_url("https://metrics.example/privacy"),
///     )
///     .cookie("_em_*", "example-metrics")
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
        }
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

    /// The slug that cookie and header rules refer to.
    pub fn slug(&self) -> &str {
        &self.slug
    }
}
