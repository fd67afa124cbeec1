//! Bodies on their way: at once, both ways, with backpressure, and never cut short in silence.

use crate::gateway::{Gate, pets};
use crate::support::raw::{self, Wire};
use crate::support::{http, make};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

const PATH: &str = "/shop/pets/v1/cats";

/// A gate in front of this backend.
async fn gate_to(backend: SocketAddr) -> Gate {
    gate_with(backend, |_| {}).await
}

async fn gate_with(backend: SocketAddr, change: impl FnOnce(&mut portico::config::Config)) -> Gate {
    let gate = Gate::over(crate::support::upstream::Upstream::start().await, change).await;
    make::publish(&gate.app, &pets(&[("1.0", "published", &format!("http://{backend}"))])).await;
    gate
}

/// A connection to the gateway with a request's head already sent.
async fn ask(gate: &Gate, method: &str, more: &str) -> Wire {
    let mut wire = Wire::open(raw::address(&gate.url(""))).await;
    wire.send(format!("{method} {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\n{more}\r\n", gate.key())).await;
    wire
}

#[tokio::test]
async fn the_first_bytes_of_an_answer_arrive_before_the_last_are_made() {
    let waits = Arc::new(tokio::sync::Notify::new());
    let notified = Arc::clone(&waits);
    let backend = raw::backend(move |mut wire, _| {
        let waits = Arc::clone(&notified);
        async move {
            wire.head().await;
            wire.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
            wire.send("6\r\none\n\n\n\r\n").await;
            waits.notified().await;
            wire.send("3\r\ntwo\r\n0\r\n\r\n").await;
            wire.rest().await;
        }
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "GET", "").await;
    client.until("one\n\n\n").await;
    waits.notify_one();
    client.until("two").await;
}

#[tokio::test]
async fn the_first_bytes_of_a_request_arrive_before_the_last_are_sent() {
    let (heard, mut arrivals) = mpsc::unbounded_channel();
    let backend = raw::backend(move |mut wire, _| {
        let heard = heard.clone();
        async move {
            wire.head().await;
            heard.send(wire.until("one").await).unwrap();
            heard.send(wire.until("two").await).unwrap();
            wire.until("0\r\n\r\n").await;
            wire.send("HTTP/1.1 204 No Content\r\n\r\n").await;
            wire.rest().await;
        }
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", "transfer-encoding: chunked\r\n").await;
    client.send("3\r\none\r\n").await;
    arrivals.recv().await.unwrap();
    client.send("3\r\ntwo\r\n").await;
    arrivals.recv().await.unwrap();
    client.send("0\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_writer_and_loses_nothing() {
    const CHUNK: usize = 64 * 1024;
    const TOTAL: usize = 64 * 1024 * 1024;
    let written = Arc::new(AtomicUsize::new(0));
    let (stalled, mut stall) = mpsc::unbounded_channel();
    let count = Arc::clone(&written);
    let backend = raw::backend(move |mut wire, _| {
        let (count, stalled) = (Arc::clone(&count), stalled.clone());
        async move {
            wire.head().await;
            wire.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {TOTAL}\r\n\r\n")).await;
            let chunk = vec![b'x'; CHUNK];
            while count.load(Ordering::SeqCst) < TOTAL {
                // What the other side does not take for a while, it does not take.
                let mut sending = std::pin::pin!(wire.send(&chunk));
                if tokio::time::timeout(Duration::from_millis(500), sending.as_mut()).await.is_err() {
                    let _ = stalled.send(count.load(Ordering::SeqCst));
                    sending.await;
                }
                count.fetch_add(CHUNK, Ordering::SeqCst);
            }
            wire.rest().await;
        }
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "GET", "connection: close\r\n").await;
    let taken = stall.recv().await.unwrap();
    // The kernel's own buffers on two connections, and less than a megabyte of ours.
    assert!(taken < 20 * 1024 * 1024, "{taken} bytes went into a reader that reads nothing");
    client.head().await;
    assert_eq!(client.rest().await.len(), TOTAL);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_backends_call() {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let backend = raw::backend(move |mut wire, _| {
        let ended = ended.clone();
        async move {
            wire.head().await;
            ended.send("begun").unwrap();
            wire.rest().await;
            ended.send("ended").unwrap();
        }
    })
    .await;
    let gate = gate_to(backend).await;
    let client = ask(&gate, "GET", "").await;
    assert_eq!(ends.recv().await, Some("begun"));
    drop(client);
    assert_eq!(tokio::time::timeout(raw::PATIENCE, ends.recv()).await.unwrap(), Some("ended"));
}

#[tokio::test]
async fn a_backend_that_breaks_off_makes_the_client_see_a_broken_answer() {
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let backend = raw::backend(move |mut wire, _| async move {
            wire.head().await;
            wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhello\r\n")).await;
        })
        .await;
        let gate = gate_to(backend).await;
        let mut client = ask(&gate, "GET", "").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        let rest = client.rest().await;
        assert!(rest.contains("hello") && !rest.ends_with("0\r\n\r\n") && rest.len() < 100, "{rest}");
    }
}

#[tokio::test]
async fn an_answer_without_a_length_ends_with_its_connection() {
    let backend = raw::backend(move |mut wire, _| async move {
        wire.head().await;
        wire.send("HTTP/1.0 200 OK\r\n\r\nall of it").await;
    })
    .await;
    let gate = gate_to(backend).await;
    let answer = gate.get(PATH).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "all of it"));
}

#[tokio::test]
async fn a_client_that_waits_for_100_gets_it_when_the_backend_says_so() {
    let backend = raw::backend(move |mut wire, _| async move {
        assert!(wire.head().await.contains("expect: 100-continue"));
        wire.send("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n").await;
        wire.until("body").await;
        wire.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", "expect: 100-continue\r\ncontent-length: 4\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn a_backend_that_ignores_the_wish_for_100_does_not_hold_the_body_up_for_long() {
    let backend = raw::backend(move |mut wire, _| async move {
        wire.until("body").await;
        wire.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", "expect: 100-continue\r\ncontent-length: 4\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 100"));
    client.send("body").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn a_backend_that_refuses_before_100_spares_the_client_the_body() {
    let backend = raw::backend(move |mut wire, _| async move {
        wire.head().await;
        wire.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", "expect: 100-continue\r\ncontent-length: 4\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 403"));
    assert_eq!(client.rest().await, "no");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let backend = raw::backend(move |mut wire, _| async move {
        let head = wire.head().await;
        let rest = wire.until("\r\n\r\n").await;
        assert!(head.contains("trailer: x-sum") && rest.contains("x-sum: 7"), "{head}{rest}");
        wire.send("HTTP/1.1 200 OK\r\ntrailer: x-total\r\ntransfer-encoding: chunked\r\n\r\n").await;
        wire.send("2\r\nok\r\n0\r\nx-total: 9\r\n\r\n").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", "te: trailers\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n").await;
    client.send("1\r\na\r\n0\r\nx-sum: 7\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert!(client.until("\r\n\r\n").await.contains("x-total: 9"));
}

#[tokio::test]
async fn an_early_answer_passes_before_the_request_is_complete() {
    let backend = raw::backend(move |mut wire, _| async move {
        wire.head().await;
        wire.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", "content-length: 1000000\r\n").await;
    client.send("only the beginning").await;
    assert!(client.head().await.starts_with("HTTP/1.1 403"));
    client.until("no").await;
}

#[tokio::test]
async fn a_body_without_a_length_is_limited_too() {
    let gate = Gate::over(crate::support::upstream::Upstream::start().await, |config| {
        config.gateway.max_body_bytes = 10;
    })
    .await;
    for (body, status) in [("a\r\n0123456789\r\n0\r\n\r\n", "200"), ("b\r\n0123456789x\r\n0\r\n\r\n", "413")] {
        let mut client = ask(&gate, "POST", "transfer-encoding: chunked\r\n").await;
        client.send(body).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }
    assert_eq!(gate.upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_backend_that_falls_silent_breaks_the_answer() {
    let backend = raw::backend(move |mut wire, _| async move {
        wire.head().await;
        wire.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_with(backend, |config| config.gateway.idle_seconds = 1).await;
    let mut client = ask(&gate, "GET", "").await;
    client.head().await;
    assert_eq!(client.rest().await, "hello");
}

#[tokio::test]
async fn a_head_that_trickles_is_ended_with_408_and_the_others_do_not_wait() {
    let gate = Gate::over(crate::support::upstream::Upstream::start().await, |config| {
        config.gateway.head_seconds = 1;
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::open(raw::address(&gate.url(""))).await;
        wire.send("GET / HTTP/1.1\r\nhos").await;
        slow.push(wire);
    }
    assert_eq!(gate.get(PATH).await.status, 200);
    for mut wire in slow {
        assert!(wire.rest().await.starts_with("HTTP/1.1 408"));
    }
}

#[tokio::test]
async fn a_request_whose_end_two_readers_could_see_differently_reaches_no_backend() {
    let gate = Gate::open().await;
    let key = gate.key();
    for request in [
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"
        ),
        format!("POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: -5\r\n\r\nhello"),
        format!("POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: +5\r\n\r\nhello"),
        format!("POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: 0x5\r\n\r\nhello"),
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: 99999999999999999999\r\n\r\nhello"
        ),
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello"
        ),
        format!("POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: 5, 5\r\n\r\nhello"),
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n"
        ),
        format!("POST {PATH} HTTP/1.0\r\nhost: gw\r\napi-key: {key}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        format!("GET {PATH} HTTP/1.1\nhost: gw\r\napi-key: {key}\r\n\r\n"),
        format!("GET {PATH} HTTP/1.1\r\nhost: gw\napi-key: {key}\r\n\r\n"),
        format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\nfolded: a\r\n b\r\n\r\n"),
        format!("POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\ntransfer-encoding: chunked, gzip\r\n\r\nhello"),
        format!("GET {PATH} HTTP/1.1\r\nhost : gw\r\napi-key: {key}\r\n\r\n"),
        format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\nx: a\0b\r\n\r\n"),
        format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {key}\r\nx: a\rb\r\n\r\n"),
        format!("GET {PATH} HTTP/1.1\r\napi-key: {key}\r\n\r\n"),
        format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\nhost: gw\r\napi-key: {key}\r\n\r\n"),
        format!("GET {PATH} HTTP/3.7\r\nhost: gw\r\napi-key: {key}\r\n\r\n"),
    ] {
        let answer =
            raw::exchange(raw::address(&gate.url("")), request.replacen("\r\n", "\r\nconnection: close\r\n", 1)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{request}{answer}");
    }
    assert_eq!(gate.upstream.seen().len(), 0);
    assert_eq!(http::get(&gate.url(PATH), &[("api-key", key)]).await.status, 200);
}

#[tokio::test]
async fn a_transfer_coding_that_nobody_here_knows_is_told_so() {
    let gate = Gate::open().await;
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        gate.key()
    );
    let answer = raw::exchange(raw::address(&gate.url("")), request).await;
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    assert_eq!(gate.upstream.seen().len(), 0);
}
