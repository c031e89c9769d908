//! What the visitor decided, and the cookie that it travels in. Knows the policy, and nothing of
//! what holds for a request.

mod choice;
mod cookie;

pub(crate) use choice::Once;
pub use choice::{Choice, How};
pub(crate) use cookie::{MOST_BYTES, Recalled, Signing, longest, read, set_cookie, set_once};
