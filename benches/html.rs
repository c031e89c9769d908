//! Pages of 10 KB, 100 KB and 1 MB in one frame: what the banner costs must not grow with the page,
//! and what gating costs no faster.
//!
//! `cargo bench --bench html`; `ROUNDS=500` for a shorter run. Target, banner due and nothing to
//! gate: time(1 MB) / time(10 KB) at most 1.5. Where something may be denied the page has to be looked
//! at, and its speed is told.

mod support;

use bytes::Bytes;
use support::{
    Variant, alternate, app, choice_cookie, document_headers, layered_under, verdict, with_cookie,
};
use tower_consent::Regime;

const SIZES: [(&str, usize); 3] = [("10 KB", 10_000), ("100 KB", 100_000), ("1 MB", 1_000_000)];

fn main() {
    let chosen =
        with_cookie(document_headers(), &format!("session=8f2d1c; {}", choice_cookie("accept")));
    let states = [
        ("banner due", Regime::OptOut, document_headers()),
        ("decided", Regime::OptIn, chosen),
        ("may be gated", Regime::OptIn, document_headers()),
    ];
    let mut variants = Vec::new();
    for (_, size) in SIZES {
        let page = page(size);
        let html = || app("text/html; charset=utf-8", page.clone());
        for (state, regime, headers) in &states {
            let layered = layered_under(*regime, html());
            variants.push(Variant::new("bare", html(), "/article", headers.clone()));
            variants.push(Variant::new(state, layered, "/article", headers.clone()));
        }
    }
    alternate(&mut variants);

    println!("Pages in one frame, body opens after {} bytes", head().len());
    println!(
        "{:19} {:>8} {:>8} {:>10} {:>10} {:>12}",
        "", "bare ns", "with ns", "added min", "added med", "added allocs"
    );
    let mut times = Vec::new();
    for (index, pair) in variants.chunks_mut(2).enumerate() {
        let [bare, with] = pair else { continue };
        let (bare_time, with_time) = (bare.time(), with.time());
        let ((bare_count, bare_bytes), (count, bytes)) = (bare.allocations(), with.allocations());
        println!(
            "{:6} {:12} {:8.0} {:8.0} {:10.0} {:10.0} {:4} ({} B)",
            SIZES[index / states.len()].0,
            with.name,
            bare_time.least,
            with_time.least,
            with_time.least - bare_time.least,
            with_time.median - bare_time.median,
            count - bare_count,
            bytes - bare_bytes,
        );
        times.push(with_time);
    }
    for (index, (state, ..)) in states.iter().enumerate() {
        let (small, large) = (times[index], times[index + 2 * states.len()]);
        let ratio = large.least / small.least;
        if *state == "may be gated" {
            let bytes = (SIZES[2].1 - SIZES[0].1) as f64;
            let speed = bytes / (large.least - small.least);
            println!("{state}: {speed:.1} GB/s, and no denied host in the page");
            continue;
        }
        println!(
            "{state}: time(1 MB) / time(10 KB) = {ratio:.2} (medians {:.2})  <= 1.5: {}",
            large.median / small.median,
            verdict(ratio, 1.5)
        );
    }
}

/// A news article of about this many bytes.
fn page(size: usize) -> Bytes {
    const PARAGRAPH: &str = "<p class=\"text\">The lamp was lit for the first time in <a href=\"/history\">eleven years</a> \
         on Tuesday, &amp; half of the village had climbed the hill to see it. <em>Nobody spoke</em> for a while; \
         then somebody <img src=\"/art/lamp.svg\" alt=\"\" width=\"16\" height=\"16\"> began to clap.</p>\n";
    let mut page = head();
    page.push_str("<body class=\"article\">\n<main>\n");
    while page.len() + PARAGRAPH.len() < size {
        page.push_str(PARAGRAPH);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page.into()
}

/// A head with what heads have: about 3 KB, half of it style and script.
fn head() -> String {
    let mut head = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>The lamp at Pellan Head is lit again &middot; Example News</title>\n\
         <link rel=\"canonical\" href=\"https://news.example/article\">\n\
         <link rel=\"icon\" href=\"/favicon.svg\">\n<!-- open graph -->\n",
    );
    for property in ["title", "description", "url", "image", "site_name", "locale", "type"] {
        head.push_str(&format!(
            "<meta property=\"og:{property}\" content=\"The lamp at Pellan Head is lit again\">\n"
        ));
    }
    for name in ["base", "layout", "article", "print"] {
        head.push_str(&format!("<link rel=\"stylesheet\" href=\"/css/{name}.css?v=3f2a\">\n"));
    }
    head.push_str("<style>\n");
    for index in 0..12 {
        head.push_str(&format!(
            ".c{index} > p {{ margin: 0 auto; color: #333; max-width: {index}em }}\n"
        ));
    }
    head.push_str("</style>\n<script>\n");
    for index in 0..12 {
        head.push_str(&format!("if (a{index} < b && c) {{ window.q = [\"push\", {index}] }}\n"));
    }
    head.push_str("</script>\n<script src=\"/js/app.js\" defer></script>\n</head>\n");
    head
}
