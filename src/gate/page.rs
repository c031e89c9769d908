//! Which answers are pages: documents that a visitor looks at, and that a banner can go into.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response};

use super::headers::split_list;

static SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Whether this header is set by scripts that put what they fetch into a page which is already there.
pub(crate) fn is_of_fragment(name: &str) -> bool {
    matches!(
        name,
        "hx-request"
            | "turbo-frame"
            | "x-requested-with"
            | "x-pjax"
            | "x-up-version"
            | "x-livewire"
    )
}

/// What `Sec-Fetch-Dest` calls pages in other pages.
const FRAMES: [&str; 5] = ["iframe", "frame", "embed", "object", "fencedframe"];

/// What the request is for, as far as it says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A page of its own: the browser says so, or asks for HTML first.
    Document,
    /// It doesn't say; a page where the answer is one.
    Unknown,
    /// A frame or a fragment, HTML that goes into another page: gated, and never a place for a banner
    /// (H7).
    Piece,
    /// A script, an image, data: not likely to be HTML at all.
    Other,
}

impl Target {
    /// `is_fragment` says that a header [is of a fragment](is_of_fragment).
    pub(crate) fn of(headers: &HeaderMap, is_fragment: bool) -> Self {
        let accepts_html = || {
            let accept = headers.get(header::ACCEPT).map(HeaderValue::as_bytes);
            accept.is_some_and(|accept| {
                let is_long_enough = accept.len() >= b"text/html".len();
                is_long_enough && memchr::memmem::find(accept, b"text/html").is_some()
            })
        };
        if let Some(destination) = headers.get(&SEC_FETCH_DEST) {
            // A service worker that passes a navigation on hides what it is for: a page or a frame.
            // <https://github.com/w3c/ServiceWorker/issues/1803>
            let is_navigation = || headers.get(&SEC_FETCH_MODE).is_some_and(|m| m == "navigate");
            let is_page = destination == "document" || (destination == "empty" && is_navigation());
            if is_page {
                return Self::Document;
            }
            let is_frame = FRAMES.iter().any(|frame| destination == frame);
            return if is_frame || is_fragment || accepts_html() {
                Self::Piece
            } else {
                Self::Other
            };
        }
        if is_fragment {
            return Self::Piece;
        }
        match headers.get(header::ACCEPT) {
            Some(_) if accepts_html() => Self::Document,
            Some(accept) if accept != "*/*" => Self::Other,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn could_be_document(self) -> bool {
        matches!(self, Self::Document | Self::Unknown)
    }

    pub(crate) fn could_be_html(self) -> bool {
        self != Self::Other
    }
}

/// What an answer is by its head (H8), whatever coding its body comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An HTML page that can be read and changed.
    Html,
    /// One that browsers show and that can't be read here: in UTF-16 and the like, or a part of one.
    UnreadableHtml,
    /// Anything else, and what has no body.
    Other,
}

pub(crate) fn kind(parts: &response::Parts) -> Kind {
    let has_page = !parts.status.is_informational()
        && !matches!(
            parts.status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        );
    let is_attachment = || {
        let disposition = parts.headers.get(header::CONTENT_DISPOSITION);
        disposition.is_some_and(|value| {
            value.as_bytes().get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"attachment"))
        })
    };
    let kind = last_type(&parts.headers).map_or(Kind::Other, html_kind);
    if kind == Kind::Other || !has_page || is_attachment() {
        return Kind::Other;
    }
    if parts.status == StatusCode::PARTIAL_CONTENT { Kind::UnreadableHtml } else { kind }
}

/// The last of several types counts that is one at all.
/// <https://fetch.spec.whatwg.org/#concept-header-extract-mime-type>
fn last_type(headers: &HeaderMap) -> Option<&[u8]> {
    let is_type = |kind: &&str| kind.contains('/') && !kind.starts_with("*/*");
    headers.get_all(header::CONTENT_TYPE).iter().rev().find_map(|line| match line.to_str() {
        Ok(types) => split_list(types).filter(is_type).last().map(str::as_bytes),
        Err(_) => Some(line.as_bytes().trim_ascii()),
    })
}

/// `text/html` by essence, and whether its charset is one that ASCII bytes can be written into.
fn html_kind(content_type: &[u8]) -> Kind {
    // Most answers are told by their first bytes.
    if !content_type.get(..9).is_some_and(|head| head.eq_ignore_ascii_case(b"text/html")) {
        return Kind::Other;
    }
    let Some(content_type) = std::str::from_utf8(content_type).ok().filter(|kind| kind.is_ascii())
    else {
        return Kind::UnreadableHtml;
    };
    let mut fields = content_type.split(';').map(str::trim);
    if !fields.next().is_some_and(|essence| essence.eq_ignore_ascii_case("text/html")) {
        return Kind::Other;
    }
    let charset = fields.find_map(|field| {
        let (name, value) = field.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    let is_wide = charset.is_some_and(|charset| {
        let charset = charset.to_ascii_lowercase();
        WIDE_PREFIXES.iter().any(|prefix| charset.starts_with(prefix))
            || WIDE_LABELS.contains(&charset.as_str())
    });
    if is_wide { Kind::UnreadableHtml } else { Kind::Html }
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
        use Kind::{Html, Other, UnreadableHtml};
        for (content_type, expected) in [
            ("text/html", Html),
            ("TEXT/HTML; Charset=UTF-8", Html),
            ("text/html;charset=\"windows-1251\"", Html),
            ("text/html; charset=shift_jis", Html),
            ("text/html; charset=unicode-1-1-utf-8", Html),
            ("text/html; charset=utf-16le", UnreadableHtml),
            ("text/html; charset=\"UTF-16\"", UnreadableHtml),
            ("text/html; charset=iso-2022-jp", UnreadableHtml),
            ("text/htmlx", Other),
            ("text/plain", Other),
            ("application/xhtml+xml", Other),
            ("text/event-stream", Other),
        ] {
            assert_eq!(html_kind(content_type.as_bytes()), expected, "{content_type}");
        }
    }
}
