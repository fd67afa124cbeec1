//! Pages of other origins: what an API allows them, said in preflights and in every answer.

use crate::gateway::{Gate, assert_refused, pets};
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::upstream::Upstream;
use ::http::{Method, Response};
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};

const PATH: &str = "/shop/pets/v1/cats";
const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

/// A gate before a backend that says itself what pages may do.
async fn gate(cors: Value) -> Gate {
    let answer = |_: &_| {
        Response::builder()
            .header("access-control-allow-origin", EVIL)
            .header("access-control-allow-credentials", "true")
            .header("access-control-expose-headers", "x-secret")
            .header("vary", "accept")
            .body(Full::<Bytes>::from("hello"))
            .unwrap()
    };
    let gate = Gate::over(Upstream::answering(answer).await, |_| {}).await;
    if !cors.is_null() {
        make::policies(&gate.app, "pets", &json!({ "cors": cors })).await;
    }
    gate
}

async fn preflight(gate: &Gate, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "api-key,x-other"),
    ];
    http::send(Method::OPTIONS, &gate.url(PATH), &headers, "").await
}

async fn get(gate: &Gate, origin: Option<&str>, key: &str) -> Answer {
    let headers: Vec<_> = [("api-key", key)].into_iter().chain(origin.map(|origin| ("origin", origin))).collect();
    http::get(&gate.url(PATH), &headers).await
}

fn all(answer: &Answer, name: &str) -> String {
    let values: Vec<_> = answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
    values.join(", ")
}

#[tokio::test]
async fn a_preflight_is_answered_from_the_policy_without_a_credential_and_without_quota() {
    let gate = Gate::open().await;
    let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))]).replace(
        "versions:",
        &format!(
            "policies:\n  cors: {{origins: ['{APP}'], methods: [get, PUT], headers: [api-key], expose: [etag], credentials: true, max_age_seconds: 60}}\nversions:"
        ),
    );
    make::publish(&gate.app, &manifest).await;
    make::publish(&gate.app, "kind: plan\nname: bronze\nrate: {count: 1, per: hour, burst: 1}\n").await;
    for _ in 0..3 {
        let answer = preflight(&gate, APP).await;
        assert_eq!((answer.status.as_u16(), &*answer.text()), (204, ""));
        for (name, value) in [
            ("allow-origin", APP),
            ("allow-methods", "GET, PUT"),
            ("allow-headers", "api-key"),
            ("allow-credentials", "true"),
            ("max-age", "60"),
        ] {
            assert_eq!(all(&answer, &format!("access-control-{name}")), value);
        }
        assert_eq!(all(&answer, "vary"), "origin");
    }
    let refused = preflight(&gate, EVIL).await;
    assert_eq!(refused.status, 204);
    assert!(!refused.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{:?}", refused.headers);
    assert_eq!(all(&refused, "vary"), "origin");
    assert_eq!(gate.upstream.seen().len(), 0);
    assert_eq!(get(&gate, Some(APP), gate.key()).await.status, 200, "the one call of the plan is still there");
}

#[tokio::test]
async fn what_a_policy_leaves_open_is_what_the_page_asks_for() {
    let gate = gate(json!({ "origins": [APP] })).await;
    let answer = preflight(&gate, APP).await;
    assert_eq!(all(&answer, "access-control-allow-methods"), "PUT");
    assert_eq!(all(&answer, "access-control-allow-headers"), "api-key,x-other");
    assert_eq!(all(&answer, "vary"), "access-control-request-method, access-control-request-headers, origin");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn every_answer_says_who_may_read_it_and_the_backend_has_no_say() {
    let gate = gate(json!({ "origins": [APP], "expose": ["etag"] })).await;
    for (key, status) in [(gate.key(), 200), ("wrong", 401)] {
        let answer = get(&gate, Some(APP), key).await;
        assert_eq!((answer.status.as_u16(), &*all(&answer, "access-control-allow-origin")), (status, APP));
        let exposed = all(&answer, "access-control-expose-headers");
        assert!(exposed.starts_with("etag, ") && exposed.contains("x-request-id") && exposed.contains("ratelimit"));
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        for origin in [Some(EVIL), Some("null"), Some("https://app.example.evil.example"), None] {
            let answer = get(&gate, origin, key).await;
            let said = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
            assert_eq!((answer.status.as_u16(), said), (status, false), "{origin:?}");
            assert!(all(&answer, "vary").ends_with("origin"), "{origin:?}");
        }
    }
    assert!(all(&get(&gate, Some(APP), gate.key()).await, "vary").starts_with("accept, "));
    // An endpoint that is not there is an answer of the API too.
    let answer = http::get(&gate.url("/shop/pets/v1.9/cats"), &[("origin", APP)]).await;
    assert_refused(&answer, 404, "404");
}

#[tokio::test]
async fn all_origins_may_be_allowed_and_the_portals_pages_always_are() {
    let gate = gate(json!({ "origins": ["*"], "methods": ["GET"] })).await;
    for origin in [APP, EVIL, "null"] {
        let answer = get(&gate, Some(origin), gate.key()).await;
        assert_eq!(all(&answer, "access-control-allow-origin"), "*");
        assert_eq!(all(&answer, "vary"), "accept");
        assert_eq!(all(&preflight(&gate, origin).await, "access-control-allow-methods"), "GET");
    }
    let portal = gate.app.app.urls.portal.clone();
    let answer = preflight(&gate, &portal).await;
    assert_eq!((answer.status.as_u16(), &*all(&answer, "access-control-allow-origin")), (204, &*portal));
    assert_eq!(all(&answer, "access-control-allow-methods"), "PUT");
    assert_eq!(all(&get(&gate, Some(&portal), gate.key()).await, "access-control-allow-origin"), portal);
}

#[tokio::test]
async fn options_that_is_no_preflight_is_a_call_and_without_a_policy_the_backend_speaks() {
    let gate_ = gate(json!({ "origins": [APP] })).await;
    let options = |headers: Vec<(&'static str, String)>| {
        let url = gate_.url(PATH);
        async move {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
            http::send(Method::OPTIONS, &url, &headers, "").await
        }
    };
    assert_refused(&options(vec![("origin", APP.to_owned())]).await, 401, "900902");
    let known = vec![("origin", APP.to_owned()), ("api-key", gate_.key().to_owned())];
    assert_eq!(options(known).await.status, 200);
    assert_eq!(gate_.upstream.only().method, Method::OPTIONS);

    let gate = gate(Value::Null).await;
    let answer = get(&gate, Some(APP), gate.key()).await;
    assert_eq!(all(&answer, "access-control-allow-origin"), EVIL);
    assert_refused(&preflight(&gate, APP).await, 401, "900902");
}
