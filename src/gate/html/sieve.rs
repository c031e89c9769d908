//! A look at a whole page, much faster than reading it: where might something be denied?
//!
//! It knows no markup. It finds whatever could name a denied host once a parser has read it, `data-consent`, and scripts with
//! denied text; it may find what is none, and misses nothing.

use super::{
    gate::Rules,
    held, references,
    url::{is_dropped, is_slash},
};

/// Where the last thing begins that may be denied. `None`: there is none, the page can go as it is.
///
/// It looks from the end, so that it costs nothing where something is there, and gives up where it would take longer than reading:
/// then that is the end.
pub(super) fn last_mention(page: &[u8], rules: &impl Rules) -> Option<usize> {
    /// So many blocks may be looked at closely, and every second one.
    const SPARE: usize = 16;
    let blocks = page.len().saturating_sub(2) / BLOCK;
    let (mut quick, mut close) = (0, 0);
    if let Some(found) = scan(page, blocks * BLOCK, page.len(), rules) {
        return Some(found);
    }
    for from in (0..blocks).rev().map(|index| index * BLOCK) {
        quick += 1;
        let (Some(block), Some(next), Some(third)) =
            (block_at(page, from), block_at(page, from + 1), block_at(page, from + 2))
        else {
            return Some(page.len());
        };
        if is_suspicious(block, next, third) {
            if let Some(found) = scan(page, from, from + BLOCK, rules) {
                return Some(found);
            }
            close += 1;
            if close > SPARE + quick / 2 {
                return Some(page.len());
            }
        }
    }
    None
}

const BLOCK: usize = 64;

fn block_at(page: &[u8], from: usize) -> Option<&[u8; BLOCK]> {
    page.get(from..)?.first_chunk()
}

/// Written so that the compiler makes vector instructions of it: no branches. `next` and `third` are what comes one and two bytes
/// later.
fn is_suspicious(block: &[u8; BLOCK], next: &[u8; BLOCK], third: &[u8; BLOCK]) -> bool {
    let mut found = 0u8;
    for ((&byte, &next), &third) in block.iter().zip(next).zip(third) {
        let alone = (byte == b'&') | (byte == b':') | (byte == b'\\');
        let slash = (byte == b'/') & ((next <= b'/') | (next == b'\\'));
        let consent = (byte == b'-') & (next | 0x20 == b'c') & (third | 0x20 == b'o');
        let script = (byte == b'<') & (next | 0x20 == b's') & (third | 0x20 == b'c');
        found |= u8::from(alone | slash | consent | script);
    }
    found != 0
}

/// The last place in `from..to` where something may begin that is denied.
fn scan(page: &[u8], from: usize, to: usize, rules: &impl Rules) -> Option<usize> {
    let mut block = page.get(from..to)?;
    while let Some(index) = block.iter().rposition(|&byte| is_start(byte)) {
        let at = from + index;
        let byte = block.get(index).copied()?;
        let behind = page.get(at + 1..).unwrap_or_default();
        let is_mention = match byte {
            b'/' | b'\\' => slash(byte, behind, rules),
            b':' => colon(page.get(..at).unwrap_or_default(), behind, rules),
            b'&' => reference(behind),
            b'-' => begins(behind, b"consent"),
            _ => begins(behind, b"script") && script(behind, rules),
        };
        if is_mention {
            return Some(at);
        }
        block = block.get(..index)?;
    }
    None
}

fn is_start(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\' | b':' | b'&' | b'-' | b'<')
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn slash(byte: u8, behind: &[u8], rules: &impl Rules) -> bool {
    let next = behind.iter().find(|&&byte| !is_dropped(byte)).copied().unwrap_or_default();
    if is_slash(next) {
        return authority(behind, rules);
    }
    // An escape of CSS.
    byte == b'\\' && next.is_ascii_hexdigit()
}

fn colon(before: &[u8], behind: &[u8], rules: &impl Rules) -> bool {
    let last = before.iter().rev().find(|&&byte| !is_dropped(byte)).copied().unwrap_or_default();
    // The last letter of a scheme that leads to hosts or holds its content encoded, or CSS may hide it.
    match last {
        b'p' | b'P' | b's' | b'S' => authority(behind, rules),
        b'a' | b'A' => held::may_be_read(behind),
        _ => last == b'\\',
    }
}

/// Whether `text` begins with a denied host, after slashes. What isn't plain may be one.
fn authority(text: &[u8], rules: &impl Rules) -> bool {
    const LONGEST: usize = 253;
    let start = text.iter().position(|&byte| !is_slash(byte) && !is_dropped(byte));
    let text = start.and_then(|start| text.get(start..)).unwrap_or_default();
    let end = text.iter().position(|&byte| is_slash(byte) || matches!(byte, b'?' | b'#'));
    let whole = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    if whole.contains(&b'@') {
        return true;
    }
    let mut host = String::new();
    for &byte in text {
        match byte {
            b'%' | b'&' | b'\\' | 0x80.. => return true,
            _ if is_dropped(byte) => continue,
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') => {}
            ..=b' '
            | b'/'
            | b'?'
            | b'#'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b'^'
            | b'|'
            | b':'
            | 0x7f => break,
            // It ends the text, or is a part of a strange name.
            _ if concerns(&host, rules) => return true,
            _ => {}
        }
        if host.len() > LONGEST {
            return false;
        }
        host.push(char::from(byte.to_ascii_lowercase()));
    }
    concerns(&host, rules)
}

fn concerns(host: &str, rules: &impl Rules) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    !host.is_empty() && rules.concerns(host)
}

/// Whether a reference may hide anything that is looked for here.
fn reference(behind: &[u8]) -> bool {
    const LONGEST: usize = 48;
    let near = behind.get(..LONGEST).unwrap_or(behind);
    let Some((char, length)) = references::first(near) else {
        // Digits without end.
        return near.len() == LONGEST && near.starts_with(b"#");
    };
    let after = near.get(length..).unwrap_or_default();
    let is_name = |text: &[u8]| {
        let letters = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        letters > 0 && text.get(letters).is_none_or(|&byte| byte == b';')
    };
    match char {
        // A page in an attribute has its references written twice.
        '&' => matches!(after.first(), None | Some(b'#' | b'&')) || is_name(after),
        '<' => matches!(after.first(), None | Some(b's' | b'S' | b'&')),
        '\t' | '\n' | '\r' | '/' | '\\' | ':' | '.' | '-' | '_' | '%' | '@' => true,
        _ => char.is_ascii_alphanumeric(),
    }
}

/// `behind` the `<` of what may be a script: whether it may be one that is denied.
fn script(behind: &[u8], rules: &impl Rules) -> bool {
    const TAG: usize = 1024;
    let ends = memchr::memchr_iter(b'<', behind);
    let end =
        ends.into_iter().find(|&at| begins(behind.get(at..).unwrap_or_default(), b"</script"));
    let script = behind.get(..end.unwrap_or(behind.len())).unwrap_or_default();
    let tag = script.get(..TAG).unwrap_or(script);
    let has = |part: &[u8]| tag.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part));
    let is_json = has(b"speculat") || has(b"importmap");
    // Behind `<!--` the script need not end there; CDATA and comments may be anywhere in a mark.
    let is_tricky = memchr::memmem::find(script, b"<!").is_some();
    is_json || is_tricky || rules.denied_inline(script).is_some()
}
