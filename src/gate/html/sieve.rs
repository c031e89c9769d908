//! A look at a whole page, much faster than reading it: where might something be denied?
//!
//! It knows no markup. It finds whatever could name a denied host once a parser has read it, `data-consent`, and scripts with
//! denied text; it may find what is none, and misses nothing.

use super::{
    gate::Rules,
    references,
    url::{is_dropped, is_slash},
};

/// Where the last thing begins that may be denied. `None`: there is none, the page can go as it is.
pub(super) fn last_mention(page: &[u8], rules: &impl Rules) -> Option<usize> {
    let mut last = None;
    let mut from = 0;
    let mut blocks = page.chunks_exact(BLOCK);
    for block in blocks.by_ref() {
        // What begins at its end is seen with the first byte of the next one in sight.
        if is_suspicious(block) || crosses(page, from + BLOCK) {
            last = scan(page, from, from + BLOCK, rules).or(last);
        }
        from += BLOCK;
    }
    scan(page, from, page.len(), rules).or(last)
}

const BLOCK: usize = 64;

/// Written so that the compiler makes vector instructions of it.
fn is_suspicious(block: &[u8]) -> bool {
    let (Some(first), Some(second)) = (block.get(..BLOCK - 1), block.get(1..BLOCK)) else {
        return true;
    };
    let mut found = 0u8;
    for (&byte, &next) in first.iter().zip(second) {
        let slash = u8::from(byte == b'/') & !(u8::from(next > b'/') & u8::from(next != b'\\'));
        let lower = next | 0x20;
        let pair = (u8::from(byte == b'-') & u8::from(lower == b'c'))
            | (u8::from(byte == b'<') & u8::from(lower == b's'));
        found |= u8::from(byte == b'&')
            | u8::from(byte == b':')
            | u8::from(byte == b'\\')
            | slash
            | pair;
    }
    found & 1 != 0
}

/// Whether the byte before `end`, which no pair in its block begins with, is to be looked at.
fn crosses(page: &[u8], end: usize) -> bool {
    let byte = page.get(end.wrapping_sub(1)).copied().unwrap_or_default();
    matches!(byte, b'&' | b':' | b'\\' | b'/' | b'-' | b'<')
}

/// The last place in `from..to` where something may begin that is denied.
fn scan(page: &[u8], from: usize, to: usize, rules: &impl Rules) -> Option<usize> {
    let block = page.get(from..to)?;
    let found = block.iter().enumerate().rev().find(|(index, byte)| {
        let at = from + index;
        let behind = page.get(at + 1..).unwrap_or_default();
        match byte {
            b'/' | b'\\' => slash(**byte, behind, rules),
            b':' => colon(page.get(..at).unwrap_or_default(), behind, rules),
            b'&' => reference(behind),
            b'-' => begins(behind, b"consent"),
            b'<' => begins(behind, b"script") && script(behind, rules),
            _ => false,
        }
    })?;
    Some(from + found.0)
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
    // The last letter of a scheme that leads to hosts, or CSS may hide it.
    match last {
        b'p' | b'P' | b's' | b'S' => authority(behind, rules),
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
            _ if is_dropped(byte) => {}
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') => {
                if host.len() > LONGEST {
                    return true;
                }
                host.push(char::from(byte.to_ascii_lowercase()));
            }
            _ => break,
        }
    }
    let host = host.strip_suffix('.').unwrap_or(&host);
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
    let speculates = tag.windows(8).any(|window| window.eq_ignore_ascii_case(b"speculat"));
    // Behind `<!--` the script need not end there; CDATA and comments may be anywhere in a mark.
    let is_tricky = memchr::memmem::find(script, b"<!").is_some();
    speculates || is_tricky || rules.denied_inline(script).is_some()
}
