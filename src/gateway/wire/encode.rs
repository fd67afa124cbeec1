//! Heads and chunks as bytes.

use crate::gateway::wire::head::Framing;
use bytes::{BufMut as _, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, request, response};

/// What a head says about its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::gateway) enum Persistence {
    /// Nothing: it goes on.
    Usual,
    /// It ends after this message.
    Close,
    /// It goes on, which an HTTP/1.0 client has to be told.
    KeepAlive,
    /// It becomes another protocol.
    Upgrade,
}

/// Writes a request's head. The framing takes the place of what the headers say about it.
pub(in crate::gateway) fn request(out: &mut BytesMut, head: &request::Parts, framing: Framing) {
    out.reserve(512);
    out.put_slice(head.method.as_str().as_bytes());
    out.put_u8(b' ');
    target(out, &head.uri);
    out.put_slice(b" HTTP/1.1\r\n");
    fields(out, &head.headers, |name| !is_framing(name));
    match framing {
        Framing::Chunked | Framing::Close => out.put_slice(b"transfer-encoding: chunked\r\n"),
        Framing::Length(length) => content_length(out, length),
        // Those that usually have a body say that there is none (RFC 9110 §8.6).
        Framing::None if matches!(head.method, Method::POST | Method::PUT | Method::PATCH) => content_length(out, 0),
        Framing::None => {}
    }
    out.put_slice(b"\r\n");
}

fn target(out: &mut BytesMut, uri: &Uri) {
    match uri.path_and_query() {
        Some(target) => out.put_slice(target.as_str().as_bytes()),
        None => out.put_u8(b'/'),
    }
}

/// Writes an answer's head. `framing` is that of the body that follows; an answer without one may speak of the length
/// that it would have had.
pub(in crate::gateway) fn answer(
    out: &mut BytesMut,
    head: &response::Parts,
    framing: Framing,
    persistence: Persistence,
) {
    out.reserve(512);
    status(out, head.status);
    let keeps_length = framing == Framing::None;
    fields(out, &head.headers, |name| {
        *name != CONNECTION && (!is_framing(name) || keeps_length && *name == CONTENT_LENGTH)
    });
    match framing {
        Framing::Chunked => out.put_slice(b"transfer-encoding: chunked\r\n"),
        Framing::Length(length) => content_length(out, length),
        Framing::None | Framing::Close => {}
    }
    match persistence {
        Persistence::Usual => {}
        Persistence::Close => out.put_slice(b"connection: close\r\n"),
        Persistence::KeepAlive => out.put_slice(b"connection: keep-alive\r\n"),
        Persistence::Upgrade => out.put_slice(b"connection: upgrade\r\n"),
    }
    out.put_slice(b"\r\n");
}

/// Writes the head of an interim answer (RFC 9110 §15.2).
pub(in crate::gateway) fn interim(out: &mut BytesMut, code: StatusCode, headers: &HeaderMap) {
    status(out, code);
    fields(out, headers, |name| *name != CONNECTION && !is_framing(name));
    out.put_slice(b"\r\n");
}

fn status(out: &mut BytesMut, code: StatusCode) {
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(code.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(code.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
}

fn fields(out: &mut BytesMut, headers: &HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    for (name, value) in headers {
        if keep(name) {
            field(out, name, value);
        }
    }
}

fn is_framing(name: &HeaderName) -> bool {
    *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING
}

fn field(out: &mut BytesMut, name: &HeaderName, value: &HeaderValue) {
    out.put_slice(name.as_str().as_bytes());
    out.put_slice(b": ");
    out.put_slice(value.as_bytes());
    out.put_slice(b"\r\n");
}

fn content_length(out: &mut BytesMut, length: u64) {
    out.put_slice(b"content-length: ");
    decimal(out, length);
    out.put_slice(b"\r\n");
}

fn decimal(out: &mut BytesMut, number: u64) {
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes the line before a chunk's data.
pub(in crate::gateway) fn chunk(out: &mut BytesMut, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut line = [b'0'; 16];
    let mut rest = size;
    let mut used = 0;
    for place in line.iter_mut().rev() {
        *place = DIGITS.get(rest & 0xf).copied().unwrap_or(b'0');
        rest >>= 4;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(line.get(line.len() - used..).unwrap_or_default());
    out.put_slice(b"\r\n");
}

/// Writes the end of a chunked body.
pub(in crate::gateway) fn last_chunk(out: &mut BytesMut, trailers: Option<&HeaderMap>) {
    out.put_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        fields(out, trailers, |_| true);
    }
    out.put_slice(b"\r\n");
}
