//! What the site declares. Data only: it is checked once, in [`PolicyBuilder::build`], and never
//! changes after. Nothing here knows of a request.

mod builder;
pub mod catalog;
pub mod category;
mod error;
mod grants;
mod hosts;
mod policy;
mod purpose;
mod rules;
mod settings;
mod sources;
mod third_parties;
mod vendor;

pub use builder::PolicyBuilder;
pub use category::Category;
pub use error::{Fault, PolicyError};
pub(crate) use grants::Grants;
pub use policy::Policy;
pub(crate) use purpose::{Purpose, PurposeSet};
pub use rules::CookieRule;
pub(crate) use rules::{HeaderAction, HeaderRule, HeaderRules, HeaderSide};
pub use settings::Undeclared;
pub(crate) use settings::{ChoiceCookie, PageLimits};
pub(crate) use sources::{Need, Sources};
pub(crate) use third_parties::{Owner, ThirdParties};
pub use vendor::Vendor;
