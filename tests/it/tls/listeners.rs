//! Portal and operations over TLS: both protocols, both versions, and clients that speak something else.

use crate::support::app::TestApp;
use crate::support::raw::{self, Wire};
use crate::support::tls::{self, address, connect_by, listener, shown};
use http::Version;

async fn start() -> TestApp {
    TestApp::start_with(|config| {
        config.portal.tls = listener("listener");
        config.operations.tls = listener("renewed");
    })
    .await
}

#[tokio::test]
async fn the_portal_is_served_over_tls_with_either_protocol() {
    let app = start().await;
    assert!(app.app.urls.portal.starts_with("https://"), "{}", app.app.urls.portal);
    for (offered, version) in
        [(&["h2", "http/1.1"][..], Version::HTTP_2), (&["http/1.1"], Version::HTTP_11), (&[], Version::HTTP_11)]
    {
        let (spoken, page) = tls::get(&app.portal("/sign-in"), offered, &[]).await;
        assert_eq!((spoken, page.status.as_u16()), (version, 200), "{offered:?}");
        assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    }
    let metadata = app.portal("/.well-known/openid-configuration");
    let (_, metadata) = tls::get(&metadata, &["h2"], &[]).await;
    assert_eq!(metadata.json()["issuer"], app.app.urls.portal);
}

#[tokio::test]
async fn operations_have_a_certificate_of_their_own_and_tell_when_each_expires() {
    let app = start().await;
    let url = |path: &str| format!("{}{path}", app.app.operations_url());
    let stream = tls::connect(address(&url("/")), &[]).await.unwrap();
    assert_eq!(shown(&stream), "renewed");
    let (_, metrics) = tls::get(&url("/metrics"), &["h2"], &[]).await;
    for section in ["portal.tls", "operations.tls"] {
        let line = format!("portico_tls_certificate_expiry_seconds{{section=\"{section}\"}} 4733510400\n");
        assert!(metrics.text().contains(&line), "{}", metrics.text());
    }
}

#[tokio::test]
async fn tls_1_2_is_spoken_too() {
    let app = start().await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stream = connect_by(address(&app.portal("")), &[], &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(shown(&stream), "listener");
    }
    let offers_nothing_known = tls::connect(address(&app.portal("")), &["h3"]).await;
    assert!(offers_nothing_known.is_err(), "no protocol in common");
}

#[tokio::test]
async fn whoever_speaks_plain_http_is_told_so_and_anything_else_is_closed() {
    let app = start().await;
    let said = raw::exchange(app.app.portal, "GET /apis HTTP/1.1\r\nhost: portal\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    assert!(said.ends_with("\r\n\r\nThis port of Portico speaks TLS only. Use an https:// URL.\n"), "{said}");
    assert_eq!(raw::exchange(app.app.portal, b"\x00\x01\x02").await, "");
    // A record that is no handshake gets an alert at most.
    let said = raw::exchange(app.app.portal, b"\x16\x03\x01\x00\x05hello").await;
    assert!(!said.contains("HTTP"), "{said}");
}

#[tokio::test]
async fn a_client_that_stops_in_its_handshake_keeps_nobody_waiting() {
    let app = start().await;
    let _silent = Wire::open(app.app.portal).await;
    let mut half = Wire::open(app.app.portal).await;
    half.send(b"\x16\x03\x01\x02\x00\x01").await;
    let (_, page) = tls::get(&app.portal("/sign-in"), &["http/1.1"], &[]).await;
    assert_eq!(page.status, 200);
}
