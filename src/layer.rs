use std::sync::Arc;

use tower::Layer;

use crate::{policy::Policy, service::ConsentService, site::Site};

/// Makes a service keep the visitor's choice: the one thing that an app adds.
///
/// Put it outside of whatever sets cookies or renders pages, and inside of compression. See the
/// [manual](crate::manual) for the order of layers, caches, and what it does not do.
///
/// ```
/// use tower::{ServiceBuilder, service_fn};
/// use tower_consent::{ConsentLayer, Policy, category};
///
/// # async fn app(_: http::Request<String>) -> Result<http::Response<String>, std::convert::Infallible> {
/// #     Ok(http::Response::default())
/// # }
/// let policy = Policy::builder("Example News").cookie("session", category::NECESSARY).build()?;
/// let service = ServiceBuilder::new().layer(ConsentLayer::new(policy)).service(service_fn(app));
/// # Ok::<(), tower_consent::PolicyError>(())
/// ```
#[derive(Clone)]
pub struct ConsentLayer {
    site: Arc<Site>,
}

impl ConsentLayer {
    /// A layer that enforces this policy. What can be made once, the banner above all, is made here.
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        Self { site: Arc::new(Site::new(policy.into())) }
    }

    /// Signs the choice cookie, so that only this site's servers can make one: an unsigned or
    /// wrongly signed cookie is no choice. All servers of a site need the same key.
    ///
    /// **Default**: not signed. A visitor can only forge their own choice.
    #[cfg(feature = "signed")]
    #[must_use]
    pub fn signing_key(self, key: cookie::Key) -> Self {
        Self { site: Arc::new(self.site.again().signed_with(key)) }
    }

    /// Tells in each response what was decided in it and why, in the header `X-Consent-Gate`: `cookie
    /// ad_id denied marketing; link https://… denied google-analytics`. Anyone can read there what the
    /// site would have sent. The log tells the same at the level of debug, and the rule that decided.
    ///
    /// A page's body comes after its header, so of tags in it only the log tells: one event at the level of
    /// debug for each element that is gated, with the attribute, the rule, the vendor, and the category.
    ///
    /// **Default**: off.
    #[must_use]
    pub fn explain_in_header_for_development(self) -> Self {
        Self { site: Arc::new(self.site.again().explaining()) }
    }
}

/// A strict opt-in for a site that declares nothing: every optional cookie needs a rule, so none
/// passes.
impl Default for ConsentLayer {
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

impl std::fmt::Debug for ConsentLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentLayer").field("policy", &self.site.policy).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ConsentLayer {
    type Service = ConsentService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConsentService::new(inner, Arc::clone(&self.site))
    }
}
