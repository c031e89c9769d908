//! Which answers are pages: documents that a visitor looks at, and that a banner can go into.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response};

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Set by scripts that put what they fetch into a page which is already there.
const FRAGMENT_HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("hx-request"),
    HeaderName::from_static("turbo-frame"),
    HeaderName::from_static("x-requested-with"),
    HeaderName::from_static("x-pjax"),
    HeaderName::from_static("x-up-version"),
    HeaderName::from_static("x-livewire"),
];

/// What the request is for, as far as it says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A page of its own: the browser says so, or asks for HTML first.
    Document,
    /// It doesn't say; a page where the answer is one.
    Unknown,
    /// A fragment, a frame, an image: never a place for a banner (H7).
    Part,
}

impl Target {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if let Some(destination) = headers.get(SEC_FETCH_DEST) {
            // A service worker that passes a navigation on hides what it is for: a page or a frame.
            // <https://github.com/w3c/ServiceWorker/issues/1803>
            let is_navigation = || headers.get(SEC_FETCH_MODE).is_some_and(|m| m == "navigate");
            let is_page = destination == "document" || (destination == "empty" && is_navigation());
            return if is_page { Self::Document } else { Self::Part };
        }
        if FRAGMENT_HEADERS.iter().any(|name| headers.contains_key(name)) {
            return Self::Part;
        }
        match headers.get(header::ACCEPT) {
            Some(accept) if memchr::memmem::find(accept.as_bytes(), b"text/html").is_some() => {
                Self::Document
            }
            Some(accept) if accept != "*/*" => Self::Part,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn could_be_document(self) -> bool {
        self != Self::Part
    }
}

/// Whether an answer is an HTML page by its head (H8), whatever coding its body comes in.
pub(crate) fn is_html_page(parts: &response::Parts) -> bool {
    let has_page = !parts.status.is_informational()
        && !matches!(
            parts.status,
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        );
    let is_attachment = || {
        let disposition = parts.headers.get(header::CONTENT_DISPOSITION);
        disposition.is_some_and(|value| {
            value.as_bytes().get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"attachment"))
        })
    };
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    has_page && content_type.is_some_and(is_html) && !is_attachment()
}

/// `text/html` by essence, in a charset that ASCII bytes can be written into.
fn is_html(content_type: &HeaderValue) -> bool {
    // Most answers are told by their first bytes.
    if !content_type
        .as_bytes()
        .trim_ascii_start()
        .get(..9)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"text/html"))
    {
        return false;
    }
    let Ok(content_type) = content_type.to_str() else { return false };
    let mut fields = content_type.split(';').map(str::trim);
    if !fields.next().is_some_and(|essence| essence.eq_ignore_ascii_case("text/html")) {
        return false;
    }
    let charset = fields.find_map(|field| {
        let (name, value) = field.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    charset.is_none_or(|charset| {
        let charset = charset.to_ascii_lowercase();
        let is_wide = WIDE_PREFIXES.iter().any(|prefix| charset.starts_with(prefix));
        !is_wide && !WIDE_LABELS.contains(&charset.as_str())
    })
}

/// Charsets in which ASCII bytes don't mean ASCII, or not always: by the beginnings and the whole
/// of their labels (WHATWG Encoding, 4.2).
const WIDE_PREFIXES: [&str; 4] = ["utf-16", "utf-32", "iso-2022", "csiso2022"];
const WIDE_LABELS: [&str; 8] = [
    "csunicode",
    "hz-gb-2312",
    "iso-10646-ucs-2",
    "ucs-2",
    "unicode",
    "unicodefeff",
    "unicodefffe",
    "utf-7",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h8_html_by_exact_essence_in_an_ascii_compatible_charset() {
        for (content_type, expected) in [
            ("text/html", true),
            ("TEXT/HTML; Charset=UTF-8", true),
            ("text/html;charset=\"windows-1251\"", true),
            ("text/html; charset=shift_jis", true),
            ("text/html; charset=unicode-1-1-utf-8", true),
            ("text/html; charset=utf-16le", false),
            ("text/html; charset=\"UTF-16\"", false),
            ("text/html; charset=iso-2022-jp", false),
            ("text/htmlx", false),
            ("text/plain", false),
            ("application/xhtml+xml", false),
            ("text/event-stream", false),
        ] {
            assert_eq!(
                is_html(&HeaderValue::from_static(content_type)),
                expected,
                "{content_type}"
            );
        }
    }
}
