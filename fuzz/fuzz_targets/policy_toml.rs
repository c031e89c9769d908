//! Policy files: an error that says where, or a policy that can be written, read and lived under.
#![no_main]

use http::Response;
use libfuzzer_sys::fuzz_target;
use tower_consent::{ConsentLayer, Policy};
use tower_consent_fuzz::{get, send};

fuzz_target!(|text: &str| {
    let policy = match Policy::from_toml(text) {
        Ok(policy) => policy,
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty());
            assert!(message.len() <= 4096 + 64 * text.len(), "{} bytes", message.len());
            let lines = text.matches('\n').count() + 1;
            assert!(error.line().is_none_or(|line| (1..=lines).contains(&line)));
            return;
        }
    };
    let toml = toml::to_string(&policy).expect("a policy can be written");
    assert_eq!(Policy::from_toml(&toml).expect("and read again"), policy);
    let json = serde_json::to_string(&policy).expect("a policy can be written");
    assert_eq!(Policy::from_json(&json).expect("and read again"), policy);

    let layer = ConsentLayer::new(policy);
    let (_, seen) = send(&layer, get([]), Response::default());
    let Some(seen) = seen else { return };
    let mut answer = Response::default();
    answer.extensions_mut().insert(seen.consent.accept_all());
    let (response, _) = send(&layer, get([]), answer);
    let lines = tower_consent_fuzz::set_cookies(&response);
    let [line] = &lines[..] else { panic!("the choice, and nothing else, is set") };
    let cookie = line.split(|&byte| byte == b';').next().unwrap();
    assert!(cookie.len() <= 512);
    let (_, seen) = send(&layer, get([cookie]), Response::default());
    assert!(seen.unwrap().consent.is_decided());
});
