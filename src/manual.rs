//! The manual: what the layer does by default, how to run it behind caches, proxies and other
//! layers, and what it does not do.

#[doc = include_str!("manual/defaults.md")]
pub mod defaults {}

#[doc = include_str!("manual/caching.md")]
pub mod caching {}

#[doc = include_str!("manual/csp.md")]
pub mod csp {}

#[doc = include_str!("manual/script.md")]
pub mod script {}

#[doc = include_str!("manual/compression.md")]
pub mod compression {}

#[doc = include_str!("manual/threats.md")]
pub mod threats {}

#[doc = include_str!("manual/limits.md")]
pub mod limits {}
