//! Bodies on their way through: counted, limited, timed, one frame at a time.
//!
//! Nothing is gathered: a frame is read only when the other side has room for it, so a slow reader slows the writer.

use crate::gateway::meter::Call;
use crate::gateway::pool::Lease;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

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
    Broken(#[source] hyper::Error),
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

/// A clock that only runs while nothing arrives.
struct Idle {
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Idle {
    fn new(limit: Duration) -> Self {
        Self { limit, sleep: None, is_waiting: false }
    }

    /// Something arrived.
    fn rest(&mut self) {
        self.is_waiting = false;
    }

    /// Ready when nothing has arrived for the limit. Most bodies never wait, so they never pay for a timer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !self.is_waiting {
            self.is_waiting = true;
            sleep.as_mut().reset(Instant::now() + limit);
        }
        sleep.as_mut().poll(cx)
    }
}

/// A request body on its way to the backend.
pub(super) enum Outgoing {
    /// There is none.
    Empty,
    /// The client's.
    Upload(Upload),
}

/// The client's body.
pub(super) struct Upload {
    inner: Incoming,
    progress: Arc<Progress>,
    limit: u64,
    idle: Idle,
}

impl Outgoing {
    /// `inner`, at most `limit` bytes, never silent for longer than `idle`.
    pub(super) fn new(inner: Incoming, limit: u64, idle: Duration) -> (Self, Option<Arc<Progress>>) {
        if inner.is_end_stream() {
            return (Self::Empty, None);
        }
        let progress = Arc::new(Progress::default());
        let upload = Upload { inner, progress: Arc::clone(&progress), limit, idle: Idle::new(idle) };
        (Self::Upload(upload), Some(progress))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let upload = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Upload(upload) => upload,
        };
        let frame = match Pin::new(&mut upload.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(upload.idle.poll(cx));
                upload.progress.finish(End::Stalled);
                return Poll::Ready(Some(Err(BodyError::Stalled)));
            }
        };
        upload.idle.rest();
        Poll::Ready(match frame {
            None => {
                upload.progress.finish(End::Complete);
                None
            }
            Some(Err(error)) => {
                upload.progress.finish(End::Broken);
                Some(Err(BodyError::Broken(error)))
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
    Backend(Download),
}

/// A backend's body.
struct Download {
    inner: Incoming,
    idle: Idle,
    lease: Option<Lease>,
}

impl Reply {
    /// An answer of our own.
    pub(super) fn text(text: String) -> Self {
        Self { content: Content::Text((!text.is_empty()).then(|| text.into())), call: None }
    }

    /// A backend's answer; the connection goes back to the pool at its end.
    pub(super) fn backend(inner: Incoming, lease: Lease, idle: Duration) -> Self {
        Self { content: Content::Backend(Download { inner, idle: Idle::new(idle), lease: Some(lease) }), call: None }
    }

    /// Keeps the record of the call until the end of the body.
    pub(super) fn with(mut self, call: Call) -> Self {
        self.call = Some(call);
        self
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.content {
            Content::Text(text) => text.take().map(|text| Ok(Frame::data(text))),
            Content::Backend(download) => ready!(download.poll_frame(cx)),
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
            Content::Backend(download) => download.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |t| u64::try_from(t.len()).unwrap_or(u64::MAX)))
            }
            Content::Backend(download) => download.inner.size_hint(),
        }
    }
}

impl Download {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(self.idle.poll(cx));
                self.lease = None;
                return Poll::Ready(Some(Err(BodyError::Stalled)));
            }
        };
        self.idle.rest();
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                // Dropped, not returned: the connection is in no known state.
                self.lease = None;
                Some(Err(BodyError::Broken(error)))
            }
            None => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
                None
            }
        })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // hyper does not ask again after the last byte of a known length. A body that is dropped earlier means that the
        // client is gone: the lease is dropped with it, and that ends the backend's call.
        if self.inner.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}
