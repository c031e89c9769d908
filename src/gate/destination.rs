//! Where a URL in a header leads, as browsers read it: <https://url.spec.whatwg.org/>. The one place
//! to put another reader of URLs in.

use std::borrow::Cow;

use super::{
    vendors::VendorGate,
    verdict::{Because, Verdict},
};

/// Where a URL leads.
#[derive(Debug, PartialEq, Eq)]
enum Destination<'a> {
    /// To the host of the page, or to none at all: relative, `data:`, `mailto:`.
    Here,
    /// The host is in lower case, without userinfo, port and trailing dot; the path begins with `/` and
    /// has no dot segments, but its query.
    Elsewhere { host: Cow<'a, str>, path: Cow<'a, str> },
    /// To a host that only the tables of Unicode could name.
    Unreadable,
}

/// Whether the browser may be sent to this URL, and the host where no vendor names it.
pub(super) fn judge<'a>(gate: VendorGate<'a>, url: &[u8]) -> (Verdict<'a>, Option<String>) {
    let url = clean(url);
    let (host, path) = match destination(&url) {
        Destination::Here => return (Verdict::OWN, None),
        Destination::Unreadable => return (gate.in_doubt(), None),
        Destination::Elsewhere { host, path } => (host, path),
    };
    let mut verdict = gate.judge(&host, &path);
    if verdict.allowed && path.contains('%') {
        // Servers read what browsers leave encoded.
        let decoded = percent_decode(path.as_bytes());
        let other = gate.judge(&host, &String::from_utf8_lossy(&decoded));
        if !other.allowed {
            verdict = other;
        }
    }
    let unnamed = (verdict.because == Because::Undeclared).then(|| host.into_owned());
    (verdict, unnamed)
}

fn destination(url: &[u8]) -> Destination<'_> {
    let (rest, is_absolute) = match split_scheme(url) {
        Some((scheme, rest)) if is_web(scheme) => (rest, true),
        Some(_) => return Destination::Here,
        None => (url, false),
    };
    let slashes = rest.iter().take_while(|byte| is_slash(byte)).count();
    // `https:x` may be relative on a page of the same scheme: it is taken for what leads away.
    if !is_absolute && slashes < 2 {
        return Destination::Here;
    }
    let rest = rest.get(slashes..).unwrap_or_default();
    let is_end = |byte: &u8| is_slash(byte) || matches!(byte, b'?' | b'#');
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or_default();
    match host(authority) {
        None => Destination::Unreadable,
        Some(host) if host.is_empty() => Destination::Here,
        Some(host) => Destination::Elsewhere { host, path: normal(path) },
    }
}

/// C0 controls and spaces around a URL don't count, nor do tabs and newlines inside.
fn clean(url: &[u8]) -> Cow<'_, [u8]> {
    let is_blank = |byte: &u8| *byte <= b' ';
    let start = url.iter().position(|byte| !is_blank(byte)).unwrap_or(url.len());
    let end = url.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    let url = url.get(start..end).unwrap_or_default();
    let is_dropped = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r');
    if url.iter().any(is_dropped) {
        url.iter().copied().filter(|byte| !is_dropped(byte)).collect()
    } else {
        Cow::Borrowed(url)
    }
}

fn split_scheme(url: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let (scheme, rest) = url.split_at_checked(url.iter().position(|byte| !is_part(byte))?)?;
    let rest = rest.strip_prefix(b":")?;
    scheme.first().is_some_and(u8::is_ascii_alphabetic).then_some((scheme, rest))
}

/// Whether a scheme leads to hosts.
fn is_web(scheme: &[u8]) -> bool {
    let web: [&[u8]; 5] = [b"https", b"http", b"wss", b"ws", b"ftp"];
    web.iter().any(|web| web.eq_ignore_ascii_case(scheme))
}

fn is_slash(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// The host that an authority names, or none where that can't be told.
fn host(authority: &[u8]) -> Option<Cow<'_, str>> {
    let host = authority.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
    let end = match host.first() {
        Some(b'[') => host.iter().position(|&byte| byte == b']').map(|end| end + 1),
        _ => host.iter().position(|&byte| byte == b':'),
    };
    let host = host.get(..end.unwrap_or(host.len())).unwrap_or_default();
    let is_plain = |byte: &u8| byte.is_ascii() && !byte.is_ascii_uppercase() && *byte != b'%';
    let host = if host.iter().all(is_plain) {
        Cow::Borrowed(std::str::from_utf8(host).ok()?)
    } else {
        let decoded = String::from_utf8(percent_decode(host)).ok()?;
        Cow::Owned(Some(decoded).filter(|host| host.is_ascii())?.to_ascii_lowercase())
    };
    Some(match host {
        Cow::Borrowed(host) => Cow::Borrowed(host.strip_suffix('.').unwrap_or(host)),
        Cow::Owned(host) => Cow::Owned(host.strip_suffix('.').map(str::to_owned).unwrap_or(host)),
    })
}

/// The path and the query, without fragment and dot segments.
fn normal(path: &[u8]) -> Cow<'_, str> {
    let path = path.split(|&byte| byte == b'#').next().unwrap_or_default();
    let end = path.iter().position(|&byte| byte == b'?').unwrap_or(path.len());
    let (folders, query) = path.split_at_checked(end).unwrap_or_default();
    let is_normal = folders.starts_with(b"/")
        && !folders.contains(&b'\\')
        && !folders.windows(2).any(|pair| pair == b"/." || pair == b"%2");
    if is_normal {
        return String::from_utf8_lossy(path);
    }
    let folders = String::from_utf8_lossy(folders);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = folders.split(['/', '\\']).skip(1).peekable();
    while let Some(segment) = segments.next() {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        if dots == ".." {
            kept.pop();
        } else if dots != "." {
            kept.push(segment);
        }
        if matches!(&*dots, "." | "..") && segments.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}{}", kept.join("/"), String::from_utf8_lossy(query)).into()
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let pair = digit(0).zip(digit(1)).filter(|_| byte == b'%');
        let value = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(value.unwrap_or(byte));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g9_urls_lead_where_browsers_go() {
        for (url, expected) in [
            ("https://ads.example/x?y#z", Some(("ads.example", "/x?y"))),
            ("//ads.example", Some(("ads.example", "/"))),
            ("HTTPS://Ads.Example:443?y", Some(("ads.example", "/?y"))),
            (" \\\\ads.example\\a\\..\\b ", Some(("ads.example", "/b"))),
            ("ht\ttps://ads.exa\tmple/", Some(("ads.example", "/"))),
            ("https:///ads.example/./a/%2e%2E/b/.", Some(("ads.example", "/b/"))),
            ("https:ads.example", Some(("ads.example", "/"))),
            ("https://own.example@ads.example./", Some(("ads.example", "/"))),
            ("https://a:b@c@ads.example:1/", Some(("ads.example", "/"))),
            ("https://%61ds%2Eexample/", Some(("ads.example", "/"))),
            ("wss://[::1]:80/x", Some(("[::1]", "/x"))),
            ("https://ads.example/../../a", Some(("ads.example", "/a"))),
            ("/x", None),
            ("/\\", None),
            ("x//ads.example", None),
            ("?//ads.example", None),
            ("#", None),
            ("", None),
            ("https://", None),
            ("data:text/html,//ads.example", None),
            ("mailto:a@ads.example", None),
        ] {
            let cleaned = clean(url.as_bytes());
            let found = match destination(&cleaned) {
                Destination::Elsewhere { host, path } => {
                    Some((host.into_owned(), path.into_owned()))
                }
                Destination::Here => None,
                Destination::Unreadable => panic!("{url}"),
            };
            let expected = expected.map(|(host, path)| (host.to_owned(), path.to_owned()));
            assert_eq!(found, expected, "{url}");
        }
        for url in ["https://\u{ff41}ds.example/", "//%ff.example", "//a%CC%81.example"] {
            assert_eq!(destination(url.as_bytes()), Destination::Unreadable, "{url}");
        }
    }
}
