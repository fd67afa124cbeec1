//! TOK: the token endpoint itself, whatever the grant.

use crate::oauth::{GRANT, access_token, ask, assert_refused, basic, post, register};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use ::http::Method;
use http::send;
use portico::base::environment::Environment;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn post_raw(app: &TestApp, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Answer {
    send(Method::POST, &app.portal("/oauth2/token"), headers, body).await
}

#[tokio::test]
async fn tok_1_other_methods_are_refused_and_told_which_one_to_use() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let headers = [FORM, ("authorization", basic.as_str())];
        let body = "grant_type=client_credentials";
        let answer = send(method.clone(), &app.portal("/oauth2/token"), &headers, body).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"), "{method}");
        assert_eq!(answer.header("cache-control"), "no-store", "{method}");
        if method != Method::HEAD {
            assert_refused(&answer, 405, "invalid_request");
        }
    }
}

#[tokio::test]
async fn tok_2_only_form_encoded_bodies_are_read() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    let authorization = ("authorization", basic.as_str());
    let json = r#"{"grant_type":"client_credentials"}"#;
    let multipart = "--x\r\ncontent-disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--x--\r\n";
    let form = "grant_type=client_credentials";
    for (content_type, body) in [
        ("application/json", json),
        ("multipart/form-data; boundary=x", multipart),
        ("text/plain", form),
        ("application/x-www-form-urlencoded-not", form),
        ("", form),
    ] {
        let answer = post_raw(&app, &[authorization, ("content-type", content_type)], body).await;
        assert_refused(&answer, 400, "invalid_request");
    }
    assert_refused(&post_raw(&app, &[authorization], form).await, 400, "invalid_request");
    for content_type in ["application/x-www-form-urlencoded; charset=UTF-8", "APPLICATION/X-WWW-Form-URLEncoded"] {
        access_token(&post_raw(&app, &[authorization, ("content-type", content_type)], form).await);
    }
}

#[tokio::test]
async fn tok_3_a_repeated_parameter_is_refused() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    for form in [
        vec![GRANT, GRANT],
        vec![GRANT, ("grant_type", "")],
        vec![GRANT, ("client_id", &client.id), ("client_id", &client.id)],
        vec![GRANT, ("scope", "a"), ("scope", "b")],
        vec![GRANT, ("unknown", "1"), ("unknown", "1")],
    ] {
        assert_refused(&post(&app, &[("authorization", &basic)], &form).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn tok_4_empty_parameters_count_as_left_out_and_unknown_ones_are_ignored() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    let (one, other) = (("resource", "https://a.example"), ("resource", "https://b.example"));
    for form in [
        vec![GRANT, ("scope", ""), ("client_secret", ""), ("client_id", "")],
        vec![GRANT, ("", ""), ("unknown", "é ☃"), ("audience", "x")],
        vec![GRANT, one, other], // RFC 8707 §2 allows this one to come again
    ] {
        access_token(&post(&app, &[("authorization", &basic)], &form).await);
    }
    access_token(&post_raw(&app, &[FORM, ("authorization", &basic)], "&&grant_type=client_credentials&flag&").await);
}

#[tokio::test]
async fn tok_5_a_missing_or_unknown_grant_is_named() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    for form in [vec![], vec![("grant_type", "")], vec![("scope", "a")]] {
        assert_refused(&post(&app, &[("authorization", &basic)], &form).await, 400, "invalid_request");
    }
    for unknown in ["authorization_code", "password", "Client_Credentials", "client_credentials ", "x"] {
        let answer = post(&app, &[("authorization", &basic)], &[("grant_type", unknown)]).await;
        assert_refused(&answer, 400, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn tok_6_a_grant_that_the_application_has_not_chosen_is_refused() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let chosen = "update clients set grant_types = '{authorization_code}'";
    sqlx::query(chosen).execute(app.pool()).await.unwrap();
    assert_refused(&ask(&app, &client.id, &client.secret).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn tok_9_a_browser_gets_json_too() {
    let app = TestApp::start().await;
    let html = ("accept", "text/html,application/xhtml+xml");
    assert_refused(&post(&app, &[html], &[GRANT]).await, 401, "invalid_client");
    assert_refused(&post_raw(&app, &[html], "").await, 400, "invalid_request");
}

#[tokio::test]
async fn tok_10_malformed_and_oversized_bodies_are_refused_quickly() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    let headers = [FORM, ("authorization", basic.as_str())];
    let good = "grant_type=client_credentials";
    let many: String = (0..5000).fold(String::new(), |many, n| many + &format!("&p{n}=1"));
    let large = format!("{good}&scope={}", "a".repeat(1 << 20));
    let cases: Vec<(Vec<u8>, u16)> = vec![
        (format!("{good}&x=%00").into(), 400),
        (format!("{good}&x=\0").into(), 400),
        (format!("{good}%0a").into(), 400),
        (format!("{good}&x=%ff").into(), 400),
        ([good.as_bytes(), b"&x=\xff\xfe"].concat(), 400),
        (format!("{good}&x=%zz").into(), 400),
        (format!("{good}&x=%4").into(), 400),
        (format!("{good}&x=%").into(), 400),
        (format!("{good}&%c3%28=1").into(), 400),
        (format!("{good}{many}").into(), 400),
        (large.into(), 413),
    ];
    for (body, status) in cases {
        let started = Instant::now();
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = post_raw(&app, &headers, body).await;
        assert_eq!(answer.status, status, "{shown}");
        assert_refused(&answer, status, "invalid_request");
        assert!(started.elapsed() < Duration::from_secs(1), "{shown}");
    }
    access_token(&ask(&app, &client.id, &client.secret).await);
}

#[tokio::test]
async fn tok_11_no_other_origin_may_read_the_answer() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let origin = ("origin", "https://shop.example");
    let basic = basic(&client.id, &client.secret);
    // The client itself may be anywhere, so the request counts; there is no redirect URI yet whose origin might read on.
    let headers = [origin, ("sec-fetch-site", "cross-site"), ("authorization", basic.as_str())];
    let answer = post(&app, &headers, &[GRANT]).await;
    access_token(&answer);
    let preflight = [origin, ("access-control-request-method", "POST")];
    let preflight = send(Method::OPTIONS, &app.portal("/oauth2/token"), &preflight, "").await;
    assert_eq!(preflight.status, 405);
    for answer in [answer, preflight] {
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn tok_12_key_4_no_secret_and_no_token_reaches_the_log_at_any_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(log.clone())
        .finish();
    // The test's runtime has one thread, and so has all of the portal.
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let encoded = basic(&client.id, &client.secret);
    let token = access_token(&ask(&app, &client.id, &client.secret).await);
    let secret = ("client_secret", client.secret.as_str());
    post(&app, &[], &[GRANT, ("client_id", &client.id), secret]).await;
    post(&app, &[("authorization", &encoded)], &[GRANT, secret]).await;
    post(&app, &[], &[GRANT, ("client_id", &client.secret), ("client_secret", "hunter2-hunter2")]).await;
    let url = app.portal(&format!("/oauth2/token?client_secret={}", client.secret));
    http::post_form(&url, &[], &[GRANT]).await;
    app.app.issuer.refresh(&app.ctx).await.unwrap();
    tracing::info!("{:?}", app.app.issuer);
    let master_key = std::fs::read_to_string(app.app.data_dir().join("master.key")).unwrap();
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("MasterKey(…)"), "the log was captured");
    let credentials = encoded.strip_prefix("Basic ").unwrap();
    for secret in [&client.secret, credentials, &token, "hunter2-hunter2", master_key.trim()] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn tok_13_a_token_costs_no_database_write() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let forbid = r"
        create function forbid() returns trigger language plpgsql as $$ begin raise exception 'a write'; end $$;
        do $$ declare name text; begin
            for name in select tablename from pg_tables where schemaname = 'public' loop
                execute format('create trigger forbid before insert or update or delete on %I execute function forbid()', name);
            end loop;
        end $$";
    sqlx::raw_sql(forbid).execute(app.pool()).await.unwrap();
    for _ in 0..3 {
        access_token(&ask(&app, &client.id, &client.secret).await);
    }
    // Only a failure is written down, and the answer to it stays the same when that does not work out.
    assert_eq!(ask(&app, &client.id, "wrong").await.status, 500);
}
