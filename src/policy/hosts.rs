use std::{borrow::Cow, collections::HashMap};

/// Whose a host is, by label suffix and path prefix. Looking one up takes a hash per label, however
/// many hosts there are.
///
/// What claims more of a name wins, then what claims more of the path: with `example.com` and
/// `maps.example.com/tiles`, the address `a.maps.example.com/tiles/1` is the second's, and
/// `maps.example.com/` the first's.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostTable {
    /// By host: path prefixes, the longest first, and whose they are.
    claims: HashMap<Box<str>, Vec<(Box<str>, usize)>>,
}

/// The longest name of a host (RFC 1035, 2.3.4); no longer one is looked up.
const MOST_HOST_BYTES: usize = 253;

impl HostTable {
    /// From patterns such as `example.com` and `example.com/maps`. Of equal ones the first holds.
    pub(crate) fn new<'a>(patterns: impl IntoIterator<Item = (&'a str, usize)>) -> Self {
        let mut claims: HashMap<Box<str>, Vec<(Box<str>, usize)>> = HashMap::new();
        for (pattern, owner) in patterns {
            let (host, path) = split(pattern);
            let paths = claims.entry(host.to_ascii_lowercase().into()).or_default();
            if !paths.iter().any(|(other, _)| **other == *path) {
                paths.push((path.into(), owner));
            }
        }
        for paths in claims.values_mut() {
            paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        }
        Self { claims }
    }

    /// Whose this address is: a host with or without port, path and query.
    pub(crate) fn find(&self, address: &str) -> Option<usize> {
        let (host, path) = split(address);
        let host = lowercase(without_port(host));
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.find_at(host, path).map(|claim| claim.owner)
    }

    /// Whose this place is. The host is in lower case, without port and trailing dot; the path goes
    /// with its query.
    pub(crate) fn find_at(&self, host: &str, path: &str) -> Option<Claim<'_>> {
        self.on(host).find_map(|(host, paths)| {
            let (prefix, owner) = paths.iter().find(|(prefix, _)| begins(path, prefix))?;
            Some(Claim { host, path: prefix, owner: *owner })
        })
    }

    /// Whoever has anything on this host.
    pub(crate) fn owners_on(&self, host: &str) -> impl Iterator<Item = usize> {
        self.on(host).flat_map(|(_, paths)| paths.iter().map(|&(_, owner)| owner))
    }

    /// What is claimed of this host and its parents, the longest name first.
    fn on(&self, host: &str) -> impl Iterator<Item = (&str, &[(Box<str>, usize)])> {
        let host = if host.len() > MOST_HOST_BYTES { "" } else { host };
        let names = std::iter::successors(Some(host), |name| Some(name.split_once('.')?.1));
        names.filter_map(|name| {
            let (name, paths) = self.claims.get_key_value(name)?;
            Some((&**name, &**paths))
        })
    }
}

/// A pattern, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim<'a> {
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) owner: usize,
}

/// The host of an address, and its path with the query, without fragment.
fn split(address: &str) -> (&str, &str) {
    let address = address.split('#').next().unwrap_or_default();
    let end = address.find(['/', '?']).unwrap_or(address.len());
    address.split_at_checked(end).unwrap_or((address, ""))
}

fn without_port(host: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name)
}

fn lowercase(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        host.to_ascii_lowercase().into()
    } else {
        host.into()
    }
}

/// Whether the path lies below the prefix: whole segments, or byte by byte where the prefix goes
/// into the query.
fn begins(path: &str, prefix: &str) -> bool {
    let Some(rest) = path.strip_prefix(prefix) else { return false };
    let is_boundary = rest.is_empty() || rest.starts_with(['/', '?']);
    is_boundary || prefix.is_empty() || prefix.ends_with('/') || prefix.contains('?')
}

/// Whether this is a host name of at least two labels, with or without a path prefix: no scheme, port
/// or wildcard.
pub(super) fn is_host_pattern(pattern: &str) -> bool {
    let (host, path) = split(pattern);
    let is_label = |label: &str| {
        let is_host_byte = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_host_byte)
    };
    // A single label would claim a whole top-level domain, but for the one that is a developer's own.
    let is_specific = host.contains('.') || host == "localhost";
    let is_host = is_specific && host.len() <= MOST_HOST_BYTES && host.split('.').all(is_label);
    let is_path_byte = |byte: u8| byte.is_ascii_graphic() && !b"\\*\"<>".contains(&byte);
    let is_path = path.is_empty() || path.starts_with('/') && path.len() > 1;
    is_host && is_path && !pattern.contains('#') && path.bytes().all(is_path_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_claim_holds() {
        let patterns = [
            "example.com",
            "maps.example.com/tiles",
            "maps.example.com/tiles/dark",
            "tags.example/js?id=AW-",
            "tags.example/js",
            "Upper.Example",
        ];
        let table = HostTable::new(patterns.into_iter().zip(0..));
        for (address, expected) in [
            ("example.com", Some(0)),
            ("www.example.com", Some(0)),
            ("EXAMPLE.com.", Some(0)),
            ("example.com:443/x?y", Some(0)),
            ("notexample.com", None),
            ("example.com.evil.test", None),
            ("com", None),
            ("", None),
            (".", None),
            ("maps.example.com", Some(0)),
            ("maps.example.com/tiles", Some(1)),
            ("maps.example.com/tiles/1", Some(1)),
            ("maps.example.com/tiles?x", Some(1)),
            ("a.maps.example.com/tiles#x", Some(1)),
            ("maps.example.com/tilesets", Some(0)),
            ("maps.example.com/tiles/dark/1", Some(2)),
            ("tags.example/js?id=AW-1", Some(3)),
            ("tags.example/js?id=G-1", Some(4)),
            ("tags.example", None),
            ("upper.example", Some(5)),
        ] {
            assert_eq!(table.find(address), expected, "{address}");
        }
    }

    #[test]
    fn host_patterns() {
        for (pattern, expected) in [
            ("example.com", true),
            ("www.example.com/recaptcha", true),
            ("example.com/js?id=AW-", true),
            ("_a.example-1.com", true),
            ("com", false),
            ("", false),
            ("https://example.com", false),
            ("//example.com", false),
            ("*.example.com", false),
            ("example.com:443", false),
            ("example.com/", false),
            ("example.com?x", false),
            ("example.com/a b", false),
            ("example.com/a#b", false),
            ("example.com/*", false),
            ("example..com", false),
            (".example.com", false),
            ("example.com.", false),
            ("user@example.com", false),
            ("exämple.com", false),
        ] {
            assert_eq!(is_host_pattern(pattern), expected, "{pattern}");
        }
    }
}
