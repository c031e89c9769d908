use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{Category, Vendor, consent::Consent};

/// The state as JSON: what `GET /_consent/state` answers, and a choice made by script.
pub(super) fn answer(consent: &Consent) -> Response<Bytes> {
    super::respond(StatusCode::OK, "application/json", state(consent).to_string())
}

fn state(consent: &Consent) -> Value {
    let policy = consent.policy();
    let answers = |slugs: &mut dyn Iterator<Item = &str>| -> Map<String, Value> {
        slugs.map(|slug| (slug.to_owned(), consent.allows(slug).into())).collect()
    };
    json!({
        "regime": consent.regime(),
        "decided": consent.is_decided(),
        "at": consent.choice().map(|choice| format_time(choice.at())),
        "revision": policy.revision(),
        "categories": answers(&mut policy.categories().iter().map(Category::slug)),
        "vendors": answers(&mut policy.vendors().iter().map(Vendor::slug)),
        "gpc": consent.has_gpc(),
    })
}

fn format_time(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
