//! TOK: the token endpoint itself, whatever the grant.

use crate::oauth::{GRANT, access_token, ask, assert_refused, basic, post, register, register_for};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use ::http::Method;
use http::send;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::GrantType;
use std::time::{Duration, Instant};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn post_raw(app: &TestApp, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Answer {
    send(Method::POST, &app.portal("/oauth2/token"), headers, body).await
}

#[tokio::test]
async fn tok_1_other_methods_are_refused_and_told_which_one_to_use() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    for endpoint in ["token", "revoke", "introspect", "device_authorization"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let headers = [FORM, ("authorization", basic.as_str())];
            let body = "grant_type=client_credentials&token=x";
            let answer = send(method.clone(), &app.portal(&format!("/oauth2/{endpoint}")), &headers, body).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"), "{method} {endpoint}");
            assert_eq!(answer.header("cache-control"), "no-store", "{method} {endpoint}");
            if method != Method::HEAD {
                assert_refused(&answer, 405, "invalid_request");
            }
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
    let gateway = app.gateway(Environment::Sandbox, "");
    let resource = ("resource", gateway.as_str());
    for form in [
        vec![GRANT, ("scope", ""), ("client_secret", ""), ("client_id", "")],
        vec![GRANT, ("", ""), ("unknown", "é ☃"), ("audience", "x")],
        vec![GRANT, resource, resource], // RFC 8707 §2 allows this one to come again
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
    let saml = "urn:ietf:params:oauth:grant-type:saml2-bearer";
    for unknown in ["implicit", "Client_Credentials", "client_credentials ", "x", saml] {
        let answer = post(&app, &[("authorization", &basic)], &[("grant_type", unknown)]).await;
        assert_refused(&answer, 400, "unsupported_grant_type");
    }
}

/// The grants of the token endpoint.
const GRANTS: [GrantType; 5] = [
    GrantType::ClientCredentials,
    GrantType::AuthorizationCode,
    GrantType::RefreshToken,
    GrantType::Password,
    GrantType::DeviceCode,
];

#[tokio::test]
async fn tok_6_a_grant_that_the_application_has_not_chosen_is_refused() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    for missing in GRANTS {
        client
            .configure(&app, |settings| {
                settings.grant_types = GRANTS.into_iter().filter(|grant| *grant != missing).collect();
                settings.redirect_uris = vec!["https://shop.example/callback".to_owned()];
            })
            .await;
        for grant in GRANTS {
            let answer = client.post(&app, &[("grant_type", grant.as_str())]).await;
            match grant {
                _ if grant == missing => assert_refused(&answer, 400, "unauthorized_client"),
                GrantType::ClientCredentials => _ = access_token(&answer),
                // It may be used, and then lacks what it is about.
                _ => assert_refused(&answer, 400, "invalid_request"),
            }
        }
    }
}

#[tokio::test]
async fn tok_6_a_grant_that_the_instance_forbids_is_not_supported() {
    let app = TestApp::start_with(|config| config.oauth.legacy_grants = false).await;
    let client = register(&app, Environment::Sandbox).await;
    let chosen = "update clients set grant_types = '{password,implicit}'";
    sqlx::query(chosen).execute(app.pool()).await.unwrap();
    app.settle().await;
    let form = [("grant_type", "password"), ("username", "ada@example.com"), ("password", make::PASSWORD)];
    assert_refused(&client.post(&app, &form).await, 400, "unsupported_grant_type");
}

#[tokio::test]
async fn tok_7_a_success_is_json_that_no_cache_keeps() {
    let app = TestApp::start().await;
    let client = register_for(&app, &[GrantType::ClientCredentials, GrantType::Password]).await;
    for answer in [client.post(&app, &[GRANT]).await, client.sign_in(&app, "ada", "openid").await] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        let body = answer.json();
        assert!(body["access_token"].as_str().is_some_and(|token| token.split('.').count() == 3));
        assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &900.into()));
        assert!(body["scope"].is_string());
    }
}

#[tokio::test]
async fn tok_8_our_own_failure_says_nothing_internal() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    sqlx::query("alter table clients rename to elsewhere").execute(app.pool()).await.unwrap();
    for endpoint in ["token", "revoke", "introspect", "device_authorization"] {
        let form = [GRANT, ("token", "x"), ("client_id", client.id.as_str()), ("client_secret", "wrong")];
        let answer = http::post_form(&app.portal(&format!("/oauth2/{endpoint}")), &[], &form).await;
        assert_refused(&answer, 500, "server_error");
        assert_eq!(answer.json()["error_description"], "The server failed. Try again later.", "{endpoint}");
        assert!(!answer.header("x-request-id").is_empty());
    }
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
