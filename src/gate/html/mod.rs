//! Pages as a stream: bytes in, bytes out.
//!
//! What lives here reads HTML as the standard's parser reads it, in pieces of any size, and changes it without touching any
//! other byte. It does no I/O, knows nothing of requests, consent or banners, and needs only `bytes` and `memchr`, so it can be
//! tested, fuzzed, measured and replaced alone.
//!
//! ```text
//! chunks ─▶ Gate ─▶ Inserter ─▶ chunks
//!            │        │ stitches what a chunk boundary cut, holds back what can't leave yet
//!            │        ├─ policies    Content Security Policies in `head`
//!            │        ├─ Tokenizer   where do tags, text and comments begin and end?   (tag: inside one tag)
//!            │        └─ BodyStart   where does the parser open `body`?
//!            │             ├─ Blank     is this text only white space?
//!            │             ├─ Templates where do the templates in `head` end?
//!            │             └─ Foreign   are we inside svg or math?
//!            ├─ sieve      in a page that is whole: where may the last thing be that is denied?
//!            ├─ Markup     reads tokens, notes Edits
//!            │    ├─ Skim     passes over tags that fetch nothing denied
//!            │    ├─ Nesting  which rules read the next tag, HTML's or those of svg and math?
//!            │    └─ tagged   one tag gated
//!            └─ Judge      does a value lead to what is denied?
//!                 ├─ elements    which attributes fetch?
//!                 ├─ held        what does a URL hold in itself?
//!                 └─ references, url, host, mention
//! ```

mod blank;
mod body_start;
mod charset;
mod edits;
mod elements;
mod foreign;
mod gate;
mod held;
mod host;
mod inserter;
mod judge;
mod markup;
mod mention;
mod nesting;
mod policies;
mod references;
mod sieve;
mod skim;
mod tag;
mod tagged;
mod templates;
mod tokenizer;
mod url;

#[cfg(test)]
mod tests;

pub(crate) use gate::{Denial, Gate, GateError, Gated, Limits, Reason, Rules};
pub(crate) use inserter::Inserter;
pub(crate) use policies::Policies;
