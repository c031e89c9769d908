//! A host as the URL standard reads it: percent-decoded, mapped by IDNA, in lower case.

use memchr::{memchr, memrchr};

/// What an authority (`user@host:port`) names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Host {
    /// Lower-case ASCII without a trailing dot. (It may be none that the standard allows: then nothing is fetched from it.)
    Named(String),
    /// Characters that IDNA may turn into ASCII, or bytes that only the page's charset could tell.
    Doubtful,
}

impl Host {
    pub(super) fn read(authority: &[u8]) -> Self {
        let host = match memrchr(b'@', authority) {
            Some(at) => authority.get(at + 1..).unwrap_or_default(),
            None => authority,
        };
        let host = match host.first() {
            // An IPv6 address; no vendor has one.
            Some(b'[') => host,
            _ => host.get(..memchr(b':', host).unwrap_or(host.len())).unwrap_or_default(),
        };
        let is_plain = host.iter().all(|byte| byte.is_ascii() && *byte != b'%');
        // No host has these; nothing is fetched.
        let is_none = host.iter().any(|&byte| is_forbidden(byte));
        let mut mapped = if is_plain || is_none {
            host.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect()
        } else {
            match std::str::from_utf8(&percent_decode(host)).ok().and_then(map) {
                Some(mapped) => mapped,
                None => return Self::Doubtful,
            }
        };
        if mapped.ends_with('.') {
            mapped.pop();
        }
        Self::Named(mapped)
    }
}

/// What no host's name may have, besides what ends an authority.
pub(super) fn is_forbidden(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'<' | b'>' | b'[' | b']' | b'^' | b'|' | 0x7f)
}

pub(super) fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

/// IDNA's mapping (UTS 46) as far as it can lead to ASCII. `None`: it can't be told without its tables.
fn map(host: &str) -> Option<String> {
    let mut mapped = String::with_capacity(host.len());
    for char in host.chars() {
        match char {
            '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => mapped.push('.'),
            // Fullwidth ASCII.
            '\u{ff01}'..='\u{ff5e}' => {
                let ascii = u32::from(char) - 0xff01 + 0x21;
                mapped.extend(char::from_u32(ascii).map(|char| char.to_ascii_lowercase()));
            }
            // Soft hyphen, zero width space, word joiner, byte order mark: ignored.
            '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => {}
            _ if char.is_ascii() => mapped.push(char.to_ascii_lowercase()),
            _ if may_become_ascii(char) => return None,
            _ => mapped.extend(char.to_lowercase()),
        }
    }
    let labels: Vec<_> = mapped.split('.').map(ascii_label).collect();
    Some(labels.join("."))
}

/// Blocks of compatibility characters: other forms of letters and digits, and what is ignored.
#[rustfmt::skip]
fn may_become_ascii(char: char) -> bool {
    matches!(
        char,
        '\u{80}'..='\u{be}' | '\u{132}'..='\u{133}' | '\u{13f}'..='\u{140}' | '\u{149}' | '\u{17f}'
            | '\u{1c4}'..='\u{1cc}' | '\u{1f1}'..='\u{1f3}' | '\u{2b0}'..='\u{2ff}' | '\u{300}'..='\u{36f}'
            | '\u{37e}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{1d2c}'..='\u{1dff}' | '\u{1e9a}' | '\u{1fc0}'..='\u{1fff}' | '\u{2000}'..='\u{218f}'
            | '\u{2260}'..='\u{226f}' | '\u{2460}'..='\u{24ff}' | '\u{2a74}'..='\u{2a76}' | '\u{2c7c}'..='\u{2c7d}'
            | '\u{3000}'..='\u{303f}' | '\u{3164}' | '\u{3200}'..='\u{33ff}' | '\u{a69c}'..='\u{a69d}' | '\u{a7f1}'..='\u{a7f4}'
            | '\u{ab5b}'..='\u{ab6b}' | '\u{fb00}'..='\u{fb06}' | '\u{fb29}' | '\u{fe00}'..='\u{fe6f}'
            | '\u{ff00}'..='\u{ffff}' | '\u{10780}'..='\u{107ff}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1ccd6}'..='\u{1ccf9}'
            | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{1d400}'..='\u{1d7ff}' | '\u{1df95}' | '\u{1f100}'..='\u{1f2ff}'
            | '\u{1fbf0}'..='\u{1fbff}' | '\u{e0000}'..='\u{e0fff}'
    )
}

fn ascii_label(label: &str) -> String {
    if label.is_ascii() { label.to_owned() } else { format!("xn--{}", punycode(label)) }
}

/// RFC 3492, section 6.3.
fn punycode(label: &str) -> String {
    const BASE: u32 = 36;
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).unwrap_or(u32::MAX);
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (128u32, 0u32, 72u32, basic);
    while let Some(next) = label.chars().map(u32::from).filter(|&char| char >= n).min() {
        delta = delta.saturating_add((next - n).saturating_mul(handled + 1));
        n = next;
        for char in label.chars().map(u32::from) {
            if char < n {
                delta = delta.saturating_add(1);
            }
            if char != n {
                continue;
            }
            let mut rest = delta;
            for k in (BASE..).step_by(36) {
                let threshold = k.saturating_sub(bias).clamp(1, 26);
                if rest < threshold {
                    break;
                }
                out.push(punycode_digit(threshold + (rest - threshold) % (BASE - threshold)));
                rest = (rest - threshold) / (BASE - threshold);
            }
            out.push(punycode_digit(rest));
            delta = if handled == basic { delta / 700 } else { delta / 2 };
            delta += delta / (handled + 1);
            let mut k = 0;
            while delta > 455 {
                delta /= BASE - 1;
                k += BASE;
            }
            bias = k + BASE * delta / (delta + 38);
            delta = 0;
            handled += 1;
        }
        delta = delta.saturating_add(1);
        n += 1;
    }
    out
}

fn punycode_digit(value: u32) -> char {
    char::from_digit(value, 36).map_or('z', |_| {
        let byte = if value < 26 { b'a' + value as u8 } else { b'0' + (value - 26) as u8 };
        char::from(byte)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_the_standard_reads_them() {
        for (authority, expected) in [
            ("Ads.Example", "ads.example"),
            ("ads.example:443", "ads.example"),
            ("ads.example.", "ads.example"),
            ("ok.example@ads.example", "ads.example"),
            ("a:b@c@ads.example:1", "ads.example"),
            ("%61ds%2Eexample", "ads.example"),
            ("ａｄｓ。example．", "ads.example"),
            ("%EF%BD%81ds.example", "ads.example"),
            ("a\u{ad}ds.example", "ads.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("點看", "xn--c1yn36f"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(Host::read(authority.as_bytes()), Host::Named(expected.to_owned()));
        }
        for authority in [&b"\x82\x60ds.example"[..], "𝐚ds.example".as_bytes(), b"%ff.example"] {
            assert_eq!(Host::read(authority), Host::Doubtful);
        }
    }

    /// Each character of Unicode, against `idna`: what becomes ASCII becomes the same here, or is in doubt.
    #[test]
    fn no_character_becomes_ascii_unseen() {
        let mut missed = Vec::new();
        for char in (0x80..=0x10_ffff).filter_map(char::from_u32) {
            let host = format!("x{char}x.example");
            let Ok(parsed) = url::Url::parse(&format!("https://{host}/")) else { continue };
            let expected = parsed.host_str().unwrap_or_default();
            let read = Host::read(host.as_bytes());
            if !expected.contains("xn--") {
                let is_safe = read == Host::Doubtful || read == Host::Named(expected.to_owned());
                if !is_safe {
                    missed.push(format!("U+{:04X}: {expected}", u32::from(char)));
                }
            }
        }
        assert_eq!(missed, Vec::<String>::new());
    }
}
