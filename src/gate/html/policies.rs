//! A Content Security Policy in a page: `<meta http-equiv="Content-Security-Policy" content="…">`.
//! <https://html.spec.whatwg.org/#attr-meta-http-equiv-content-security-policy>

use super::{edits::Edits, references, tag::Tag};

/// What the policies in `head` become.
pub(crate) trait Policies {
    /// The policy with all that it has to admit: in ASCII, escaped for an attribute in quotes of either kind. `None`: it stays as
    /// it is.
    fn merged(&self, policy: &str) -> Option<String>;
}

/// Notes what changes in this tag, which stands in `head` and begins at `at`.
pub(super) fn merge(policies: &impl Policies, tag: &[u8], edits: &mut Edits, at: usize) {
    const KIND: &[u8] = b"content-security-policy";
    let meta = Tag::new(tag);
    if &*meta.name() != b"meta" {
        return;
    }
    let kind = meta.attribute("http-equiv").map(references::decode);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(KIND)) {
        return;
    }
    let Some(value) = meta.first(b"content").map(|content| content.value) else { return };
    let (before, from) = tag.split_at_checked(value.start).unwrap_or_default();
    let policy = references::decode(from.get(..value.len()).unwrap_or_default());
    // What is no ASCII counts for nothing in a policy, whatever it is.
    let Some(merged) = policies.merged(&String::from_utf8_lossy(&policy)) else { return };
    // No page gets shorter, so that its size can be told in advance.
    let padding = " ".repeat(value.len().saturating_sub(merged.len()));
    let is_quoted = before.ends_with(b"\"") || before.ends_with(b"'");
    let quote: &[u8] = if is_quoted { b"" } else { b"\"" };
    edits.insert(at + value.start, [quote, merged.as_bytes(), padding.as_bytes(), quote]);
    edits.remove(at + value.start..at + value.end);
}
