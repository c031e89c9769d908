//! The gate as tests use it.

use crate::gate::html::{Denial, Gate, GateError, Gated, Limits, Rules};
use bytes::Bytes;
use std::collections::VecDeque;

/// `ads.example`, `bücher.example` and `maps.example/tiles` are denied, and what is marked `analytics` or with no slug.
#[derive(Clone, Copy, Debug)]
pub(in crate::gate::html) struct Denied {
    pub(in crate::gate::html) has_placeholders: bool,
    pub(in crate::gate::html) is_curious: bool,
}

impl Rules for Denied {
    fn concerns(&self, host: &str) -> bool {
        ["ads.example", "xn--bcher-kva.example", "maps.example"].iter().any(|denied| {
            host.strip_suffix(denied).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    fn denied_host(&self, host: &str, path: &str) -> Option<Denial<'_>> {
        assert!(self.concerns(host) && path.starts_with('/'), "{host} {path}");
        let is_tile = path == "/tiles" || path.starts_with("/tiles/");
        (!host.ends_with("maps.example") || is_tile).then_some("ads".into())
    }

    fn denied_inline(&self, text: &[u8]) -> Option<Denial<'_>> {
        memchr::memmem::find(text, b"fbq(").map(|_| "ads".into())
    }

    fn is_denied(&self, slug: &str) -> bool {
        matches!(slug, "analytics" | "ads") || slug.contains('"')
    }

    fn in_doubt(&self) -> &str {
        "ads"
    }

    fn is_curious(&self) -> bool {
        self.is_curious
    }

    fn placeholder(&self, gated: &Gated<'_>) -> Option<Bytes> {
        let url = String::from_utf8_lossy(gated.url.filter(|_| self.has_placeholders)?);
        url.is_ascii().then(|| format!("[{url}]").into())
    }

    fn placeholder_end(&self) -> &'static [u8] {
        b"[/]"
    }
}

pub(super) const LIMITS: Limits = Limits { tag: 1000, inline: 5000 };

/// The page after the gate, fed in chunks that end at `cuts`.
pub(super) fn gate(
    page: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> Result<Vec<u8>, GateError> {
    gate_at("page.example", page, cuts)
}

/// The same, with nothing put in the place of gated frames.
pub(super) fn gate_bare(
    page: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> Result<Vec<u8>, GateError> {
    run(Denied { has_placeholders: false, is_curious: false }, "page.example", page, cuts)
}

pub(super) fn gate_at(
    host: &str,
    page: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> Result<Vec<u8>, GateError> {
    run(Denied { has_placeholders: true, is_curious: true }, host, page, cuts)
}

fn run(
    denied: Denied,
    host: &str,
    page: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> Result<Vec<u8>, GateError> {
    let mut gate = Gate::new(denied, host, "/a/b", LIMITS);
    let mut out = VecDeque::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([page.len()]) {
        let result = gate.push(Bytes::copy_from_slice(&page[from..to]), &mut out);
        assert!(result.is_ok() || gate.held() == 0);
        assert!(gate.held() <= LIMITS.inline + 2 * LIMITS.tag);
        result?;
        from = to;
    }
    gate.finish(&mut out)?;
    assert_eq!(gate.held(), 0);
    Ok(out.iter().flatten().copied().collect())
}

/// The page after the gate, in one piece.
pub(super) fn gate_whole(page: &[u8], has_placeholders: bool) -> Result<Vec<u8>, GateError> {
    let gate = |is_curious| {
        let mut out = VecDeque::new();
        let denied = Denied { has_placeholders, is_curious };
        Gate::new(denied, "page.example", "/a/b", LIMITS)
            .whole(Bytes::copy_from_slice(page), &mut out)
            .map(|()| out.iter().flatten().copied().collect())
    };
    let gated = gate(false);
    assert_eq!(gate(true), gated, "whoever asks for hosts");
    gated
}
