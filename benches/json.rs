//! JSON through the layer against the bare service: time and allocations that the layer adds.
//!
//! `cargo bench --bench json`; `ROUNDS=500` for a shorter run, `-- GPC` for the cases named so. Target, for a visitor who chose: at
//! most 500 ns and 3 allocations more.

mod support;

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    routing::get,
};
use bytes::Bytes;
use support::{
    Variant, alternate, app, choice_cookie, fetch_headers, layered, verdict, with_cookie,
};

use tower_consent::{ConsentLayer, Regime};

const BODY: &[u8] = br#"{"time":"2026-11-24T03:00:00Z","unix":1795489200}"#;

/// The cases that the target is for.
const TARGETED: [&str; 2] = ["accepted", "rejected"];

fn main() {
    let json = || app("application/json", Bytes::from_static(BODY));
    let accepted = format!("session=8f2d1c; {}", choice_cookie("accept"));
    let rejected = format!("session=8f2d1c; {}", choice_cookie("reject"));
    let tracked = format!("session=8f2d1c; {}; _ga=GA1.1.42; ad_id=7", choice_cookie("accept"));
    let denied = format!("session=8f2d1c; {}; _ga=GA1.1.42; ad_id=7", choice_cookie("reject"));
    let mut gpc = fetch_headers();
    gpc.insert("sec-gpc", http::HeaderValue::from_static("1"));

    let path = "/api/time";
    let cases = [
        ("accepted", with_cookie(fetch_headers(), &accepted)),
        ("rejected", with_cookie(fetch_headers(), &rejected)),
        ("accepted, 2 optional cookies", with_cookie(fetch_headers(), &tracked)),
        ("rejected, 2 cookies to hide", with_cookie(fetch_headers(), &denied)),
        ("no cookie", fetch_headers()),
        ("GPC, no cookie", gpc),
    ];
    // Cargo passes `--bench` along.
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let mut variants: Vec<Variant<'_>> = cases
        .iter()
        .filter(|(name, _)| name.contains(&wanted))
        .flat_map(|(name, headers)| {
            [
                Variant::new("bare", json(), path, headers.clone()),
                Variant::new(name, layered(json()), path, headers.clone()),
            ]
        })
        .collect();
    // In axum each layer costs something by itself: `from_fn` that does nothing shows how much.
    let router = || {
        let answer = ([("content-type", "application/json"), ("cache-control", "no-cache")], BODY);
        Router::new().route(path, get(move || async move { answer }))
    };
    let headers = || with_cookie(fetch_headers(), &accepted);
    let idle = from_fn(|request: Request, next: Next| next.run(request));
    let layer = ConsentLayer::new(support::policy(Regime::OptIn));
    let layered = [
        ("axum, idle middleware", router().layer(idle)),
        ("axum, accepted", router().layer(layer)),
    ];
    for (name, layered) in layered.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        variants.push(Variant::new("bare", router(), path, headers()));
        variants.push(Variant::new(name, layered, path, headers()));
    }
    alternate(&mut variants);

    println!("JSON, a request as Chromium's fetch sends it ({} headers)", cases[0].1.len());
    println!(
        "{:30} {:>8} {:>8} {:>10} {:>10} {:>7} {:>12}",
        "", "bare ns", "with ns", "added min", "added med", "ratio", "added allocs"
    );
    for pair in variants.chunks_mut(2) {
        let [bare, with] = pair else { continue };
        let (bare_time, with_time) = (bare.time(), with.time());
        let ((bare_count, bare_bytes), (count, bytes)) = (bare.allocations(), with.allocations());
        let added = with_time.least - bare_time.least;
        let added_count = count - bare_count;
        print!(
            "{:30} {:8.0} {:8.0} {added:10.0} {:10.0} {:7.2} {added_count:4} ({} B)",
            with.name,
            bare_time.least,
            with_time.least,
            with_time.median - bare_time.median,
            with_time.least / bare_time.least,
            bytes - bare_bytes,
        );
        if TARGETED.contains(&with.name) {
            let verdicts = (verdict(added, 500.0), verdict(added_count as f64, 3.0));
            print!("  <= 500 ns: {}, <= 3: {}", verdicts.0, verdicts.1);
        }
        println!();
    }
}
