//! One request and its answer on an HTTP/1 connection to a backend. Whoever waits for either end drives both directions,
//! so that no task and no channel stands between a client and its backend.

use crate::gateway::body::{BodyError, Outgoing, Piece, Progress};
use crate::gateway::connection::Client;
use crate::gateway::pool::{Lease, Link};
use crate::gateway::timer::Timer;
use crate::gateway::wire::body::{Decoder, Found};
use crate::gateway::wire::encode;
use crate::gateway::wire::head::{self, AnswerHead, Framing};
use http::{Method, Response, StatusCode, request};
use http_body::{Body as _, Frame};
use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How long a backend may think about `Expect: 100-continue`; many never answer it (RFC 9110 §10.1.1).
const WORD: Duration = Duration::from_secs(1);

/// An exchange. Dropped before its end, it closes the connection.
pub(super) struct Exchange {
    lease: Option<Lease>,
    upload: Upload,
    framing: Framing,
    decoder: Decoder,
    persists: bool,
    idle: Duration,
}

enum Upload {
    /// The client waits for a word before it sends.
    Held(Outgoing, Timer),
    Running(Outgoing),
    Complete,
    /// It cannot be sent on.
    Broken,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// The connection went away before a byte of an answer came.
    Died(Error),
    /// What came is no answer.
    NoHttp,
    /// Nothing came in time.
    Silent,
    /// The client's body failed; its progress says how.
    Upload,
}

impl Exchange {
    /// Sends `head` and then `body` over `lease`; a body is never silent for longer than `idle`.
    pub(super) fn new(mut lease: Lease, head: &request::Parts, body: Outgoing, idle: Duration) -> Self {
        let framing = body.framing();
        encode::request(&mut lease.link.output.bytes, head, framing);
        let upload = match &body {
            Outgoing::Empty => Upload::Complete,
            Outgoing::Upload(_) if body.awaits_word() => Upload::Held(body, Timer::default()),
            Outgoing::Upload(_) => Upload::Running(body),
        };
        Self { lease: Some(lease), upload, framing, decoder: Decoder::Done, persists: false, idle }
    }

    /// Waits for the answer's head: at most `limit`, which begins anew while an upload makes progress.
    pub(super) async fn head(
        &mut self,
        client: &Client,
        method: &Method,
        limit: Duration,
        progress: Option<&Arc<Progress>>,
    ) -> Result<Response<()>, Failure> {
        if let Some(lease) = &mut self.lease {
            lease.link.timer.set(limit);
        }
        let mut sent = 0;
        poll_fn(|cx| {
            let head = match self.poll_head(cx, client, method) {
                Poll::Ready(head) => head?,
                Poll::Pending => {
                    let Some(lease) = &mut self.lease else { return Poll::Pending };
                    ready!(lease.link.timer.poll(cx));
                    let bytes = progress.map_or(0, |progress| progress.bytes());
                    if bytes == sent {
                        return Poll::Ready(Err(Failure::Silent));
                    }
                    sent = bytes;
                    lease.link.timer.set(limit);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            };
            if let Some(lease) = &mut self.lease {
                lease.link.timer.stop();
            }
            self.decoder = Decoder::new(head.framing);
            self.persists = head.persists;
            if self.decoder.is_done() && head.response.status() != StatusCode::SWITCHING_PROTOCOLS {
                self.finish();
            }
            Poll::Ready(Ok(head.response))
        })
        .await
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client,
        method: &Method,
    ) -> Poll<Result<AnswerHead, Failure>> {
        if matches!(self.poll_upload(cx), Poll::Ready(Err(Failed::Client))) {
            return Poll::Ready(Err(Failure::Upload));
        }
        let Some(lease) = &mut self.lease else { return Poll::Ready(Err(Failure::NoHttp)) };
        loop {
            let input = &mut lease.link.input;
            match head::answer(&mut input.bytes, &mut input.seen, method) {
                Ok(Some(head)) if is_interim(head.response.status()) => {
                    let code = head.response.status();
                    if code == StatusCode::CONTINUE {
                        self.upload.go_on();
                        cx.waker().wake_by_ref();
                    } else {
                        client.say_interim(code, head.response.headers());
                    }
                }
                Ok(Some(head)) => return Poll::Ready(Ok(head)),
                Ok(None) => match ready!(input.poll_fill(&mut lease.link.socket, cx)) {
                    Ok(0) if input.bytes.is_empty() => {
                        return Poll::Ready(Err(Failure::Died(ErrorKind::UnexpectedEof.into())));
                    }
                    Ok(0) => return Poll::Ready(Err(Failure::NoHttp)),
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(Err(Failure::Died(error))),
                },
                Err(_malformed) => return Poll::Ready(Err(Failure::NoHttp)),
            }
        }
    }

    /// Whether anything of the request has reached the system.
    pub(super) fn has_written(&self) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.link.output.written() > lease.written)
    }

    /// Goes on with the upload.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        let _ = self.poll_upload(cx);
    }

    /// Ready when the upload is complete or cannot be completed.
    pub(super) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.upload, Upload::Held(..)) {
            // The answer came first, and nobody waits for the body any more.
            self.upload = Upload::Broken;
        }
        if self.lease.is_some() {
            let _ = ready!(self.poll_upload(cx));
            self.finish();
        }
        Poll::Ready(())
    }

    /// Whether all of the answer was read.
    pub(super) fn is_complete(&self) -> bool {
        self.decoder.is_done()
    }

    /// How long it may be silent.
    pub(super) fn idle(&self) -> Duration {
        self.idle
    }

    /// How many bytes of the answer are still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.decoder.left()
    }

    /// The connection, where the protocol changes.
    pub(super) fn into_link(self) -> Option<Box<Link>> {
        self.lease.map(Lease::into_link)
    }

    /// The next piece of the answer.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        let _ = self.poll_upload(cx);
        let Some(lease) = &mut self.lease else { return Poll::Ready(None) };
        loop {
            let input = &mut lease.link.input;
            match self.decoder.decode(&mut input.bytes) {
                Ok(Found::Data(data)) => {
                    if self.decoder.is_done() {
                        self.finish();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Found::Trailers(trailers)) => {
                    self.finish();
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Ok(Found::End) => {
                    self.finish();
                    return Poll::Ready(None);
                }
                Ok(Found::More) => {}
                Err(_malformed) => return self.broken(ErrorKind::InvalidData.into()),
            }
            match input.poll_fill(&mut lease.link.socket, cx) {
                Poll::Ready(Ok(0)) if self.decoder.ends_with_connection() => {
                    self.decoder = Decoder::Done;
                    self.lease = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Ok(0)) => return self.broken(ErrorKind::UnexpectedEof.into()),
                Poll::Ready(Ok(_)) => lease.link.timer.stop(),
                Poll::Ready(Err(error)) => return self.broken(error),
                Poll::Pending => {
                    lease.link.timer.run(self.idle);
                    ready!(lease.link.timer.poll(cx));
                    self.lease = None;
                    return Poll::Ready(Some(Err(BodyError::Stalled)));
                }
            }
        }
    }

    fn broken(&mut self, error: Error) -> Poll<Piece> {
        // Dropped, not returned: the connection is in no known state.
        self.lease = None;
        Poll::Ready(Some(Err(BodyError::Broken(error.into()))))
    }

    /// The answer has ended. The connection may serve another request, once nothing of this one is left to be sent.
    fn finish(&mut self) {
        let is_sent = match &self.upload {
            Upload::Complete => self.lease.as_ref().is_some_and(|lease| lease.link.output.is_empty()),
            Upload::Broken => {
                self.lease = None;
                return;
            }
            Upload::Held(..) | Upload::Running(_) => false,
        };
        if !is_sent {
            return;
        }
        if let Some(lease) = self.lease.take()
            && self.persists
            // More than was asked for is the answer to another question.
            && lease.link.input.bytes.is_empty()
        {
            lease.give_back();
        }
    }

    /// Sends what there is of the head and the upload. Ready when all of it has gone, or cannot go.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        let Some(lease) = &mut self.lease else { return Poll::Ready(Ok(())) };
        let link = &mut lease.link;
        loop {
            let mut waits = false;
            while let Upload::Running(body) = &mut self.upload
                && link.output.has_room()
                && !waits
            {
                match Pin::new(body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => link.output.data(data, self.framing),
                        Err(frame) => {
                            let trailers = frame.into_trailers().ok();
                            link.output.end(self.framing, trailers.as_ref());
                            self.upload = Upload::Complete;
                        }
                    },
                    Poll::Ready(None) => {
                        link.output.end(self.framing, None);
                        self.upload = Upload::Complete;
                    }
                    Poll::Ready(Some(Err(_))) => {
                        // Its progress says what is wrong. The backend sees a broken request.
                        self.upload = Upload::Broken;
                        return Poll::Ready(Err(Failed::Client));
                    }
                    Poll::Pending => waits = true,
                }
            }
            if link.output.is_empty() {
                match &mut self.upload {
                    Upload::Complete => return Poll::Ready(Ok(())),
                    Upload::Broken => return Poll::Ready(Err(Failed::Backend)),
                    Upload::Running(_) => return Poll::Pending,
                    Upload::Held(_, timer) => {
                        timer.run(WORD);
                        ready!(timer.poll(cx));
                    }
                }
                self.upload.go_on();
                continue;
            }
            if ready!(link.output.poll_flush(&mut link.socket, cx)).is_err() {
                // It may have answered before it closed.
                self.upload = Upload::Broken;
                link.output.clear();
                return Poll::Ready(Err(Failed::Backend));
            }
            if waits {
                return Poll::Pending;
            }
        }
    }
}

enum Failed {
    Client,
    Backend,
}

impl Upload {
    /// The client may send.
    fn go_on(&mut self) {
        *self = match std::mem::replace(self, Self::Complete) {
            Self::Held(body, _) => Self::Running(body),
            other => other,
        };
    }
}

fn is_interim(code: StatusCode) -> bool {
    code.is_informational() && code != StatusCode::SWITCHING_PROTOCOLS
}
