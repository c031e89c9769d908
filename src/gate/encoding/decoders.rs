//! The decoders of the four codings behind one shape: from a slice into a slice, as far as either goes.

use std::fmt;

use brotli::{BrotliDecompressStream, BrotliResult, enc::StandardAlloc};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Operation};

use super::{
    Coding,
    gzip::{self, HeaderError, HeaderReader},
};

/// The largest window that a `zstd` page may ask for, as a power of two: 8 MiB, all that RFC 9659 lets a page use.
const ZSTD_WINDOW_LOG: u32 = 23;

/// The decoder of one body.
pub(super) enum Codec {
    Gzip(GzipDecoder),
    Brotli(Box<BrotliDecoder>),
    Zstd(ZstdDecoder),
    Deflate(DeflateDecoder),
}

impl Codec {
    pub(super) fn new(coding: Coding) -> Result<Self, Fault> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(GzipDecoder::new()),
            Coding::Brotli => Self::Brotli(Box::new(BrotliDecoder::new())),
            Coding::Zstd => Self::Zstd(ZstdDecoder::new()?),
            Coding::Deflate => Self::Deflate(DeflateDecoder::Unknown(None)),
        })
    }

    /// Decodes from `input` into `output` until one of them is used up, or a part of the format ends.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
        match self {
            Self::Gzip(codec) => codec.step(input, output),
            Self::Brotli(codec) => codec.step(input, output),
            Self::Zstd(codec) => codec.step(input, output),
            Self::Deflate(codec) => codec.step(input, output),
        }
    }

    pub(super) fn place(&self) -> Place {
        match self {
            Self::Gzip(codec) => codec.place(),
            Self::Brotli(codec) => codec.place,
            Self::Zstd(codec) => codec.place,
            Self::Deflate(codec) => codec.place(),
        }
    }
}

/// What one call of a codec did.
pub(super) struct Step {
    pub(super) read: usize,
    pub(super) written: usize,
    /// Whether a part of the format ended here.
    turned: bool,
}

impl Step {
    pub(super) fn is_stalled(&self) -> bool {
        self.read == 0 && self.written == 0 && !self.turned
    }
}

/// Where in its format a codec is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// More must come.
    Inside,
    /// The page may end here, or more may come: another member (`gzip`) or frame (`zstd`).
    Between,
    /// Nothing may come.
    Over,
}

/// How a body can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It breaks the rules of its format.
    Corrupt(String),
    /// It ends before its format does.
    Truncated,
    /// Its format ends before it does.
    TrailingData,
}

impl Fault {
    pub(super) fn corrupt(cause: impl fmt::Display) -> Self {
        Self::Corrupt(cause.to_string())
    }
}

/// One member after another, each a header, deflate and a trailer.
pub(super) struct GzipDecoder {
    part: GzipPart,
    inflate: Decompress,
    crc: Crc,
    is_first_member: bool,
}

enum GzipPart {
    Header(HeaderReader),
    Body,
    Trailer(Vec<u8>),
}

impl GzipDecoder {
    fn new() -> Self {
        Self {
            part: GzipPart::Header(HeaderReader::default()),
            inflate: Decompress::new(false),
            crc: Crc::new(),
            is_first_member: true,
        }
    }

    fn place(&self) -> Place {
        match &self.part {
            GzipPart::Header(header) if header.is_fresh() && !self.is_first_member => {
                Place::Between
            }
            _ => Place::Inside,
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
        match &mut self.part {
            GzipPart::Header(header) => {
                let mut read = 0;
                for &byte in input {
                    read += 1;
                    let is_last = header.push(byte).map_err(|error| match error {
                        HeaderError::NotGzip if self.is_first_member => {
                            Fault::corrupt("it does not start as gzip does")
                        }
                        HeaderError::NotGzip => Fault::TrailingData,
                        HeaderError::Undefined => {
                            Fault::corrupt("its header asks for an unknown method or flag")
                        }
                    })?;
                    if is_last {
                        self.part = GzipPart::Body;
                        break;
                    }
                }
                Ok(Step { read, written: 0, turned: false })
            }
            GzipPart::Body => {
                let step = inflate(&mut self.inflate, input, output)?;
                self.crc.update(output.get(..step.written).unwrap_or_default());
                if step.turned {
                    self.part = GzipPart::Trailer(Vec::with_capacity(8));
                }
                Ok(step)
            }
            GzipPart::Trailer(trailer) => {
                let missing = 8_usize.saturating_sub(trailer.len());
                let taken = input.get(..missing).unwrap_or(input);
                trailer.extend_from_slice(taken);
                let read = taken.len();
                if trailer.len() == 8 {
                    if *trailer != gzip::trailer(&self.crc) {
                        return Err(Fault::corrupt("its checksum or length differs"));
                    }
                    self.part = GzipPart::Header(HeaderReader::default());
                    self.is_first_member = false;
                    self.inflate.reset(false);
                    self.crc.reset();
                }
                Ok(Step { read, written: 0, turned: false })
            }
        }
    }
}

/// zlib or raw deflate: the first two bytes tell.
pub(super) enum DeflateDecoder {
    /// Not known yet, and the first byte if it came alone.
    Unknown(Option<u8>),
    Known(Decompress),
    Over,
}

impl DeflateDecoder {
    fn place(&self) -> Place {
        match self {
            Self::Unknown(_) | Self::Known(_) => Place::Inside,
            Self::Over => Place::Over,
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
        match self {
            Self::Unknown(first) => {
                let (known, read) = match (*first, input) {
                    (Some(first), &[second, ..]) => {
                        let mut known = Decompress::new(is_zlib_header(first, second));
                        // Replayed. Neither format gives anything out after one byte.
                        inflate(&mut known, &[first], output)?;
                        (Self::Known(known), 0)
                    }
                    (None, &[first, second, ..]) => {
                        let known = Decompress::new(is_zlib_header(first, second));
                        (Self::Known(known), 0)
                    }
                    (None, &[first]) => (Self::Unknown(Some(first)), 1),
                    (first, []) => (Self::Unknown(first), 0),
                };
                *self = known;
                Ok(Step { read, written: 0, turned: true })
            }
            Self::Known(known) => {
                let step = inflate(known, input, output)?;
                if step.turned {
                    *self = Self::Over;
                }
                Ok(step)
            }
            Self::Over => Err(Fault::TrailingData),
        }
    }
}

/// Whether a body starts as RFC 1950 says: the method is deflate, and the two bytes are a multiple of 31. Raw deflate never
/// does: it would be a stored block with a bit set in the padding.
fn is_zlib_header(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

fn inflate(inflate: &mut Decompress, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
    let (read_before, written_before) = (inflate.total_in(), inflate.total_out());
    let status =
        inflate.decompress(input, output, FlushDecompress::None).map_err(Fault::corrupt)?;
    Ok(Step {
        // Both fit: they are no more than the buffers' lengths.
        read: (inflate.total_in() - read_before) as usize,
        written: (inflate.total_out() - written_before) as usize,
        turned: status == Status::StreamEnd,
    })
}

type BrotliState = brotli::BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

pub(super) struct BrotliDecoder {
    state: BrotliState,
    place: Place,
}

impl BrotliDecoder {
    fn new() -> Self {
        Self {
            // Strict: without the windows of up to 1 GiB that are not in RFC 7932.
            state: BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ),
            place: Place::Inside,
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
        let (mut read, mut written) = (0, 0);
        let result = BrotliDecompressStream(
            &mut input.len(),
            &mut read,
            input,
            &mut output.len(),
            &mut written,
            output,
            &mut 0,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultSuccess => self.place = Place::Over,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultFailure => {
                return Err(Fault::corrupt(format_args!("{:?}", self.state.error_code)));
            }
        }
        Ok(Step { read, written, turned: self.place == Place::Over })
    }
}

pub(super) struct ZstdDecoder {
    context: zstd::stream::raw::Decoder<'static>,
    place: Place,
}

impl ZstdDecoder {
    fn new() -> Result<Self, Fault> {
        let mut context = zstd::stream::raw::Decoder::new().map_err(Fault::corrupt)?;
        context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG)).map_err(Fault::corrupt)?;
        Ok(Self { context, place: Place::Inside })
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
        let status = self.context.run_on_buffers(input, output).map_err(Fault::corrupt)?;
        self.place = match status.remaining {
            0 => Place::Between,
            _ => Place::Inside,
        };
        Ok(Step { read: status.bytes_read, written: status.bytes_written, turned: false })
    }
}
