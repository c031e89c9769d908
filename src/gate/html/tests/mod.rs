//! Tests of the whole room. (Those of one parser are beside it; the tokenizer's are in `html5lib.rs` and `tokens.rs`.)

mod documents;
mod gated_trees;
pub(super) mod gates;
mod gating;
mod html5ever;
mod metas;
mod streaming;

use super::{Inserter, Policies};
use bytes::Bytes;
use std::collections::VecDeque;

/// Has what the real banner has.
pub(super) const SNIPPET: &str = "<tower-consent data-state=\"ask\"><template shadowrootmode=\"open\"><style>p{}</style>\
    <form method=\"post\"><p><button name=\"choice\">A</button></form></template><script>1</script></tower-consent>";

/// Policies that admit all that they have to.
#[derive(Debug)]
pub(super) struct Untouched;

impl Policies for Untouched {
    fn merged(&self, _: &str) -> Option<String> {
        None
    }
}

/// The page after the inserter, fed in chunks that end at `cuts`.
pub(super) fn insert(page: &[u8], cuts: impl IntoIterator<Item = usize>) -> Vec<u8> {
    let (snippet_start, snippet_end) = SNIPPET.split_at(20);
    let mut inserter = Inserter::new(vec![snippet_start.into(), snippet_end.into()], Untouched);
    let mut out = VecDeque::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([page.len()]) {
        inserter.push(Bytes::copy_from_slice(&page[from..to]), &mut out);
        from = to;
        let left: usize = out.iter().map(Bytes::len).sum();
        let surplus = left + inserter.held() - to;
        assert!(surplus == 0 || surplus == SNIPPET.len(), "every byte is either out or held");
    }
    inserter.finish(&mut out);
    assert_eq!(inserter.held(), 0);
    out.iter().flatten().copied().collect()
}

/// Where the snippet was inserted; all other bytes must be the page's.
pub(super) fn place(page: &[u8], cuts: impl IntoIterator<Item = usize>) -> Option<usize> {
    let out = insert(page, cuts);
    let Some(at) = memchr::memmem::find(&out, SNIPPET.as_bytes()) else {
        assert_eq!(out, page);
        return None;
    };
    assert_eq!([&out[..at], &out[at + SNIPPET.len()..]].concat(), page);
    Some(at)
}
