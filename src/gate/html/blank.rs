//! Is this text only white space? References count as what they stand for: `&#32;` is a space.

use super::tag::is_space;

/// Reads text in pieces and stops at what isn't white space.
#[derive(Debug, Default)]
pub(super) struct Blank {
    /// A reference that is still being read, and where it begins.
    reference: Option<(u64, Reference)>,
}

/// What was found, and where it begins in the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// A NUL: not white space, yet dropped inside `body`.
    Nul(u64),
    Ink(u64),
}

#[derive(Clone, Copy, Debug)]
enum Reference {
    Ampersand,
    Hash,
    HashX,
    Number { radix: u32, value: u32 },
    Name { rest: &'static [u8] },
}

/// Longer references (`&#000…032;`) are taken for ink, so that little is held back.
const LONGEST_REFERENCE: u64 = 32;

impl Blank {
    /// Where an unfinished reference begins.
    pub(super) fn pending(&self) -> Option<u64> {
        self.reference.map(|(start, _)| start)
    }

    /// The first thing in `text` that isn't white space, and how many bytes were read. `text` is at `at` in the page.
    pub(super) fn read(&mut self, text: &[u8], at: u64) -> Option<(Found, usize)> {
        for (index, (&byte, at)) in text.iter().zip(at..).enumerate() {
            if let Some((start, reference)) = self.reference {
                match reference.next(byte) {
                    Next::More(reference) if at - start < LONGEST_REFERENCE => {
                        self.reference = Some((start, reference));
                        continue;
                    }
                    Next::More(_) | Next::Ink => return Some((self.ink(start), index)),
                    Next::Space => {
                        self.reference = None;
                        continue;
                    }
                    Next::SpaceBefore => self.reference = None,
                }
            }
            match byte {
                b'&' => self.reference = Some((at, Reference::Ampersand)),
                0 => return Some((Found::Nul(at), index + 1)),
                _ if is_space(byte) => {}
                _ => return Some((self.ink(at), index + 1)),
            }
        }
        None
    }

    /// The text has ended. An unfinished reference is a space after all, or the ampersand is ink.
    pub(super) fn end(&mut self) -> Option<Found> {
        let (start, reference) = self.reference?;
        self.reference = None;
        (!reference.is_space()).then_some(Found::Ink(start))
    }

    fn ink(&mut self, start: u64) -> Found {
        self.reference = None;
        Found::Ink(start)
    }
}

enum Next {
    More(Reference),
    /// The byte ends a reference to white space.
    Space,
    /// The reference to white space ended before this byte.
    SpaceBefore,
    Ink,
}

impl Reference {
    fn next(self, byte: u8) -> Next {
        let digit = |radix| char::from(byte).to_digit(radix);
        match self {
            Reference::Ampersand => match byte {
                b'#' => Next::More(Reference::Hash),
                b'T' => Next::More(Reference::Name { rest: b"ab;" }),
                b'N' => Next::More(Reference::Name { rest: b"ewLine;" }),
                _ => Next::Ink,
            },
            Reference::Hash => match (byte, digit(10)) {
                (b'x' | b'X', _) => Next::More(Reference::HashX),
                (_, Some(value)) => Next::More(Reference::Number { radix: 10, value }),
                _ => Next::Ink,
            },
            Reference::HashX => match digit(16) {
                Some(value) => Next::More(Reference::Number { radix: 16, value }),
                None => Next::Ink,
            },
            Reference::Number { radix, value } => match (digit(radix), byte) {
                (Some(digit), _) => {
                    let value = value.saturating_mul(radix).saturating_add(digit);
                    Next::More(Reference::Number { radix, value })
                }
                _ if !self.is_space() => Next::Ink,
                (None, b';') => Next::Space,
                (None, _) => Next::SpaceBefore,
            },
            Reference::Name { rest } => match rest.split_first() {
                Some((first, [])) if *first == byte => Next::Space,
                Some((first, rest)) if *first == byte => Next::More(Reference::Name { rest }),
                _ => Next::Ink,
            },
        }
    }

    fn is_space(self) -> bool {
        matches!(self, Reference::Number { value, .. } if u8::try_from(value).is_ok_and(is_space))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(pieces: &[&str]) -> Option<Found> {
        let mut blank = Blank::default();
        let mut at = 0;
        for piece in pieces {
            if let Some((found, _)) = blank.read(piece.as_bytes(), at) {
                return Some(found);
            }
            at += piece.len() as u64;
        }
        blank.end()
    }

    #[test]
    fn references_count_as_what_they_stand_for() {
        use Found::{Ink, Nul};
        for (text, found) in [
            ("", None),
            (" \t\r\n\x0c", None),
            ("  x", Some(Ink(2))),
            (" \0x", Some(Nul(1))),
            ("\u{feff}", Some(Ink(0))),
            ("\x0b", Some(Ink(0))),
            (" &#32; &#x20;&#9;&#10&#x0C &#00013;", None),
            ("&#32", None),
            ("&#320", Some(Ink(0))),
            ("&#32x", Some(Ink(4))),
            ("&#32&#32;&#33;", Some(Ink(9))),
            ("&#4294967328;", Some(Ink(0))),
            ("&#0;", Some(Ink(0))),
            ("&Tab;&NewLine; ", None),
            (" &Tab", Some(Ink(1))),
            (" &tab;", Some(Ink(1))),
            (" &nbsp;", Some(Ink(1))),
            (" &", Some(Ink(1))),
            (" &#", Some(Ink(1))),
            (" &#x", Some(Ink(1))),
            (" &#x;", Some(Ink(1))),
            (" & ", Some(Ink(1))),
            (" && ", Some(Ink(1))),
        ] {
            assert_eq!(first(&[text]), found, "{text:?}");
            for cut in (0..text.len()).filter(|&cut| text.is_char_boundary(cut)) {
                let (a, b) = text.split_at(cut);
                assert_eq!(first(&[a, b]), found, "{a:?} {b:?}");
            }
        }
    }
}
