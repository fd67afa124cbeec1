//! From a request target to the version and endpoint that answer: pure, and on raw bytes, so nothing is decoded twice.

use crate::base::version::VersionState;
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::{Endpoint, Route, Snapshot};
use http::{Method, Uri};

/// What a request is for.
#[derive(Clone, Copy)]
pub(super) struct Matched<'s, 'p> {
    /// The version of the API.
    pub(super) route: &'s Route,
    /// The endpoint of that version.
    pub(super) endpoint: &'s Endpoint,
    /// What of the path goes on to the backend, byte for byte: empty, or starts with a slash.
    pub(super) rest: &'p str,
    /// The query, without its question mark.
    pub(super) query: Option<&'p str>,
}

/// How a request got no endpoint: the version is known in the second case, so that the call can be counted for it.
pub(super) enum Unmatched<'a> {
    /// Nothing is known about it.
    Unknown(Refusal),
    /// This version refuses it.
    Known(&'a Route, Refusal),
}

/// Finds the endpoint for a request.
///
/// The authority of an absolute-form target is ignored: a listener serves one environment and nothing else, so such a
/// request reaches our own APIs or nothing. `CONNECT` names no path and is refused.
pub(super) fn find<'s, 'p>(
    snapshot: &'s Snapshot,
    method: &Method,
    uri: &'p Uri,
) -> Result<Matched<'s, 'p>, Unmatched<'s>> {
    let path = uri.path();
    if *method == Method::CONNECT || !is_straight(path) {
        return Err(Unmatched::Unknown(Refusal::BadTarget));
    }
    let (route, rest) = version(snapshot, path).ok_or(Unmatched::Unknown(Refusal::NoRoute))?;
    if route.state == VersionState::Blocked {
        return Err(Unmatched::Known(route, Refusal::ApiBlocked));
    }
    let (endpoint, rest) = route.endpoint(rest).ok_or(Unmatched::Known(route, Refusal::NoEndpoint))?;
    Ok(Matched { route, endpoint, rest, query: uri.query() })
}

/// The version that `path` starts with, and the rest. Each segment that looks like `v1` or `v1.2` may end a context, so
/// a context may have several segments; the shortest known one wins.
fn version<'s, 'p>(snapshot: &'s Snapshot, path: &'p str) -> Option<(&'s Route, &'p str)> {
    let inner = path.strip_prefix('/')?;
    let mut start = 0;
    while let Some(segment) = inner.get(start..).and_then(|tail| tail.split('/').next()) {
        let end = start + segment.len();
        if let [b'v', b'0'..=b'9', ..] = segment.as_bytes() {
            let (key, rest) = inner.split_at_checked(end)?;
            if let Some(route) = snapshot.route(key) {
                return Some((route, rest));
            }
        }
        if end == inner.len() {
            return None;
        }
        start = end + 1;
    }
    None
}

/// Percent-decoding is tried so often before a path that still changes counts as hostile.
pub(super) const ROUNDS: usize = 4;

/// Whether no reader of `path`, however it decodes, can see a `.` or `..` segment in it.
///
/// Backends differ: some decode `%2e`, some decode twice, some take a backslash for a slash, some cut `;…` off a segment,
/// some read overlong UTF-8, some stop at a NUL or at what looks like a query once it is decoded, some drop tabs and line
/// ends. A path that is harmless to one and climbs out of the API for another is refused for all.
pub(super) fn is_straight(path: &str) -> bool {
    // Nearly all paths hold none of these bytes at a place where they could matter.
    if !path.bytes().any(|b| matches!(b, b'.' | b'%')) {
        return true;
    }
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..ROUNDS {
        if has_dot_segment(&bytes) {
            return false;
        }
        let decoded = decode(&bytes);
        if decoded == bytes {
            return true;
        }
        bytes = decoded;
    }
    false
}

fn has_dot_segment(path: &[u8]) -> bool {
    path.split(|b| matches!(b, b'/' | b'\\')).any(|segment| {
        let name = segment.split(|b| matches!(b, b';' | b'?' | b'#' | 0)).next().unwrap_or_default();
        // Some readers drop tabs and spaces at the end of a name, and line ends everywhere.
        let end = name.iter().rposition(|b| *b > b' ').map_or(0, |last| last + 1);
        let mut seen = name.get(..end).unwrap_or_default().iter().filter(|b| !matches!(b, b'\t' | b'\r' | b'\n'));
        matches!((seen.next(), seen.next(), seen.next()), (Some(b'.'), None | Some(b'.'), None))
    })
}

/// One round of percent-decoding; overlong UTF-8 is read as the ASCII that it hides.
pub(super) fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (byte, after) = match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (*first, tail),
            },
            (0xc0 | 0xc1, [last @ 0x80..=0xbf, after @ ..]) => (hidden(*first, *last), after),
            (0xe0, [next @ (0x80 | 0x81), last @ 0x80..=0xbf, after @ ..])
            | (0xf0, [0x80, next @ (0x80 | 0x81), last @ 0x80..=0xbf, after @ ..]) => (hidden(*next, *last), after),
            _ => (*first, tail),
        };
        out.push(byte);
        rest = after;
    }
    out
}

/// The ASCII character in the last two bytes of an overlong form.
fn hidden(next: u8, last: u8) -> u8 {
    (next & 1) << 6 | (last & 0x3f)
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_dot_segment_is_straight() {
        for path in [
            "/a/v1/..",
            "/a/v1/../b",
            "/a/v1/.",
            "/a/v1/./b",
            "/a/v1/%2e%2e/b",
            "/a/v1/%2E./b",
            "/a/v1/.%2e/b",
            "/a/v1/%252e%252e/b",
            "/a/v1/%25252e%25252e/b",
            "/a/v1/x%2f..%2fb",
            "/a/v1/x%5c..%5cb",
            "/a/v1/..\\b",
            "/a/v1/x\\..\\b",
            "/a/v1/..;/b",
            "/a/v1/..;x=y/b",
            "/a/v1/%2e%2e%3b/b",
            "/a/v1/..%00/b",
            "/a/v1/..%20/b",
            "/a/v1/..%00x/b",
            "/a/v1/..%3fx",
            "/a/v1/..%23x",
            "/a/v1/.%09./b",
            "/a/v1/%e0%80%ae./b",
            "/a/v1/%f0%80%80%ae%f0%80%80%ae/b",
            "/a/v1/%c0%ae%c0%ae/b",
            "/a/v1/%c0%ae%c0%ae%c0%afb",
            "/a/v1/%25252525252e/b",
            "/..",
            "/.",
        ] {
            assert!(!is_straight(path), "{path}");
        }
    }

    #[test]
    fn other_dots_and_encodings_are_straight() {
        for path in [
            "/",
            "",
            "/a/v1/b",
            "/a/v1.2/b",
            "/a/v1/...",
            "/a/v1/a..b",
            "/a/v1/.well-known",
            "/a/v1/x.",
            "/a/v1/..x",
            "/a/v1/%2f",
            "/a/v1/a%2Fb%20c",
            "/a/v1/100%",
            "/a/v1/%zz",
            "/a/v1/%e2%82%ac",
            "/a/v1//b",
            "/a/v1/x;v=1.0",
        ] {
            assert!(is_straight(path), "{path}");
        }
    }
}
