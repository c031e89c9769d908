//! `Cookie`: what is denied never reaches the application, what is allowed does as it came, and a refusal expires nothing else.
#![no_main]

use http::{Response, header};
use libfuzzer_sys::fuzz_target;
use tower_consent::Consent;
use tower_consent_fuzz::{
    CHOICE_COOKIE, belongs_to, get, may_pass, post, send, set_cookies, state,
};

// The first byte chooses the state; then lines of `Cookie`, one a line.
fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let (layer, choice) = state(first);
    let own = choice.iter().map(Vec::as_slice);
    let lines: Vec<&[u8]> = own.chain(data.split(|&byte| byte == b'\n')).collect();
    let request = get(lines.iter().copied());
    let came: Vec<Vec<u8>> = values(request.headers());

    let (_, seen) = send(layer, request, Response::default());
    let seen = seen.unwrap();
    let expected: Vec<Vec<u8>> = came.iter().filter_map(|line| pass(line, &seen.consent)).collect();
    assert_eq!(values(&seen.headers), expected);

    let mut refusal = post("choice=reject");
    for line in lines.iter().filter_map(|line| http::HeaderValue::from_bytes(line).ok()) {
        refusal.headers_mut().append(header::COOKIE, line);
    }
    let (response, _) = send(layer, refusal, Response::default());
    let lines = set_cookies(&response);
    assert!(lines.iter().map(|line| line.len() + 14).sum::<usize>() <= 16 * 1024);
    let (kept, expired): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| !line.windows(10).any(|at| at == b"Max-Age=0;"));
    assert_eq!(kept.len(), 1, "the choice, and nothing else, is set");
    for line in expired {
        let name = name(line);
        let came = came.iter().flat_map(|line| pairs(line)).any(|pair| self::name(pair) == name);
        let is_optional = belongs_to(name).is_some_and(|slug| slug != "necessary");
        assert!(came && (is_optional || name == CHOICE_COOKIE.as_bytes()));
    }
});

fn values(headers: &http::HeaderMap) -> Vec<Vec<u8>> {
    headers.get_all(header::COOKIE).iter().map(|line| line.as_bytes().to_vec()).collect()
}

/// The line as the application may see it.
fn pass(line: &[u8], consent: &Consent) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = pairs(line).filter(|pair| may_pass(name(pair), consent)).collect();
    if kept.len() == pairs(line).count() {
        return Some(line.to_vec());
    }
    (!kept.is_empty()).then(|| kept.join(&b"; "[..]))
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

fn name(pair: &[u8]) -> &[u8] {
    let equals = pair.iter().position(|&byte| byte == b'=');
    equals.map_or(&b""[..], |at| pair[..at].trim_ascii())
}
