//! Where a caller stands with the limits of a call, as headers.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::cmp::Reverse;
use std::time::Duration;

/// Headers of `draft-ietf-httpapi-ratelimit-headers`.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Headers that older clients read.
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What callers know a limit by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Label {
    /// The policy as a header: name, calls, window in seconds.
    policy: HeaderValue,
    /// The limit's name, as a string of structured fields (RFC 9651 §3.3.3), and what comes before the calls that remain.
    start: Box<str>,
}

impl Label {
    /// `count` calls in a window; a month has none that is always the same.
    pub(super) fn new(name: &str, count: u64, window: Option<Duration>) -> Option<Self> {
        let mut quoted = String::from('"');
        for c in name.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                ' '..='~' => quoted.push(c),
                _ => quoted.push('?'),
            }
        }
        quoted.push('"');
        let window = window.map_or_else(String::new, |window| format!(";w={}", window.as_secs()));
        let policy = format!("{quoted};q={count}{window}").try_into().ok()?;
        Some(Self { policy, start: format!("{quoted};r=").into() })
    }
}

/// Where a caller stands with one limit after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Standing {
    /// Calls at once, or in the period.
    pub(super) limit: u64,
    /// How many of them are left.
    pub(super) remaining: u64,
    /// Until all of them are.
    pub(super) reset: Duration,
    /// For a call that this limit refuses: until it lets one through.
    pub(super) wait: Option<Duration>,
}

/// Where a caller stands with all limits of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Standings<'t> {
    /// There is one.
    One([(&'t Label, Standing); 1]),
    /// There are several.
    Several(Vec<(&'t Label, Standing)>),
}

impl Standings<'_> {
    /// Tells the caller. What a backend says about limits of its own would be mistaken for ours.
    pub(in crate::gateway) fn write(&self, headers: &mut HeaderMap) {
        let all = self.all();
        // The one that refuses for longest, or that is nearest to refusing.
        let key = |(_, standing): &&(&Label, Standing)| (Reverse(standing.wait), standing.remaining);
        let Some((_, tightest)) = all.iter().min_by_key(key) else { return };
        if let Some((policy, value)) = self.fields() {
            headers.insert(RATE_LIMIT_POLICY, policy);
            headers.insert(RATE_LIMIT, value);
        }
        let wait = tightest.wait.map(|wait| (RETRY_AFTER, seconds(wait).max(1)));
        let numbers = [(LIMIT, tightest.limit), (REMAINING, tightest.remaining), (RESET, seconds(tightest.reset))];
        for (name, number) in numbers.into_iter().chain(wait) {
            // Half the allocations of the conversion from a number.
            if let Ok(value) = HeaderValue::from_str(itoa::Buffer::new().format(number)) {
                headers.insert(name, value);
            }
        }
    }

    fn all(&self) -> &[(&Label, Standing)] {
        match self {
            Self::One(one) => one,
            Self::Several(several) => several,
        }
    }

    /// Both fields of the draft: the policies, and where the caller stands with each.
    fn fields(&self) -> Option<(HeaderValue, HeaderValue)> {
        if let Self::One([(label, standing)]) = self {
            let mut line = Line { bytes: [0; 192], length: 0 };
            standing.write(label, &mut |text| line.push(text));
            return Some((label.policy.clone(), HeaderValue::from_bytes(line.bytes.get(..line.length)?).ok()?));
        }
        let (mut policies, mut line) = (Vec::new(), Vec::new());
        for (label, standing) in self.all() {
            if !line.is_empty() {
                policies.extend(b", ");
                line.extend(b", ");
            }
            policies.extend(label.policy.as_bytes());
            standing.write(label, &mut |text| line.extend(text));
        }
        Some((
            HeaderValue::from_maybe_shared(Bytes::from(policies)).ok()?,
            HeaderValue::from_maybe_shared(Bytes::from(line)).ok()?,
        ))
    }
}

impl Standing {
    /// As a member of the field `RateLimit`.
    fn write(&self, label: &Label, out: &mut impl FnMut(&[u8])) {
        out(label.start.as_bytes());
        digits(self.remaining, out);
        out(b";t=");
        digits(seconds(self.reset), out);
    }
}

/// A short text on the stack: the machinery of formatting costs more than the rest of a limit.
struct Line {
    bytes: [u8; 192],
    length: usize,
}

impl Line {
    /// Adds a text. Names are bounded, so it has room.
    fn push(&mut self, text: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..).and_then(|rest| rest.get_mut(..text.len())) {
            room.copy_from_slice(text);
            self.length += text.len();
        }
    }
}

/// A number in decimal.
fn digits(number: u64, out: &mut impl FnMut(&[u8])) {
    out(itoa::Buffer::new().format(number).as_bytes());
}

/// Whole seconds, rounded up: whoever waits so long finds the door open.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(limit: u64, remaining: u64, reset: u64, wait: Option<u64>) -> Standing {
        let seconds = Duration::from_secs;
        Standing { limit, remaining, reset: seconds(reset), wait: wait.map(seconds) }
    }

    fn read(headers: &HeaderMap, name: &str) -> String {
        headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn one_limit_is_told_with_its_policy_and_where_the_caller_stands() {
        let gold = Label::new("gold", 60, Some(Duration::from_mins(1))).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(RATE_LIMIT, HeaderValue::from_static("the backend's"));
        Standings::One([(&gold, standing(3, 2, 1, None))]).write(&mut headers);
        assert_eq!(read(&headers, "ratelimit"), "\"gold\";r=2;t=1");
        assert_eq!(read(&headers, "ratelimit-policy"), "\"gold\";q=60;w=60");
        for (name, value) in [("limit", "3"), ("remaining", "2"), ("reset", "1")] {
            assert_eq!(read(&headers, &format!("x-ratelimit-{name}")), value);
        }
        assert_eq!(read(&headers, "retry-after"), "");
        Standings::One([(&gold, standing(3, 0, 3, Some(1)))]).write(&mut headers);
        assert_eq!(
            (read(&headers, "ratelimit"), read(&headers, "retry-after")),
            ("\"gold\";r=0;t=3".into(), "1".into())
        );
    }

    #[test]
    fn several_limits_are_all_told_and_the_tightest_alone_where_there_is_room_for_one() {
        let (gold, day) = (Label::new("gold", 60, Some(Duration::from_mins(1))), Label::new("gold-month", 900, None));
        let operation = Label::new("GET /a\"\\ü/{id}", u64::MAX, Some(Duration::from_secs(1)));
        let (gold, day, operation) = (gold.unwrap(), day.unwrap(), operation.unwrap());
        let mut headers = HeaderMap::new();
        let mut all = vec![
            (&gold, standing(10, 9, 1, None)),
            (&day, standing(900, 7, 5000, None)),
            (&operation, standing(u64::MAX, u64::MAX, 0, None)),
        ];
        Standings::Several(all.clone()).write(&mut headers);
        assert_eq!(
            read(&headers, "ratelimit-policy"),
            "\"gold\";q=60;w=60, \"gold-month\";q=900, \"GET /a\\\"\\\\?/{id}\";q=18446744073709551615;w=1"
        );
        assert_eq!(
            read(&headers, "ratelimit"),
            "\"gold\";r=9;t=1, \"gold-month\";r=7;t=5000, \"GET /a\\\"\\\\?/{id}\";r=18446744073709551615;t=0"
        );
        assert_eq!(
            (read(&headers, "x-ratelimit-limit"), read(&headers, "x-ratelimit-reset")),
            ("900".into(), "5000".into())
        );
        all.push((&gold, standing(5, 0, 7, Some(2))));
        all.push((&day, standing(6, 0, 8, Some(3))));
        Standings::Several(all).write(&mut headers);
        assert_eq!((read(&headers, "x-ratelimit-limit"), read(&headers, "retry-after")), ("6".into(), "3".into()));
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!([0, 1, 1_000_000_000, 1_000_000_001].map(|n| seconds(Duration::from_nanos(n))), [0, 1, 1, 2]);
    }
}
