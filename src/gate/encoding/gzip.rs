//! What gzip (RFC 1952) puts around deflate: a header and a trailer.
//!
//! `flate2` has both only behind `std::io`, where a reader must wait for more or a writer must take all that comes out. A page
//! can do neither.

use flate2::Crc;

/// The header that is sent: no name, no time, so the same page gives the same bytes.
pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, METHOD_DEFLATE, 0, 0, 0, 0, 0, 0, OS_UNKNOWN];

const METHOD_DEFLATE: u8 = 8;
const OS_UNKNOWN: u8 = 255;

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0b1110_0000;

/// The trailer of what `crc` has seen: its checksum and its length.
pub(super) fn trailer(crc: &Crc) -> [u8; 8] {
    let [a, b, c, d] = crc.sum().to_le_bytes();
    let [e, f, g, h] = crc.amount().to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// Reads a member's header byte by byte and keeps nothing of it: a long name costs no memory.
#[derive(Debug, Default)]
pub(super) struct HeaderReader {
    flags: u8,
    field: Field,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    /// The ten bytes that are always there; so many have been read.
    Fixed(u8),
    /// The low byte of the length of the extra field comes next.
    ExtraLengthLow,
    /// The high byte does.
    ExtraLengthHigh(u8),
    /// So many bytes of the extra field are left.
    Extra(u16),
    Name,
    Comment,
    /// So many bytes of the header's checksum are left. It protects nothing of the page, so it isn't checked.
    HeaderCrc(u8),
    Done,
}

impl Default for Field {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

/// How a header can be wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// It is none: the first two bytes are others.
    NotGzip,
    /// It asks for what RFC 1952 does not define.
    Undefined,
}

impl HeaderReader {
    /// Whether no byte has been read yet.
    pub(super) fn is_fresh(&self) -> bool {
        matches!(self.field, Field::Fixed(0))
    }

    /// Takes the next byte; `true` when it was the header's last.
    pub(super) fn push(&mut self, byte: u8) -> Result<bool, HeaderError> {
        self.field = match self.field {
            Field::Fixed(at) => {
                match (at, byte) {
                    (0, 0x1f) | (1, 0x8b) | (2, METHOD_DEFLATE) => {}
                    (0 | 1, _) => return Err(HeaderError::NotGzip),
                    (2, _) => return Err(HeaderError::Undefined),
                    (3, flags) if flags & FLAGS_RESERVED != 0 => {
                        return Err(HeaderError::Undefined);
                    }
                    (3, flags) => self.flags = flags,
                    _ => {}
                }
                match at {
                    9 => self.field_after_fixed(),
                    _ => Field::Fixed(at + 1),
                }
            }
            Field::ExtraLengthLow => Field::ExtraLengthHigh(byte),
            Field::ExtraLengthHigh(low) => match u16::from_le_bytes([low, byte]) {
                0 => self.field_after_extra(),
                length => Field::Extra(length),
            },
            Field::Extra(1) => self.field_after_extra(),
            Field::Extra(left) => Field::Extra(left.saturating_sub(1)),
            Field::Name if byte == 0 => self.field_after_name(),
            Field::Comment if byte == 0 => self.field_after_comment(),
            Field::HeaderCrc(2) => Field::HeaderCrc(1),
            Field::HeaderCrc(_) => Field::Done,
            field @ (Field::Name | Field::Comment | Field::Done) => field,
        };
        Ok(matches!(self.field, Field::Done))
    }

    fn field_after_fixed(&self) -> Field {
        match self.flags & FLAG_EXTRA {
            0 => self.field_after_extra(),
            _ => Field::ExtraLengthLow,
        }
    }

    fn field_after_extra(&self) -> Field {
        match self.flags & FLAG_NAME {
            0 => self.field_after_name(),
            _ => Field::Name,
        }
    }

    fn field_after_name(&self) -> Field {
        match self.flags & FLAG_COMMENT {
            0 => self.field_after_comment(),
            _ => Field::Comment,
        }
    }

    fn field_after_comment(&self) -> Field {
        match self.flags & FLAG_HEADER_CRC {
            0 => Field::Done,
            _ => Field::HeaderCrc(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes of `input` the header takes.
    fn length(input: &[u8]) -> Result<Option<usize>, HeaderError> {
        let mut reader = HeaderReader::default();
        for (index, &byte) in input.iter().enumerate() {
            if reader.push(byte)? {
                return Ok(Some(index + 1));
            }
        }
        Ok(None)
    }

    #[test]
    fn finds_the_end_of_headers_with_any_fields() {
        for flags in 0..=0b0001_1111_u8 {
            let mut header = HEADER.to_vec();
            header[3] = flags;
            for (flag, field) in [
                (FLAG_EXTRA, &b"\x03\x00a\0b"[..]),
                (FLAG_NAME, b"page.html\0"),
                (FLAG_COMMENT, b"\0"),
                (FLAG_HEADER_CRC, b"\0\0"),
            ] {
                if flags & flag != 0 {
                    header.extend_from_slice(field);
                }
            }
            let end = header.len();
            for cut in 0..end {
                assert_eq!(length(&header[..cut]), Ok(None), "{flags:b} {cut}");
            }
            header.extend_from_slice(b"deflate");
            assert_eq!(length(&header), Ok(Some(end)), "{flags:b}");
        }
    }

    #[test]
    fn an_empty_extra_field_is_no_field() {
        assert_eq!(length(b"\x1f\x8b\x08\x04\0\0\0\0\0\x03\0\0rest"), Ok(Some(12)));
    }

    #[test]
    fn refuses_other_formats() {
        assert_eq!(length(b"<html>"), Err(HeaderError::NotGzip));
        assert_eq!(length(b"\x1f\x9d\x90"), Err(HeaderError::NotGzip));
        assert_eq!(length(b"\x1f\x8b\x07"), Err(HeaderError::Undefined));
        assert_eq!(length(b"\x1f\x8b\x08\x20"), Err(HeaderError::Undefined));
    }
}
