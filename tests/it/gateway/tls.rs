//! Callers over TLS, and backends with private roots and client certificates.

use crate::gateway::{Gate, assert_refused, pets};
use crate::support::make;
use crate::support::tls::{self, Files, TlsUpstream, listener, profile, shown};
use crate::support::upstream::Upstream;
use crate::support::{http, raw};
use ::http::Version;
use portico::config::{BackendTls, Config};
use serde_json::json;

const PATH: &str = "/shop/pets/v1/cats";
const HTTP1: &[&str] = &["http/1.1"];

/// A gate whose API `pets` has this backend and these settings for it.
async fn gate_to(upstream: &TlsUpstream, backend: serde_json::Value, change: impl FnOnce(&mut Config)) -> Gate {
    let gate = Gate::over(Upstream::start().await, change).await;
    make::publish(&gate.app, &pets(&[("1.0", "published", &upstream.url("/base"))])).await;
    make::policies(&gate.app, "pets", &json!({ "backend": backend })).await;
    gate
}

fn bank(config: &mut Config, tls: BackendTls) {
    config.gateway.backend_tls.insert("bank".to_owned(), tls);
}

#[tokio::test]
async fn callers_come_over_tls_with_either_protocol_and_backends_are_told() {
    let files = Files::holding("listener");
    let gate = Gate::over(Upstream::start().await, |config| config.gateway.production.tls = files.listener()).await;
    assert!(gate.url(PATH).starts_with("https://"));
    for (offered, version) in
        [(&["h2", "http/1.1"][..], Version::HTTP_2), (HTTP1, Version::HTTP_11), (&[], Version::HTTP_11)]
    {
        let (spoken, answer) = tls::get(&gate.url(PATH), offered, &[("api-key", gate.key())]).await;
        assert_eq!((spoken, answer.status.as_u16()), (version, 200), "{}", answer.text());
        let seen = gate.upstream.last();
        assert_eq!(seen.header("x-forwarded-proto"), "https");
        assert_eq!(seen.header("x-forwarded-host"), tls::address(&gate.url("")));
    }
    let address: std::net::SocketAddr = tls::address(&gate.url("")).parse().unwrap();
    let said = raw::exchange(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("https://"), "{said}");
    // The sandbox has no certificate.
    assert!(gate.app.app.urls.sandbox.starts_with("http://"));

    files.put("renewed");
    gate.app.app.look_at_certificates().await;
    assert_eq!(shown(&tls::connect(tls::address(&gate.url("")), &[]).await.unwrap()), "renewed");
}

#[tokio::test]
async fn a_backend_is_believed_by_the_roots_that_the_policy_names() {
    for (pair, roots, status) in [
        ("backend", Some("ca"), 200),
        ("listener", Some("ca"), 200),
        ("backend", Some("other-ca"), 502),
        ("stranger", Some("ca"), 502),
        ("expired", Some("ca"), 502),
        ("backend", None, 502),
    ] {
        let upstream = TlsUpstream::start(pair, None, HTTP1).await;
        let backend = roots.map_or_else(|| json!({}), |_| json!({ "tls": "bank" }));
        let gate = gate_to(&upstream, backend, |config| bank(config, profile(roots.unwrap_or("ca"), None))).await;
        let answer = gate.get(PATH).await;
        assert_eq!(answer.status.as_u16(), status, "{pair} {roots:?}: {}", answer.text());
        if status == 502 {
            assert_refused(&answer, 502, "101503");
            assert!(upstream.seen().is_empty(), "{pair} {roots:?}");
        }
    }
}

#[tokio::test]
async fn a_backend_that_demands_a_certificate_gets_the_one_of_the_profile() {
    for (shown, status) in [(Some("client"), 200), (Some("other-client"), 502), (None, 502)] {
        let upstream = TlsUpstream::start("backend", Some("ca"), HTTP1).await;
        let gate = gate_to(&upstream, json!({ "tls": "bank" }), |config| bank(config, profile("ca", shown))).await;
        let answer = gate.get(PATH).await;
        assert_eq!(answer.status.as_u16(), status, "{shown:?}: {}", answer.text());
        assert_eq!(upstream.seen().len(), usize::from(status == 200), "{shown:?}");
    }
}

#[tokio::test]
async fn apis_with_different_profiles_share_no_connection() {
    let upstream = TlsUpstream::start("backend", Some("ca"), HTTP1).await;
    let gate = gate_to(&upstream, json!({ "tls": "bank" }), |config| {
        bank(config, profile("ca", Some("client")));
        config.gateway.backend_tls.insert("plain".to_owned(), profile("ca", None));
    })
    .await;
    assert_eq!(gate.get(PATH).await.status, 200);
    make::policies(&gate.app, "pets", &json!({ "backend": { "tls": "plain" } })).await;
    assert_eq!(gate.get(PATH).await.status, 502, "the connection with the certificate is not for this one");
    make::policies(&gate.app, "pets", &json!({ "backend": { "tls": "bank" } })).await;
    assert_eq!(gate.get(PATH).await.status, 200);
}

#[tokio::test]
async fn without_the_profile_nothing_is_sent() {
    let upstream = TlsUpstream::start("backend", None, HTTP1).await;
    let gate = gate_to(&upstream, json!({ "tls": "bnak" }), |config| bank(config, profile("ca", None))).await;
    let answer = gate.get(PATH).await;
    assert_refused(&answer, 503, "101503");
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn roots_that_are_exchanged_count_for_new_connections() {
    let files = Files::holding("client");
    files.put_certificate("other-ca");
    let upstream = TlsUpstream::start("backend", None, HTTP1).await;
    let gate = gate_to(&upstream, json!({ "tls": "bank" }), |config| {
        bank(config, BackendTls { roots: Some(files.certificate()), ..BackendTls::default() });
    })
    .await;
    assert_eq!(gate.get(PATH).await.status, 502);
    files.put_certificate("ca");
    gate.app.app.look_at_certificates().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    std::fs::write(files.certificate(), "no certificate").unwrap();
    gate.app.app.look_at_certificates().await;
    assert_eq!(gate.get(PATH).await.status, 200);
}

#[tokio::test]
async fn http2_is_spoken_with_a_backend_that_agrees_to_it_and_with_no_other() {
    for (offered, status) in [(&["h2"][..], 200), (&["h2", "http/1.1"], 200), (HTTP1, 502), (&[], 502)] {
        let upstream = TlsUpstream::start("backend", None, offered).await;
        let backend = json!({ "tls": "bank", "protocol": "http2" });
        let gate = gate_to(&upstream, backend, |config| bank(config, profile("ca", None))).await;
        let answer = gate.get(PATH).await;
        assert_eq!(answer.status.as_u16(), status, "{offered:?}: {}", answer.text());
        assert!(upstream.seen().iter().all(|(version, _)| *version == Version::HTTP_2));
    }
    // Without the policy HTTP/1.1 is spoken, whatever else the backend could do.
    let upstream = TlsUpstream::start("backend", None, &["h2", "http/1.1"]).await;
    let gate = gate_to(&upstream, json!({ "tls": "bank" }), |config| bank(config, profile("ca", None))).await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let (version, headers) = upstream.seen().pop().unwrap();
    assert_eq!((version, headers["host"].to_str().unwrap()), (Version::HTTP_11, &upstream.url("")["https://".len()..]));
}

#[tokio::test]
async fn callers_and_backends_over_tls_at_once() {
    let upstream = TlsUpstream::start("backend", Some("ca"), &["h2"]).await;
    let gate = gate_to(&upstream, json!({ "tls": "bank", "protocol": "http2" }), |config| {
        bank(config, profile("ca", Some("client")));
        config.gateway.production.tls = listener("listener");
    })
    .await;
    let (version, answer) = tls::get(&gate.url(PATH), &["h2"], &[("api-key", gate.key())]).await;
    assert_eq!((version, answer.text().as_str()), (Version::HTTP_2, "over TLS"));
    assert_eq!(upstream.seen()[0].1["x-forwarded-proto"], "https");
    assert_eq!(upstream.connections(), 1);
    // The sandbox listens in the clear beside it.
    let sandbox = gate.app.gateway(portico::base::environment::Environment::Sandbox, PATH);
    assert_eq!(http::get(&sandbox, &[("api-key", gate.key())]).await.status, 401);
}
