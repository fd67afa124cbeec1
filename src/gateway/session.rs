//! An HTTP/1 connection of a client, request after request: one task reads, asks, forwards and answers.

use crate::gateway::body::{Inbound, Piece, Reply};
use crate::gateway::connection::{Client, Order};
use crate::gateway::pipeline;
use crate::gateway::reader::{Reader, Slot, WireBody};
use crate::gateway::refusal::Refusal;
use crate::gateway::upgrade;
use crate::gateway::wire::buffers::{Input, Output};
use crate::gateway::wire::encode::{self, Persistence};
use crate::gateway::wire::head::{self, Framing, Malformed, RequestHead};
use crate::gateway::wire::socket::Socket;
use crate::gateway::wire::spare;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, response};
use http_body::Body as _;
use std::future::poll_fn;
use std::io::Result;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::time::timeout;

/// How long a client gets to read a last answer and to close its side, and how much it may still send meanwhile.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// How long an upload may go on after its answer has ended.
const SETTLE: Duration = Duration::from_secs(10);
/// Bytes of further requests that are read while one is answered: only to hear whether the client is still there.
const AHEAD: usize = 4096;

/// Serves a connection until it ends.
pub(super) async fn run(client: Arc<Client>, socket: Socket) {
    let (read, write) = tokio::io::split(socket);
    let reader = Some(Reader::new(Arc::clone(&client), read));
    let output = Output::new();
    let mut session = Session { client, reader, half: write, output, slot: Slot::default() };
    let end = loop {
        if let Some(end) = session.request().await {
            break end;
        }
    };
    match end {
        End::Linger => session.linger().await,
        End::Abort => {
            // An answer that ends with its connection would look whole if the connection ended well.
            if let Some(reader) = session.reader {
                let _ =
                    socket2::SockRef::from(reader.half.unsplit(session.half).tcp()).set_linger(Some(Duration::ZERO));
            }
        }
        End::Gone => {}
        End::Upgraded(reply) => session.upgraded(*reply).await,
    }
}

/// What follows a request: another one, or the end.
type Next = Option<End>;

enum End {
    /// The client is gone, or has asked nothing.
    Gone,
    /// Everything is said; the client may read it in peace.
    Linger,
    /// An answer broke off.
    Abort,
    /// Another protocol goes on.
    Upgraded(Box<Reply>),
}

/// What a session has to know of a request once it is handed on.
struct Asked {
    is_head: bool,
    version: Version,
    persists: bool,
}

struct Session {
    client: Arc<Client>,
    /// Lent to the body while it is read.
    reader: Option<Reader>,
    half: WriteHalf<Socket>,
    output: Output,
    slot: Slot,
}

impl Session {
    /// One request and its answer.
    async fn request(&mut self) -> Next {
        let RequestHead { request, framing, persists } = match poll_fn(|cx| self.poll_next(cx)).await {
            Ok(Some(head)) => head,
            Ok(None) => return Some(End::Gone),
            Err(refusal) => {
                let response = pipeline::refuse(&self.client, refusal);
                let asked = Asked { is_head: false, version: Version::HTTP_11, persists: false };
                return self.answer(response, &asked).await;
            }
        };
        let asked = Asked { is_head: *request.method() == Method::HEAD, version: request.version(), persists };
        let Some(request) = self.with_body(request, framing) else { return Some(End::Gone) };
        let client = Arc::clone(&self.client);
        let response = {
            let mut call = std::pin::pin!(pipeline::call(&client, request));
            poll_fn(|cx| {
                let answered = call.as_mut().poll(cx).map(Some);
                self.poll_meanwhile(cx, answered)
            })
            .await
        };
        match response {
            Some(response) => self.answer(response, &asked).await,
            None => Some(End::Gone),
        }
    }

    /// The next request's head; nothing when there will be none.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<Option<RequestHead>, Refusal>> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(Ok(None)) };
        loop {
            let input = &mut reader.input;
            match head::request(&mut input.bytes, &mut input.seen, &self.client.core.settings.head_bounds) {
                Ok(Some(head)) => return Poll::Ready(Ok(Some(head))),
                Ok(None) => {}
                Err(malformed) => return Poll::Ready(Err(refusal(malformed))),
            }
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Ok(None)),
                Poll::Pending => {
                    let has_begun = !reader.input.bytes.is_empty();
                    return match self.client.activity.ordered() {
                        Order::GiveUp if has_begun => Poll::Ready(Err(Refusal::HeadTimeout)),
                        Order::Finish if has_begun => Poll::Pending,
                        Order::Finish | Order::GiveUp => Poll::Ready(Ok(None)),
                        Order::None => {
                            reader.input.rest();
                            Poll::Pending
                        }
                    };
                }
            }
        }
    }

    fn with_body(&mut self, request: Request<()>, framing: Framing) -> Option<Request<Inbound>> {
        if framing == Framing::None {
            return Some(request.map(|()| Inbound::Empty));
        }
        let expects = request.headers().get(EXPECT).is_some_and(|e| e.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let awaits_word = expects && request.version() == Version::HTTP_11;
        let reader = self.reader.take()?;
        let body = WireBody::new(reader, framing, &self.slot, awaits_word);
        Some(request.map(|()| Inbound::Wire(body)))
    }

    /// What is to be done while an answer is waited for: to say what has to be said before it, and to notice when nobody
    /// waits for it any more.
    fn poll_meanwhile<T>(&mut self, cx: &mut Context<'_>, answered: Poll<Option<T>>) -> Poll<Option<T>> {
        if let Some(said) = self.client.take_said() {
            self.output.bytes.extend_from_slice(&said);
        }
        if matches!(self.poll_flush(cx), Poll::Ready(Err(_))) {
            return Poll::Ready(None);
        }
        if answered.is_pending() && self.has_left(cx) { Poll::Ready(None) } else { answered }
    }

    /// Whether the client has closed the connection.
    fn has_left(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(reader) = &mut self.reader else { return false };
        while reader.input.bytes.len() < AHEAD {
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return true,
                Poll::Pending => return false,
            }
        }
        false
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.output.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let flushed = self.output.poll_flush(&mut self.half, cx);
        self.client.wrote(flushed)
    }

    /// Writes an answer.
    async fn answer(&mut self, response: Response<Reply>, asked: &Asked) -> Next {
        let (head, mut reply) = response.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            encode::answer(&mut self.output.bytes, &head, Framing::None, Persistence::Upgrade);
            let flushed = poll_fn(|cx| self.poll_flush(cx)).await;
            return Some(flushed.map_or(End::Gone, |()| End::Upgraded(Box::new(reply))));
        }
        let framing = framing(&head, &reply, asked);
        let says_close = head.headers.get(CONNECTION).is_some_and(|c| c.as_bytes().eq_ignore_ascii_case(b"close"));
        let ends =
            says_close || !asked.persists || framing == Framing::Close || self.client.activity.ordered() != Order::None;
        let persistence = match (ends, asked.version) {
            (true, _) => Persistence::Close,
            (false, Version::HTTP_10) => Persistence::KeepAlive,
            (false, _) => Persistence::Usual,
        };
        encode::answer(&mut self.output.bytes, &head, framing, persistence);
        spare::give(head.headers);
        let mut state = Sending::new(framing);
        match poll_fn(|cx| self.poll_send(cx, &mut reply, &mut state)).await {
            Sent::Whole => {}
            Sent::Broken => {
                let _ = timeout(LINGER, poll_fn(|cx| self.poll_flush(cx))).await;
                drop(reply);
                self.take_reader_back();
                return Some(if framing == Framing::Close { End::Abort } else { End::Gone });
            }
            Sent::Nobody => return Some(End::Gone),
        }
        reply.close_call();
        if self.reader.is_none() {
            // The answer came before the request had ended; the backend may still want the rest.
            let settled = timeout(SETTLE, poll_fn(|cx| reply.poll_settle(cx))).await;
            drop(reply);
            if !self.take_reader_back() || settled.is_err() {
                return Some(End::Linger);
            }
        }
        if ends { Some(End::Linger) } else { None }
    }

    /// Whether the body that had the reader was read to its end.
    fn take_reader_back(&mut self) -> bool {
        match self.slot.take() {
            Some((reader, was_read)) => {
                self.reader = Some(reader);
                was_read
            }
            None => self.reader.is_some(),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, reply: &mut Reply, state: &mut Sending) -> Poll<Sent> {
        loop {
            if state.has_ended || !self.output.has_room() {
                match self.poll_flush(cx) {
                    Poll::Ready(Ok(())) if state.has_ended => return Poll::Ready(Sent::Whole),
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Sent::Nobody),
                    Poll::Pending => {
                        // Whoever takes no answer may be busy sending a request: that must go on.
                        reply.drive(cx);
                        return Poll::Pending;
                    }
                }
            }
            if reply.is_end_stream() && !state.may_have_trailers() {
                state.has_ended = true;
                continue;
            }
            match Pin::new(&mut *reply).poll_frame(cx) {
                Poll::Ready(piece) => {
                    if let Some(sent) = state.take(piece, &mut self.output) {
                        return Poll::Ready(sent);
                    }
                }
                Poll::Pending => {
                    return match self.poll_flush(cx) {
                        Poll::Ready(Err(_)) => Poll::Ready(Sent::Nobody),
                        _ if self.has_left(cx) => Poll::Ready(Sent::Nobody),
                        _ => Poll::Pending,
                    };
                }
            }
        }
    }

    /// Closes our side, then reads on until the client has closed its own: closing at once, with bytes of a refused
    /// body still unread, would make the kernel reset the connection and take the answer away from the client.
    async fn linger(mut self) {
        let closed = async {
            self.half.shutdown().await?;
            let Some(mut reader) = self.reader else { return Ok(()) };
            let mut read = 0;
            while read < LINGER_BYTES {
                reader.input.bytes.clear();
                match poll_fn(|cx| reader.poll_fill(cx)).await? {
                    0 => break,
                    count => read += count,
                }
            }
            Ok::<_, std::io::Error>(())
        };
        let _ = timeout(LINGER, closed).await;
    }

    /// Goes on as a tunnel.
    async fn upgraded(self, reply: Reply) {
        let (Some(reader), Some((exchange, call))) = (self.reader, reply.into_exchange()) else { return };
        let (idle, Some(link)) = (exchange.idle(), exchange.into_link()) else { return };
        let input = Input::holding(reader.input.bytes);
        let client = (reader.half.unsplit(self.half), input, self.output);
        Box::pin(upgrade::tunnel(client, (link.socket, link.input), call, idle)).await;
    }
}

/// How an answer went out.
enum Sent {
    Whole,
    /// The body broke off.
    Broken,
    /// The client is gone.
    Nobody,
}

/// Where in an answer's body we are.
struct Sending {
    framing: Framing,
    has_ended: bool,
}

impl Sending {
    fn new(framing: Framing) -> Self {
        Self { framing, has_ended: framing == Framing::None }
    }

    fn may_have_trailers(&self) -> bool {
        self.framing == Framing::Chunked
    }

    fn take(&mut self, piece: Piece, output: &mut Output) -> Option<Sent> {
        match piece {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => output.data(data, self.framing),
                Err(frame) => self.end(output, frame.into_trailers().ok().as_ref()),
            },
            None => self.end(output, None),
            Some(Err(error)) => {
                tracing::debug!(%error, "an answer broke off");
                return Some(Sent::Broken);
            }
        }
        None
    }

    fn end(&mut self, output: &mut Output, trailers: Option<&HeaderMap>) {
        output.end(self.framing, trailers);
        self.has_ended = true;
    }
}

/// How an answer is framed for a client that asked like this.
fn framing(head: &response::Parts, reply: &Reply, asked: &Asked) -> Framing {
    let has_none = asked.is_head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    match reply.length() {
        _ if has_none => Framing::None,
        Some(length) => Framing::Length(length),
        None if asked.version == Version::HTTP_10 => Framing::Close,
        None => Framing::Chunked,
    }
}

fn refusal(malformed: Malformed) -> Refusal {
    match malformed {
        Malformed::Syntax => Refusal::BadSyntax,
        Malformed::Framing => Refusal::BadFraming,
        Malformed::Coding => Refusal::UnknownCoding,
        Malformed::Target => Refusal::TargetTooLong,
        Malformed::Head => Refusal::HeadTooLarge,
    }
}
