//! What the banner weighs on the wire: the page with it less the page without it, from real answers
//! of the layer.
//!
//! `cargo bench --bench weight`. Targets: at most 4096 bytes of brotli for the prompt with four
//! categories, 1200 for the tab. Compressed on its own, a banner gets no help from the page.

mod support;

use std::io::Write;

use bytes::Bytes;
use http_body_util::BodyExt;
use support::{
    app, choice_cookie, document_headers, layered, ready, request, verdict, with_cookie,
};
use tower::Service;

const PAGE: &str =
    "<!doctype html><html lang=\"en\"><head><title>News</title></head><body><p>Text.</body></html>";

fn main() {
    println!("{:8} {:>6} {:>6} {:>6}", "bytes", "raw", "gzip", "brotli");
    let chosen = with_cookie(document_headers(), &choice_cookie("reject"));
    for (name, headers, target) in [("prompt", document_headers(), 4096), ("tab", chosen, 1200)] {
        let banner = banner(headers);
        let brotli = brotli(&banner).len();
        println!(
            "{name:8} {:6} {:6} {brotli:6}  <= {target}: {}",
            banner.len(),
            gzip(&banner).len(),
            verdict(brotli as f64, f64::from(target))
        );
    }
}

/// What the layer puts into a page for this request.
fn banner(headers: http::HeaderMap) -> Vec<u8> {
    let mut site = layered(app("text/html", Bytes::from_static(PAGE.as_bytes())));
    let response = ready(site.call(request("/article", headers))).expect("infallible");
    let page = ready(response.into_body().collect()).expect("a page").to_bytes();
    let same = |(one, other): &(&u8, &u8)| one == other;
    let before = page.iter().zip(PAGE.as_bytes()).take_while(same).count();
    let length = page.len() - PAGE.len();
    let banner = page[before..before + length].to_vec();
    let rest = [&page[..before], &page[before + length..]].concat();
    assert_eq!(rest, PAGE.as_bytes(), "the page itself has changed");
    banner
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

fn brotli(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut bytes, &mut out, &parameters).expect("a Vec takes all");
    out
}
