#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod banner;
mod body;
mod choice;
mod consent;
mod future;
mod gate;
mod layer;
pub mod manual;
mod policy;
mod routes;
mod service;
mod site;

#[cfg(feature = "axum")]
pub use axum::MissingConsentLayer;
pub use banner::TextError;
pub use body::ResponseBody;
pub use choice::{Choice, How};
pub use consent::{Consent, NoTracking, Regime, UnknownSlug};
#[cfg(feature = "signed")]
pub use cookie::Key;
pub use future::ResponseFuture;
pub use layer::ConsentLayer;
pub use policy::{
    Category, CookieRule, Fault, Policy, PolicyBuilder, PolicyError, Undeclared, Vendor, catalog,
    category,
};
pub use service::ConsentService;
