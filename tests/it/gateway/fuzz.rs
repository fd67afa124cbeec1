//! Arbitrary requests at a running gateway: it answers or closes, never fails, never speaks for somebody else.

use crate::gateway::{Gate, pets};
use crate::support::upstream::Upstream;
use crate::support::{make, raw};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// No request may leave its caller without an answer or an end for longer; the gateway's own limits are a second.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection is listened to after an answer: another one would be there by then.
const LATER: Duration = Duration::from_millis(200);
/// Connections at once.
const AT_ONCE: usize = 32;

/// The same values in each run.
fn cases<S: Strategy>(seed: u64, count: usize, strategy: &S) -> Vec<S::Value> {
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

async fn gate() -> Gate {
    let limits = |config: &mut portico::config::Config| {
        config.gateway.head_seconds = 1;
        config.gateway.idle_seconds = 1;
        config.gateway.first_byte_seconds = 5;
    };
    let gate = Gate::over(Upstream::start().await, limits).await;
    // Calls are not to be held back.
    let manifest = pets(&[("1.0", "published", &gate.upstream.url("/base"))]);
    make::publish(&gate.app, &format!("kind: plan\nname: bronze\ntitle: Bronze\nrate: unlimited\n---\n{manifest}"))
        .await;
    gate
}

/// Sends bytes in pieces and reads all answers until the connection is closed or idle.
async fn exchange(address: SocketAddr, pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        // The gateway may have closed already: it has seen enough.
        let _ = stream.write_all(piece).await;
        tokio::task::yield_now().await;
    }
    let (mut said, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let wait = if said.is_empty() { PATIENCE } else { LATER };
        match tokio::time::timeout(wait, stream.read(&mut chunk)).await {
            Ok(Ok(0) | Err(_)) => return said,
            Ok(Ok(read)) => said.extend_from_slice(&chunk[..read]),
            Err(_) => {
                assert!(!said.is_empty(), "no answer and no end to {:?}", text(&pieces.concat()));
                return said;
            }
        }
    }
}

/// Sends all of them, some at a time; each with what was said to it.
async fn exchange_all(address: SocketAddr, all: Vec<Vec<Vec<u8>>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut said = Vec::new();
    let mut all = all.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(pieces) = all.next()
        {
            running.spawn(async move {
                let answer = exchange(address, &pieces).await;
                (pieces.concat(), answer)
            });
        }
        match running.join_next().await {
            Some(done) => said.push(done.unwrap()),
            None => return said,
        }
    }
}

/// The status of each answer.
fn statuses(said: &[u8]) -> Vec<u16> {
    let said = text(said);
    let after = said.split("HTTP/1.1 ").skip(1);
    after.filter_map(|answer| answer.get(..3)?.parse().ok()).filter(|status| *status >= 200).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A change of a request's bytes: where, of what kind, with what.
type Change = (prop::sample::Index, u8, Vec<u8>);

fn changed(mut bytes: Vec<u8>, (place, kind, put): &Change) -> Vec<u8> {
    if bytes.is_empty() {
        return put.clone();
    }
    let at = place.index(bytes.len());
    let end = (at + put.len()).min(bytes.len());
    match kind {
        0 => drop(bytes.splice(at..at, put.iter().copied())),
        1 => drop(bytes.splice(at..end, put.iter().copied())),
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        _ => {
            let again = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, again));
        }
    }
    bytes
}

/// What has meant something to some server once.
fn put() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "\t",
        ":",
        "\r\n\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length: 3\r\n",
        "\r\ncontent-length: 0\r\n",
        "\r\nTransfer-Encoding : chunked",
        "\r\ntransfer-encoding: identity",
        "\r\nhost: other",
        "\r\nexpect: 100-continue",
        "\r\nupgrade: h2c\r\nconnection: upgrade",
        "\r\nconnection: close, host",
        "0\r\n\r\n",
        "ffffffffffffffff\r\n",
        "3;x=\"y\"\r\nabc\r\n",
        "GET /shop/pets/v1/smuggled HTTP/1.1\r\nhost: gw\r\n\r\n",
        "HTTP/1.0",
        "HTTP/9.9",
        "/../",
        "%00",
    ]);
    prop_oneof![
        3 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..8),
    ]
}

#[tokio::test]
async fn a_changed_request_is_answered_or_ended_and_reaches_the_backend_at_most_once_an_answer() {
    let gate = gate().await;
    let change = (any::<prop::sample::Index>(), 0..5_u8, put());
    let shape =
        (0..3_u8, prop::collection::vec(change, 1..4), prop::collection::vec(any::<prop::sample::Index>(), 0..3));
    let requests = cases(1, 400, &shape).into_iter().map(|(shape, changes, cuts)| {
        let head =
            format!("/shop/pets/v1/cats HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\nconnection: close\r\n", gate.key());
        let whole = match shape {
            0 => format!("GET {head}\r\n"),
            1 => format!("POST {head}content-length: 10\r\n\r\n0123456789"),
            _ => format!("POST {head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        };
        let bytes = changes.iter().fold(whole.into_bytes(), changed);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        places.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec()).collect()
    });
    let mut passed = 0;
    for (sent, said) in exchange_all(raw::address(&gate.url("")), requests.collect()).await {
        for status in statuses(&said) {
            // 501 and 505 say that the gateway does not know a coding or a version; no other failure is the caller's.
            assert!(status < 500 || [501, 505].contains(&status), "{status} to {:?}: {}", text(&sent), text(&said));
            passed += usize::from(status == 200);
        }
    }
    let seen = gate.upstream.seen();
    assert!(seen.len() <= passed, "the backend has seen {} requests, callers {passed} answers", seen.len());
    assert!(passed > 20, "hardly anything passed: {passed}");
    for seen in seen {
        assert_eq!(seen.header("x-portico-application"), gate.issued.key.application.to_string(), "{seen:?}");
        assert_ne!(seen.target, "/base/smuggled", "a request without a credential");
    }
    assert_eq!(gate.get("/shop/pets/v1/cats").await.status, 200, "it still serves");
}

#[tokio::test]
async fn random_bytes_are_answered_or_ended_and_reach_no_backend() {
    let gate = gate().await;
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..300),
        "[A-Z]{1,5} /?[ -~]{0,40} HTTP/1\\.[01]\r\n([a-z-]{1,12}:[ -~]{0,20}\r\n){0,5}\r\n"
            .prop_map(String::into_bytes),
        "(GET|POST|PRI \\*|CONNECT) [ -~]{0,30}\r?\n?".prop_map(String::into_bytes),
    ];
    let requests = cases(2, 200, &bytes).into_iter().map(|bytes| vec![bytes]);
    for (sent, said) in exchange_all(raw::address(&gate.url("")), requests.collect()).await {
        for status in statuses(&said) {
            assert!((400..500).contains(&status) || [501, 505].contains(&status), "{status} to {:?}", text(&sent));
        }
    }
    assert_eq!(gate.upstream.seen().len(), 0);
}

#[tokio::test]
async fn arbitrary_headers_reach_the_backend_without_forged_identity_credential_or_what_is_for_one_hop() {
    let gate = gate().await;
    let known = prop::sample::select(vec![
        "x-portico-application",
        "X-Portico-User",
        "x_portico_application",
        "x-consumer-id",
        "x-forwarded-for",
        "X_Forwarded-Host",
        "x-real-ip",
        "x-request-id",
        "forwarded",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "proxy-connection",
        "proxy-authorization",
        "http2-settings",
        "cookie",
        "via",
        "range",
        "accept",
    ]);
    let name = prop_oneof![3 => known.prop_map(str::to_owned), 1 => "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}"];
    let value = prop_oneof![
        "(close|keep-alive|x-portico-application|api-key|host|x-request-id|via|te)(, ?[a-z-]{1,10}){0,2}",
        "forged[ -~]{0,20}",
        "portico-session=forged(; a=b)?",
        "[\\x20-\\x7e\\u{80}-\\u{ff}]{0,30}",
    ];
    let lines = prop::collection::vec((name, value), 0..12);
    // These would make another request of it, which is what the other tests do.
    let framing = ["content-length", "transfer-encoding", "host", "api-key", "authorization", "expect"];
    let requests = cases(3, 300, &lines).into_iter().map(|lines| {
        let mut bytes =
            format!("GET /shop/pets/v1/cats HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\n", gate.key()).into_bytes();
        for (name, value) in lines.iter().filter(|(name, _)| !framing.contains(&&*name.to_lowercase())) {
            bytes.extend([name.as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        vec![bytes]
    });
    let mut passed = 0;
    for (sent, said) in exchange_all(raw::address(&gate.url("")), requests.collect()).await {
        for status in statuses(&said) {
            assert!(status < 500, "{status} to {:?}: {}", text(&sent), text(&said));
            passed += usize::from(status == 200);
        }
    }
    let seen = gate.upstream.seen();
    assert!(passed > 100 && seen.len() == passed, "{passed} of {}", seen.len());
    let hops = ["keep-alive", "upgrade", "proxy-connection", "proxy-authorization", "http2-settings", "api-key"];
    for seen in seen {
        let all = format!("{seen:?}");
        for name in hops {
            assert!(!seen.headers.contains_key(name), "{name}: {all}");
        }
        assert!(!all.contains(gate.key()), "the key itself: {all}");
        assert_eq!(seen.header("x-portico-application"), gate.issued.key.application.to_string(), "{all}");
        assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1", "{all}");
        assert_eq!(seen.header("x-request-id").len(), 32, "{all}");
        assert_eq!(seen.header("host"), gate.upstream.address.to_string(), "{all}");
        for (name, value) in &seen.headers {
            let name = name.as_str().replace('_', "-");
            let is_ours = ["x-portico-", "x-consumer-", "x-forwarded-", "x-real-ip", "forwarded"];
            let claims = is_ours.iter().any(|begin| name.starts_with(begin));
            assert!(!claims || !text(value.as_bytes()).contains("forged"), "{name}: {all}");
            assert!(name != "cookie" || !text(value.as_bytes()).contains("portico-session="), "{all}");
            assert!(name != "connection" || value == "te" || value == "close" || value == "keep-alive", "{all}");
        }
    }
}
