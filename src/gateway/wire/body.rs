//! Bodies as they are framed on the wire: where they end, and what of the bytes that have arrived belongs to them.

use crate::gateway::wire::head::{self, Framing, Malformed};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use httparse::Status;
use memchr::memmem;

/// The longest line that gives a chunk's size, extensions included.
const LINE: usize = 256;
/// The largest trailer section.
const TRAILERS: usize = 16 * 1024;

/// Finds the end of one body.
#[derive(Debug)]
pub(in crate::gateway) enum Decoder {
    /// So many bytes are left.
    Length(u64),
    /// Chunks.
    Chunked(Chunk),
    /// All until the connection ends.
    Close,
    /// Nothing is left.
    Done,
}

/// Where in a chunked body we are.
#[derive(Debug)]
pub(in crate::gateway) enum Chunk {
    /// Before a size.
    Size,
    /// Within a chunk's data: so many bytes are left of it.
    Data(u64),
    /// After a chunk's data.
    End,
    /// After the last chunk.
    Trailers,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Found {
    /// Bytes of the body.
    Data(Bytes),
    /// The fields after it.
    Trailers(HeaderMap),
    /// Its end.
    End,
    /// Nothing yet.
    More,
}

impl Decoder {
    /// For a body that is framed like this.
    pub(in crate::gateway) fn new(framing: Framing) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunk::Size),
            Framing::Close => Self::Close,
        }
    }

    /// Whether the end was found.
    pub(in crate::gateway) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// How many bytes are still to come, where that is known.
    pub(in crate::gateway) fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Done => Some(0),
            Self::Chunked(_) | Self::Close => None,
        }
    }

    /// Whether the end of the connection is the end of the body.
    pub(in crate::gateway) fn ends_with_connection(&self) -> bool {
        matches!(self, Self::Close)
    }

    /// Takes what belongs to the body from the front of `input`.
    pub(in crate::gateway) fn decode(&mut self, input: &mut BytesMut) -> Result<Found, Malformed> {
        loop {
            match self {
                Self::Done => return Ok(Found::End),
                _ if input.is_empty() => return Ok(Found::More),
                Self::Close => return Ok(Found::Data(input.split().freeze())),
                Self::Length(left) => {
                    let data = take(input, left);
                    if *left == 0 {
                        *self = Self::Done;
                    }
                    return Ok(Found::Data(data));
                }
                Self::Chunked(chunk) => match chunk.decode(input)? {
                    Step::On => {}
                    Step::More => return Ok(Found::More),
                    Step::Data(data) => return Ok(Found::Data(data)),
                    Step::End(trailers) => {
                        *self = Self::Done;
                        return Ok(if trailers.is_empty() { Found::End } else { Found::Trailers(trailers) });
                    }
                },
            }
        }
    }
}

enum Step {
    On,
    More,
    Data(Bytes),
    End(HeaderMap),
}

impl Chunk {
    fn decode(&mut self, input: &mut BytesMut) -> Result<Step, Malformed> {
        match self {
            Self::Size => {
                let Some(line) = line(input)? else { return Ok(Step::More) };
                *self = match size(&line)? {
                    0 => Self::Trailers,
                    size => Self::Data(size),
                };
                Ok(Step::On)
            }
            Self::Data(left) => {
                let data = take(input, left);
                if *left == 0 {
                    *self = Self::End;
                }
                Ok(Step::Data(data))
            }
            Self::End => {
                if !b"\r\n".starts_with(input.get(..input.len().min(2)).unwrap_or_default()) {
                    return Err(Malformed::Framing);
                }
                if input.len() < 2 {
                    return Ok(Step::More);
                }
                let _ = input.split_to(2);
                *self = Self::Size;
                Ok(Step::On)
            }
            Self::Trailers => {
                if input.starts_with(b"\r\n") {
                    let _ = input.split_to(2);
                    return Ok(Step::End(HeaderMap::new()));
                }
                match memmem::find(input, b"\r\n\r\n") {
                    Some(at) if at <= TRAILERS => {
                        let lines = input.split_to(at + 4).freeze();
                        head::trailers(&lines).map(Step::End)
                    }
                    None if input.len() <= TRAILERS => Ok(Step::More),
                    _ => Err(Malformed::Head),
                }
            }
        }
    }
}

fn take(input: &mut BytesMut, left: &mut u64) -> Bytes {
    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    *left -= u64::try_from(most).unwrap_or(*left);
    input.split_to(most).freeze()
}

/// A line with its end; nothing if it is not complete. It is plain text: control bytes are how lines are forged.
fn line(input: &mut BytesMut) -> Result<Option<Bytes>, Malformed> {
    match memchr::memchr(b'\n', input) {
        Some(at) if at < LINE => {
            let line = input.split_to(at + 1).freeze();
            let text = line.strip_suffix(b"\r\n").ok_or(Malformed::Framing)?;
            let is_plain = text.iter().all(|b| !b.is_ascii_control() || *b == b'\t');
            if is_plain { Ok(Some(line)) } else { Err(Malformed::Framing) }
        }
        None if input.len() < LINE => Ok(None),
        _ => Err(Malformed::Framing),
    }
}

fn size(line: &Bytes) -> Result<u64, Malformed> {
    // httparse takes a line without any digit for a zero.
    if !line.first().is_some_and(u8::is_ascii_hexdigit) {
        return Err(Malformed::Framing);
    }
    match httparse::parse_chunk_size(line) {
        Ok(Status::Complete((length, size))) if length == line.len() => Ok(size),
        _ => Err(Malformed::Framing),
    }
}
