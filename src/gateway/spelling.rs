//! Every way in which some server might read a path: as segments, without case, and each segment in all of its forms.
//!
//! Servers differ: some decode twice, some collapse slashes or take backslashes for them, some cut `;…`, an extension or
//! white space off a segment, some have no case. Whoever asks whether a path may mean something looks at all readings.

use crate::gateway::route::{ROUNDS, decode};

/// One way to cut a path into segments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading(pub(super) Vec<Segment>);

/// A segment as it might be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// In lower case: as it is, decoded, and without what servers cut off.
    pub(super) forms: Vec<String>,
    /// Whether some server sees no segment here at all.
    pub(super) may_be_nothing: bool,
    /// Whether no other segment that is certainly there follows.
    pub(super) is_last: bool,
}

/// Paths with more segments than this are not read: see [`readings`].
const MOST_SEGMENTS: usize = 128;

/// All readings of a path that starts with a slash; none if it has too many segments to look at.
///
/// Some servers decode before they look for slashes and some do it afterwards: so the path is split at every stage of
/// decoding, and each segment is decoded further.
pub(super) fn readings(path: &str) -> Option<Vec<Reading>> {
    let mut readings = Vec::new();
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..=ROUNDS {
        read(&bytes, &mut readings)?;
        // Decoded, a path may seem to end early.
        if let Some(end) = bytes.iter().position(|b| ENDS.contains(b)) {
            read(bytes.get(..end).unwrap_or_default(), &mut readings)?;
        }
        let decoded = decode(&bytes);
        if decoded == bytes {
            break;
        }
        bytes = decoded;
    }
    Some(readings)
}

/// Where some readers see the end of a path.
const ENDS: [u8; 3] = [0, b'?', b'#'];

/// What of a path is the same in all spellings: fully decoded, in lower case, without what servers cut off.
pub(super) fn canonical(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..ROUNDS {
        bytes = decode(&bytes);
    }
    lower(&bytes)
}

/// A segment without `;…`, and without white space and dots around it.
pub(super) fn stripped(segment: &str) -> &str {
    let name = segment.split([';', '\0', '?', '#']).next().unwrap_or_default();
    name.trim_matches(|c: char| c <= ' ').trim_end_matches(|c: char| c <= ' ' || c == '.')
}

/// Whether a path has one spelling only, so that no two servers can read it differently but for case and extensions.
pub(super) fn is_plain(path: &str) -> bool {
    !path.bytes().any(|b| matches!(b, b'%' | b'\\' | b';' | 0..=b' ' | 0x7f..)) && !path.contains("//")
}

fn read(path: &[u8], readings: &mut Vec<Reading>) -> Option<()> {
    push(path.split(|b| *b == b'/'), readings)?;
    if path.contains(&b'\\') {
        push(path.split(|b| matches!(b, b'/' | b'\\')), readings)?;
    }
    Some(())
}

fn push<'a>(segments: impl Iterator<Item = &'a [u8]>, readings: &mut Vec<Reading>) -> Option<()> {
    // What stands before the first slash is nothing.
    let segments: Vec<Vec<String>> = segments.skip(1).take(MOST_SEGMENTS + 1).map(decodings).collect();
    if segments.len() > MOST_SEGMENTS {
        return None;
    }
    let may_be_nothing = |segment: &Vec<String>| segment.iter().any(|text| stripped(text).is_empty());
    let last = segments.iter().rposition(|segment| !may_be_nothing(segment));
    let segment = |(at, segment): (usize, &Vec<String>)| {
        let is_last = last.is_none_or(|last| at >= last);
        Segment { forms: forms(segment, is_last), may_be_nothing: may_be_nothing(segment), is_last }
    };
    let reading = Reading(segments.iter().enumerate().map(segment).collect());
    if !readings.contains(&reading) {
        readings.push(reading);
    }
    Some(())
}

/// A segment at every stage of decoding, in lower case.
fn decodings(segment: &[u8]) -> Vec<String> {
    let mut all = vec![lower(segment)];
    let mut bytes = segment.to_vec();
    for _ in 0..ROUNDS {
        let decoded = decode(&bytes);
        if decoded == bytes {
            break;
        }
        all.push(lower(&decoded));
        bytes = decoded;
    }
    all
}

fn forms(decodings: &[String], is_last: bool) -> Vec<String> {
    let mut forms: Vec<String> = Vec::with_capacity(decodings.len());
    let mut add = |form: &str| {
        if !forms.iter().any(|known| known == form) {
            forms.push(form.to_owned());
        }
    };
    for text in decodings {
        add(text);
        let stripped = stripped(text);
        if !stripped.is_empty() {
            add(stripped);
        }
        // `/pets.json` is `/pets` for some.
        if let Some((name, _)) = stripped.rsplit_once('.').filter(|(name, _)| is_last && !name.is_empty()) {
            add(name);
        }
    }
    forms
}

fn lower(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_lowercase()
}
