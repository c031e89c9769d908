//! The banner inserter and its tokenizer: no byte but the banner's is added, however the page is cut, and little is held back.
#![no_main]

use bytes::Bytes;
use html::{Inserter, Policies};
use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;

#[path = "../../src/gate/html/mod.rs"]
mod html;

/// A byte that no page below has.
const BANNER: u8 = 0xf8;
/// What may be held back besides the chunk that just came.
const HELD: usize = 64 * 1024;

struct Untouched;

impl Policies for Untouched {
    fn merged(&self, _: &str) -> Option<String> {
        None
    }
}

// The first two bytes choose how the rest is cut.
fuzz_target!(|data: &[u8]| {
    let Some((&[first, step], page)) = data.split_first_chunk::<2>() else { return };
    let page: Vec<u8> = page.iter().map(|&byte| if byte == BANNER { b'<' } else { byte }).collect();
    let whole = insert(&page, page.len(), page.len());
    let without: Vec<u8> = whole.iter().copied().filter(|&byte| byte != BANNER).collect();
    assert_eq!(without, page);
    assert!(whole.len() - page.len() <= 1);
    assert_eq!(insert(&page, usize::from(first), usize::from(step) + 1), whole);
    assert_eq!(insert(&page, 1, 1), whole);
});

/// The page after the inserter, fed in a chunk of `first` bytes and then chunks of `step` bytes.
fn insert(page: &[u8], first: usize, step: usize) -> Vec<u8> {
    let mut inserter = Inserter::new(vec![Bytes::from_static(&[BANNER])], Untouched);
    let mut out = VecDeque::new();
    let (first, rest) = page.split_at(first.min(page.len()));
    let mut fed = 0;
    for chunk in [first].into_iter().chain(rest.chunks(step.max(1))) {
        inserter.push(Bytes::copy_from_slice(chunk), &mut out);
        fed += chunk.len();
        let left: usize = out.iter().map(Bytes::len).sum();
        assert!(left + inserter.held() - fed <= 1);
        assert!(inserter.held() <= HELD);
        assert!(!inserter.is_settled() || inserter.held() == 0);
    }
    inserter.finish(&mut out);
    assert_eq!(inserter.held(), 0);
    out.into_iter().flatten().collect()
}
