//! The trace that a call belongs to (W3C Trace Context), as the backend and the access log hear of it.
//!
//! The gateway reports no spans of its own. So it takes no part in a trace that the caller has begun: it passes
//! `traceparent` and `tracestate` on unchanged (§2.2), and no parent is missing in the tree that others draw. Where there
//! is none that counts, a new trace begins here.

use crate::config;
use crate::config::ContinueFrom;
use crate::gateway::headers::{Peer, RequestIds};
use http::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// List members that `tracestate` may have (§3.3.1.1).
const MEMBERS: usize = 32;
/// Bytes of `tracestate` that are passed on; the recommendation asks for 512 at least (§3.3.1.5).
const STATE: usize = 4096;

/// Which traces count.
pub(super) struct Rules {
    continue_from: ContinueFrom,
    sampled: Part,
}

impl Rules {
    /// As configured.
    pub(super) fn new(config: &config::Trace) -> Self {
        Self { continue_from: config.continue_from, sampled: Part::new(config.sample) }
    }
}

/// The trace of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Trace {
    id: [u8; 32],
    begun: Begun,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begun {
    /// By the caller; its headers are right.
    There,
    /// Here.
    Here { sampled: bool },
}

impl Trace {
    /// The trace of a request with these headers: the caller's, if it counts, or a new one. A new one has the id of the
    /// request where that has the shape of one: one number finds all.
    pub(super) fn of(
        headers: &HeaderMap,
        peer: &Peer,
        request_id: &HeaderValue,
        (rules, ids): (&Rules, &RequestIds),
    ) -> Self {
        let counts = rules.continue_from == ContinueFrom::Anyone || peer.is_proxy();
        if counts && let Some(id) = only(headers, &TRACEPARENT).and_then(|value| trace_id(value.as_bytes())) {
            return Self { id, begun: Begun::There };
        }
        let id = plain_id(request_id.as_bytes()).or_else(|| plain_id(ids.next().as_bytes())).unwrap_or([b'1'; 32]);
        Self { id, begun: Begun::Here { sampled: rules.sampled.holds(&id) } }
    }

    /// Its id: 32 hexadecimal digits.
    pub(super) fn id(&self) -> &str {
        std::str::from_utf8(&self.id).unwrap_or_default()
    }

    /// Makes the headers for the backend say so.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        match self.begun {
            Begun::There => {
                // `Connection` named it: it goes on all the same, from a parent of ours.
                if !headers.contains_key(TRACEPARENT) {
                    return self.begin(headers, true);
                }
                if headers.contains_key(TRACESTATE) && !is_state(headers) {
                    headers.remove(TRACESTATE);
                }
            }
            Begun::Here { sampled } => self.begin(headers, sampled),
        }
    }

    fn begin(&self, headers: &mut HeaderMap, sampled: bool) {
        // A state without its parent means nothing (§3.3).
        headers.remove(TRACESTATE);
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
        let half = self.id.get(16..).unwrap_or_default();
        // Unique within the trace is all that a parent id has to be; and it must not be zero (§3.2.2.4).
        let parent = if half.iter().all(|digit| *digit == b'0') { b"0000000000000001" } else { half };
        let flags: &[u8] = if sampled { b"01" } else { b"00" };
        for (at, part) in [(3, &self.id[..]), (36, parent), (53, flags)] {
            if let Some(place) = text.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        }
        if let Ok(value) = HeaderValue::from_bytes(&text) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

/// A header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The trace id of a valid `traceparent` (§3.2.2). A version that is not known yet may have more behind its flags.
fn trace_id(value: &[u8]) -> Option<[u8; 32]> {
    let is_hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |part: &[u8]| part.iter().all(|b| *b == b'0');
    let (version, rest) = value.split_at_checked(2)?;
    let (id, rest) = rest.strip_prefix(b"-")?.split_at_checked(32)?;
    let (parent, rest) = rest.strip_prefix(b"-")?.split_at_checked(16)?;
    let (flags, rest) = rest.strip_prefix(b"-")?.split_at_checked(2)?;
    let ends = if version == b"00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with(b"-") };
    let holds = [version, id, parent, flags].into_iter().all(is_hex) && version != b"ff";
    (holds && ends && !is_zero(id) && !is_zero(parent)).then(|| id.try_into().ok()).flatten()
}

/// A request id that is a trace id too.
fn plain_id(id: &[u8]) -> Option<[u8; 32]> {
    let id: [u8; 32] = id.try_into().ok()?;
    // Without a way out in the middle, so that many bytes are compared at once.
    let other = id.iter().fold(0, |sum, b| sum | u8::from(!matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    (other == 0 && id.iter().any(|b| *b != b'0')).then_some(id)
}

/// Whether the list keeps its limits. What is in it is nobody's business here.
fn is_state(headers: &HeaderMap) -> bool {
    let (mut members, mut bytes) = (0, 0);
    for line in headers.get_all(TRACESTATE) {
        bytes += line.len() + 1;
        members += line.as_bytes().split(|b| *b == b',').filter(|member| !member.trim_ascii().is_empty()).count();
    }
    members <= MEMBERS && bytes <= STATE + 1
}

/// A part of all ids, the same on every node.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Part(f64);

impl Part {
    /// From 0, none, to 1, all.
    pub(super) fn new(part: f64) -> Self {
        Self(part)
    }

    /// Whether this id is in it.
    pub(super) fn holds(self, id: &[u8]) -> bool {
        if self.0 >= 1.0 {
            return true;
        }
        // FNV-1a, and a finisher that spreads it over all bits.
        let hash = id.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let top = u32::try_from(mixed >> 32).unwrap_or(u32::MAX);
        f64::from(top) < self.0 * 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn rules(continue_from: ContinueFrom, sample: f64) -> Rules {
        Rules::new(&config::Trace { continue_from, sample })
    }

    fn of(traceparent: &[&str], rules: &Rules, trusted: &[ipnet::IpNet]) -> Trace {
        let mut headers = HeaderMap::new();
        for value in traceparent {
            headers.append(TRACEPARENT, HeaderValue::try_from(*value).unwrap());
        }
        let peer = Peer::new("10.0.0.1".parse().unwrap(), trusted).unwrap();
        let ids = RequestIds::new(&crate::base::random::Random::seeded(1));
        Trace::of(&headers, &peer, &HeaderValue::from_static("proxy's own"), (rules, &ids))
    }

    #[test]
    fn only_a_valid_parent_is_believed() {
        let anyone = rules(ContinueFrom::Anyone, 1.0);
        let good = format!("00-{ID}-00f067aa0ba902b7-01");
        let later = format!("01-{ID}-00f067aa0ba902b7-09-more");
        for valid in [&good, &later] {
            let trace = of(&[valid], &anyone, &[]);
            assert_eq!((trace.id(), trace.begun), (ID, Begun::There), "{valid}");
        }
        for wrong in [
            "",
            "00",
            &format!("{good}-more"),
            &format!("{good} "),
            &good.to_uppercase(),
            &good.replace('-', "_"),
            &format!("ff-{ID}-00f067aa0ba902b7-01"),
            &format!("01-{ID}-00f067aa0ba902b7-01x"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{ID}-0000000000000000-01"),
            &format!("00-{ID}-00f067aa0ba902b7-0"),
        ] {
            let trace = of(&[wrong], &anyone, &[]);
            assert_eq!(trace.begun, Begun::Here { sampled: true }, "{wrong}");
            assert_ne!(trace.id(), ID);
        }
        assert_ne!(of(&[&good, &good], &anyone, &[]).id(), ID, "one of two says nothing");
        let proxies = rules(ContinueFrom::Proxies, 1.0);
        assert_ne!(of(&[&good], &proxies, &[]).id(), ID, "it is nobody's proxy");
        assert_eq!(of(&[&good], &proxies, &["10.0.0.0/8".parse().unwrap()]).id(), ID);
    }

    #[test]
    fn a_new_trace_is_well_formed_and_takes_no_state_along() {
        for (sample, flags) in [(1.0, "01"), (0.0, "00")] {
            let trace = of(&[], &rules(ContinueFrom::Anyone, sample), &[]);
            let mut headers = HeaderMap::new();
            headers.insert(TRACESTATE, HeaderValue::from_static("a=1"));
            headers.insert(TRACEPARENT, HeaderValue::from_static("junk"));
            trace.write(&mut headers);
            let written = headers.get(TRACEPARENT).unwrap();
            assert_eq!(trace_id(written.as_bytes()), Some(trace.id));
            assert!(written.to_str().unwrap().ends_with(flags) && !headers.contains_key(TRACESTATE));
        }
    }

    #[test]
    fn a_state_beyond_its_limits_goes_whole() {
        let anyone = rules(ContinueFrom::Anyone, 1.0);
        let trace = of(&[&format!("00-{ID}-00f067aa0ba902b7-01")], &anyone, &[]);
        let kept = |state: String| {
            let mut headers = HeaderMap::new();
            headers.insert(
                TRACEPARENT,
                HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"),
            );
            headers.insert(TRACESTATE, HeaderValue::try_from(state).unwrap());
            trace.write(&mut headers);
            headers.contains_key(TRACESTATE)
        };
        let members = |n: usize| (0..n).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert!(kept("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7".to_owned()) && kept(members(32)));
        assert!(!kept(members(33)) && !kept(format!("a={}", "x".repeat(STATE))));
    }

    #[test]
    fn a_part_is_about_as_large_as_it_says() {
        let ids: Vec<String> = (0..10_000).map(|n| format!("{n:032x}")).collect();
        let count = |part: f64| ids.iter().filter(|id| Part::new(part).holds(id.as_bytes())).count();
        assert_eq!((count(0.0), count(1.0)), (0, 10_000));
        assert!((900..1100).contains(&count(0.1)), "{}", count(0.1));
    }
}
