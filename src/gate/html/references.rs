//! Character references in attribute values: `&#x2F;` is `/`.

use std::borrow::Cow;

use memchr::memchr;

/// Stands for a character that a reference names and this table doesn't know. It is never ASCII, so it can only be a part of a
/// host's name, of userinfo, or of what comes after.
pub(super) const UNKNOWN: char = '\u{fffd}';

/// The value as the parser reads it. (References to what is not ASCII become UTF-8, whatever the page's charset.)
pub(super) fn decode(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr(b'&', value) else { return Cow::Borrowed(value) };
    let (before, mut rest) = value.split_at_checked(first).unwrap_or((value, &[]));
    let mut decoded = before.to_vec();
    while let Some(at) = memchr(b'&', rest) {
        let (before, reference) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        decoded.extend_from_slice(before);
        let after = reference.get(1..).unwrap_or_default();
        let read = match after.strip_prefix(b"#") {
            Some(digits) => number(digits).map(|(c, length)| (Text::Char(c), length + 1)),
            None => name(after),
        };
        match read {
            Some((Text::Char(char), length)) => {
                decoded.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after.get(length..).unwrap_or_default();
            }
            Some((Text::Letters(letters), length)) => {
                decoded.extend_from_slice(letters.as_bytes());
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                decoded.push(b'&');
                rest = after;
            }
        }
    }
    decoded.extend_from_slice(rest);
    Cow::Owned(decoded)
}

/// The character of a reference whose `&` is before `text`, and how many bytes it has there.
pub(super) fn first(text: &[u8]) -> Option<(char, usize)> {
    let (read, length) = match text.strip_prefix(b"#") {
        Some(digits) => number(digits).map(|(char, length)| (Text::Char(char), length + 1))?,
        None => name(text)?,
    };
    match read {
        Text::Char(char) => Some((char, length)),
        Text::Letters(letters) => letters.chars().next().map(|char| (char, length)),
    }
}

enum Text {
    Char(char),
    Letters(&'static str),
}

/// What comes behind `&#`, and how many bytes that are.
fn number(text: &[u8]) -> Option<(char, usize)> {
    let (radix, prefix) = match text.first()? {
        b'x' | b'X' => (16, 1),
        _ => (10, 0),
    };
    let digits = text.get(prefix..)?;
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let length = digits.iter().take_while(|byte| digit(byte).is_some()).count();
    let value = digits
        .get(..length)?
        .iter()
        .filter_map(digit)
        .fold(0u32, |value, digit| value.saturating_mul(radix).saturating_add(digit));
    let semicolon = usize::from(digits.get(length) == Some(&b';'));
    (length > 0).then(|| (character(value), prefix + length + semicolon))
}

fn character(value: u32) -> char {
    const C1: [u16; 32] = [
        0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039,
        0x152, 0x8d, 0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
        0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
    ];
    let value = match value {
        0 => 0xfffd,
        0x80..=0x9f => C1.get(value as usize - 0x80).copied().map_or(value, u32::from),
        _ => value,
    };
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The name behind `&`, and how many bytes it has.
fn name(text: &[u8]) -> Option<(Text, usize)> {
    let length = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = text.get(..length)?;
    if length > 0 && text.get(length) == Some(&b';') {
        let found = match (ascii(name), name) {
            (Some(byte), _) => Text::Char(char::from(byte)),
            (None, b"fjlig") => Text::Letters("fj"),
            (None, _) => Text::Char(UNKNOWN),
        };
        return Some((found, length + 1));
    }
    // Without a semicolon only old names count, and not before `=` or a letter: that is a query.
    if text.get(length) == Some(&b'=') {
        return None;
    }
    let old = OLD_NAMES.iter().find(|(old, _)| old.as_bytes() == name);
    old.map(|(_, char)| (Text::Char(*char), length))
}

/// Every name of an ASCII character.
fn ascii(name: &[u8]) -> Option<u8> {
    Some(match name {
        b"Tab" => b'\t',
        b"NewLine" => b'\n',
        b"excl" => b'!',
        b"quot" | b"QUOT" => b'"',
        b"num" => b'#',
        b"dollar" => b'$',
        b"percnt" => b'%',
        b"amp" | b"AMP" => b'&',
        b"apos" => b'\'',
        b"lpar" => b'(',
        b"rpar" => b')',
        b"ast" | b"midast" => b'*',
        b"plus" => b'+',
        b"comma" => b',',
        b"period" => b'.',
        b"sol" => b'/',
        b"colon" => b':',
        b"semi" => b';',
        b"lt" | b"LT" => b'<',
        b"equals" => b'=',
        b"gt" | b"GT" => b'>',
        b"quest" => b'?',
        b"commat" => b'@',
        b"lsqb" | b"lbrack" => b'[',
        b"bsol" => b'\\',
        b"rsqb" | b"rbrack" => b']',
        b"Hat" => b'^',
        b"lowbar" | b"UnderBar" => b'_',
        b"grave" | b"DiacriticalGrave" => b'`',
        b"lcub" | b"lbrace" => b'{',
        b"verbar" | b"vert" | b"VerticalLine" => b'|',
        b"rcub" | b"rbrace" => b'}',
        _ => return None,
    })
}

/// Names that count without a semicolon and stand for ASCII, or for what a host's name may have.
const OLD_NAMES: &[(&str, char)] = &[
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("shy", '\u{ad}'),
    ("ordf", UNKNOWN),
    ("ordm", UNKNOWN),
    ("sup1", UNKNOWN),
    ("sup2", UNKNOWN),
    ("sup3", UNKNOWN),
    ("frac14", UNKNOWN),
    ("frac12", UNKNOWN),
    ("frac34", UNKNOWN),
    ("nbsp", UNKNOWN),
];

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn references_count_as_in_attributes() {
        for (value, expected) in [
            ("", ""),
            ("a&b", "a&b"),
            ("&", "&"),
            ("&&amp;&", "&&&"),
            ("&#", "&#"),
            ("&#x", "&#x"),
            ("&#x;", "&#x;"),
            ("&#47;&#x2f;&#X2F;&sol;", "////"),
            ("&#0000000000000000000047", "/"),
            ("&#47a&#x2fg", "/a/g"),
            ("&#x80;&#146", "\u{20ac}\u{2019}"),
            ("&#0;&#xd800;&#x110000;&#99999999999999999999;", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            ("&amp&lt&gt&quot", "&<>\""),
            ("&ampx&amp=&amp1", "&ampx&amp=&amp1"),
            ("&amp;=&amp;x", "&=&x"),
            ("?a=1&copy=2&sect=3", "?a=1&copy=2&sect=3"),
            ("&colon&colon;&Tab;&NewLine;&period;", "&colon:\t\n."),
            ("&ascr;&nosuch;", "\u{fffd}\u{fffd}"),
            ("go&shy;od", "go\u{fffd}od"),
            ("&fjlig;", "fj"),
        ] {
            assert_eq!(decode(value.as_bytes()), expected.as_bytes(), "{value}");
        }
    }

    /// Against the standard's whole table: what is ASCII there is known here, too.
    #[test]
    fn every_name_of_an_ascii_character_is_known() {
        for (name, &(first, second)) in &markup5ever::data::NAMED_ENTITIES {
            let Some(char) = char::from_u32(first).filter(|_| first != 0) else { continue };
            let text = format!("&{name}");
            let decoded = decode(text.as_bytes());
            let read = String::from_utf8_lossy(&decoded);
            let expected: String =
                [char].into_iter().chain(char::from_u32(second).filter(|_| second != 0)).collect();
            if name.ends_with(';') {
                assert!(
                    read == expected || (!expected.is_ascii() && read == "\u{fffd}"),
                    "{name}: {read}"
                );
            }
        }
    }
}
