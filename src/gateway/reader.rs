//! What a client sends over HTTP/1: one reader, which the body of a request borrows and gives back.

use crate::gateway::body::{BodyError, Piece};
use crate::gateway::connection::Client;
use crate::gateway::wire::body::{Decoder, Found};
use crate::gateway::wire::buffers::Input;
use crate::gateway::wire::head::Framing;
use crate::gateway::wire::socket::Socket;
use http_body::Frame;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::ReadHalf;

/// The client's side of a connection.
pub(super) struct Reader {
    client: Arc<Client>,
    /// Where the bytes come from.
    pub(super) half: ReadHalf<Socket>,
    /// What has arrived.
    pub(super) input: Input,
}

/// Where a reader is left by a body that is done with it, and whether that body had ended.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<(Reader, bool)>>>);

/// A request's body.
pub(super) struct WireBody {
    reader: Option<Reader>,
    decoder: Decoder,
    slot: Slot,
    awaits_word: bool,
}

impl Reader {
    /// Of this client.
    pub(super) fn new(client: Arc<Client>, half: ReadHalf<Socket>) -> Self {
        Self { client, half, input: Input::new() }
    }

    /// Reads once; the number is 0 at the end of the connection.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let read = self.input.poll_fill(&mut self.half, cx);
        if matches!(read, Poll::Ready(Ok(1..))) {
            self.client.heard();
        }
        read
    }
}

impl Slot {
    /// Takes the reader out, if it is there.
    pub(super) fn take(&self) -> Option<(Reader, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl WireBody {
    /// Reads a body that is framed like this; `awaits_word` if the client waits for `100 Continue`.
    pub(super) fn new(reader: Reader, framing: Framing, slot: &Slot, awaits_word: bool) -> Self {
        Self { reader: Some(reader), decoder: Decoder::new(framing), slot: slot.clone(), awaits_word }
    }

    /// Whether the client waits for a word before it sends: as long as it has sent nothing.
    pub(super) fn awaits_word(&self) -> bool {
        self.awaits_word && self.reader.as_ref().is_some_and(|reader| reader.input.bytes.is_empty())
    }

    /// Whether all of it was read.
    pub(super) fn is_complete(&self) -> bool {
        self.decoder.is_done()
    }

    /// How many bytes are still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.decoder.left()
    }

    /// The next piece.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
        loop {
            match self.decoder.decode(&mut reader.input.bytes) {
                Ok(Found::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Found::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Found::End) => return Poll::Ready(None),
                Ok(Found::More) => {}
                Err(_malformed) => return Poll::Ready(Some(Err(broke_off("the body is malformed")))),
            }
            if std::mem::take(&mut self.awaits_word) {
                reader.client.say(|out| out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n"));
            }
            match ready!(reader.poll_fill(cx)) {
                Ok(0) => return Poll::Ready(Some(Err(broke_off("the client closed the connection")))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(BodyError::Broken(error.into())))),
            }
        }
    }
}

fn broke_off(why: &'static str) -> BodyError {
    BodyError::Broken(Error::new(ErrorKind::InvalidData, why).into())
}

impl Drop for WireBody {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            *self.slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((reader, self.decoder.is_done()));
        }
    }
}
