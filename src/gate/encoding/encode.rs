//! Puts a content coding on, as the page arrives.

use std::fmt;

use brotli::enc::{
    StandardAlloc,
    encode::{BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct},
};
use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use zstd::stream::raw::{CParameter, InBuffer, Operation, OutBuffer};

use super::{Coding, gzip};

// The levels are those that servers use for pages made on request: past them, time grows several times for a few percent of
// size. They are fixed, so the same page in the same chunks gives the same bytes.

/// zlib's own default, and what most servers send.
const DEFLATE_LEVEL: u32 = 6;

/// The level of most servers for pages made on request: smaller than `gzip` 6 in about its time.
const BROTLI_QUALITY: u32 = 4;

/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

/// How far back `br` and `zstd` may look, as a power of two: 512 KiB. Few pages are longer, and each page that is under way
/// keeps a window in memory: the defaults are 4 MiB and 2 MiB.
const WINDOW_LOG: u32 = 19;

const SCRATCH: usize = 8 * 1024;

/// Puts a [`Coding`] on a body that is made in chunks.
///
/// What [`push`](Self::push) gives back may be empty: codings work on blocks, and hold back what doesn't fill one.
/// [`flush`](Self::flush) gets it out, so that a page that arrives in pieces leaves in pieces. A flush costs a few bytes and
/// some of the coding's memory of symbols, so flush when the page pauses (the body it comes from is pending), not after each
/// chunk: a page that is ready as a whole is then coded as a whole.
pub(crate) struct Encoder {
    coding: Coding,
    /// Made with the first byte: `br` and `zstd` take a megabyte.
    codec: Option<Codec>,
    /// Whether something was pushed since the last flush.
    is_holding_back: bool,
    scratch: Vec<u8>,
}

impl Encoder {
    /// An encoder for one body.
    pub(crate) fn new(coding: Coding) -> Self {
        Self { coding, codec: None, is_holding_back: false, scratch: Vec::new() }
    }

    /// Takes a piece of the page, and gives back what can leave, often nothing. All of it is coded before the call returns: what
    /// comes out is about as long as what went in at most.
    pub(crate) fn push(&mut self, page: &[u8]) -> Result<Bytes, EncodeError> {
        if page.is_empty() {
            return Ok(Bytes::new());
        }
        self.is_holding_back = true;
        self.run(page, Goal::Take)
    }

    /// Gives back all that is held back: what has left can then be decoded up to the last byte pushed. Empty, and free, when
    /// nothing was pushed since the last time.
    pub(crate) fn flush(&mut self) -> Result<Bytes, EncodeError> {
        if !self.is_holding_back {
            return Ok(Bytes::new());
        }
        self.is_holding_back = false;
        self.run(&[], Goal::Flush)
    }

    /// Ends the body: the last bytes, which are never none. An empty page has them too.
    pub(crate) fn finish(mut self) -> Result<Bytes, EncodeError> {
        self.run(&[], Goal::Finish)
    }

    fn run(&mut self, mut input: &[u8], goal: Goal) -> Result<Bytes, EncodeError> {
        let fail = |cause| EncodeError { coding: self.coding, cause };
        let mut output = Vec::new();
        let codec = match &mut self.codec {
            Some(codec) => codec,
            None => {
                self.scratch.resize(SCRATCH, 0);
                if self.coding == Coding::Gzip {
                    output.extend_from_slice(&gzip::HEADER);
                }
                self.codec.insert(Codec::new(self.coding).map_err(fail)?)
            }
        };
        if let Codec::Gzip(_, crc) = codec {
            crc.update(input);
        }
        loop {
            let step = codec.step(input, &mut self.scratch, goal).map_err(fail)?;
            output.extend_from_slice(self.scratch.get(..step.written).unwrap_or_default());
            input = input.get(step.read..).unwrap_or_default();
            if step.is_done {
                break;
            }
            if step.read == 0 && step.written == 0 {
                return Err(fail("the encoder does not go on".to_owned()));
            }
        }
        if let (Codec::Gzip(_, crc), Goal::Finish) = (codec, goal) {
            output.extend_from_slice(&gzip::trailer(crc));
        }
        Ok(output.into())
    }
}

/// A page that could not be encoded. It has no cause in the page: memory ran out, or a codec is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncodeError {
    coding: Coding,
    cause: String,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { coding, cause } = self;
        write!(f, "the page can't be encoded as {coding}: {cause}")
    }
}

impl std::error::Error for EncodeError {}

/// What a call of a codec is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// Take the input.
    Take,
    /// Get out what is held back.
    Flush,
    /// End the format.
    Finish,
}

/// What one call of a codec did.
struct Step {
    read: usize,
    written: usize,
    /// Whether the goal is reached.
    is_done: bool,
}

enum Codec {
    Gzip(Compress, Crc),
    Brotli(Box<BrotliEncoderStateStruct<StandardAlloc>>),
    Zstd(zstd::stream::raw::Encoder<'static>),
    Deflate(Compress),
}

impl Codec {
    fn new(coding: Coding) -> Result<Self, String> {
        Ok(match coding {
            Coding::Gzip => {
                Self::Gzip(Compress::new(Compression::new(DEFLATE_LEVEL), false), Crc::new())
            }
            Coding::Brotli => {
                let mut state = BrotliEncoderStateStruct::new(StandardAlloc::default());
                for (parameter, value) in [
                    (BrotliEncoderParameter::BROTLI_PARAM_QUALITY, BROTLI_QUALITY),
                    (BrotliEncoderParameter::BROTLI_PARAM_LGWIN, WINDOW_LOG),
                ] {
                    if !state.set_parameter(parameter, value) {
                        return Err("a setting was refused".to_owned());
                    }
                }
                Self::Brotli(Box::new(state))
            }
            Coding::Zstd => {
                let mut context = zstd::stream::raw::Encoder::new(ZSTD_LEVEL)
                    .map_err(|error| error.to_string())?;
                context
                    .set_parameter(CParameter::WindowLog(WINDOW_LOG))
                    .map_err(|error| error.to_string())?;
                Self::Zstd(context)
            }
            Coding::Deflate => Self::Deflate(Compress::new(Compression::new(DEFLATE_LEVEL), true)),
        })
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], goal: Goal) -> Result<Step, String> {
        match self {
            Self::Gzip(compress, _) | Self::Deflate(compress) => {
                deflate(compress, input, output, goal)
            }
            Self::Brotli(state) => brotli(state, input, output, goal),
            Self::Zstd(context) => zstd(context, input, output, goal),
        }
    }
}

fn deflate(
    compress: &mut Compress,
    input: &[u8],
    output: &mut [u8],
    goal: Goal,
) -> Result<Step, String> {
    let (read_before, written_before) = (compress.total_in(), compress.total_out());
    let flush = match goal {
        Goal::Take => FlushCompress::None,
        Goal::Flush => FlushCompress::Sync,
        Goal::Finish => FlushCompress::Finish,
    };
    let status = compress.compress(input, output, flush).map_err(|error| error.to_string())?;
    // Both fit: they are no more than the buffers' lengths.
    let read = (compress.total_in() - read_before) as usize;
    let written = (compress.total_out() - written_before) as usize;
    let is_done = match goal {
        // As zlib has it: while the output gets full, there may be more.
        Goal::Take | Goal::Flush => read == input.len() && written < output.len(),
        Goal::Finish => status == Status::StreamEnd,
    };
    Ok(Step { read, written, is_done })
}

fn brotli(
    state: &mut BrotliEncoderStateStruct<StandardAlloc>,
    input: &[u8],
    output: &mut [u8],
    goal: Goal,
) -> Result<Step, String> {
    let operation = match goal {
        Goal::Take => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
        Goal::Flush => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
        Goal::Finish => BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
    };
    let (mut read, mut written) = (0, 0);
    let is_fine = state.compress_stream(
        operation,
        &mut input.len(),
        input,
        &mut read,
        &mut output.len(),
        output,
        &mut written,
        &mut None,
        &mut |_, _, _, _| (),
    );
    if !is_fine {
        return Err("the encoder refused the call".to_owned());
    }
    let is_done = match goal {
        Goal::Take | Goal::Flush => read == input.len() && !state.has_more_output(),
        Goal::Finish => state.is_finished(),
    };
    Ok(Step { read, written, is_done })
}

fn zstd(
    context: &mut zstd::stream::raw::Encoder<'_>,
    input: &[u8],
    output: &mut [u8],
    goal: Goal,
) -> Result<Step, String> {
    let mut input = InBuffer::around(input);
    let mut output = OutBuffer::around(output);
    let left = match goal {
        Goal::Take => {
            context.run(&mut input, &mut output).map_err(|error| error.to_string())?;
            input.src.len() - input.pos()
        }
        Goal::Flush => context.flush(&mut output).map_err(|error| error.to_string())?,
        Goal::Finish => context.finish(&mut output, true).map_err(|error| error.to_string())?,
    };
    Ok(Step { read: input.pos(), written: output.pos(), is_done: left == 0 })
}
