//! What the gateway does for one API: headers, paths, the `Host` that backends get, limits of its own.

use crate::gateway::{Gate, assert_refused, pets};
use crate::support::scoped::Zoo;
use crate::support::upstream::Upstream;
use crate::support::{http, make};
use ::http::{Method, Response};
use bytes::Bytes;
use http_body_util::Full;
use portico::base::environment::Environment;
use serde_json::{Value, json};

const PATH: &str = "/shop/pets/v1/cats";

/// A gate whose API has these policies, and whose backend answers with headers of its own.
async fn gate(policies: Value) -> Gate {
    gate_with(policies, |_| {}).await
}

async fn gate_with(policies: Value, change: impl FnOnce(&mut portico::config::Config)) -> Gate {
    let answer = |_: &_| {
        Response::builder()
            .header("server", "theirs")
            .header("x-kept", "1")
            .header("x-added", "theirs")
            .body(Full::<Bytes>::from("hello"))
            .unwrap()
    };
    let gate = Gate::over(Upstream::answering(answer).await, change).await;
    make::policies(&gate.app, "pets", &policies).await;
    gate
}

#[tokio::test]
async fn headers_are_removed_set_and_added_on_both_sides() {
    let gate = gate(json!({})).await;
    let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))]).replace(
        "versions:",
        "policies:\n  request_headers: {remove: [x-debug], set: {x-team: pets, authorization: Basic YTpi}, add: {x-tag: b}}\n  \
         response_headers: {remove: [server], set: {x-frame-options: DENY}, add: {x-more: '1'}}\nversions:",
    );
    let manifest = manifest.replace("plans:", "auth: [api-key]\nplans:");
    make::publish(&gate.app, &manifest).await;
    let headers = [
        ("api-key", gate.key()),
        ("x-debug", "1"),
        ("x-team", "mine"),
        ("X-Team", "mine too"),
        ("x-tag", "a"),
        ("authorization", "Basic bWluZQ=="),
    ];
    let answer = http::get(&gate.url(PATH), &headers).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
    assert_eq!((answer.header("x-frame-options"), answer.header("x-more")), ("DENY", "1"));
    assert!(!answer.headers.contains_key("server"));
    let seen = gate.upstream.only();
    assert!(!seen.headers.contains_key("x-debug"));
    assert_eq!(seen.headers.get_all("x-team").iter().collect::<Vec<_>>(), ["pets"]);
    assert_eq!(seen.headers.get_all("x-tag").iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(seen.headers.get_all("authorization").iter().collect::<Vec<_>>(), ["Basic YTpi"]);
    // A refusal is ours, and nobody edits it.
    assert_eq!(gate.get_with(PATH, "wrong").await.header("x-frame-options"), "");
}

#[tokio::test]
async fn no_policy_touches_the_connection_the_framing_identities_or_credentials() {
    let names = [
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy-authorization",
        "content-length",
        "host",
        "expect",
        "via",
        "forwarded",
        "x-request-id",
        "x-real-ip",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-portico-user",
        "x_portico_user",
        "x-portico-application",
        "x-consumer-name",
        "api-key",
        "authorization",
    ];
    let all: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), "forged".into())).collect();
    let back = [
        "content-length",
        "transfer-encoding",
        "connection",
        "x-request-id",
        "api-version",
        "ratelimit",
        "x-portico-user",
    ];
    let there: serde_json::Map<String, Value> = back.iter().map(|name| ((*name).to_owned(), "forged".into())).collect();
    let mut cookies = there.clone();
    cookies.insert("set-cookie".to_owned(), "portico-session=theirs; Path=/".into());
    let gate = gate(json!({
        "request_headers": { "remove": names, "set": all, "add": all },
        "response_headers": { "remove": back, "set": cookies, "add": there },
    }))
    .await;
    let answer = http::send(Method::POST, &gate.url(PATH), &[("api-key", gate.key())], "body").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
    assert!(!format!("{:?}", answer.headers).contains("forged"), "{:?}", answer.headers);
    assert_eq!((answer.header("set-cookie"), answer.header("api-version")), ("", "1.0"));
    let seen = gate.upstream.only();
    assert!(!format!("{:?}", seen.headers).contains("forged"), "{:?}", seen.headers);
    assert_eq!((&seen.body[..], seen.header("content-length")), (&b"body"[..], "4"));
    assert_eq!(seen.header("x-portico-application"), gate.issued.key.application.to_string());
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-request-id"), answer.header("x-request-id"));
}

#[tokio::test]
async fn a_prefix_is_rewritten_by_whole_segments_and_every_other_byte_stays() {
    for (from, to, path, target) in [
        ("/old", "/new", "/old/x?y=/old", "/base/new/x?y=/old"),
        ("/old", "/new", "/old", "/base/new"),
        ("/old", "/new", "/old/", "/base/new/"),
        ("/old", "/new", "/older/x", "/base/older/x"),
        ("/old", "/new", "/x/old", "/base/x/old"),
        ("/old", "/new", "/old/a%2Fb%20/%6fld//?%20", "/base/new/a%2Fb%20/%6fld//?%20"),
        ("/old", "/new", "/%6fld/x", "/base/%6fld/x"),
        ("/old", "/", "/old/x", "/base/x"),
        ("/old", "/", "/old", "/base"),
        ("/", "/v3/api", "/x", "/base/v3/api/x"),
        ("/", "/v3", "", "/base/v3"),
    ] {
        let gate = gate(json!({ "rewrite": { "from": from, "to": to } })).await;
        let server = gate.url("");
        let answer =
            http::send_to(&server, Method::GET, &format!("/shop/pets/v1{path}"), &[("api-key", gate.key())]).await;
        assert_eq!((answer.status.as_u16(), &*gate.upstream.only().target), (200, target), "{from} {to} {path}");
    }
}

#[tokio::test]
async fn another_path_for_the_backend_is_no_way_around_scopes() {
    let zoo = Zoo::open().await;
    make::policies(&zoo.app, "zoo", &json!({ "rewrite": { "from": "/animals", "to": "/" } })).await;
    let none = format!("Bearer {}", zoo.token(&[("scope", "birds:read")]).await);
    let read = format!("Bearer {}", zoo.token(&[("scope", "zoo:read")]).await);
    let call = |path: &'static str, bearer: &str| {
        let (url, bearer) = (zoo.app.gateway(Environment::Production, ""), bearer.to_owned());
        async move { http::send_to(&url, Method::GET, path, &[("authorization", &bearer)]).await.status.as_u16() }
    };
    // `/animals/leo` is served at `/leo`, whoever asks for it by which name.
    for path in ["/parks/zoo/v1/animals/leo", "/parks/zoo/v1/leo", "/parks/zoo/v1/l%65o", "/parks/zoo/v1/LEO/"] {
        assert_eq!(call(path, &none).await, 403, "{path}");
        assert_eq!(call(path, &read).await, 200, "{path}");
    }
    assert_eq!(call("/parks/zoo/v1/animals/mine", &none).await, 200);
}

#[tokio::test]
async fn the_backend_gets_the_host_that_the_api_asks_for() {
    for (policy, want) in [
        (json!({}), None),
        (json!({ "host": "backend" }), None),
        (json!({ "host": { "named": "pets.internal:8080" } }), Some("pets.internal:8080".to_owned())),
        (json!({ "host": "caller" }), Some(String::new())),
    ] {
        let gate = gate(policy.clone()).await;
        assert_eq!(gate.get(PATH).await.status, 200);
        let own = gate.url("").trim_start_matches("http://").to_owned();
        let want = match want {
            None => gate.upstream.address.to_string(),
            Some(named) if named.is_empty() => own.clone(),
            Some(named) => named,
        };
        let seen = gate.upstream.only();
        assert_eq!(seen.headers.get_all("host").iter().collect::<Vec<_>>(), [&*want], "{policy}");
        assert_eq!(seen.header("x-forwarded-host"), own);
    }
}

#[tokio::test]
async fn forwarded_is_told_where_it_is_asked_for_and_believed_from_trusted_proxies_only() {
    let said = [("forwarded", "for=6.6.6.6;proto=https"), ("x-forwarded-for", "6.6.6.6")];
    let quiet = gate(json!({})).await;
    http::get(&quiet.url(PATH), &[("api-key", quiet.key()), said[0]]).await;
    assert_eq!(quiet.upstream.only().header("forwarded"), "");

    let gate_ = gate(json!({ "forwarded": true })).await;
    let own = gate_.url("").trim_start_matches("http://").to_owned();
    let ours = format!("for=127.0.0.1;host=\"{own}\";proto=http");
    http::get(&gate_.url(PATH), &[("api-key", gate_.key()), said[0], said[1]]).await;
    let seen = gate_.upstream.only();
    assert_eq!(seen.headers.get_all("forwarded").iter().collect::<Vec<_>>(), [&*ours]);
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");

    let trust =
        |config: &mut portico::config::Config| config.gateway.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let gate = gate_with(json!({ "forwarded": true }), trust).await;
    let own = gate.url("").trim_start_matches("http://").to_owned();
    let ours = format!("for=127.0.0.1;host=\"{own}\";proto=http");
    for (more, earlier) in [(said[0], "for=6.6.6.6;proto=https"), (said[1], "for=6.6.6.6")] {
        http::get(&gate.url(PATH), &[("api-key", gate.key()), more]).await;
        assert_eq!(gate.upstream.last().header("forwarded"), format!("{earlier}, {ours}"));
    }
}

#[tokio::test]
async fn policies_that_cannot_be_carried_out_close_the_api_and_no_other() {
    let gate = Gate::open().await;
    for unreadable in [
        json!({ "teleport": true }),
        json!({ "max_body_bytes": "much" }),
        json!({ "host": "elsewhere" }),
        json!({ "host": { "named": "a\nb" } }),
        json!({ "request_headers": { "set": { "no name": "x" } } }),
        json!({ "request_headers": { "set": { "x-a": "b\r\nx-portico-user: c" } } }),
        json!({ "rewrite": { "from": "old", "to": "/new" } }),
        json!({ "rewrite": { "from": "/old", "to": "/new?x=" } }),
        json!({ "key_parameter": "" }),
        json!({ "cors": { "origins": ["*"], "credentials": true } }),
        json!("all"),
        Value::Null,
    ] {
        make::policies(&gate.app, "pets", &unreadable).await;
        let answer = gate.get(PATH).await;
        assert_refused(&answer, 503, "503");
        assert!(answer.headers.contains_key("retry-after"), "{unreadable}");
        assert_eq!(gate.get_with(PATH, "wrong").await.status, 503, "nothing is asked for before that");
    }
    assert_eq!(gate.upstream.seen().len(), 0);
    make::policies(&gate.app, "pets", &json!({})).await;
    assert_eq!(gate.get(PATH).await.status, 200);
}

#[tokio::test]
async fn a_body_is_held_to_the_limit_of_the_api_and_never_to_more_than_the_gateways() {
    let small = |config: &mut portico::config::Config| config.gateway.max_body_bytes = 1000;
    for (limit, most) in [(100, 100), (5000, 1000)] {
        let gate = gate_with(json!({ "max_body_bytes": limit }), small).await;
        for (size, status) in [(most, 200), (most + 1, 413)] {
            let body = vec![b'x'; size];
            let answer = http::send(Method::POST, &gate.url(PATH), &[("api-key", gate.key())], body).await;
            assert_eq!(answer.status, status, "{limit} {size}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn an_api_may_wait_for_its_backend_more_briefly_than_the_gateway_does() {
    let address = crate::support::raw::backend(|mut wire, _| async move { _ = wire.rest().await }).await;
    let gate = Gate::open().await;
    make::publish(&gate.app, &pets(&[("1.0", "published", &format!("http://{address}"))])).await;
    make::policies(&gate.app, "pets", &json!({ "first_byte_seconds": 1 })).await;
    let started = std::time::Instant::now();
    assert_refused(&gate.get(PATH).await, 504, "101504");
    assert!(started.elapsed() < std::time::Duration::from_secs(30), "the gateway's own limit is a minute");
}
