//! Paths under arbitrary input: what passes holds no dot segment for any of several servers, each written here anew.

use crate::gateway::route::{decode, is_straight};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// How a server reads a path before it resolves dot segments.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Decodes `%41`, as often as it is there.
    Decode,
    /// Takes a backslash for a slash.
    Backslashes,
    /// Cuts `;…` off each segment (Java servlets).
    Parameters,
    /// Stops at the first NUL (C strings).
    Nul,
    /// Stops where a query or fragment seems to begin, having decoded first.
    Query,
    /// Drops tabs and line ends (WHATWG URL).
    Breaks,
    /// Reads overlong UTF-8 as the byte that it hides.
    Overlong,
    /// Drops white space and control bytes at the end of a name (Windows).
    Trailing,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Decode,
        Self::Backslashes,
        Self::Parameters,
        Self::Nul,
        Self::Query,
        Self::Breaks,
        Self::Overlong,
        Self::Trailing,
    ];

    fn take(self, path: &[u8]) -> Vec<u8> {
        let cut = |ends: &[u8]| path.split(|b| ends.contains(b)).next().unwrap_or_default().to_vec();
        let each = |change: fn(&[u8]) -> &[u8]| path.split(|b| *b == b'/').map(change).collect::<Vec<_>>().join(&b'/');
        match self {
            Self::Decode => percent_decoded(path),
            Self::Backslashes => path.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect(),
            Self::Parameters => each(|segment| segment.split(|b| *b == b';').next().unwrap_or_default()),
            Self::Nul => cut(&[0]),
            Self::Query => cut(b"?#"),
            Self::Breaks => path.iter().copied().filter(|b| !b"\t\r\n".contains(b)).collect(),
            Self::Overlong => short(path),
            Self::Trailing => each(|segment| {
                let end = segment.iter().rposition(|b| *b > b' ').map_or(0, |last| last + 1);
                &segment[..end]
            }),
        }
    }
}

fn percent_decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let digits = path.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let digits = digits.filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        if let Some(byte) = digits.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| path[at] == b'%') {
            out.push(byte);
            at += 3;
        } else {
            out.push(path[at]);
            at += 1;
        }
    }
    out
}

/// Overlong forms of two, three and four bytes as what they hide, if that is ASCII.
fn short(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let (length, mut value) = match first {
            0xc0..=0xdf => (1, u32::from(first & 0x1f)),
            0xe0..=0xef => (2, u32::from(first & 0x0f)),
            0xf0..=0xf7 => (3, u32::from(first & 0x07)),
            _ => (0, 0),
        };
        let more = tail.get(..length).unwrap_or_default();
        for b in more {
            value = value << 6 | u32::from(b & 0x3f);
        }
        let whole = length > 0 && more.len() == length && more.iter().all(|b| (0x80..0xc0).contains(b));
        match u8::try_from(value) {
            Ok(byte) if whole && byte < 0x80 => {
                out.push(byte);
                rest = &tail[length..];
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// RFC 3986 §5.2.4 changes a path that has such a segment.
fn has_dots(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').any(|segment| matches!(segment, b"." | b".."))
}

/// A path of pieces that mean something to somebody.
fn path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "/",
        "/",
        ".",
        ".",
        "..",
        "%2e",
        "%2E",
        "%2f",
        "%5c",
        "\\",
        ";",
        "%3b",
        "%25",
        "%2",
        "%",
        "5",
        "2e",
        "%00",
        "%09",
        "%0a",
        "%20",
        "%3f",
        "%23",
        "%c0%ae",
        "%e0%80%ae",
        "%f0%80%80%ae",
        "%c0%af",
        "%c1%9c",
        "\u{e9}",
        "a",
        "v1",
        "x=y",
        "...",
        "%zz",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|pieces| format!("/a/v1/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2),
        ..ProptestConfig::with_cases(6_000)
    })]

    #[test]
    fn no_server_sees_a_dot_segment_in_what_passes(
        path in path(),
        steps in prop::collection::vec(prop::sample::select(&Step::ALL[..]), 0..6),
    ) {
        if is_straight(&path) {
            let mut read = path.clone().into_bytes();
            prop_assert!(!has_dots(&read), "{}", path);
            for (at, step) in steps.iter().enumerate() {
                read = step.take(&read);
                prop_assert!(!has_dots(&read), "{path} after {:?} is {}", &steps[..=at], String::from_utf8_lossy(&read));
            }
        }
    }

    #[test]
    fn a_browser_reads_what_passes_as_it_is(path in path()) {
        if is_straight(&path) && !path.contains(['\\', '?', '#']) {
            let url: url::Url = format!("http://h{path}").parse().unwrap();
            prop_assert_eq!(url.path().matches('/').count(), path.matches('/').count(), "{}", path);
        }
    }

    #[test]
    fn plain_paths_pass(path in "(/[a-z0-9_~-]{1,8}(\\.[a-z]{1,4})?){1,6}/?") {
        prop_assert!(is_straight(&path));
    }

    #[test]
    fn decoding_ends_and_never_grows(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut read = bytes;
        for _ in 0..=read.len() {
            let next = decode(&read);
            prop_assert!(next.len() <= read.len());
            if next == read {
                return Ok(());
            }
            read = next;
        }
        prop_assert!(false, "decoding goes on for ever");
    }
}
