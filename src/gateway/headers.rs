//! Which headers pass, which go, and which are ours (RFC 9110 §7.6, RFC 9113 §8.2.3).

use crate::base::environment::Environment;
use crate::base::secret::{SESSION_COOKIES, SIGN_IN_COOKIES};
use crate::gateway::forwarded;
use crate::gateway::permit::Permit;
use crate::gateway::policy::{Forwarded, ToldHost};
use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names the version that answered.
pub(super) const API_VERSION: HeaderName = HeaderName::from_static("api-version");
/// Names the request, in the answer and to the backend.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const APPLICATION: HeaderName = HeaderName::from_static("x-portico-application");
const SUBSCRIPTION: HeaderName = HeaderName::from_static("x-portico-subscription");
const PLAN: HeaderName = HeaderName::from_static("x-portico-plan");
const ENVIRONMENT: HeaderName = HeaderName::from_static("x-portico-environment");
const USER: HeaderName = HeaderName::from_static("x-portico-user");
const SCOPES: HeaderName = HeaderName::from_static("x-portico-scopes");
const ASSERTION: HeaderName = HeaderName::from_static("x-portico-assertion");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
/// What holds for one connection only, beside what `Connection` names.
static HOPS: [HeaderName; 8] = [
    KEEP_ALIVE,
    PROXY_CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHORIZATION,
    PROXY_AUTHENTICATE,
    HTTP2_SETTINGS,
];

/// Names that only the gateway may send to a backend, by their beginning.
const RESERVED: [&str; 2] = ["x-portico-", "x-consumer-"];
/// Names that only count from a trusted proxy, by their beginning.
const PROXIED: [&str; 3] = ["x-forwarded-", "x-real-ip", "x-request-id"];

/// The other end of a client's connection.
pub(super) struct Peer {
    address: HeaderValue,
    trust: Trust,
    /// What is spoken with it.
    scheme: &'static str,
}

/// Whether what a peer says about earlier hops counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trust {
    /// It is one of the configured proxies.
    Proxy,
    /// It is anybody.
    Nobody,
}

impl Peer {
    /// A peer at `address`; `None` when the address cannot be written as a header.
    pub(super) fn new(address: IpAddr, trusted: &[ipnet::IpNet]) -> Option<Self> {
        let address = address.to_canonical();
        let trust = if trusted.iter().any(|net| net.contains(&address)) { Trust::Proxy } else { Trust::Nobody };
        Some(Self { address: HeaderValue::try_from(address.to_string()).ok()?, trust, scheme: "http" })
    }

    /// The same peer, on a connection with TLS.
    pub(super) fn over_tls(self) -> Self {
        Self { scheme: "https", ..self }
    }

    /// Its address.
    pub(super) fn address(&self) -> &HeaderValue {
        &self.address
    }

    /// Whether it is one of the configured proxies.
    pub(super) fn is_proxy(&self) -> bool {
        self.trust == Trust::Proxy
    }

    /// The request's id: the trusted proxy's, or a new one.
    pub(super) fn request_id(&self, headers: &HeaderMap, ids: &RequestIds) -> HeaderValue {
        let plain = |id: &&HeaderValue| {
            (1..=128).contains(&id.len()) && id.as_bytes().iter().all(|b| b.is_ascii_graphic() && *b != b'"')
        };
        match self.trust {
            Trust::Proxy => headers.get(REQUEST_ID).filter(plain).cloned().unwrap_or_else(|| ids.next()),
            Trust::Nobody => ids.next(),
        }
    }
}

/// Makes a client's headers into those for the backend.
pub(super) fn outbound(
    headers: &mut HeaderMap,
    permit: &Permit<'_, '_>,
    (peer, environment): (&Peer, Environment),
    version: Version,
    request_id: &HeaderValue,
) {
    let wants_trailers = headers.get(TE).is_some_and(|te| contains_token(te, "trailers"));
    let host = headers.get(HOST).cloned();
    remove_hop_by_hop(headers);
    headers.remove(EXPECT); // answered here: a refusal comes before the body, an acceptance is our own 100
    let api = &permit.matched.route.api;
    for credential in [&api.key_header, &api.bearer_header].into_iter().flatten() {
        headers.remove(credential);
    }
    remove_claims(headers, peer.trust);
    if version == Version::HTTP_2 {
        join_cookies(headers);
    }
    remove_session(headers, &COOKIE, ";");
    let rules = permit.rules;
    rules.request.make(headers);

    // Ours come last: nothing that the client sent, `Connection` included, can take them away.
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    let told = match (&rules.host, &host) {
        (ToldHost::Named(name), _) => name,
        (ToldHost::Caller, Some(host)) => host,
        (ToldHost::Caller, None) | (ToldHost::Backend, _) => &permit.backend.origin.authority,
    };
    headers.insert(HOST, told.clone());
    if rules.forwarded == Forwarded::Told {
        forwarded::write(headers, &peer.address, peer.scheme, host.as_ref());
    }
    let forwarded_for = match headers.get(FORWARDED_FOR) {
        Some(earlier) => joined(earlier, ", ", &peer.address),
        None => peer.address.clone(),
    };
    headers.insert(FORWARDED_FOR, forwarded_for);
    if !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(peer.scheme));
    }
    if let Some(host) = host
        && !headers.contains_key(FORWARDED_HOST)
    {
        headers.insert(FORWARDED_HOST, host);
    }
    headers.append(VIA, HeaderValue::from_static(if version == Version::HTTP_2 { "2 portico" } else { "1.1 portico" }));
    headers.insert(REQUEST_ID, request_id.clone());
    headers.insert(ENVIRONMENT, HeaderValue::from_static(environment.as_str()));
    if let Some(identity) = &permit.identity {
        headers.insert(APPLICATION, identity.application.clone());
        headers.insert(SUBSCRIPTION, identity.subscription.clone());
        if let Some(plan) = identity.plan.map(|plan| &plan.name) {
            headers.insert(PLAN, plan.clone());
        }
        let said = [(USER, identity.user), (SCOPES, identity.scopes), (ASSERTION, permit.assertion.as_ref())];
        for (name, value) in said {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }
}

/// Makes a backend's headers into those for the client.
pub(super) fn inbound(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    // A cookie that a backend sets would count for the portal too, were it called so.
    remove_session(headers, &SET_COOKIE, "\0");
}

/// Whether a value of `Set-Cookie` would set the portal's session.
pub(super) fn sets_session(value: &HeaderValue) -> bool {
    let name = value.as_bytes().split(|b| *b == b'=').next().unwrap_or_default().trim_ascii();
    is_portals(name)
}

/// Whether a cookie of this name carries somebody's session, or a sign-in on its way to one.
fn is_portals(name: &[u8]) -> bool {
    SESSION_COOKIES.iter().chain(&SIGN_IN_COOKIES).any(|own| own.as_bytes() == name)
}

/// Removes the portal's session from each line of `name`, whose cookies stand between `separator`s.
fn remove_session(headers: &mut HeaderMap, name: &HeaderName, separator: &str) {
    let is_session = |cookie: &[u8]| {
        let key = cookie.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii();
        is_portals(key)
    };
    let cookies = |line: &HeaderValue| -> Vec<Vec<u8>> {
        line.as_bytes().split(|b| separator.as_bytes().contains(b)).map(|c| c.trim_ascii().to_vec()).collect()
    };
    let found = headers.get_all(name).iter().any(|line| cookies(line).iter().any(|cookie| is_session(cookie)));
    if !found {
        return;
    }
    let lines: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    for line in lines {
        let mut kept = cookies(&line);
        kept.retain(|cookie| !is_session(cookie));
        if let (false, Ok(line)) = (kept.is_empty(), HeaderValue::from_bytes(&kept.join(&b"; "[..]))) {
            headers.append(name, line);
        }
    }
}

/// Removes what holds for one connection only, and what `Connection` names.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    // Nearly always there is none: looking through the few names that there are costs less than asking for each.
    if headers.keys().any(|name| HOPS.contains(name)) {
        for name in &HOPS {
            headers.remove(name);
        }
    }
}

/// Headers that end with a connection, or say where a message ends (RFC 9110 §7.6.1, RFC 9112 §6).
fn is_of_the_connection(name: &HeaderName) -> bool {
    HOPS.contains(name) || [CONNECTION, CONTENT_LENGTH, TRAILER].contains(name)
}

/// Whether only the gateway decides about a header that a backend gets: no policy of an API may.
pub(super) fn is_gateways_towards_backends(name: &HeaderName) -> bool {
    let begins = |with: &&str| begins(name.as_str(), with);
    is_of_the_connection(name)
        || [HOST, EXPECT, VIA, FORWARDED].contains(name)
        || RESERVED.iter().chain(&PROXIED).any(begins)
}

/// Whether only the gateway decides about a header that a caller gets: no policy of an API may.
pub(super) fn is_gateways_towards_callers(name: &HeaderName) -> bool {
    let begins = |with: &&str| begins(name.as_str(), with);
    is_of_the_connection(name)
        || [API_VERSION, REQUEST_ID].contains(name)
        || ["ratelimit", "x-ratelimit-"].iter().chain(&RESERVED).any(begins)
}

/// Whether `name` begins with `with`. `_` counts as `-`: many backends cannot tell them apart.
fn begins(name: &str, with: &str) -> bool {
    name.len() >= with.len() && name.bytes().zip(with.bytes()).all(|(n, w)| n == w || (n == b'_' && w == b'-'))
}

/// Removes what a client claims to be and only we may say. `_` counts as `-`: many backends cannot tell them apart.
fn remove_claims(headers: &mut HeaderMap, trust: Trust) {
    let forged = |name: &str| {
        let begins = |with: &&str| begins(name, with);
        let misspelt = |with: &&str| begins(with) && name.contains('_');
        name.starts_with('x')
            && (RESERVED.iter().any(begins)
                || match trust {
                    Trust::Nobody => PROXIED.iter().any(begins),
                    Trust::Proxy => PROXIED.iter().any(misspelt),
                })
    };
    let found: Vec<HeaderName> = headers.keys().filter(|name| forged(name.as_str())).cloned().collect();
    for name in found {
        headers.remove(name);
    }
    if trust == Trust::Nobody {
        headers.remove(FORWARDED);
    }
}

/// HTTP/2 may split cookies over several headers; HTTP/1.1 may not.
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (cookies.next(), cookies.next()) else {
        return;
    };
    let whole = cookies.fold(joined(first, "; ", second), |whole, cookie| joined(&whole, "; ", cookie));
    headers.insert(COOKIE, whole);
}

fn joined(first: &HeaderValue, between: &str, second: &HeaderValue) -> HeaderValue {
    let bytes = [first.as_bytes(), between.as_bytes(), second.as_bytes()].concat();
    HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| second.clone())
}

fn contains_token(value: &HeaderValue, token: &str) -> bool {
    value.as_bytes().split(|b| *b == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether a request's framing can be trusted: one host, and no length beside a transfer coding (RFC 9112 §3.2, §6.1).
pub(super) fn is_well_framed(headers: &HeaderMap, version: Version, has_authority: bool) -> bool {
    let hosts = headers.get_all(HOST).iter().count();
    let named = match version {
        Version::HTTP_11 => hosts == 1,
        Version::HTTP_2 => hosts <= 1 && (hosts == 1 || has_authority),
        _ => hosts <= 1,
    };
    named && !(headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH))
}

/// Makes request ids for one thread: unique, and without the order in which they were made.
pub(super) struct RequestIds {
    seed: [u64; 2],
    next: AtomicU64,
}

impl RequestIds {
    /// Ids that differ from those of every other seed.
    pub(super) fn new(random: &crate::base::random::Random) -> Self {
        let half = || u64::from_le_bytes(random.bytes());
        Self { seed: [half(), half()], next: AtomicU64::new(0) }
    }

    /// A new one: 32 hexadecimal digits.
    pub(super) fn next(&self) -> HeaderValue {
        let [first, second] = self.seed;
        // SplitMix64's finisher: one to one, so that no two counts collide.
        let mut mixed =
            second.wrapping_add(self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let mut text = [b'0'; 32];
        let (halves, _) = text.as_chunks_mut::<16>();
        halves.iter_mut().zip([first, mixed]).for_each(|(half, number)| *half = hexadecimal(number));
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("0"))
    }
}

/// Sixteen lower-case digits. Each half byte gets a byte of its own, then all become digits at once.
fn hexadecimal(number: u64) -> [u8; 16] {
    let mut wide = u128::from(number);
    wide = (wide | wide << 32) & 0x0000_0000_ffff_ffff_0000_0000_ffff_ffff;
    wide = (wide | wide << 16) & 0x0000_ffff_0000_ffff_0000_ffff_0000_ffff;
    wide = (wide | wide << 8) & 0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_00ff;
    wide = (wide | wide << 4) & 0x0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f;
    wide.to_be_bytes().map(|digit| digit + if digit < 10 { b'0' } else { b'a' - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210] {
            assert_eq!(hexadecimal(number), *format!("{number:016x}").as_bytes());
        }
    }
}
