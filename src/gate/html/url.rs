//! Where does a URL lead? <https://url.spec.whatwg.org/>
//!
//! Where the answer hangs on what isn't known here (the page's own scheme), every reading is tried.

use super::host::{Host, percent_decode};
use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// What URLs are relative to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Base {
    pub(super) host: Host,
    pub(super) path: String,
}

/// A place on a host.
#[derive(Debug)]
pub(super) struct Location<'a> {
    pub(super) host: &'a Host,
    /// The path of the base, where the URL is relative to it.
    base: &'a str,
    /// As written, with query and fragment.
    path: &'a [u8],
}

/// Reads `url`, its character references decoded, and asks about each place where it may lead until `look` finds something.
pub(super) fn find<T>(
    url: &[u8],
    bases: &[Base],
    mut look: impl FnMut(&Location<'_>) -> Option<T>,
) -> Option<T> {
    let url = clean(url);
    let (rest, is_absolute) = match split_scheme(&url) {
        Some((scheme, rest)) if is_special(scheme) => (rest, true),
        Some(_) => return None,
        None => (&*url, false),
    };
    let after = rest.iter().position(|&byte| !is_slash(byte)).unwrap_or(rest.len());
    if is_absolute || after >= 2 {
        let (host, path) = authority(rest.get(after..).unwrap_or_default());
        if let Some(found) = look(&Location::on(&host, path)) {
            return Some(found);
        }
    }
    // `https:path` on a page of the same scheme is relative.
    if after < 2 {
        return bases
            .iter()
            .find_map(|base| look(&Location { host: &base.host, base: &base.path, path: rest }));
    }
    None
}

/// The host at the start of `text`, and what comes after.
fn authority(text: &[u8]) -> (Host, &[u8]) {
    let end = text.iter().position(|&byte| is_slash(byte) || matches!(byte, b'?' | b'#'));
    let (authority, path) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or_default();
    (Host::read(authority), path)
}

impl<'a> Location<'a> {
    /// Whether it names a kind of markup, as a picture in a style sheet does: `xmlns='http://www.w3.org/2000/svg'`. Nothing is
    /// there to fetch.
    pub(super) fn is_namespace(&self) -> bool {
        const NAMESPACES: [&[u8]; 3] = [b"/2000/svg", b"/1999/xlink", b"/1999/xhtml"];
        matches!(self.host, Host::Named(host) if host == "www.w3.org")
            && NAMESPACES.contains(&self.path)
    }

    pub(super) fn on(host: &'a Host, path: &'a [u8]) -> Self {
        Self { host, base: "", path }
    }

    /// Its path with the query, dot segments resolved: as the standard has it, and as servers read it
    /// that decode it.
    pub(super) fn paths(&self) -> (String, Option<String>) {
        let fragment = memchr(b'#', self.path).unwrap_or(self.path.len());
        let before = self.path.get(..fragment).unwrap_or_default();
        let end = memchr(b'?', before).unwrap_or(before.len());
        let (path, query) = before.split_at_checked(end).unwrap_or((before, &[]));
        let mut whole = Vec::new();
        if path.first().is_none_or(|&byte| !is_slash(byte)) {
            let base = self
                .base
                .get(..memchr2(b'?', b'#', self.base.as_bytes()).unwrap_or(self.base.len()));
            let base = base.unwrap_or_default();
            let folder = match path.is_empty() {
                true => base,
                false => base.rsplit_once('/').map_or("", |(folder, _)| folder),
            };
            whole.extend_from_slice(folder.as_bytes());
            if !path.is_empty() {
                whole.push(b'/');
            }
        }
        whole.extend_from_slice(path);
        let with_query = |path: &[u8], query: &[u8]| normal(path) + &String::from_utf8_lossy(query);
        let decoded = before.contains(&b'%') || whole.contains(&b'%');
        let decoded = decoded.then(|| with_query(&percent_decode(&whole), &percent_decode(query)));
        (with_query(&whole, query), decoded)
    }
}

/// Without dot segments.
fn normal(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    let mut segments: Vec<&str> = Vec::new();
    let mut all = path.split(['/', '\\']).skip(1).peekable();
    while let Some(segment) = all.next() {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        match &*dots {
            ".." => {
                segments.pop();
                if all.peek().is_none() {
                    segments.push("");
                }
            }
            "." if all.peek().is_some() => {}
            "." => segments.push(""),
            _ => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// C0 controls and spaces around a URL don't count, nor do tabs and newlines inside.
pub(super) fn clean(url: &[u8]) -> Cow<'_, [u8]> {
    let is_blank = |byte: &u8| *byte <= b' ';
    let start = url.iter().position(|byte| !is_blank(byte)).unwrap_or(url.len());
    let end = url.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    let url = url.get(start..end).unwrap_or_default();
    match url.iter().any(|&byte| is_dropped(byte)) {
        true => url.iter().copied().filter(|&byte| !is_dropped(byte)).collect(),
        false => Cow::Borrowed(url),
    }
}

pub(super) fn split_scheme(url: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let end = url.iter().position(|&byte| !is_part(byte))?;
    let (scheme, rest) = url.split_at_checked(end)?;
    let rest = rest.strip_prefix(b":")?;
    scheme.first().is_some_and(u8::is_ascii_alphabetic).then_some((scheme, rest))
}

/// Schemes that lead to hosts. (`file` leads to none from a page of the web.)
pub(super) fn is_special(scheme: &[u8]) -> bool {
    [&b"https"[..], b"http", b"wss", b"ws", b"ftp"]
        .iter()
        .any(|special| special.eq_ignore_ascii_case(scheme))
}

pub(super) fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

pub(super) fn is_dropped(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
#[path = "tests/urls.rs"]
mod tests;
