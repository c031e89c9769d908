//! How consent is enforced: on cookies, on headers, on pages. Each part takes the consent and one
//! thing to change, and knows nothing of the others.

mod address;
mod caches;
pub(crate) mod cookies;
mod csp;
mod deletion;
mod denied;
mod destination;
#[cfg(feature = "compression")]
pub(crate) mod encoding;
mod explanation;
mod headers;
pub(crate) mod html;
mod links;
mod page;
mod report;
mod request;
mod response;
mod rewriter;
mod vendors;
mod verdict;

pub(crate) use caches::{DIGESTS, PageTag};
pub(crate) use csp::{Admission, InlineHashes};
pub(crate) use denied::DeniedVendors;
pub(crate) use explanation::Explanation;
pub(crate) use report::Report;
pub(crate) use request::{Host, Visit, request};
pub(crate) use response::{Page, Treatment, page_gate, response, rewriter};
pub(crate) use rewriter::Rewriter;
pub(crate) use vendors::VendorGate;
