//! What the visitor sees: prompt, settings panel, reopen tab, policy page.
//!
//! [`Banners`] fills plain view structs from the policy; the renderers know nothing else. All output
//! is ASCII, so that it is right in every charset that a page may have.

mod assets;
mod banners;
mod markup;
pub(crate) mod placeholder;
mod policy_page;
mod render;
#[cfg(test)]
mod samples;
mod texts;

pub(crate) use banners::{Banners, PolicyPage, category_name, policy_page};
pub(crate) use markup::escape;
pub(crate) use placeholder::{Offer, PlaceholderView};
pub use texts::TextError;
pub(crate) use texts::Texts;
