//! Hosts anywhere in a text: in style sheets, and in what else isn't read as its own parser would.

use super::{
    host::{Host, is_forbidden},
    url::{Location, is_dropped, is_slash},
};
use memchr::{memchr, memchr3_iter};
use std::borrow::Cow;

/// Asks about each host that the text names behind `//` or a scheme, until `look` finds something.
pub(super) fn find_mention<T>(
    text: &[u8],
    mut look: impl FnMut(&Location<'_>) -> Option<T>,
) -> Option<T> {
    for at in memchr3_iter(b'/', b'\\', b':', text) {
        let (before, from) = text.split_at_checked(at)?;
        let is_scheme = from.starts_with(b":");
        let behind = from.get(1..).unwrap_or_default();
        // Tabs and newlines inside a URL don't count.
        let is_skipped = |&byte: &u8| is_slash(byte) || is_dropped(byte);
        let skipped = behind.iter().take_while(|byte| is_skipped(byte)).count();
        let (slashes, rest) = behind.split_at_checked(skipped).unwrap_or_default();
        let begins = match is_scheme {
            true => ends_in_scheme(before),
            false => slashes.iter().any(|&byte| is_slash(byte)),
        };
        if begins && let Some(found) = look_at(rest, &mut look) {
            return Some(found);
        }
    }
    None
}

/// The last letters of `http`, `https`, `ws`, `wss` and `ftp`.
fn ends_in_scheme(text: &[u8]) -> bool {
    let last = text.iter().rev().find(|&&byte| !is_dropped(byte));
    last.is_some_and(|byte| matches!(byte, b'p' | b'P' | b's' | b'S'))
}

fn look_at<T>(text: &[u8], look: &mut impl FnMut(&Location<'_>) -> Option<T>) -> Option<T> {
    let end = text.iter().position(|&byte| is_slash(byte) || matches!(byte, b'?' | b'#'));
    let (authority, path) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let path_end = path.iter().position(|&byte| ends_word(byte) && !is_dropped(byte));
    let path = without_dropped(path.get(..path_end.unwrap_or(path.len()))?);
    // Tabs and newlines stand between URLs, too.
    let first = authority.iter().position(|&byte| is_dropped(byte));
    if let Some(host) =
        first.and_then(|first| authority.get(..first)).filter(|host| !host.is_empty())
        && let Some(found) = look(&Location::on(&Host::read(host), &[]))
    {
        return Some(found);
    }
    let authority = without_dropped(authority);
    let mut look_until = |text: &[u8], end: usize| {
        let host = text.get(..end).filter(|host| !host.is_empty())?;
        // Where the text ended before, what comes is no path.
        let path = if end == text.len() { &*path } else { &[] };
        look(&Location::on(&Host::read(host), path))
    };
    let mut rest = &*authority;
    loop {
        let end = rest.iter().position(|&byte| ends_word(byte)).unwrap_or(rest.len());
        if let Some(found) = look_until(rest, end) {
            return Some(found);
        }
        // What ended it may be a part of userinfo.
        if let Some(at) = memchr(b'@', rest) {
            rest = rest.get(at + 1..)?;
            continue;
        }
        // Or of a name: the standard allows quotes and brackets there.
        let last =
            rest.iter().position(|&byte| byte == b':' || is_forbidden(byte)).unwrap_or(rest.len());
        return if last > end { look_until(rest, last) } else { None };
    }
}

/// What ends a URL in CSS and the like.
fn ends_word(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'"' | b'\'' | b'(' | b')' | b'<' | b'>' | b',' | b';' | b'{' | b'}')
}

fn without_dropped(text: &[u8]) -> Cow<'_, [u8]> {
    match text.iter().any(|&byte| is_dropped(byte)) {
        true => text.iter().copied().filter(|&byte| !is_dropped(byte)).collect(),
        false => Cow::Borrowed(text),
    }
}

/// CSS with its escapes resolved: `\2f` is `/`.
pub(super) fn unescape_css(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        plain.extend_from_slice(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at + 1..).unwrap_or_default();
        let digits = escape.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let value = escape
            .iter()
            .take(digits)
            .fold(0, |value, &byte| value * 16 + char::from(byte).to_digit(16).unwrap_or_default());
        let mut length = digits;
        if digits > 0 {
            let char = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
            plain.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            length += match escape.get(digits..).unwrap_or_default() {
                [b'\r', b'\n', ..] => 2,
                [b' ' | b'\t' | b'\n' | b'\r' | b'\x0c', ..] => 1,
                _ => 0,
            };
        } else {
            match escape {
                [b'\r', b'\n', ..] => length = 2,
                [b'\n' | b'\r' | b'\x0c', ..] => length = 1,
                [other, ..] => {
                    plain.push(*other);
                    length = 1;
                }
                [] => {}
            }
        }
        rest = escape.get(length..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}
