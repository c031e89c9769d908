//! Where a visitor goes after a choice (E2).

/// The longest path that is taken.
const MOST_BYTES: usize = 2048;

/// The path if it leads into this site, else `/`. A browser reads `//x` and `/\x` as another host,
/// and drops tabs and newlines before it reads.
pub(crate) fn sanitize<'a>(path: &'a str, endpoint: &str) -> &'a str {
    let is_plain = path.len() <= MOST_BYTES && path.bytes().all(|byte| byte.is_ascii_graphic());
    let stays_here = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    let is_form_target =
        path.strip_prefix(endpoint).is_some_and(|rest| rest.starts_with("/choice"));
    if is_plain && stays_here && !is_form_target { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn e2_only_a_path_of_this_site_is_returned_to() {
        for path in ["/", "/a?b=c&d", "/a#b", "/..//x", "/%2F%2Fevil", "/_consent", "/a//b"] {
            assert_eq!(sanitize(path, "/_consent"), path);
        }
        for path in [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=1",
            "/a\0",
            "/a b",
            "/é",
            " /",
            "/_consent/choice",
            "/a\\b",
        ] {
            assert_eq!(sanitize(path, "/_consent"), "/", "{path:?}");
        }
        assert_eq!(sanitize(&format!("/{}", "a".repeat(MOST_BYTES)), "/_consent"), "/");
    }

    proptest! {
        #[test]
        fn e2_what_is_returned_to_is_a_header_value_on_this_host(path in "[/\\\\a:@?#\t\r\n .%é]{0,12}") {
            let target = sanitize(&path, "/_consent");
            prop_assert!(target.starts_with('/') && !target.starts_with("//"));
            prop_assert!(http::HeaderValue::from_str(target).is_ok());
            prop_assert!(target == "/" || target == path);
        }
    }
}
