//! What the backend hears, what the client hears back, and which connections carry it.

use crate::gateway::{Gate, assert_refused, pets};
use crate::support::upstream::Upstream;
use crate::support::{http, make, raw};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpStream;

const PATH: &str = "/shop/pets/v1/cats";

#[tokio::test]
async fn the_backend_hears_who_calls_and_not_with_what() {
    let gate = Gate::open().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let seen = gate.upstream.only();
    assert_eq!(seen.header("api-key"), "");
    assert_eq!(seen.header("x-portico-application"), gate.issued.key.application.to_string());
    assert_eq!(seen.header("x-portico-plan"), "bronze");
    assert_eq!(seen.header("x-portico-environment"), "production");
    let subscription: (uuid::Uuid,) =
        sqlx::query_as("select id from subscriptions").fetch_one(gate.app.pool()).await.unwrap();
    assert_eq!(seen.header("x-portico-subscription"), subscription.0.to_string());
    assert_eq!(seen.header("host"), gate.upstream.address.to_string());
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "http");
    assert_eq!(format!("http://{}", seen.header("x-forwarded-host")), gate.app.app.urls.production);
    assert_eq!(seen.header("via"), "1.1 portico");
}

#[tokio::test]
async fn what_a_client_claims_to_be_is_taken_away() {
    let gate = Gate::open().await;
    let mut headers = vec![
        ("api-key", gate.key()),
        ("x-portico-application", "forged"),
        ("x-portico-plan", "forged"),
        ("X-Portico-Admin", "forged"),
        ("x_portico_application", "forged"),
        ("x-portico_plan", "forged"),
        ("x-consumer-username", "forged"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-host", "forged"),
        ("x-forwarded-prefix", "forged"),
        ("x_forwarded_for", "6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-request-id", "forged"),
        ("connection", "x-portico-application, x-forwarded-for, x-request-id, host, x-own"),
        ("x-own", "hop by hop"),
        ("x-mine", "passes"),
    ];
    let answer = http::get(&gate.url(PATH), &headers).await;
    assert_eq!(answer.status, 200);
    let seen = gate.upstream.only();
    let said = format!("{:?}", seen.headers);
    for gone in ["forged", "6.6.6.6", "gopher", "x-own", "x_"] {
        assert!(!said.contains(gone), "{gone}: {said}");
    }
    assert_eq!(seen.header("x-mine"), "passes");
    assert_eq!(seen.header("x-portico-application"), gate.issued.key.application.to_string());
    assert_eq!(seen.header("x-request-id"), answer.header("x-request-id"));
    assert_eq!(answer.header("x-request-id").len(), 32);

    // The same without a credential to hide behind.
    let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))]).replace("plans: [bronze, gold]", "auth: []");
    make::publish(&gate.app, &manifest).await;
    headers.remove(0);
    assert_eq!(http::get(&gate.url(PATH), &headers).await.status, 200);
    assert!(!format!("{:?}", gate.upstream.last().headers).contains("forged"));
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let trust =
        |config: &mut portico::config::Config| config.gateway.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let gate = Gate::over(Upstream::start().await, trust).await;
    let headers = [
        ("api-key", gate.key()),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "api.example.com"),
        ("x-request-id", "abc-123"),
    ];
    let answer = http::get(&gate.url(PATH), &headers).await;
    let seen = gate.upstream.only();
    assert_eq!(seen.header("x-forwarded-for"), "6.6.6.6, 127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "https");
    assert_eq!(seen.header("x-forwarded-host"), "api.example.com");
    assert_eq!((seen.header("x-request-id"), answer.header("x-request-id")), ("abc-123", "abc-123"));
}

#[tokio::test]
async fn a_header_that_carries_no_credential_of_the_api_passes() {
    let gate = Gate::open().await;
    let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))]).replace("plans:", "auth: [api-key]\nplans:");
    make::publish(&gate.app, &manifest).await;
    let headers = [("api-key", gate.key()), ("authorization", "Basic YTpi")];
    assert_eq!(http::get(&gate.url(PATH), &headers).await.status, 200);
    assert_eq!(gate.upstream.only().header("authorization"), "Basic YTpi");
}

#[tokio::test]
async fn hop_by_hop_headers_go_both_ways_and_the_others_stay_as_they_are() {
    let answer = |_: &_| {
        Response::builder()
            .status(StatusCode::CREATED)
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("proxy-authenticate", "Basic")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("x-bytes", HeaderValue::from_bytes(b"caf\xe9").unwrap())
            .header("server", "theirs")
            .body(Full::from("made"))
            .unwrap()
    };
    let gate = Gate::over(Upstream::answering(answer).await, |_| {}).await;
    let headers = [
        ("api-key", gate.key()),
        ("te", "trailers, deflate"),
        ("proxy-authorization", "Basic YTpi"),
        ("upgrade", "h2c"),
        ("connection", "upgrade, te"),
        ("accept", "a/b"),
        ("accept", "c/d"),
    ];
    let answer = http::send(Method::POST, &gate.url(PATH), &headers, "body").await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::CREATED, "made"));
    for gone in ["connection", "x-hop", "keep-alive", "proxy-authenticate"] {
        assert!(!answer.headers.contains_key(gone), "{gone}");
    }
    assert_eq!(answer.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(answer.headers["x-bytes"].as_bytes(), b"caf\xe9");
    assert_eq!(answer.header("server"), "theirs");
    let seen = gate.upstream.only();
    assert_eq!((seen.method.as_str(), &seen.body[..]), ("POST", &b"body"[..]));
    for gone in ["proxy-authorization", "upgrade"] {
        assert!(!seen.headers.contains_key(gone), "{gone}");
    }
    assert_eq!((seen.header("te"), seen.header("connection")), ("trailers", "te"));
    assert_eq!(seen.headers.get_all("accept").iter().collect::<Vec<_>>(), ["a/b", "c/d"]);
}

#[tokio::test]
async fn the_portals_session_reaches_no_backend_and_no_backend_sets_it() {
    let answer = |_: &_| {
        Response::builder()
            .header("set-cookie", "portico-session=theirs; Path=/")
            .header("set-cookie", "theme=dark; Path=/; Max-Age=9")
            .body(Full::from("made"))
            .unwrap()
    };
    let upstream = Upstream::answering(answer).await;
    let gate = Gate::over(upstream, |_| {}).await;
    for (cookie, passes) in [
        ("a=1; portico-session=ptn_x; b=2", Some("a=1; b=2")),
        ("__Host-portico-session=ptn_x", None),
        ("a=1; my-portico-session=2", Some("a=1; my-portico-session=2")),
    ] {
        let answer = http::get(&gate.url(PATH), &[("api-key", gate.key()), ("cookie", cookie)]).await;
        let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        assert_eq!(set, ["theme=dark; Path=/; Max-Age=9"]);
        let heard = gate.upstream.last();
        assert_eq!(heard.headers.get("cookie").map(|c| c.to_str().unwrap()), passes, "{cookie}");
    }
}

#[tokio::test]
async fn large_heads_pass_and_larger_ones_are_refused() {
    let answer = |_: &_| Response::builder().header("x-large", "b".repeat(32 * 1024)).body(Full::default()).unwrap();
    let gate = Gate::over(Upstream::answering(answer).await, |_| {}).await;
    let large = "a".repeat(16 * 1024);
    let answer = http::get(&gate.url(PATH), &[("api-key", gate.key()), ("x-large", &large)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-large").len()), (200, 32 * 1024));
    assert_eq!(gate.upstream.only().header("x-large"), large);
    let too_large = http::get(&gate.url(PATH), &[("api-key", gate.key()), ("x-large", &"a".repeat(70_000))]).await;
    assert_eq!(too_large.status, 431);
}

#[tokio::test]
async fn head_and_options_and_odd_methods_pass() {
    let gate = Gate::open().await;
    let head = http::send(Method::HEAD, &gate.url(PATH), &[("api-key", gate.key())], "").await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.body.len()), (200, "5", 0));
    for method in ["OPTIONS", "PROPFIND", "PATCH", "TRACE"] {
        let method: Method = method.parse().unwrap();
        assert_eq!(http::send(method.clone(), &gate.url(PATH), &[("api-key", gate.key())], "").await.status, 200);
        assert_eq!(gate.upstream.last().method, method);
    }
}

#[tokio::test]
async fn backend_connections_are_kept_and_used_again() {
    let gate = Gate::open().await;
    for _ in 0..5 {
        assert_eq!(gate.get(PATH).await.status, 200);
        let key = gate.key();
        assert_eq!(http::send(Method::POST, &gate.url(PATH), &[("api-key", key)], "body").await.status, 200);
        assert_eq!(http::send(Method::HEAD, &gate.url(PATH), &[("api-key", key)], "").await.status, 200);
    }
    assert_eq!((gate.upstream.seen().len(), gate.upstream.connections()), (15, 1));
}

/// A backend that answers once on its first connection and then hangs up without an answer; how many heads it saw.
async fn flaky() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let heads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heads);
    let address = raw::backend(move |mut wire, number| {
        let count = Arc::clone(&count);
        async move {
            for turn in 0.. {
                wire.head().await;
                count.fetch_add(1, Ordering::SeqCst);
                if number == 0 && turn == 1 {
                    return;
                }
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    })
    .await;
    (address, heads)
}

#[tokio::test]
async fn a_pooled_connection_that_dies_is_replaced_where_that_cannot_do_anything_twice() {
    for (method, body, status, heads_after) in
        [("GET", "", 200, 3), ("PUT", "", 200, 3), ("PUT", "x", 502, 2), ("POST", "", 502, 2)]
    {
        let (address, heads) = flaky().await;
        let gate = Gate::open().await;
        make::publish(&gate.app, &pets(&[("1.0", "published", &format!("http://{address}"))])).await;
        assert_eq!(gate.get(PATH).await.status, 200);
        let answer = http::send(method.parse().unwrap(), &gate.url(PATH), &[("api-key", gate.key())], body).await;
        assert_eq!((answer.status.as_u16(), heads.load(Ordering::SeqCst)), (status, heads_after), "{method} {body}");
    }
}

#[tokio::test]
async fn a_connection_that_the_backend_closed_while_idle_is_replaced_for_every_method() {
    let (closed, mut was_closed) = tokio::sync::mpsc::unbounded_channel();
    let address = raw::backend(move |mut wire, _| {
        let closed = closed.clone();
        async move {
            wire.head().await;
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            drop(wire);
            closed.send(()).unwrap();
        }
    })
    .await;
    let gate = Gate::open().await;
    make::publish(&gate.app, &pets(&[("1.0", "published", &format!("http://{address}"))])).await;
    for _ in 0..3 {
        let answer = http::send(Method::POST, &gate.url(PATH), &[("api-key", gate.key())], "").await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ok"));
        was_closed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn http_2_with_prior_knowledge_reaches_a_backend_of_http_1() {
    let gate = Gate::open().await;
    let stream = TcpStream::connect(raw::address(&gate.url(""))).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = |path: &str| {
        Request::post(gate.url(path))
            .header("api-key", gate.key())
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Full::<Bytes>::from("body"))
            .unwrap()
    };
    let answer = sender.send_request(request(PATH)).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["api-version"]), (200, &HeaderValue::from_static("1.0")));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hello");
    let seen = gate.upstream.only();
    assert_eq!((&*seen.target, &seen.body[..], seen.header("cookie")), ("/base/cats", &b"body"[..], "a=1; b=2"));
    assert_eq!(format!("http://{}", seen.header("x-forwarded-host")), gate.app.app.urls.production);
    assert_eq!(sender.send_request(request("/nowhere")).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_page_of_the_portal_may_call_and_read_the_answer_and_no_other_page() {
    let gate = Gate::open().await;
    let portal = gate.app.app.urls.portal.clone();
    let preflight = |origin: &str| {
        let (url, origin) = (gate.url(PATH), origin.to_owned());
        async move {
            let headers = [
                ("origin", &*origin),
                ("access-control-request-method", "PUT"),
                ("access-control-request-headers", "api-key,x-other"),
            ];
            http::send(Method::OPTIONS, &url, &headers, "").await
        }
    };
    let answer = preflight(&portal).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), portal);
    assert_eq!(answer.header("access-control-allow-methods"), "PUT");
    assert_eq!(answer.header("access-control-allow-headers"), "api-key,x-other");
    assert_eq!(gate.upstream.seen().len(), 0);
    assert_refused(&preflight("https://evil.example").await, 401, "900902");

    for (key, status) in [(gate.key(), 200), ("wrong", 401)] {
        let answer = http::get(&gate.url(PATH), &[("api-key", key), ("origin", &portal)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (status, &*portal));
        let answer = http::get(&gate.url(PATH), &[("api-key", key), ("origin", "https://evil.example")]).await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (status, ""));
    }
}
