//! Bodies on their way through: counted, limited, timed, one piece at a time.
//!
//! Nothing is gathered: a piece is read only when the other side has room for it, so a slow reader slows the writer.

use crate::gateway::exchange::Exchange;
use crate::gateway::meter::Call;
use crate::gateway::reader::WireBody;
use crate::gateway::timer::Timer;
use crate::gateway::wire::head::Framing;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Why a body ended before its end. The other side sees a broken connection, never a shorter body.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// Larger than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// No byte for too long.
    #[error("the body stopped arriving")]
    Stalled,
    /// The sender broke off.
    #[error("the body broke off")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

/// A piece of a body, or why there is none.
pub(super) type Piece = Option<Result<Frame<Bytes>, BodyError>>;

/// A request's body as it comes from the client.
pub(super) enum Inbound {
    /// There is none.
    Empty,
    /// Over HTTP/1.
    Wire(WireBody),
    /// Over HTTP/2.
    Http2(Incoming),
}

impl Inbound {
    /// Whether the client waits for a word before it sends (RFC 9110 §10.1.1).
    pub(super) fn awaits_word(&self) -> bool {
        matches!(self, Self::Wire(body) if body.awaits_word())
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Piece> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Wire(body) => body.poll_frame(cx),
            Self::Http2(body) => broken(Pin::new(body).poll_frame(cx)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Wire(body) => body.is_complete(),
            Self::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Wire(body) => exactly(body.left()),
            Self::Http2(body) => body.size_hint(),
        }
    }
}

fn broken(frame: Poll<Option<Result<Frame<Bytes>, hyper::Error>>>) -> Poll<Piece> {
    frame.map(|frame| frame.map(|frame| frame.map_err(|error| BodyError::Broken(error.into()))))
}

fn exactly(size: Option<u64>) -> SizeHint {
    size.map_or_else(SizeHint::default, SizeHint::with_exact)
}

/// How an upload goes, for whoever waits for the answer.
#[derive(Default)]
pub(super) struct Progress {
    bytes: AtomicU64,
    end: AtomicU8,
}

/// How an upload ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Not yet.
    Running,
    /// Whole.
    Complete,
    /// Larger than allowed.
    TooLarge,
    /// The client stopped sending.
    Stalled,
    /// The client broke off.
    Broken,
}

impl Progress {
    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How it ended.
    pub(super) fn end(&self) -> End {
        match self.end.load(Ordering::Relaxed) {
            1 => End::Complete,
            2 => End::TooLarge,
            3 => End::Stalled,
            4 => End::Broken,
            _ => End::Running,
        }
    }

    /// Bytes went through.
    pub(super) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
    }

    fn finish(&self, end: End) {
        let code = match end {
            End::Running => 0,
            End::Complete => 1,
            End::TooLarge => 2,
            End::Stalled => 3,
            End::Broken => 4,
        };
        self.end.store(code, Ordering::Relaxed);
    }
}

/// A request body on its way to the backend.
pub(super) enum Outgoing {
    /// There is none.
    Empty,
    /// The client's.
    Upload(Box<Upload>),
}

/// The client's body.
pub(super) struct Upload {
    inner: Inbound,
    progress: Arc<Progress>,
    limit: u64,
    idle: Duration,
    timer: Timer,
}

impl Outgoing {
    /// `inner`, at most `limit` bytes, never silent for longer than `idle`.
    pub(super) fn new(inner: Inbound, limit: u64, idle: Duration) -> (Self, Option<Arc<Progress>>) {
        if inner.is_end_stream() {
            return (Self::Empty, None);
        }
        let progress = Arc::new(Progress::default());
        let timer = Timer::default();
        let upload = Upload { inner, progress: Arc::clone(&progress), limit, idle, timer };
        (Self::Upload(Box::new(upload)), Some(progress))
    }

    /// Whether the client waits for a word before it sends.
    pub(super) fn awaits_word(&self) -> bool {
        matches!(self, Self::Upload(upload) if upload.inner.awaits_word())
    }

    /// How it is framed for an HTTP/1 backend.
    pub(super) fn framing(&self) -> Framing {
        match self {
            Self::Empty => Framing::None,
            Self::Upload(upload) => upload.inner.size_hint().exact().map_or(Framing::Chunked, Framing::Length),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Piece> {
        let upload = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Upload(upload) => upload,
        };
        let Poll::Ready(frame) = Pin::new(&mut upload.inner).poll_frame(cx) else {
            upload.timer.run(upload.idle);
            ready!(upload.timer.poll(cx));
            upload.progress.finish(End::Stalled);
            return Poll::Ready(Some(Err(BodyError::Stalled)));
        };
        upload.timer.stop();
        Poll::Ready(match frame {
            None => {
                upload.progress.finish(End::Complete);
                None
            }
            Some(Err(error)) => {
                upload.progress.finish(End::Broken);
                Some(Err(error))
            }
            Some(Ok(frame)) => {
                let size = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
                let total = upload.progress.bytes.fetch_add(size, Ordering::Relaxed).saturating_add(size);
                if total > upload.limit {
                    upload.progress.finish(End::TooLarge);
                    return Poll::Ready(Some(Err(BodyError::TooLarge)));
                }
                if upload.inner.is_end_stream() {
                    upload.progress.finish(End::Complete);
                }
                Some(Ok(frame))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Upload(upload) => upload.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Upload(upload) => upload.inner.size_hint(),
        }
    }
}

/// An answer's body on its way to the client; with it goes the record of the call, which is closed when it ends.
pub(super) struct Reply {
    content: Content,
    call: Option<Call>,
}

enum Content {
    Text(Option<Bytes>),
    /// From a backend over HTTP/1.
    Wire(Box<Exchange>),
    /// From a backend over HTTP/2.
    Http2(Download),
}

struct Download {
    inner: Incoming,
    idle: Duration,
    timer: Timer,
}

impl Reply {
    /// An answer of our own.
    pub(super) fn text(text: String) -> Self {
        Self { content: Content::Text((!text.is_empty()).then(|| text.into())), call: None }
    }

    /// A backend's answer over HTTP/1; the connection goes back to the pool at its end.
    pub(super) fn wire(exchange: Box<Exchange>) -> Self {
        Self { content: Content::Wire(exchange), call: None }
    }

    /// A backend's answer over HTTP/2, never silent for longer than `idle`.
    pub(super) fn http2(inner: Incoming, idle: Duration) -> Self {
        Self { content: Content::Http2(Download { inner, idle, timer: Timer::default() }), call: None }
    }

    /// Keeps the record of the call until the end of the body.
    pub(super) fn with(mut self, call: Call) -> Self {
        self.call = Some(call);
        self
    }

    /// Goes on with the upload while the client takes nothing.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Content::Wire(exchange) = &mut self.content {
            exchange.drive(cx);
        }
    }

    /// Ready when nothing of the upload is left to be sent, or cannot be.
    pub(super) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.content {
            Content::Wire(exchange) => exchange.poll_settle(cx),
            Content::Text(_) | Content::Http2(_) => Poll::Ready(()),
        }
    }

    /// The answer has ended: the call counts now.
    pub(super) fn close_call(&mut self) {
        self.call = None;
    }

    /// The backend's connection and the record of the call, where the protocol changes.
    pub(super) fn into_exchange(self) -> Option<(Box<Exchange>, Option<Call>)> {
        match self.content {
            Content::Wire(exchange) => Some((exchange, self.call)),
            Content::Text(_) | Content::Http2(_) => None,
        }
    }

    /// How many bytes are to come, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.size_hint().exact()
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Piece> {
        let this = self.get_mut();
        let frame = match &mut this.content {
            Content::Text(text) => text.take().map(|text| Ok(Frame::data(text))),
            Content::Wire(exchange) => ready!(exchange.poll_frame(cx)),
            Content::Http2(download) => ready!(download.poll_frame(cx)),
        };
        if let (Some(call), Some(Ok(frame))) = (&mut this.call, &frame)
            && let Some(data) = frame.data_ref()
        {
            call.sent(data.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Text(text) => text.is_none(),
            Content::Wire(exchange) => exchange.is_complete(),
            Content::Http2(download) => download.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Text(text) => exactly(Some(text.as_ref().map_or(0, |t| u64::try_from(t.len()).unwrap_or(0)))),
            Content::Wire(exchange) => exactly(exchange.left()),
            Content::Http2(download) => download.inner.size_hint(),
        }
    }
}

impl Download {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        let frame = broken(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_ready() {
            self.timer.stop();
            return frame;
        }
        self.timer.run(self.idle);
        ready!(self.timer.poll(cx));
        Poll::Ready(Some(Err(BodyError::Stalled)))
    }
}
