//! What a URL holds in itself, where a browser may read a page, a style sheet or a script from it: `data:text/html,…` and
//! `javascript:…`. <https://fetch.spec.whatwg.org/#data-url-processor>

use super::{
    host::percent_decode,
    url::{clean, is_dropped, split_scheme},
};

/// What is in a URL, read as this.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Held {
    Page(Vec<u8>),
    /// A style sheet, or code that makes a page: whatever host it names may be called.
    Text(Vec<u8>),
    /// It counts as an inline script does.
    Script(Vec<u8>),
}

/// What is in this URL, its character references decoded.
pub(super) fn held(url: &[u8]) -> Option<Held> {
    let url = clean(url);
    let (scheme, rest) = split_scheme(&url)?;
    if scheme.eq_ignore_ascii_case(b"javascript") {
        return Some(Held::Text(rest.to_vec()));
    }
    if !scheme.eq_ignore_ascii_case(b"data") || !may_be_read(rest) {
        return None;
    }
    let comma = rest.iter().position(|&byte| byte == b',')?;
    let (head, body) = rest.split_at_checked(comma)?;
    let head = head.to_ascii_lowercase();
    let says = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    let body = percent_decode(body.get(1..)?);
    let body = if ends_in_base64(&head) { decode_base64(&body) } else { body };
    if says(b"html") || says(b"xml") {
        return Some(Held::Page(body));
    }
    // A script may have any type here.
    Some(if says(b"css") { Held::Text(body) } else { Held::Script(body) })
}

/// Whether the body is coded: anywhere else in the head the word means nothing.
fn ends_in_base64(head: &[u8]) -> bool {
    let before = head.trim_ascii_end().strip_suffix(b"base64");
    before.is_some_and(|before| before.trim_ascii_end().ends_with(b";"))
}

/// `rest` comes behind `data:`. Pictures, fonts and the like are nothing to read; SVG in a frame is a page.
pub(super) fn may_be_read(rest: &[u8]) -> bool {
    const READ: [&[u8]; 5] = [b"text/", b"application/", b"image/svg", b";", b","];
    let kept = rest.iter().filter(|&&byte| !is_dropped(byte)).skip_while(|&&byte| byte == b' ');
    let start: Vec<u8> = kept.take(b"application/".len()).map(u8::to_ascii_lowercase).collect();
    READ.iter().any(|read| start.starts_with(read))
}

/// What stands for nothing is passed over.
fn decode_base64(text: &[u8]) -> Vec<u8> {
    let (mut bits, mut count) = (0u32, 0);
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
        }
    }
    decoded
}
