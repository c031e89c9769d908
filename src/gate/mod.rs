//! How consent is enforced: on cookies, on headers, on pages.

#[cfg(feature = "compression")]
mod encoding;
