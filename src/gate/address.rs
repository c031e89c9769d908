//! Client addresses in `Forwarded`, `X-Forwarded-For` and their kin, cut to their network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::consent::Consent;

/// Headers of one address, or of several with commas between.
const ADDRESS_HEADERS: [HeaderName; 7] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("fastly-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("x-cluster-client-ip"),
    HeaderName::from_static("x-real-ip"),
];

/// Cuts addresses to /24 and /48 where the policy says so and nothing allows them whole.
pub(crate) fn truncate(headers: &mut HeaderMap, consent: &Consent) {
    let Some(purpose) = consent.policy().address_purpose() else { return };
    if consent.allows_purpose(purpose) {
        return;
    }
    for name in &ADDRESS_HEADERS {
        change(headers, name, |line| {
            let items: Vec<String> =
                line.split(',').map(|item| truncate_node(item.trim())).collect();
            items.join(", ")
        });
    }
    change(headers, &header::FORWARDED, |line| {
        let items: Vec<String> = super::headers::split_list(line).map(truncate_forwarded).collect();
        items.join(", ")
    });
}

fn change(headers: &mut HeaderMap, name: &HeaderName, cut: impl Fn(&str) -> String) {
    let header::Entry::Occupied(mut entry) = headers.entry(name) else { return };
    for value in entry.iter_mut() {
        let cut = value.to_str().map(&cut).unwrap_or_default();
        *value = HeaderValue::try_from(cut).unwrap_or(HeaderValue::from_static(""));
    }
}

/// One element of `Forwarded` (RFC 7239, 4): only `for=` and `by=` hold nodes.
fn truncate_forwarded(element: &str) -> String {
    let pairs = element.split(';').map(|pair| match pair.split_once('=') {
        Some((key, node)) if matches!(key.trim().to_ascii_lowercase().as_str(), "for" | "by") => {
            let node = node.trim();
            let bare = node.trim_matches('"');
            let cut = truncate_node(bare);
            if node == bare && !cut.contains(':') {
                format!("{}={cut}", key.trim())
            } else {
                format!("{}=\"{cut}\"", key.trim())
            }
        }
        _ => pair.trim().to_owned(),
    });
    pairs.collect::<Vec<_>>().join(";")
}

/// The network of an address, its port dropped. Names and `_obfuscated` nodes stay.
fn truncate_node(node: &str) -> String {
    if let Some(inner) = node.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return format!("\"{}\"", truncate_node(inner));
    }
    let in_brackets = node.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let without_port = || node.rsplit_once(':').map_or(node, |(host, _)| host);
    let without_zone = |address: &str| address.split('%').next().unwrap_or_default().parse();
    let address = without_zone(in_brackets.unwrap_or(node)).or_else(|_| without_port().parse());
    match address {
        Ok(IpAddr::V4(address)) => network_v4(address).to_string(),
        Ok(IpAddr::V6(address)) => match (address.to_ipv4_mapped(), in_brackets) {
            (Some(mapped), _) => network_v4(mapped).to_string(),
            (None, Some(_)) => format!("[{}]", network_v6(address)),
            (None, None) => network_v6(address).to_string(),
        },
        Err(_) => node.to_owned(),
    }
}

fn network_v4(address: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() & !0xff)
}

fn network_v6(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> 48))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g10_addresses_are_cut_to_their_network() {
        for (node, expected) in [
            ("203.0.113.77", "203.0.113.0"),
            ("203.0.113.77:4711", "203.0.113.0"),
            ("2001:db8:1:2:3::4", "2001:db8:1::"),
            ("[2001:db8:1:2:3::4]:4711", "[2001:db8:1::]"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("unknown", "unknown"),
            ("_hidden", "_hidden"),
        ] {
            assert_eq!(truncate_node(node), expected);
        }
        assert_eq!(
            truncate_forwarded("for=\"[2001:db8:1:2::4]:80\";proto=https;By=203.0.113.43"),
            "for=\"[2001:db8:1::]\";proto=https;By=203.0.113.0"
        );
    }
}
