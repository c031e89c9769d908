//! How consent is enforced: on cookies, on headers, on pages.

pub(crate) mod html;
