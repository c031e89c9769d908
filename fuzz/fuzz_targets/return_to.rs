//! `return_to`: wherever a form wants to send the visitor, the visitor stays on the site.
#![no_main]

use std::sync::LazyLock;

use http::{Response, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use tower_consent::{ConsentLayer, Regime};
use tower_consent_fuzz::{layer, post, send, stays_here};

static LAYER: LazyLock<ConsentLayer> = LazyLock::new(|| layer(Regime::OptIn));

fuzz_target!(|data: &[u8]| {
    let escaped: String = form_urlencoded::byte_serialize(data).collect();
    let form = format!("choice=reject&return_to={escaped}");
    if form.len() > 8 * 1024 {
        return;
    }
    let (response, seen) = send(&LAYER, post(form), Response::default());
    assert!(seen.is_none(), "the application isn't asked");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    assert!(stays_here(location), "{location:?}");
    assert!(location == "/" || location.as_bytes() == data);
    assert!(!location.starts_with("/_consent/choice"), "a form can't be fetched");
});
