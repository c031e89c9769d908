//! Stands in for `tower_consent` until its public face is there: same names, does nothing.
#![allow(dead_code)]

use std::convert::Infallible;

pub(crate) mod category {
    pub(crate) const NECESSARY: &str = "necessary";
    pub(crate) const ANALYTICS: &str = "analytics";
    pub(crate) const MARKETING: &str = "marketing";
}

pub(crate) enum Regime {
    OptIn,
    OptOut,
    Notice,
}

pub(crate) struct Policy;

impl Policy {
    pub(crate) fn builder(_: &str) -> Self {
        Self
    }
    pub(crate) fn regime(self, _: Regime) -> Self {
        self
    }
    pub(crate) fn cookie(self, _: &str, _: &str) -> Self {
        self
    }
    pub(crate) fn header(self, _: &str, _: &str) -> Self {
        self
    }
    pub(crate) fn privacy_url(self, _: &str) -> Self {
        self
    }
    pub(crate) fn build(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

#[derive(Clone)]
pub(crate) struct ConsentLayer;

impl ConsentLayer {
    pub(crate) fn new(_: Policy) -> Self {
        Self
    }
}

impl<S> tower::Layer<S> for ConsentLayer {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        inner
    }
}
