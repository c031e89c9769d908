use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;

use crate::{
    Category, Vendor, catalog,
    consent::{Consent, Regime},
    gate::VendorGate,
};

/// The state as JSON: what `GET /_consent/state` answers, and a choice made by script.
#[derive(Serialize)]
struct State {
    regime: Regime,
    decided: bool,
    /// When the choice was made, by RFC 3339; null where there is none.
    at: Option<String>,
    revision: u32,
    categories: Map<String, Value>,
    /// Every vendor that an element may be gated for: the declared ones, and all of the catalog.
    vendors: Map<String, Value>,
    /// Whether what no vendor claims may load, and what can't be read.
    undeclared: bool,
    gpc: bool,
}

pub(super) fn answer(consent: &Consent) -> Response<Bytes> {
    let policy = consent.policy();
    // Hosts play no part in it.
    let gate = VendorGate::new(consent, "");
    let allows = |slug: &str| (slug.to_owned(), Value::from(consent.allows(slug)));
    let vendors = policy.vendors().iter().chain(catalog::all());
    let state = State {
        regime: consent.regime(),
        decided: consent.is_decided(),
        at: consent.choice().and_then(|choice| choice.at().format(&Rfc3339).ok()),
        revision: policy.revision(),
        categories: policy.categories().iter().map(Category::slug).map(allows).collect(),
        vendors: vendors.map(Vendor::slug).map(allows).collect(),
        undeclared: gate.in_doubt().allowed && consent.allows_undeclared_hosts(),
        gpc: consent.has_gpc(),
    };
    let json = serde_json::to_vec(&state).unwrap_or_default();
    super::respond(StatusCode::OK, "application/json", json)
}
