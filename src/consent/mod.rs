//! What holds for one request: policy x choice x signals x regime. Knows the policy and the choice;
//! nothing of how it is enforced or shown.

mod consent;
mod regime;
mod signals;

pub use consent::{Consent, NoTracking, UnknownSlug};
pub use regime::Regime;
pub(crate) use signals::Signals;
