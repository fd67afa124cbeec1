//! Heads of requests and answers, and what they say about the body that follows.

use crate::gateway::wire::spare;
use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use httparse::{Header, ParserConfig, Status};
use memchr::memmem;
use std::mem::MaybeUninit;

/// Header lines of an answer, at most.
const ANSWER_LINES: usize = 256;
/// Header lines of a request that there is room for; [`Bounds::lines`] may be smaller.
const REQUEST_LINES: usize = 256;
/// The largest head of an answer, in bytes.
const ANSWER_BYTES: usize = 64 * 1024;

/// Room for the headers that are added on the way, so that the map need not grow.
const OURS: usize = 16;

/// How large a request's head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Bounds {
    /// All of it, in bytes.
    pub(in crate::gateway) head: usize,
    /// The request target, in bytes.
    pub(in crate::gateway) target: usize,
    /// Header lines.
    pub(in crate::gateway) lines: usize,
}

/// Why bytes are no head that can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Malformed {
    /// They are not HTTP/1.
    Syntax,
    /// It cannot be told where the body ends.
    Framing,
    /// A transfer coding that is not known (RFC 9112 §6.1).
    Coding,
    /// The target is too long.
    Target,
    /// The head is too large.
    Head,
}

/// Where a body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    Close,
}

/// A request's head.
#[derive(Debug)]
pub(in crate::gateway) struct RequestHead {
    /// Method, target, version and headers.
    pub(in crate::gateway) request: Request<()>,
    /// Where its body ends.
    pub(in crate::gateway) framing: Framing,
    /// Whether the client means to go on with the connection.
    pub(in crate::gateway) persists: bool,
}

/// An answer's head.
#[derive(Debug)]
pub(in crate::gateway) struct AnswerHead {
    /// Status, version and headers.
    pub(in crate::gateway) response: Response<()>,
    /// Where its body ends.
    pub(in crate::gateway) framing: Framing,
    /// Whether the connection may serve another request.
    pub(in crate::gateway) persists: bool,
}

/// Takes a request's head from the front of `input`; nothing if it is not complete yet. `seen` is how much of `input` was
/// looked at before.
pub(in crate::gateway) fn request(
    input: &mut BytesMut,
    seen: &mut usize,
    bounds: &Bounds,
) -> Result<Option<RequestHead>, Malformed> {
    skip_empty_lines(input);
    let Some(head) = complete(input, seen) else {
        return unfinished_request(input, bounds);
    };
    if head.len() > bounds.head {
        return Err(Malformed::Head);
    }
    let mut lines = [const { MaybeUninit::uninit() }; REQUEST_LINES];
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(&head, &mut lines) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::Head),
        Ok(_) | Err(_) => return Err(Malformed::Syntax),
    }
    if parsed.headers.len() > bounds.lines {
        return Err(Malformed::Head);
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(Malformed::Syntax);
    };
    if target.len() > bounds.target {
        return Err(Malformed::Target);
    }
    let method = Method::from_bytes(method.as_bytes()).or(Err(Malformed::Syntax))?;
    let version = if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    let headers = collect(&head, parsed.headers)?;
    let framing = match transfer_coding(&headers)? {
        Some(_) if version == Version::HTTP_10 => return Err(Malformed::Framing),
        Some(_) if headers.contains_key(CONTENT_LENGTH) => return Err(Malformed::Framing),
        Some(Coding::Chunked) => Framing::Chunked,
        Some(Coding::Unknown) => return Err(Malformed::Coding),
        None => match content_length(&headers)? {
            None | Some(0) => Framing::None,
            Some(length) => Framing::Length(length),
        },
    };
    let mut request = Request::new(());
    *request.uri_mut() = uri(head.slice_ref(target.as_bytes()), &method)?;
    *request.method_mut() = method;
    *request.version_mut() = version;
    *request.headers_mut() = headers;
    let persists = persists(version, request.headers());
    Ok(Some(RequestHead { request, framing, persists }))
}

/// Takes an answer's head from the front of `input`; nothing if it is not complete yet. It answers `method`.
pub(in crate::gateway) fn answer(
    input: &mut BytesMut,
    seen: &mut usize,
    method: &Method,
) -> Result<Option<AnswerHead>, Malformed> {
    let Some(head) = complete(input, seen) else {
        let is_answer = b"HTTP/1.".iter().zip(input.iter()).all(|(wanted, found)| wanted == found);
        return if input.len() > ANSWER_BYTES || !is_answer { Err(Malformed::Syntax) } else { Ok(None) };
    };
    if head.len() > ANSWER_BYTES {
        return Err(Malformed::Head);
    }
    let mut lines = [const { MaybeUninit::uninit() }; ANSWER_LINES];
    let mut parsed = httparse::Response::new(&mut []);
    let result = ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, &head, &mut lines);
    if result != Ok(Status::Complete(head.len())) {
        return Err(Malformed::Syntax);
    }
    let (Some(status), Some(minor)) = (parsed.code, parsed.version) else { return Err(Malformed::Syntax) };
    let status = StatusCode::from_u16(status).or(Err(Malformed::Syntax))?;
    let version = if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    let headers = collect(&head, parsed.headers)?;
    let framing = answer_framing(status, method, &headers)?;
    let persists = framing != Framing::Close && persists(version, &headers);
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.version_mut() = version;
    *response.headers_mut() = headers;
    Ok(Some(AnswerHead { response, framing, persists }))
}

fn answer_framing(status: StatusCode, method: &Method, headers: &HeaderMap) -> Result<Framing, Malformed> {
    let coding = transfer_coding(headers)?;
    let length = content_length(headers)?;
    let has_none = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || *method == Method::HEAD;
    match (coding, length) {
        (Some(Coding::Unknown), _) => Err(Malformed::Coding),
        // An answer that names two ends is one that somebody tampers with.
        (Some(_), Some(_)) => Err(Malformed::Framing),
        _ if has_none => Ok(Framing::None),
        (Some(Coding::Chunked), None) => Ok(Framing::Chunked),
        (None, Some(0)) => Ok(Framing::None),
        (None, Some(length)) => Ok(Framing::Length(length)),
        (None, None) => Ok(Framing::Close),
    }
}

/// Fields that stand between chunks and the end of a message.
pub(in crate::gateway) fn trailers(lines: &Bytes) -> Result<HeaderMap, Malformed> {
    let mut room = [httparse::EMPTY_HEADER; 64];
    match httparse::parse_headers(lines, &mut room) {
        Ok(Status::Complete((length, fields))) if length == lines.len() => collect(lines, fields),
        _ => Err(Malformed::Syntax),
    }
}

/// Some clients end a body with an empty line too many (RFC 9112 §2.2).
fn skip_empty_lines(input: &mut BytesMut) {
    while input.starts_with(b"\r\n") {
        let _ = input.split_to(2);
    }
}

/// All bytes up to and with the empty line.
fn complete(input: &mut BytesMut, seen: &mut usize) -> Option<Bytes> {
    let from = seen.saturating_sub(3).min(input.len());
    let Some(at) = memmem::find(input.get(from..).unwrap_or_default(), b"\r\n\r\n") else {
        *seen = input.len();
        return None;
    };
    *seen = 0;
    Some(input.split_to(from + at + 4).freeze())
}

/// What has no end yet may be wrong already: whoever sends something else than HTTP need not wait for an answer.
fn unfinished_request(input: &BytesMut, bounds: &Bounds) -> Result<Option<RequestHead>, Malformed> {
    let line = memchr::memchr(b'\n', input);
    if line.is_none() && input.len() > bounds.target.saturating_add(64) {
        return Err(Malformed::Target);
    }
    if input.len() > bounds.head {
        return Err(Malformed::Head);
    }
    let mut lines = [const { MaybeUninit::uninit() }; REQUEST_LINES];
    match httparse::Request::new(&mut []).parse_with_uninit_headers(input, &mut lines) {
        Ok(Status::Partial) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => Err(Malformed::Head),
        // Complete without an empty line of ours: its lines end with bare line feeds.
        Ok(Status::Complete(_)) | Err(_) => Err(Malformed::Syntax),
    }
}

/// The fields, as slices of `head`. A line that ends without a carriage return is one that two readers could split
/// differently.
fn collect(head: &Bytes, fields: &[Header<'_>]) -> Result<HeaderMap, Malformed> {
    // Without a way out in the middle, so that many bytes are compared at once. No head begins with a line feed.
    let bare = |sum: u8, (before, byte): (&u8, &u8)| sum | (u8::from(*byte == b'\n') & u8::from(*before != b'\r'));
    if head.iter().zip(head.iter().skip(1)).fold(0, bare) > 0 {
        return Err(Malformed::Syntax);
    }
    let mut headers = spare::take(fields.len() + OURS);
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).or(Err(Malformed::Syntax))?;
        let value = if field.value.is_empty() { Bytes::new() } else { head.slice_ref(field.value) };
        headers.append(name, HeaderValue::from_maybe_shared(value).or(Err(Malformed::Syntax))?);
    }
    Ok(headers)
}

fn uri(target: Bytes, method: &Method) -> Result<Uri, Malformed> {
    // The usual form; the others are parsed as a whole.
    if target.starts_with(b"/") {
        return PathAndQuery::from_maybe_shared(target).map(Uri::from).or(Err(Malformed::Syntax));
    }
    let uri = Uri::from_maybe_shared(target).or(Err(Malformed::Syntax))?;
    let is_authority = uri.scheme().is_none() && uri.authority().is_some();
    // Only CONNECT names an authority alone (RFC 9112 §3.2.3).
    if is_authority == (*method == Method::CONNECT) { Ok(uri) } else { Err(Malformed::Syntax) }
}

enum Coding {
    Chunked,
    Unknown,
}

/// The transfer coding, of which only `chunked` is known.
fn transfer_coding(headers: &HeaderMap) -> Result<Option<Coding>, Malformed> {
    let mut lines = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Malformed::Framing);
    }
    if line.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Ok(Some(Coding::Chunked));
    }
    // Chunked before something else, or twice, leaves the end open.
    let mut codings = line.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii);
    let last = codings.next_back().unwrap_or_default();
    if last.is_empty() || codings.any(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"chunked")) {
        return Err(Malformed::Framing);
    }
    Ok(Some(Coding::Unknown))
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Malformed> {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() || line.is_empty() {
        return Err(Malformed::Framing);
    }
    let digit = |sum: u64, byte: &u8| {
        byte.is_ascii_digit().then(|| sum.checked_mul(10)?.checked_add(u64::from(byte - b'0'))).flatten()
    };
    line.as_bytes().iter().try_fold(0, digit).map(Some).ok_or(Malformed::Framing)
}

/// Whether the connection goes on after this message (RFC 9112 §9.3).
fn persists(version: Version, headers: &HeaderMap) -> bool {
    let says = |option: &[u8]| {
        let mut options = headers.get_all(CONNECTION).iter().flat_map(|line| line.as_bytes().split(|b| *b == b','));
        options.any(|found| found.trim_ascii().eq_ignore_ascii_case(option))
    };
    if version == Version::HTTP_11 { !says(b"close") } else { says(b"keep-alive") && !says(b"close") }
}
