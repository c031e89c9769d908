//! The choice cookie: whatever comes in it, nothing is granted that it doesn't say, and what it is read as can be written and
//! read again.
#![no_main]

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use libfuzzer_sys::fuzz_target;
use tower_consent::{ConsentLayer, Regime};
use tower_consent_fuzz::{ASKED, CHOICE_COOKIE, allowed, assert_comes_back, consent_with, layer};

static LAYER: LazyLock<ConsentLayer> = LazyLock::new(|| layer(Regime::OptIn));

// `@` stands for the time now, which no corpus can hold.
fuzz_target!(|data: &[u8]| {
    if data.contains(&b';') {
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut cookie = format!("{CHOICE_COOKIE}=").into_bytes();
    for byte in data {
        match byte {
            b'@' => cookie.extend_from_slice(now.as_bytes()),
            byte => cookie.push(*byte),
        }
    }
    if http::HeaderValue::from_bytes(&cookie).is_err() {
        return;
    }
    let consent = consent_with(&LAYER, &cookie);
    assert!(consent.allows("necessary"));
    for slug in ASKED {
        let granted = format!("+{}", slug.replace('-', "_"));
        let says_so = cookie.windows(granted.len()).any(|at| at == granted.as_bytes());
        assert!(says_so || !consent.allows(slug), "{slug}");
    }
    if let Some(choice) = consent.choice() {
        let value = cookie[CHOICE_COOKIE.len() + 1..].trim_ascii();
        assert!(value.len() <= 600);
        assert!(choice.at().unix_timestamp() <= now.parse::<i64>().unwrap() + 301);
    }
    let granted = ASKED.into_iter().filter(|slug| consent.allows(slug));
    assert_comes_back(&LAYER, consent.allow_only(granted).unwrap(), allowed(&consent));
});
