//! The content codings a page can come in: bytes in, bytes out.
//!
//! Only what a compressed page needs lives here: which coding it has ([`Coding`]), taking it off ([`decode::Decoder`]), putting
//! it back on ([`encode::Encoder`]), and keeping the app from using one that can't be taken off ([`accept::restrict`]).
//! Nothing here knows of HTTP bodies, of consent or of HTML.
//!
//! ```text
//! chunk ─▶ Decoder::feed ─▶ Decoder::pull (≤ 32 KiB each) ─▶ the page is changed ─▶ Encoder::push ─▶ chunk
//!          Decoder::end                                         inner body pending ─▶ Encoder::flush ─▶ chunk
//!                                                                 inner body ended ─▶ Encoder::finish ─▶ chunk
//! ```

pub(crate) mod accept;
pub(crate) mod decode;
mod decoders;
pub(crate) mod encode;
mod gzip;

use std::fmt;

use http::HeaderValue;

/// A content coding (RFC 9110, section 8.4.1) that can be taken off a page and put back on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// `gzip` or `x-gzip`, RFC 1952.
    Gzip,
    /// `br`, RFC 7932.
    Brotli,
    /// `zstd`, RFC 8878, with the window that RFC 9659 allows.
    Zstd,
    /// `deflate`: the zlib format, RFC 1950. Raw deflate (RFC 1951), which some servers send by mistake, is understood too.
    Deflate,
}

impl Coding {
    /// Reads all `Content-Encoding` lines of a response: `None` when the body is plain.
    ///
    /// # Errors
    ///
    /// When there is more than one coding, or one that is not known here. `identity` and empty items don't count.
    pub(crate) fn parse<'a>(
        lines: impl IntoIterator<Item = &'a HeaderValue>,
    ) -> Result<Option<Self>, UnsupportedCoding> {
        let mut found = None;
        for line in lines {
            for token in line.as_bytes().split(|&byte| byte == b',') {
                let token = token.trim_ascii();
                if token.is_empty() || token.eq_ignore_ascii_case(b"identity") {
                    continue;
                }
                let Some(coding) = Self::from_token(token) else {
                    let token = String::from_utf8_lossy(token).into_owned();
                    return Err(UnsupportedCoding::Unknown(token));
                };
                if found.replace(coding).is_some() {
                    return Err(UnsupportedCoding::Stacked);
                }
            }
        }
        Ok(found)
    }

    fn from_token(token: &[u8]) -> Option<Self> {
        const TOKENS: [(&[u8], Coding); 5] = [
            (b"gzip", Coding::Gzip),
            (b"x-gzip", Coding::Gzip),
            (b"br", Coding::Brotli),
            (b"zstd", Coding::Zstd),
            (b"deflate", Coding::Deflate),
        ];
        TOKENS.iter().find(|(name, _)| token.eq_ignore_ascii_case(name)).map(|&(_, coding)| coding)
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        })
    }
}

/// A `Content-Encoding` that can't be taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnsupportedCoding {
    /// A coding that is not one of [`Coding`].
    Unknown(String),
    /// Several codings, one over the other.
    Stacked,
}

impl fmt::Display for UnsupportedCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(token) => write!(
                f,
                "the page comes in the content coding {token:?}, which can't be decoded; \
                 send it plain or as gzip, br, zstd or deflate"
            ),
            Self::Stacked => f.write_str(
                "the page comes in several content codings at once; send it plain or in one",
            ),
        }
    }
}

impl std::error::Error for UnsupportedCoding {}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod header_tests {
    use super::*;

    fn parse(lines: &[&'static str]) -> Result<Option<Coding>, UnsupportedCoding> {
        let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
        Coding::parse(&lines)
    }

    #[test]
    fn reads_content_encoding() {
        for (lines, expected) in [
            (&[][..], None),
            (&[""], None),
            (&["identity"], None),
            (&["Identity, ,"], None),
            (&["gzip"], Some(Coding::Gzip)),
            (&["X-GZip"], Some(Coding::Gzip)),
            (&[" br "], Some(Coding::Brotli)),
            (&["zstd"], Some(Coding::Zstd)),
            (&["deflate"], Some(Coding::Deflate)),
            (&["identity", "gzip"], Some(Coding::Gzip)),
        ] {
            assert_eq!(parse(lines), Ok(expected), "{lines:?}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_decode() {
        for token in ["dcb", "dcz", "compress", "gzip;q=1", "gz", "*"] {
            assert_eq!(parse(&[token]), Err(UnsupportedCoding::Unknown(token.into())));
        }
        assert_eq!(parse(&["gzip, br"]), Err(UnsupportedCoding::Stacked));
        assert_eq!(parse(&["gzip", "gzip"]), Err(UnsupportedCoding::Stacked));
        let bytes = [HeaderValue::from_bytes(b"\xff").unwrap()];
        assert!(Coding::parse(&bytes).is_err());
    }
}
