//! A connection that becomes another protocol (RFC 9110 §7.8), such as `WebSocket`: bytes pass both ways until one side
//! closes, or nothing passes for too long.

use crate::gateway::body::Progress;
use crate::gateway::meter::Call;
use crate::gateway::timer::Timer;
use crate::gateway::wire::buffers::{Input, Output};
use crate::gateway::wire::head::Framing;
use crate::gateway::wire::socket::Socket;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Version, request};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// The protocol that a request asks for, if it is one that may pass: `h2c` would take the requests that follow out of
/// our sight.
pub(super) fn wanted(head: &request::Parts) -> Option<HeaderValue> {
    let mut lines = head.headers.get_all(UPGRADE).iter();
    let (upgrade, None) = (lines.next()?, lines.next()) else { return None };
    let named = head.headers.get_all(CONNECTION).iter().any(|line| contains(line, b"upgrade"));
    let passes = head.version == Version::HTTP_11 && named && !contains(upgrade, b"h2c") && !contains(upgrade, b"h2");
    passes.then(|| upgrade.clone())
}

/// Whether an answer changes to a protocol that was asked for.
pub(super) fn is_met(asked: &HeaderValue, headers: &HeaderMap) -> bool {
    let Some(chosen) = headers.get(UPGRADE) else { return false };
    contains(asked, chosen.as_bytes().trim_ascii())
}

fn contains(line: &HeaderValue, token: &[u8]) -> bool {
    line.as_bytes().split(|b| *b == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

/// One direction.
struct Way {
    input: Input,
    output: Output,
    state: State,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum State {
    Open,
    /// Everything was read; what is left is to be sent.
    Ending,
    Closed,
}

impl Way {
    fn new(input: Input, output: Output) -> Self {
        Self { input, output, state: State::Open }
    }

    /// Goes on as far as it can. Ready when its end was passed on, or at an error.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        mut moved: impl FnMut(usize),
    ) -> Poll<std::io::Result<()>> {
        loop {
            if !self.input.bytes.is_empty() && self.output.has_room() {
                let bytes = self.input.bytes.split().freeze();
                moved(bytes.len());
                self.output.data(bytes, Framing::Close);
            }
            std::task::ready!(self.output.poll_flush(to, cx))?;
            match self.state {
                State::Open => {
                    if std::task::ready!(self.input.poll_fill(from, cx))? == 0 {
                        self.state = State::Ending;
                    }
                }
                State::Ending => {
                    std::task::ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    self.state = State::Closed;
                }
                State::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Lets bytes pass between client and backend, each with what has arrived from it already.
pub(super) async fn tunnel(
    (client, from_client, to_client): (Socket, Input, Output),
    (backend, from_backend): (Socket, Input),
    mut call: Option<Call>,
    idle: Duration,
) {
    let (mut client_read, mut client_write) = tokio::io::split(client);
    let (mut backend_read, mut backend_write) = tokio::io::split(backend);
    let mut up = Way::new(from_client, Output::new());
    let mut down = Way::new(from_backend, to_client);
    let progress = call.as_mut().map(|call| std::sync::Arc::clone(call.progress.get_or_insert_default()));
    let mut timer = Timer::default();
    let ended = poll_fn(|cx| {
        let mut moves = false;
        let sent = up.poll(cx, &mut client_read, &mut backend_write, |size| {
            moves = true;
            if let Some(progress) = &progress {
                Progress::add(progress, size);
            }
        });
        let received = down.poll(cx, &mut backend_read, &mut client_write, |size| {
            moves = true;
            if let Some(call) = &mut call {
                call.sent(size);
            }
        });
        match (sent, received) {
            (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => return Poll::Ready(Err(error)),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(Ok(())),
            _ => {}
        }
        if moves {
            timer.stop();
        }
        timer.run(idle);
        timer.poll(cx).map(|()| Err(std::io::ErrorKind::TimedOut.into()))
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, "an upgraded connection ended early");
    }
}
