//! Certificates that are exchanged while connections are open.

use crate::support::app::TestApp;
use crate::support::process::{Serving, eventually, stopped_instance};
use crate::support::tls::{self, Files, address, shown};
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use nix::sys::signal::Signal;
use std::fs;

async fn ask(sender: &mut SendRequest<Empty<bytes::Bytes>>) -> u16 {
    sender.ready().await.unwrap();
    let request = Request::get("/sign-in").header("host", "localhost").body(Empty::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    answer.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn new_connections_get_a_new_certificate_and_open_ones_go_on() {
    let files = Files::holding("listener");
    let app = TestApp::start_with(|config| config.portal.tls = files.listener()).await;
    let portal = app.portal("");
    let stream = tls::connect(address(&portal), &[]).await.unwrap();
    assert_eq!(shown(&stream), "listener");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(ask(&mut sender).await, 200);

    files.put("renewed");
    app.app.look_at_certificates().await;
    assert_eq!(shown(&tls::connect(address(&portal), &[]).await.unwrap()), "renewed");
    assert_eq!(ask(&mut sender).await, 200, "the open connection goes on");
}

#[tokio::test]
async fn files_that_cannot_be_used_change_nothing() {
    let files = Files::holding("listener");
    let app = TestApp::start_with(|config| config.portal.tls = files.listener()).await;
    let portal = app.portal("");
    let now = async || {
        app.app.look_at_certificates().await;
        shown(&tls::connect(address(&portal), &[]).await.unwrap())
    };
    assert_eq!(now().await, "listener");
    files.put_certificate("renewed");
    assert_eq!(now().await, "listener", "the key is still that of the other");
    fs::write(files.certificate(), "").unwrap();
    assert_eq!(now().await, "listener", "an empty file");
    fs::write(files.certificate(), "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    assert_eq!(now().await, "listener", "a broken file");
    files.put("expired");
    assert_eq!(now().await, "listener", "one that has expired");
    fs::remove_file(files.key()).unwrap();
    assert_eq!(now().await, "listener", "no key at all");
    files.put("renewed");
    assert_eq!(now().await, "renewed");
}

#[test]
fn the_program_sees_new_files_by_itself_and_lives_through_sighup() {
    let files = Files::holding("listener");
    let (certificate, key) = (files.certificate(), files.key());
    let variables = [
        ("PORTICO_PORTAL_TLS_CERTIFICATE", certificate.to_str().unwrap()),
        ("PORTICO_PORTAL_TLS_KEY", key.to_str().unwrap()),
    ];
    let mut serving = Serving::start(&stopped_instance("tls-exchange"), &variables);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shows = |wanted: &str| {
        let stream = runtime.block_on(tls::connect(&serving.portal, &[])).unwrap();
        (shown(&stream) == wanted).then_some(())
    };
    assert_eq!(shows("listener"), Some(()));
    files.put("renewed");
    eventually("the files to be looked at", || shows("renewed"));
    files.put("listener");
    serving.signal(Signal::SIGHUP);
    eventually("the signal to be heard", || shows("listener"));
    serving.signal(Signal::SIGTERM);
    assert!(serving.wait().success());
}
