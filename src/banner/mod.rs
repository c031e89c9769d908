//! What the visitor sees: prompt, settings panel, reopen tab, policy page.
//!
//! The rooms next door fill plain view structs ([`render::View`], [`policy_page::PageView`]); nothing here knows policies,
//! requests, or cookies. All output is ASCII, so that it is right in every charset a page may have.

pub(crate) mod assets;
pub(crate) mod markup;
pub(crate) mod policy_page;
pub(crate) mod render;
#[cfg(test)]
mod samples;
pub(crate) mod texts;

pub(crate) use policy_page::PageView;
pub(crate) use render::{Banner, Toggle, View};
pub(crate) use texts::Texts;
