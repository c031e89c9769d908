//! What the app is told about the codings that the visitor accepts.

use http::HeaderValue;

use super::Coding;

/// Narrows a request's `Accept-Encoding` lines to what can be decoded here, so that the app does not choose another coding.
///
/// Known codings and `identity` stay with their weights, in their order. Others go, and so does `*`, which would allow any,
/// unless it only forbids (`*;q=0`). Where nothing is dropped, the answer is the same bytes. Where nothing is left it is
/// `identity`: no header at all would mean that any coding will do (RFC 9110, section 12.5.3).
///
/// `None` without a line: what doesn't say what it accepts gets what the app sends by itself.
pub(crate) fn restrict<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
) -> Option<HeaderValue> {
    let lines: Vec<&HeaderValue> = lines.into_iter().collect();
    let (first, others) = lines.split_first()?;

    let (kept, dropped): (Vec<&[u8]>, Vec<&[u8]>) = lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
        .partition(|item| is_understood(item));

    if dropped.is_empty() && others.is_empty() {
        return Some((*first).clone());
    }
    if kept.is_empty() && !dropped.is_empty() {
        return Some(HeaderValue::from_static("identity"));
    }
    HeaderValue::from_bytes(&kept.join(&b", "[..])).ok()
}

/// Whether an item (`gzip;q=0.5`) asks for nothing but what can be decoded here.
fn is_understood(item: &[u8]) -> bool {
    let mut parts = item.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let token = parts.next().unwrap_or_default();
    if token == b"*" {
        return parts.any(is_weight_zero);
    }
    token.eq_ignore_ascii_case(b"identity") || Coding::from_token(token).is_some()
}

/// Whether a parameter is `q=0`, `q=0.`, `q=0.0` and so on.
fn is_weight_zero(parameter: &[u8]) -> bool {
    match parameter {
        [b'q' | b'Q', b'=', b'0'] => true,
        [b'q' | b'Q', b'=', b'0', b'.', digits @ ..] => digits.iter().all(|&digit| digit == b'0'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restricted(lines: &[&'static str]) -> Option<String> {
        let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
        restrict(&lines).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn keeps_what_can_be_decoded_byte_for_byte() {
        for line in [
            "gzip, deflate, br, zstd",
            "gzip,deflate ,BR",
            "gzip;q=1.0, identity; q=0.5, *;q=0",
            "x-gzip",
            "identity;q=0, br",
            "*; Q=0.000",
            "",
            ", ,",
        ] {
            assert_eq!(restricted(&[line]).as_deref(), Some(line));
        }
    }

    #[test]
    fn drops_the_rest() {
        for (line, expected) in [
            ("gzip, deflate, br, zstd, dcb, dcz", "gzip, deflate, br, zstd"),
            ("compress;q=0.5,gzip;q=1.0", "gzip;q=1.0"),
            ("gzip , *;q=0.1", "gzip"),
            ("gzip, *;q=0.", "gzip, *;q=0."),
            ("br;q=0.001,*", "br;q=0.001"),
            ("*", "identity"),
            ("dcb", "identity"),
            ("dcb, *;q=0", "*;q=0"),
            ("gzip, *;q=", "gzip"),
            ("gzip, \"br", "gzip"),
        ] {
            assert_eq!(restricted(&[line]).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn joins_lines_and_invents_none() {
        assert_eq!(restricted(&[]), None);
        assert_eq!(restricted(&["gzip", "dcb, br;q=0.5"]).as_deref(), Some("gzip, br;q=0.5"));
        assert_eq!(restricted(&["gzip", ""]).as_deref(), Some("gzip"));
    }

    #[test]
    fn bytes_that_are_no_text_are_dropped() {
        let line = HeaderValue::from_bytes(b"gz\xffip, br").unwrap();
        assert_eq!(restrict([&line]).unwrap(), "br");
    }
}
