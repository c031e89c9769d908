//! The gate: no panic, the same however the page is cut, little held back, and no denied host left where a browser fetches.
#![no_main]

use bytes::Bytes;
use html::{Denial, Gate, GateError, Limits, Rules};
use html5ever::{
    ParseOpts, ns, parse_document, tendril::TendrilSink, tree_builder::TreeBuilderOpts,
};
use libfuzzer_sys::fuzz_target;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use std::collections::VecDeque;
use url::Url;

#[allow(dead_code, unused_imports)]
#[path = "../../src/gate/html/mod.rs"]
mod html;

const LIMITS: Limits = Limits { tag: 1024, inline: 4096 };

struct Denied;

impl Rules for Denied {
    fn concerns(&self, host: &str) -> bool {
        is_denied(host)
    }

    fn denied_host(&self, _host: &str, _path: &str) -> Option<Denial<'_>> {
        Some("ads".into())
    }

    fn denied_inline(&self, text: &[u8]) -> Option<Denial<'_>> {
        text.windows(4).any(|window| window == b"fbq(").then_some("ads".into())
    }

    fn is_denied(&self, slug: &str) -> bool {
        slug == "analytics"
    }

    fn in_doubt(&self) -> &str {
        "ads"
    }
}

fn is_denied(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    // What can't be a host is fetched from by nobody, and may be read either way.
    let is_host = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_host && (host == "ads.example" || host.ends_with(".ads.example"))
}

// The first two bytes choose how the rest is cut.
fuzz_target!(|data: &[u8]| {
    let Some((&[first, step], page)) = data.split_first_chunk::<2>() else { return };
    let whole = gate(page, page.len(), page.len());
    assert_eq!(gate(page, usize::from(first), usize::from(step) + 1), whole);
    assert_eq!(gate(page, 1, 1), whole);
    let at_once = at_once(page);
    // What isn't read for sure may be known to be harmless at once.
    let text = page.to_ascii_lowercase();
    let is_doubtful = ["noscript", "math", "frameset"]
        .iter()
        .any(|name| memchr::memmem::find(&text, name.as_bytes()).is_some());
    if whole.is_ok() && !is_doubtful {
        assert_eq!(at_once, whole);
    }
    for gated in [whole, at_once].into_iter().flatten() {
        let Ok(gated) = std::str::from_utf8(&gated) else { continue };
        for scripting_enabled in [true, false] {
            let tree_builder = TreeBuilderOpts { scripting_enabled, ..Default::default() };
            let options = ParseOpts { tree_builder, ..Default::default() };
            walk(&parse_document(RcDom::default(), options).one(gated).document);
        }
    }
});

/// The page after the gate, in one piece.
fn at_once(page: &[u8]) -> Result<Vec<u8>, GateError> {
    let mut out = VecDeque::new();
    let gate = Gate::new(Denied, "page.example", "/", LIMITS);
    gate.whole(Bytes::copy_from_slice(page), &mut out)?;
    Ok(out.into_iter().flatten().collect())
}

/// The page after the gate, fed in a chunk of `first` bytes and then chunks of `step` bytes.
fn gate(page: &[u8], first: usize, step: usize) -> Result<Vec<u8>, GateError> {
    let mut gate = Gate::new(Denied, "page.example", "/", LIMITS);
    let mut out = VecDeque::new();
    let (first, rest) = page.split_at(first.min(page.len()));
    for chunk in [first].into_iter().chain(rest.chunks(step.max(1))) {
        let result = gate.push(Bytes::copy_from_slice(chunk), &mut out);
        assert!(gate.held() <= LIMITS.inline + 2 * LIMITS.tag);
        result?;
    }
    gate.finish(&mut out)?;
    assert_eq!(gate.held(), 0);
    Ok(out.into_iter().flatten().collect())
}

/// Nothing in this tree may fetch from what is denied.
fn walk(node: &Handle) {
    if let NodeData::Element { name, attrs, template_contents, .. } = &node.data {
        let is_svg = name.ns == ns!(svg);
        let attributes = attrs.borrow();
        let has = |wanted: &str| attributes.iter().any(|a| &*a.name.local == wanted);
        for attribute in attributes.iter() {
            let fetches = match (&*name.local, &*attribute.name.local) {
                ("script", "src") | ("image" | "use" | "script", "href") => true,
                (
                    "iframe" | "img" | "video" | "audio" | "source" | "track" | "embed" | "frame",
                    "src",
                ) => true,
                ("video", "poster") | ("object", "data") => true,
                ("link", "href") => {
                    has("rel") && attributes.iter().any(|a| &*a.value == "stylesheet")
                }
                _ => false,
            };
            assert!(!fetches || !leads_to_denied(&attribute.value), "{}", attribute.value);
        }
        let text: String = node.children.borrow().iter().filter_map(text_of).collect();
        let runs =
            &*name.local == "script" && !has("type") && !has(if is_svg { "href" } else { "src" });
        assert!(!runs || !text.contains("fbq("), "{text}");
        if let Some(contents) = &*template_contents.borrow() {
            walk(contents);
        }
    }
    node.children.borrow().iter().for_each(walk);
}

fn text_of(node: &Handle) -> Option<String> {
    match &node.data {
        NodeData::Text { contents } => Some(contents.borrow().to_string()),
        _ => None,
    }
}

fn leads_to_denied(value: &str) -> bool {
    let page = Url::parse("https://page.example/").expect("a URL");
    page.join(value).is_ok_and(|url| {
        let is_special = ["https", "http", "wss", "ws", "ftp"].contains(&url.scheme());
        is_special && url.domain().is_some_and(is_denied)
    })
}
