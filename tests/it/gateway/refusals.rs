//! Every refusal: its status, its code, its shape, and that it is counted by its exact reason.

use crate::gateway::limits;
use crate::gateway::{Gate, assert_refused, key, key_in, limited_key, pets};
use crate::support::http::{self, Answer};
use crate::support::upstream::Upstream;
use crate::support::{app::TestApp, db, make, raw};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use portico::base::environment::Environment;
use portico::config::{Config, OnFailure};
use portico::domain::credentials::model::{Grace, WantedLimits};
use portico::domain::credentials::{api_keys, clients};
use portico::domain::oauth::revocations;
use portico::gateway::refusal::Refusal;
use serde_json::json;
use socket2::{Domain, Socket, Type};
use sqlx::{Connection as _, Executor as _};
use std::sync::Arc;
use time::Duration;

const PATH: &str = "/shop/pets/v1/cats";

/// Short limits, so that waiting for them is short.
fn hasty(config: &mut Config) {
    config.gateway.connect_seconds = 1;
    config.gateway.first_byte_seconds = 1;
    config.gateway.idle_seconds = 1;
    config.gateway.max_body_bytes = 1000;
}

async fn gate() -> Gate {
    Box::pin(Gate::over(Upstream::start().await, hasty)).await
}

/// A gate whose backend is at this URL.
async fn gate_to(backend: &str) -> Gate {
    let gate = gate().await;
    make::publish(&gate.app, &pets(&[("1.0", "published", backend)])).await;
    gate
}

#[test]
fn every_refusal_has_its_status_code_shape_and_count() {
    // Without optimisation, the table below keeps room on the stack for all of its cases at once.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_stack_size(16 << 20).enable_all().build().unwrap();
    runtime.block_on(provoke_all());
}

async fn provoke_all() {
    // Each case is an instance with connections of its own, and Postgres has only so many.
    let turns = Arc::new(tokio::sync::Semaphore::new(8));
    let mut cases = tokio::task::JoinSet::new();
    for refusal in Refusal::ALL {
        let turns = Arc::clone(&turns);
        cases.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            (*refusal, Box::pin(provoke(*refusal)).await)
        });
    }
    while let Some(case) = cases.join_next().await {
        let (refusal, (answer, metrics)) = case.unwrap();
        assert_refused(&answer, refusal.status().as_u16(), refusal.code());
        let counted =
            format!(r#"portico_gateway_refusals_total{{environment="production",reason="{}"}} 1"#, refusal.label());
        assert!(metrics.contains(&counted), "{counted}\n{metrics}");
        let challenged = answer.headers.contains_key("www-authenticate");
        let other = matches!(refusal, Refusal::SeveralCredentials | Refusal::InsufficientScope);
        assert_eq!(challenged, refusal.status() == 401 || other, "{refusal:?}");
        let waits = matches!(refusal.status().as_u16(), 429 | 503);
        assert_eq!(answer.headers.contains_key("retry-after"), waits, "{refusal:?}");
    }
}

/// The refusal's answer, and the metrics after it.
async fn provoke(refusal: Refusal) -> (Answer, String) {
    if refusal == Refusal::NotReady {
        return not_ready().await;
    }
    let (gate, answer) = Box::pin(refused(refusal)).await;
    let metrics = gate.app.app.gateway().metrics().render();
    (answer, metrics)
}

#[expect(clippy::too_many_lines, reason = "a case for each refusal: one table")]
async fn refused(refusal: Refusal) -> (Gate, Answer) {
    let headers = |gate: &Gate| format!("host: gw\r\napi-key: {}", gate.key());
    match refusal {
        Refusal::NotReady => panic!("needs an instance of its own"),
        Refusal::BadTarget => {
            let gate = gate().await;
            raw_answer(gate, &format!("GET {PATH}/%2e%2e/x HTTP/1.1\r\nhost: gw\r\n\r\n")).await
        }
        Refusal::BadFraming => {
            let gate = gate().await;
            raw_answer(gate, &format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\nhost: gw\r\n\r\n")).await
        }
        Refusal::BadSyntax
        | Refusal::UnknownCoding
        | Refusal::TargetTooLong
        | Refusal::HeadTooLarge
        | Refusal::HeadTimeout => Box::pin(no_request(refusal)).await,
        Refusal::NoRoute => get(gate().await, "/nowhere/v1", None).await,
        Refusal::NoEndpoint => {
            let gate = gate().await;
            let manifest = "kind: api\nname: store\nauth: []\nversions:\n  - version: '1.0'\n    endpoints:\n      - {name: a, path: a, backends: {production: 'http://127.0.0.1:1'}}\n      - {name: b, path: b, backends: {production: 'http://127.0.0.1:1'}}\n";
            make::publish(&gate.app, manifest).await;
            get(gate, "/store/v1/c", None).await
        }
        Refusal::ApiBlocked => {
            let gate = gate().await;
            make::publish(&gate.app, &pets(&[("1.0", "blocked", &gate.upstream.url("/"))])).await;
            get(gate, PATH, None).await
        }
        Refusal::PoliciesUnreadable => {
            let gate = gate().await;
            make::policies(&gate.app, "pets", &serde_json::json!({ "teleport": true })).await;
            known(gate).await
        }
        Refusal::NoOperation | Refusal::MethodNotAllowed => Box::pin(undefined(refusal)).await,
        Refusal::RateExceeded => {
            let gate = gate().await;
            make::publish(&gate.app, "kind: plan\nname: bronze\nrate: {count: 1, per: hour, burst: 1}\n").await;
            let (gate, _) = known(gate).await;
            known(gate).await
        }
        Refusal::QuotaExceeded
        | Refusal::ApiLimitExceeded
        | Refusal::OperationLimitExceeded
        | Refusal::QuotaUnknown
        | Refusal::CounterAway => Box::pin(limited(refusal)).await,
        Refusal::MissingCredential => get(gate().await, PATH, None).await,
        Refusal::SeveralCredentials => {
            let gate = gate().await;
            let answer = http::get(&gate.url(PATH), &[("api-key", "a"), ("api-key", "b")]).await;
            (gate, answer)
        }
        Refusal::MalformedKey => get(gate().await, PATH, Some("ptk_prd_x")).await,
        Refusal::UnknownKey => {
            let gate = gate().await;
            api_keys::delete(&gate.app.ctx, &gate.member, gate.issued.key.id).await.unwrap();
            known(gate).await
        }
        Refusal::ReplacedKey => {
            let gate = gate().await;
            api_keys::regenerate(&gate.app.ctx, &gate.member, gate.issued.key.id, Grace::Hour).await.unwrap();
            gate.app.clock.advance(Duration::hours(1));
            known(gate).await
        }
        Refusal::ExpiredKey => {
            let gate = gate().await;
            let limits = WantedLimits { expiry: "30".to_owned(), ..WantedLimits::default() };
            let key = limited_key(&gate.app, &gate.member, "pets", "soon gone", limits).await;
            gate.app.clock.advance(Duration::days(30));
            get(gate, PATH, Some(key.secret.expose())).await
        }
        Refusal::AddressNotAllowed => {
            let gate = gate().await;
            let limits = WantedLimits { addresses: "192.0.2.0/24".to_owned(), ..WantedLimits::default() };
            let key = limited_key(&gate.app, &gate.member, "pets", "office", limits).await;
            get(gate, PATH, Some(key.secret.expose())).await
        }
        Refusal::OperationNotAllowed => {
            let gate = gate().await;
            let source = r#"{"openapi":"3.1.0","info":{"title":"P"},"paths":{"/cats":{"get":{}},"/dogs":{"get":{}}}}"#;
            let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))])
                .replace("state: published", &format!("openapi_source: '{source}'"));
            make::publish(&gate.app, &manifest).await;
            let limits = WantedLimits { operations: vec!["GET /dogs".to_owned()], ..WantedLimits::default() };
            let key = limited_key(&gate.app, &gate.member, "pets", "dogs", limits).await;
            get(gate, PATH, Some(key.secret.expose())).await
        }
        Refusal::OtherApi => {
            let gate = gate().await;
            let backend = gate.upstream.url("/");
            make::publish(&gate.app, &pets(&[("1.0", "published", &backend), ("2.0", "published", &backend)])).await;
            let key = gate.key().to_owned();
            get(gate, "/shop/pets/v2/cats", Some(&key)).await
        }
        Refusal::OtherEndpoint => {
            let gate = gate().await;
            let manifest = "kind: api\nname: store\nplans: [bronze]\nversions:\n  - version: '1.0'\n    endpoints:\n      - {name: a, path: a, backends: {production: 'http://127.0.0.1:1'}}\n      - {name: b, path: b, backends: {production: 'http://127.0.0.1:1'}}\n";
            make::publish(&gate.app, manifest).await;
            let key = key_in(&gate.app, &gate.member, ("store", Some("a")), Environment::Production, "a").await;
            get(gate, "/store/v1/b", Some(key.secret.expose())).await
        }
        Refusal::OtherEnvironment => {
            let gate = gate().await;
            let key = key_in(&gate.app, &gate.member, ("pets", None), Environment::Sandbox, "sandbox").await;
            get(gate, PATH, Some(key.secret.expose())).await
        }
        Refusal::InvalidToken => {
            let gate = gate().await;
            let answer = http::get(&gate.url(PATH), &[("authorization", "Bearer x.y.z")]).await;
            (gate, answer)
        }
        Refusal::OtherResource => {
            let (gate, bearer) = with_token(&["/shop/pets/v1"]).await;
            let backend = gate.upstream.url("/");
            make::publish(&gate.app, &pets(&[("1.0", "published", &backend), ("2.0", "published", &backend)])).await;
            let answer = http::get(&gate.url("/shop/pets/v2/cats"), &[("authorization", &bearer)]).await;
            (gate, answer)
        }
        Refusal::InsufficientScope => {
            let (gate, bearer) = with_token(&[]).await;
            let source =
                r#"{"openapi":"3.1.0","info":{"title":"P"},"paths":{"/cats":{"get":{"security":[{"o":["cats"]}]}}}}"#;
            let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))])
                .replace("state: published", &format!("openapi_source: '{source}'"));
            make::publish(&gate.app, &manifest).await;
            with_bearer(gate, &bearer).await
        }
        Refusal::OnlyReadable => {
            let gate = gate().await;
            let metadata = gate.url("/.well-known/oauth-protected-resource/shop/pets/v1");
            let answer = http::send(Method::DELETE, &metadata, &[], "").await;
            (gate, answer)
        }
        Refusal::RevokedToken => {
            let (gate, bearer) = with_token(&[]).await;
            let (member, application) = (&gate.member, gate.issued.key.application);
            revocations::of_client(&gate.app.ctx, member, application, Environment::Production).await.unwrap();
            with_bearer(gate, &bearer).await
        }
        Refusal::UnknownClient => {
            let (gate, bearer) = with_token(&[]).await;
            let (member, application) = (&gate.member, gate.issued.key.application);
            clients::delete(&gate.app.ctx, member, application, Environment::Production).await.unwrap();
            with_bearer(gate, &bearer).await
        }
        Refusal::NotSubscribed => {
            let gate = gate().await;
            gate.app.pool().execute("delete from subscriptions").await.unwrap();
            known(gate).await
        }
        Refusal::SubscriptionBlocked
        | Refusal::SubscriptionBlockedInProduction
        | Refusal::SubscriptionPending
        | Refusal::SubscriptionRejected => {
            let state = match refusal {
                Refusal::SubscriptionBlocked => "update subscriptions set state = 'blocked'",
                Refusal::SubscriptionBlockedInProduction => "update subscriptions set state = 'production_blocked'",
                Refusal::SubscriptionPending => "update subscriptions set state = 'pending', requested_at = now()",
                _ => "update subscriptions set state = 'rejected'",
            };
            let gate = gate().await;
            gate.app.pool().execute(state).await.unwrap();
            known(gate).await
        }
        Refusal::Unavailable => {
            let gate = gate().await;
            gate.app.pool().execute("alter table api_keys rename to away").await.unwrap();
            known(gate).await
        }
        Refusal::BodyTooLarge => {
            let gate = gate().await;
            let key = gate.key().to_owned();
            let answer = http::send(Method::POST, &gate.url(PATH), &[("api-key", &key)], vec![b'x'; 1001]).await;
            (gate, answer)
        }
        Refusal::BodyTimeout => {
            let gate = gate().await;
            let request = format!("POST {PATH} HTTP/1.1\r\n{}\r\ncontent-length: 5\r\n\r\nx", headers(&gate));
            raw_answer(gate, &request).await
        }
        Refusal::BodyBroken => {
            let gate = gate().await;
            let request = format!(
                "POST {PATH} HTTP/1.1\r\n{}\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n",
                headers(&gate)
            );
            raw_answer(gate, &request).await
        }
        Refusal::NoBackend => {
            let gate = gate().await;
            let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))]).replace("production:", "dropped:");
            let (before, after) = manifest.split_once("dropped: ").unwrap();
            let manifest = format!("{before}{}", after.split_once(", ").unwrap().1);
            make::publish(&gate.app, &manifest).await;
            known(gate).await
        }
        Refusal::NoBackendTls => {
            let gate = gate_to("https://127.0.0.1:1").await;
            make::policies(&gate.app, "pets", &serde_json::json!({ "backend": { "tls": "unknown" } })).await;
            known(gate).await
        }
        Refusal::BackendUnreachable => known(gate_to("http://127.0.0.1:1").await).await,
        Refusal::BackendConnectTimeout => {
            // A listener whose queue is full: further clients get no answer at all.
            let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
            listener.listen(0).unwrap();
            let address = listener.local_addr().unwrap().as_socket().unwrap();
            let _queued = std::net::TcpStream::connect(address).unwrap();
            let answer = known(gate_to(&format!("http://{address}")).await).await;
            drop(listener);
            answer
        }
        Refusal::BackendTimeout => {
            let address = raw::backend(|mut wire, _| async move { _ = wire.rest().await }).await;
            known(gate_to(&format!("http://{address}")).await).await
        }
        Refusal::BackendBroken => {
            let address = raw::backend(|mut wire, _| async move {
                wire.head().await;
                wire.send("SSH-2.0-OpenSSH_9.2\r\n").await;
            })
            .await;
            known(gate_to(&format!("http://{address}")).await).await
        }
    }
}

/// A call that is not in the definition of an API that lets nothing else through.
async fn undefined(refusal: Refusal) -> (Gate, Answer) {
    let gate = gate().await;
    let source = r#"{"openapi":"3.1.0","info":{"title":"P"},"paths":{"/cats":{"put":{}},"/dogs":{"get":{}}}}"#;
    let manifest = pets(&[("1.0", "published", &gate.upstream.url("/"))])
        .replace("state: published", &format!("openapi_source: '{source}'"))
        .replace("versions:", "policies: {enforce_definition: true}\nversions:");
    make::publish(&gate.app, &manifest).await;
    let key = gate.key().to_owned();
    let path = if refusal == Refusal::NoOperation { "/shop/pets/v1/cows" } else { PATH };
    get(gate, path, Some(&key)).await
}

/// By a limit, or because nothing can be counted.
async fn limited(refusal: Refusal) -> (Gate, Answer) {
    match refusal {
        Refusal::QuotaExceeded => {
            let gate = gate().await;
            limits::quota(&gate, 1, "day").await;
            let (gate, _) = known(gate).await;
            known(gate).await
        }
        Refusal::ApiLimitExceeded => {
            let gate = gate().await;
            limits::policies(&gate, &json!({ "limit": { "quota": { "count": 1, "per": "month" } } })).await;
            let (gate, _) = known(gate).await;
            known(gate).await
        }
        Refusal::OperationLimitExceeded => {
            let gate = gate().await;
            let limit = json!({ "rate": { "count": 1, "per": "day", "burst": 1 } });
            let operations = json!([{ "method": "GET", "path": "/{kind}", "limit": limit }]);
            limits::policies(&gate, &json!({ "operation_limits": operations })).await;
            let (gate, _) = known(gate).await;
            known(gate).await
        }
        Refusal::QuotaUnknown => {
            let gate = gate().await;
            limits::quota(&gate, 10, "day").await;
            gate.app.pool().execute("alter table quota_periods rename to away").await.unwrap();
            known(gate).await
        }
        _ => {
            let away = |config: &mut Config| {
                config.gateway.counter.url = Some("redis://127.0.0.1:1".to_owned());
                config.gateway.counter.on_failure = OnFailure::Refuse;
            };
            let gate = Gate::over(Upstream::start().await, away).await;
            make::publish(&gate.app, "kind: plan\nname: bronze\nrate: {count: 1, per: hour, burst: 1}\n").await;
            known(gate).await
        }
    }
}

/// What cannot even be looked at.
async fn no_request(refusal: Refusal) -> (Gate, Answer) {
    if refusal == Refusal::HeadTimeout {
        let gate = Gate::over(Upstream::start().await, |c| c.gateway.head_seconds = 1).await;
        return raw_answer(gate, "GET / HTTP/1.1\r\nhos").await;
    }
    let request = match refusal {
        Refusal::UnknownCoding => "POST / HTTP/1.1\r\nhost: gw\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(),
        Refusal::TargetTooLong => format!("GET /{} HTTP/1.1\r\nhost: gw\r\n\r\n", "a".repeat(16 * 1024)),
        Refusal::HeadTooLarge => format!("GET / HTTP/1.1\r\nhost: gw\r\n{}\r\n", "x: y\r\n".repeat(100)),
        _ => "GET / HTTP/1.1\nhost: gw\n\n".to_owned(),
    };
    raw_answer(gate().await, &request).await
}

async fn get(gate: Gate, path: &str, key: Option<&str>) -> (Gate, Answer) {
    let headers: Vec<_> = key.map(|key| ("api-key", key)).into_iter().collect();
    let answer = http::get(&gate.url(path), &headers).await;
    (gate, answer)
}

/// A gate and a token that it takes.
async fn with_token(resources: &[&str]) -> (Gate, String) {
    let gate = gate().await;
    let (ctx, member, application) = (&gate.app.ctx, &gate.member, gate.issued.key.application);
    let client = clients::generate(ctx, member, application, Environment::Production).await.unwrap();
    let resources: Vec<String> = resources.iter().map(|resource| gate.url(resource)).collect();
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", &client.client.id),
        ("client_secret", client.secret.expose()),
    ];
    form.extend(resources.iter().map(|resource| ("resource", &**resource)));
    gate.app.settle().await;
    let token = http::post_form(&gate.app.portal("/oauth2/token"), &[], &form).await.json();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    (gate, bearer)
}

/// With that token, now that something has happened to it.
async fn with_bearer(gate: Gate, bearer: &str) -> (Gate, Answer) {
    gate.app.settle().await;
    let answer = http::get(&gate.url(PATH), &[("authorization", bearer)]).await;
    (gate, answer)
}

/// With the key that the gate has.
async fn known(gate: Gate) -> (Gate, Answer) {
    gate.app.settle().await;
    let key = gate.key().to_owned();
    get(gate, PATH, Some(&key)).await
}

/// The answer to a request that no library would send.
async fn raw_answer(gate: Gate, request: &str) -> (Gate, Answer) {
    let mut wire = raw::Wire::open(raw::address(&gate.url(""))).await;
    wire.send(request).await;
    let head = wire.head().await;
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HeaderMap = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
        .collect();
    let body = wire.until("}").await.into();
    (gate, Answer { status, headers, body })
}

/// An instance that cannot read its route table.
async fn not_ready() -> (Answer, String) {
    let options = db::fresh().await;
    let mut locker = sqlx::PgConnection::connect_with(&options).await.unwrap();
    let mut lock = locker.begin().await.unwrap();
    lock.execute("lock table endpoint_backends in access exclusive mode").await.unwrap();
    let app = TestApp::start_unready(&options, |_| {}).await;
    let answer = http::get(&app.gateway(Environment::Production, PATH), &[]).await;
    let metrics = app.app.gateway().metrics().render();
    assert!(app.app.gateway().readiness().now().is_err());
    lock.rollback().await.unwrap();
    app.app.ready().await;
    (answer, metrics)
}

#[tokio::test]
async fn a_refusal_comes_before_the_body_and_leaves_the_connection_usable_where_none_follows() {
    let gate = gate().await;
    let mut wire = raw::Wire::open(raw::address(&gate.url(""))).await;
    for _ in 0..2 {
        wire.send(format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\n\r\n")).await;
        let head = wire.head().await;
        assert!(head.starts_with("HTTP/1.1 401") && !head.contains("connection: close"), "{head}");
        wire.until("}").await;
    }
    // A client that waits for 100 is told no, and never gets to send.
    wire.send(format!("POST {PATH} HTTP/1.1\r\nhost: gw\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n")).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 401") && head.contains("connection: close"), "{head}");
    assert!(wire.rest().await.ends_with('}'));
    assert_eq!(gate.upstream.connections(), 0);
}

#[tokio::test]
async fn a_client_that_sends_a_large_refused_body_still_reads_the_refusal() {
    let gate = gate().await;
    let mut wire = raw::Wire::open(raw::address(&gate.url(""))).await;
    wire.send(format!("POST {PATH} HTTP/1.1\r\nhost: gw\r\ncontent-length: 4000000\r\n\r\n")).await;
    // More than any buffer takes, and all of it after the refusal was written.
    let head = wire.head().await;
    for _ in 0..100 {
        wire.send(vec![b'x'; 40_000]).await;
    }
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    assert!(wire.rest().await.ends_with('}'));
}

#[tokio::test]
async fn the_words_do_not_tell_a_wrong_key_from_an_unknown_one() {
    let gate = gate().await;
    let second = key(&gate.app, &gate.member, "pets", "second").await;
    api_keys::delete(&gate.app.ctx, &gate.member, second.key.id).await.unwrap();
    gate.app.settle().await;
    let words = async |key: &str| {
        let mut problem = gate.get_with(PATH, key).await.json();
        problem["request_id"] = "".into();
        problem
    };
    assert_eq!(words(second.secret.expose()).await, words("nonsense").await);
}
