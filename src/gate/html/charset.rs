//! Does a `meta` element name a charset in which `<` need not be a `<`?

use super::tag::{Tag, is_space};
use memchr::memchr;

/// ISO-2022-JP is the one charset left to the web in which ASCII bytes may be parts of other characters; what UTF-16 in a `meta`
/// element means is UTF-8.
pub(super) fn hides_markup(meta: &Tag<'_>) -> bool {
    if let Some(charset) = meta.attribute("charset") {
        return is_iso_2022_jp(charset);
    }
    let is_content_type = |value: &[u8]| value.eq_ignore_ascii_case(b"content-type");
    meta.attribute("http-equiv").is_some_and(is_content_type)
        && meta.attribute("content").and_then(charset_in).is_some_and(is_iso_2022_jp)
}

fn is_iso_2022_jp(label: &[u8]) -> bool {
    let label = label.trim_ascii();
    label.eq_ignore_ascii_case(b"iso-2022-jp") || label.eq_ignore_ascii_case(b"csiso2022jp")
}

/// "Extracting a character encoding from a meta element".
fn charset_in(mut content: &[u8]) -> Option<&[u8]> {
    const CHARSET: &[u8] = b"charset";
    loop {
        let found = content.windows(CHARSET.len()).position(|w| w.eq_ignore_ascii_case(CHARSET))?;
        content = content.get(found + CHARSET.len()..)?.trim_ascii_start();
        if let Some(value) = content.strip_prefix(b"=") {
            content = value.trim_ascii_start();
            break;
        }
    }
    match content.split_first()? {
        (&quote @ (b'"' | b'\''), value) => memchr(quote, value).and_then(|end| value.get(..end)),
        _ => {
            let end = content.iter().position(|&b| b == b';' || is_space(b));
            content.get(..end.unwrap_or(content.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_iso_2022_jp_hides_markup() {
        for (meta, hides) in [
            ("<meta charset=iso-2022-jp>", true),
            ("<META CHARSET=' ISO-2022-JP\n'>", true),
            ("<meta charset=csISO2022JP />", true),
            ("<meta charset=utf-16>", false),
            ("<meta charset=shift_jis>", false),
            ("<meta charset>", false),
            ("<meta http-equiv=Content-Type content='text/html; charset=iso-2022-jp'>", true),
            (
                "<meta content='text/html; charset = \"ISO-2022-JP\" x' http-equiv=content-type>",
                true,
            ),
            ("<meta content='charset charset=iso-2022-jp;x' http-equiv=content-type>", true),
            ("<meta content='charset=\"iso-2022-jp' http-equiv=content-type>", false),
            ("<meta content='charset=iso-2022-jpx' http-equiv=content-type>", false),
            ("<meta content='text/html; charset=iso-2022-jp'>", false),
            ("<meta charset=utf-8 http-equiv=content-type content='charset=iso-2022-jp'>", false),
            ("<meta name=description content='charset=iso-2022-jp'>", false),
        ] {
            assert_eq!(hides_markup(&Tag::new(meta.as_bytes())), hides, "{meta}");
        }
    }
}
