//! What the visitor decided, and the cookie that it travels in. Knows the policy, and nothing of
//! what holds for a request.

mod choice;
mod cookie;

pub use choice::{Choice, How};
pub(crate) use cookie::{MOST_BYTES, Signing, longest, read, set_cookie};
