//! What has arrived and is not taken yet, and what is to be sent and is not gone yet.

use crate::gateway::wire::encode;
use crate::gateway::wire::head::Framing;
use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

/// Room for one read, to begin with; a sender that fills it gets more.
const LEAST: usize = 4 * 1024;
/// Room for one read, at most: how much of a body is held while it passes.
const MOST: usize = 64 * 1024;
/// Pieces up to this size are copied behind what waits already: one call of the system then sends both.
const SMALL: usize = 16 * 1024;

/// What has arrived.
pub(in crate::gateway) struct Input {
    /// Bytes that nobody has taken yet.
    pub(in crate::gateway) bytes: BytesMut,
    /// How many of them were looked at in vain for the end of a head.
    pub(in crate::gateway) seen: usize,
    room: usize,
}

impl Input {
    /// Nothing yet.
    pub(in crate::gateway) fn new() -> Self {
        Self { bytes: BytesMut::new(), seen: 0, room: LEAST }
    }

    /// These bytes.
    pub(in crate::gateway) fn holding(bytes: BytesMut) -> Self {
        Self { bytes, ..Self::new() }
    }

    /// Reads once; the number is 0 at the end of the connection.
    pub(in crate::gateway) fn poll_fill(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        let before = self.bytes.len();
        if self.bytes.capacity() - before < self.room / 4 {
            self.bytes.reserve(self.room);
        }
        let spare = self.bytes.capacity() - before;
        let count = ready!(poll_read_buf(Pin::new(io), cx, &mut self.bytes))?;
        if count == spare {
            self.room = (self.room * 2).min(MOST);
        }
        Poll::Ready(Ok(count))
    }

    /// Gives room back that only a long body needed.
    pub(in crate::gateway) fn rest(&mut self) {
        self.room = LEAST;
        if self.bytes.is_empty() && self.bytes.capacity() > LEAST * 2 {
            self.bytes = BytesMut::new();
        }
    }
}

/// What is to be sent.
pub(in crate::gateway) struct Output {
    /// Heads and small pieces.
    pub(in crate::gateway) bytes: BytesMut,
    /// A large piece, after them.
    large: Bytes,
    /// After the large piece.
    tail: &'static [u8],
    /// Bytes that went out.
    written: u64,
    /// Whether a layer below, such as TLS, may still hold some of it.
    is_held: bool,
}

impl Output {
    /// Nothing yet.
    pub(in crate::gateway) fn new() -> Self {
        Self { bytes: BytesMut::new(), large: Bytes::new(), tail: &[], written: 0, is_held: false }
    }

    /// Whether everything has gone out.
    pub(in crate::gateway) fn is_empty(&self) -> bool {
        self.is_taken() && !self.is_held
    }

    fn is_taken(&self) -> bool {
        self.bytes.is_empty() && self.large.is_empty() && self.tail.is_empty()
    }

    /// Whether another piece may be added. At the same time a bound on how much waits.
    pub(in crate::gateway) fn has_room(&self) -> bool {
        self.large.is_empty() && self.tail.is_empty() && self.bytes.len() < MOST
    }

    /// How many bytes have gone out since the connection was opened.
    pub(in crate::gateway) fn written(&self) -> u64 {
        self.written
    }

    /// Adds a piece of a body that is framed like this.
    pub(in crate::gateway) fn data(&mut self, data: Bytes, framing: Framing) {
        if data.is_empty() {
            return;
        }
        let is_chunked = framing == Framing::Chunked;
        if is_chunked {
            encode::chunk(&mut self.bytes, data.len());
        }
        let tail: &'static [u8] = if is_chunked { b"\r\n" } else { b"" };
        if data.len() <= SMALL {
            self.bytes.extend_from_slice(&data);
            self.bytes.extend_from_slice(tail);
        } else {
            (self.large, self.tail) = (data, tail);
        }
    }

    /// Ends a body that is framed like this.
    pub(in crate::gateway) fn end(&mut self, framing: Framing, trailers: Option<&HeaderMap>) {
        if framing == Framing::Chunked {
            encode::last_chunk(&mut self.bytes, trailers);
        }
    }

    /// Sends everything.
    pub(in crate::gateway) fn poll_flush(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        while !self.is_taken() {
            let sent = if self.large.is_empty() && self.tail.is_empty() {
                ready!(Pin::new(&mut *io).poll_write(cx, &self.bytes))?
            } else {
                let pieces = [IoSlice::new(&self.bytes), IoSlice::new(&self.large), IoSlice::new(self.tail)];
                ready!(Pin::new(&mut *io).poll_write_vectored(cx, &pieces))?
            };
            if sent == 0 {
                return Poll::Ready(Err(Error::from(ErrorKind::WriteZero)));
            }
            self.advance(sent);
            self.is_held = true;
        }
        if self.is_held {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.is_held = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Forgets what has not gone out.
    pub(in crate::gateway) fn clear(&mut self) {
        self.bytes.clear();
        (self.large, self.tail, self.is_held) = (Bytes::new(), b"", false);
    }

    fn advance(&mut self, mut sent: usize) {
        self.written += u64::try_from(sent).unwrap_or(0);
        let first = sent.min(self.bytes.len());
        self.bytes.advance(first);
        sent -= first;
        let second = sent.min(self.large.len());
        self.large.advance(second);
        sent -= second;
        self.tail = self.tail.get(sent..).unwrap_or_default();
        if self.large.is_empty() {
            self.large = Bytes::new();
        }
    }
}
