//! The form of `POST /_consent/choice`: an answer for every body, and a choice only for a right one.
#![no_main]

use http::{HeaderValue, Response, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use tower_consent_fuzz::{ASKED, choice_cookie, consent_with, post, send, state, stays_here};

// The first byte chooses the state and what the client accepts.
fuzz_target!(|data: &[u8]| {
    let Some((&first, form)) = data.split_first() else { return };
    let (layer, before) = state(first);
    let wants_json = first & 0x80 != 0;
    let mut request = post(form.to_vec());
    if wants_json {
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    }
    if let Some(before) = before {
        request.headers_mut().insert(header::COOKIE, HeaderValue::from_bytes(before).unwrap());
    }
    let (response, seen) = send(layer, request, Response::default());
    assert!(seen.is_none(), "the application isn't asked");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert!(response.body().len() <= 4096);

    let cookie = choice_cookie(&response);
    let taken = if wants_json { StatusCode::OK } else { StatusCode::SEE_OTHER };
    if response.status() != taken {
        let expected = if form.len() > 8 * 1024 {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        assert_eq!(response.status(), expected);
        assert!(cookie.is_none() && !response.body().is_empty());
        return;
    }
    assert!(form.len() <= 8 * 1024);
    let consent = consent_with(layer, &cookie.expect("a choice is kept"));
    assert!(consent.is_decided() && consent.choice().is_some());
    let fields: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
    let choice = fields.iter().find(|(name, _)| name == "choice").map(|(_, value)| value.as_str());
    for slug in ASKED {
        let is_named = fields.iter().any(|(name, value)| name == "allow" && value == slug);
        let expected = choice == Some("accept") || (choice == Some("save") && is_named);
        assert_eq!(consent.allows(slug), expected, "{slug}");
    }
    if wants_json {
        let state: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(state["decided"], true);
        for slug in &ASKED[..3] {
            assert_eq!(state["categories"][slug], consent.allows(slug));
        }
    } else {
        assert!(stays_here(response.headers()[header::LOCATION].to_str().unwrap()));
    }
});
