//! Protocols beside the usual one, at either end: upgrades, HTTP/2, old HTTP, and framing that is wrong.

use crate::gateway::{Gate, assert_refused, pets};
use crate::support::make;
use crate::support::raw::{self, Wire};
use crate::support::upstream::Upstream;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const PATH: &str = "/shop/pets/v1/cats";

async fn gate_to(backend: SocketAddr) -> Gate {
    let gate = Gate::over(Upstream::start().await, |_| {}).await;
    make::publish(&gate.app, &pets(&[("1.0", "published", &format!("http://{backend}"))])).await;
    gate.app.settle().await;
    gate
}

/// A connection to the gateway on which a request's head was sent.
async fn ask(gate: &Gate, method: &str, more: &str) -> Wire {
    let mut wire = Wire::open(raw::address(&gate.url(""))).await;
    wire.send(format!("{method} {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\n{more}\r\n", gate.key())).await;
    wire
}

const WEBSOCKET: &str = "upgrade: websocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";

#[tokio::test]
async fn a_websocket_passes_both_ways_until_one_side_closes() {
    let (told, mut news) = mpsc::unbounded_channel();
    let backend = raw::backend(move |mut wire, _| {
        let told = told.clone();
        async move {
            told.send(wire.head().await).unwrap();
            wire.send("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello").await;
            told.send(wire.until("ping").await).unwrap();
            wire.send("pong").await;
            told.send(format!("end {}", wire.rest().await)).unwrap();
        }
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "GET", WEBSOCKET).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("connection: upgrade\r\n") && head.contains("sec-websocket-accept: s3pPLM"), "{head}");
    client.until("hello").await;
    client.send("ping").await;
    client.until("pong").await;
    drop(client);
    let head = news.recv().await.unwrap();
    assert!(head.contains("upgrade: websocket\r\n") && head.contains("connection: upgrade\r\n"), "{head}");
    assert!(head.contains("sec-websocket-key: dGhl") && !head.contains(gate.key()), "{head}");
    assert_eq!(news.recv().await.unwrap(), "ping");
    assert_eq!(news.recv().await.unwrap(), "end ");
}

#[tokio::test]
async fn a_refused_upgrade_is_an_answer_like_any_other() {
    let gate = Gate::open().await;
    let mut client = ask(&gate, "GET", WEBSOCKET).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    client.until("hello").await;
    client.send(format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\n\r\n")).await;
    assert!(client.head().await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn an_upgrade_to_http_2_does_not_pass_and_one_that_nobody_asked_for_is_a_broken_answer() {
    let gate = Gate::open().await;
    let h2c = "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    let mut client = ask(&gate, "GET", h2c).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    let seen = gate.upstream.only();
    assert_eq!([seen.header("upgrade"), seen.header("connection"), seen.header("http2-settings")], ["", "", ""]);

    let backend = raw::backend(|mut wire, _| async move {
        wire.head().await;
        wire.send("HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    for more in ["", WEBSOCKET] {
        assert!(ask(&gate, "GET", more).await.head().await.starts_with("HTTP/1.1 502"));
    }
}

/// A backend that speaks HTTP/2 only and answers with what it has seen, and with trailers.
async fn http2_backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<Incoming>| async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap();
                let trailers = body.trailers().cloned().unwrap_or_default();
                let text = format!("{:?} {} {:?} {:?}", head.version, head.uri, head.headers, body.to_bytes());
                let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from(text))), Ok(Frame::trailers(trailers))];
                Ok::<_, Infallible>(Response::new(StreamBody::new(futures_util::stream::iter(frames))))
            });
            tokio::spawn(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

#[tokio::test]
async fn a_backend_that_speaks_http_2_is_spoken_to_in_it() {
    let backend = http2_backend().await;
    let gate = gate_to(backend).await;
    make::policies(&gate.app, "pets", &json!({ "backend": { "protocol": "http2" } })).await;
    gate.app.settle().await;
    let mut client = ask(
        &gate,
        "POST",
        "transfer-encoding: chunked\r\nte: trailers\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
    )
    .await;
    client.send("5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    let body = client.until("0\r\n").await;
    assert!(body.contains("HTTP/2.0") && body.contains(&format!("http://{backend}/cats")), "{body}");
    assert!(body.contains("b\"hello\"") && body.contains("\"te\": \"trailers\""), "{body}");
    assert!(!body.contains("upgrade") && !body.contains(gate.key()), "{body}");
    assert_eq!(client.until("\r\n\r\n").await, "x-sum: 7\r\n\r\n");
    // And once more on the same connections.
    client.send(format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\n\r\n", gate.key())).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));

    let answer = over_http2(&gate, Full::from("hello")).await;
    assert!(answer.0.contains("HTTP/2.0") && answer.0.contains("b\"hello\""), "{}", answer.0);
}

#[tokio::test]
async fn a_backend_that_does_not_speak_http_2_gives_a_broken_answer() {
    let gate = Gate::open().await;
    make::policies(&gate.app, "pets", &json!({ "backend": { "protocol": "http2" } })).await;
    gate.app.settle().await;
    assert_refused(&gate.get(PATH).await, 502, "101500");
}

/// What a client hears that speaks HTTP/2 with prior knowledge: body and trailers.
async fn over_http2(gate: &Gate, body: Full<Bytes>) -> (String, HeaderMap) {
    let stream = TcpStream::connect(raw::address(&gate.url(""))).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(gate.url(PATH)).version(Version::HTTP_2).header("api-key", gate.key()).body(body);
    let response = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    (String::from_utf8(body.to_bytes().to_vec()).unwrap(), trailers)
}

#[tokio::test]
async fn trailers_of_an_http_1_backend_reach_a_client_of_http_2() {
    let backend = raw::backend(|mut wire, _| async move {
        wire.until("hello").await;
        wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    let (body, trailers) = over_http2(&gate, Full::from("hello")).await;
    assert_eq!((body.as_str(), trailers.get("grpc-status").map(http::HeaderValue::as_bytes)), ("ok", Some(&b"0"[..])));
}

#[tokio::test]
async fn an_answer_whose_end_two_readers_could_see_differently_reaches_no_client() {
    for head in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, chunked",
        "content-length : 5",
        "x: a\r\n b\r\ncontent-length: 5",
    ] {
        let backend = raw::backend(move |mut wire, _| async move {
            wire.head().await;
            wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nhello")).await;
            wire.rest().await;
        })
        .await;
        let gate = gate_to(backend).await;
        assert_refused(&gate.get(PATH).await, 502, "101500");
    }
}

#[tokio::test]
async fn a_chunk_that_two_readers_could_see_differently_is_refused() {
    let gate = Gate::open().await;
    for chunks in [
        "-1\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5;a=\nb\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nx y: z\r\n\r\n",
    ] {
        let mut wire = ask(&gate, "POST", "transfer-encoding: chunked\r\n").await;
        wire.send(chunks).await;
        let answer = wire.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("connection: close"), "{chunks:?}: {answer}");
    }
    assert_eq!(gate.upstream.seen().len(), 0);
    let mut wire = ask(&gate, "POST", "transfer-encoding: chunked\r\n").await;
    wire.send("5;a=b\r\nhello\r\n000\r\n\r\n").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(&gate.upstream.only().body[..], b"hello");
}

#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_anything_does_not_wait_for_itself() {
    // More than the kernel's buffers on four connections hold.
    const SIZE: usize = 48 * 1024 * 1024;
    let backend = raw::backend(|mut wire, _| async move {
        wire.head().await;
        wire.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n")).await;
        let (mut read, mut write) = wire.stream.into_split();
        let answers = tokio::spawn(async move { write.write_all(&vec![b'x'; SIZE]).await });
        let mut all = 0;
        let mut chunk = vec![0; 64 * 1024];
        while all < SIZE {
            all += read.read(&mut chunk).await.unwrap();
        }
        answers.await.unwrap().unwrap();
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", &format!("content-length: {SIZE}\r\nconnection: close\r\n")).await;
    tokio::time::timeout(raw::PATIENCE, client.send(vec![b'x'; SIZE])).await.expect("the upload goes on");
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.rest().await.len(), SIZE);
}

#[tokio::test]
async fn an_upload_goes_on_after_an_early_answer_and_the_connection_with_it() {
    let backend = raw::backend(|mut wire, _| async move {
        wire.head().await;
        wire.send("HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok").await;
        wire.until("the rest").await;
        wire.head().await;
        wire.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo").await;
        wire.rest().await;
    })
    .await;
    let gate = gate_to(backend).await;
    let mut client = ask(&gate, "POST", "content-length: 8\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 202"));
    client.until("ok").await;
    client.send(format!("the restGET {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\n\r\n", gate.key())).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    client.until("two").await;
}

#[tokio::test]
async fn requests_that_come_together_are_answered_one_after_the_other() {
    let gate =
        Gate::over(Upstream::answering(|seen| Response::new(Full::from(seen.target.clone()))).await, |_| {}).await;
    let mut wire = Wire::open(raw::address(&gate.url(""))).await;
    let request =
        |n: usize, more: &str| format!("GET {PATH}?{n} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\n{more}\r\n", gate.key());
    let all: Vec<String> = (1..=3).map(|n| request(n, "")).collect();
    wire.send(format!("{}\r\n{}", all.concat(), request(4, "connection: close\r\n"))).await;
    for n in 1..=4 {
        assert!(wire.head().await.starts_with("HTTP/1.1 200"));
        wire.until(&format!("/base/cats?{n}")).await;
    }
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn old_clients_get_answers_that_they_understand() {
    let backend = raw::backend(|mut wire, _| async move {
        loop {
            wire.head().await;
            wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await;
        }
    })
    .await;
    let gate = gate_to(backend).await;
    let request = format!("GET {PATH} HTTP/1.0\r\napi-key: {}\r\n\r\n", gate.key());
    let answer = raw::exchange(raw::address(&gate.url("")), request).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close\r\n"), "{answer}");
    assert!(!answer.contains("transfer-encoding") && answer.ends_with("\r\n\r\nhello"), "{answer}");

    let gate = Gate::open().await;
    let mut wire = Wire::open(raw::address(&gate.url(""))).await;
    for _ in 0..2 {
        let kept = "connection: keep-alive\r\n";
        wire.send(format!("GET {PATH} HTTP/1.0\r\n{kept}api-key: {}\r\n\r\n", gate.key())).await;
        assert!(wire.head().await.contains(kept));
        wire.until("hello").await;
    }
}

#[tokio::test]
async fn what_is_no_http_is_told_so_at_once() {
    let gate = Gate::open().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",
    ] {
        let answer = raw::exchange(raw::address(&gate.url("")), bytes).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("application/problem+json"), "{answer}");
    }
}

#[tokio::test]
async fn answers_say_when_they_were_made() {
    let gate = Gate::open().await;
    let dates = [gate.get(PATH).await, gate.get("/nowhere").await].map(|answer| answer.header("date").to_owned());
    assert!(dates[0].ends_with(" GMT"), "the backend's own: {dates:?}");
    assert_eq!(dates[1], "Tue, 24 Nov 2026 12:00:00 GMT");
}
