//! CLI: client authentication.

use crate::oauth::{
    GRANT, Registered, access_token, ask, assert_refused, basic, post, refresh_token, register, register_for,
};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::visitor::Visitor;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::GrantType;
use portico::domain::credentials::clients;
use time::Duration;

/// Every byte as an escape, which form-encoding allows.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |text, b| text + &format!("%{b:02x}"))
}

async fn ask_in_body(app: &TestApp, id: &str, secret: &str) -> Answer {
    post(app, &[], &[GRANT, ("client_id", id), ("client_secret", secret)]).await
}

#[tokio::test]
async fn cli_1_basic_works_form_encoded_and_in_any_case() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Production).await;
    let plain = basic(&client.id, &client.secret);
    let unpadded = plain.trim_end_matches('=').to_owned();
    let encoded = basic(&escaped(&client.id), &escaped(&client.secret));
    let lower = plain.replacen("Basic", "bAsIC", 1);
    for header in [plain, unpadded, encoded, lower] {
        access_token(&post(&app, &[("authorization", &header)], &[GRANT]).await);
    }
}

#[tokio::test]
async fn cli_2_credentials_in_the_body_work() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Production).await;
    access_token(&ask_in_body(&app, &client.id, &client.secret).await);
}

#[tokio::test]
async fn cli_3_credentials_in_the_address_are_not_accepted() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let url = |query: String| app.portal(&format!("/oauth2/token?{query}"));
    let both = url(format!("client_id={}&client_secret={}", client.id, client.secret));
    assert_refused(&http::post_form(&both, &[], &[GRANT]).await, 400, "invalid_request");
    let escaped = url(format!("client%5Fsecret={}", client.secret));
    let authorization = basic(&client.id, &client.secret);
    let right = [("authorization", authorization.as_str())];
    assert_refused(&http::post_form(&escaped, &right, &[GRANT]).await, 400, "invalid_request");
    // Nothing else in the address counts as a parameter.
    let grant = url("grant_type=client_credentials".to_owned());
    assert_refused(&http::post_form(&grant, &right, &[]).await, 400, "invalid_request");
}

#[tokio::test]
async fn cli_4_a_client_authenticates_in_one_way_only() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    let header = ("authorization", basic.as_str());
    let (id, secret) = (("client_id", client.id.as_str()), ("client_secret", client.secret.as_str()));
    let assertion = ("client_assertion", "e30.e30.e30");
    for (headers, form) in [
        (vec![header], vec![GRANT, id, secret]),
        (vec![header], vec![GRANT, secret]),
        (vec![header, header], vec![GRANT]),
        (vec![header], vec![GRANT, ("client_id", "somebodyelse")]),
        (vec![header], vec![GRANT, assertion]),
        (vec![], vec![GRANT, id, secret, assertion]),
        (vec![("authorization", "Bearer x")], vec![GRANT, id, secret]),
    ] {
        assert_refused(&post(&app, &headers, &form).await, 400, "invalid_request");
    }
    access_token(&post(&app, &[header], &[GRANT, id]).await);
}

#[tokio::test]
async fn cli_5_cli_6_cli_7_every_failed_authentication_is_answered_alike() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let production = clients::generate(&app.ctx, &client.member, client.application, Environment::Production);
    let production = production.await.unwrap();
    let (other_id, other_secret) = (production.client.id.as_str(), production.secret.expose());
    let mut typo = client.secret.clone();
    typo.replace_range(20..21, if typo.as_bytes()[20] == b'a' { "b" } else { "a" });
    let unknown = "AAAAAAAAAAAAAAAAAAAAAAAA";
    let answers = [
        ask(&app, &client.id, other_secret).await,
        ask(&app, other_id, &client.secret).await,
        ask(&app, &client.id, &typo).await,
        ask(&app, &client.id, "wrong").await,
        ask(&app, unknown, &client.secret).await,
        ask(&app, unknown, "wrong").await,
        ask(&app, "no such id; drop table clients", "'").await,
        ask_in_body(&app, other_id, "wrong").await,
        ask_in_body(&app, other_id, &client.secret).await,
        ask_in_body(&app, unknown, &client.secret).await,
    ];
    for answer in &answers {
        assert_refused(answer, 401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="));
        assert_eq!(answer.body, answers[0].body);
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(answer), names(&answers[0]));
    }
}

#[tokio::test]
async fn cli_8_a_confidential_client_does_not_get_by_without_its_secret() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let empty = basic(&client.id, "");
    let nobody = basic("", &client.secret);
    let (id, secret) = (("client_id", client.id.as_str()), ("client_secret", client.secret.as_str()));
    for (headers, form) in [
        (vec![], vec![GRANT]),
        (vec![], vec![GRANT, id]),
        (vec![], vec![GRANT, id, ("client_secret", "")]),
        (vec![], vec![GRANT, secret]),
        (vec![], vec![GRANT, id, ("client_assertion", "e30.e30.e30")]),
        (vec![("authorization", empty.as_str())], vec![GRANT]),
        (vec![("authorization", nobody.as_str())], vec![GRANT]),
    ] {
        assert_refused(&post(&app, &headers, &form).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn cli_9_a_malformed_authorization_header_is_refused_as_json() {
    let app = TestApp::start().await;
    let encode = |bytes: &[u8]| format!("Basic {}", STANDARD.encode(bytes));
    for header in [
        String::new(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        "Basic a".to_owned(),
        "Basic  = =".to_owned(),
        "Bearer abc".to_owned(),
        "Négociate".to_owned(),
        encode(b"no colon"),
        encode(b":"),
        encode(b"\xff\xfe:\xff"),
        encode(b"%zz:%zz"),
        encode(b"%00:x"),
        encode("a".repeat(20_000).as_bytes()),
    ] {
        assert_refused(&post(&app, &[("authorization", &header)], &[GRANT]).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn cli_10_nothing_is_used_up_or_told_before_the_client_has_proved_itself() {
    let app = TestApp::start().await;
    let client = register_for(&app, &[GrantType::Password, GrantType::RefreshToken, GrantType::DeviceCode]).await;
    let refresh = refresh_token(&client.sign_in(&app, "ada", "").await);
    let (url, right) = (app.portal("/oauth2/device_authorization"), basic(&client.id, &client.secret));
    let device = http::post_form(&url, &[("authorization", &right)], &[]).await.json();
    let code = device["device_code"].as_str().unwrap();
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open("/device").await;
    let page = ada.submit(page.form("Continue").fill("Code", device["user_code"].as_str().unwrap())).await;
    ada.submit(page.form("Allow")).await;

    let refresh = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let device = vec![("grant_type", GrantType::DeviceCode.as_str()), ("device_code", code)];
    let password = |word| vec![("grant_type", "password"), ("username", "ada@example.com"), ("password", word)];
    let wrong = basic(&client.id, "wrong");
    let strangers = [refresh.clone(), device.clone(), password(make::PASSWORD), password("wrong")];
    let mut bodies = Vec::new();
    for form in &strangers {
        let answer = post(&app, &[("authorization", &wrong)], form).await;
        assert_refused(&answer, 401, "invalid_client");
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "a stranger learns nothing about what was sent");
    let failures = "select count(*) from login_failures";
    let failures: i64 = sqlx::query_scalar(failures).fetch_one(app.pool()).await.unwrap();
    assert_eq!(failures, 1, "only the client's failures are counted, not the person's");
    for form in [refresh, device, password(make::PASSWORD)] {
        access_token(&client.post(&app, &form).await);
    }
}

#[tokio::test]
async fn cli_11_only_a_digest_of_the_secret_is_stored() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let digest = "select digest = sha256(convert_to($1, 'UTF8')) from client_secrets";
    let is_digest: bool = sqlx::query_scalar(digest).bind(&client.secret).fetch_one(app.pool()).await.unwrap();
    assert!(is_digest);
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(app.pool())
        .await
        .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let search = format!("select count(*) from {table} t where position($1 in t::text) > 0");
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(search)).bind(&client.secret).fetch_one(app.pool()).await.unwrap();
        assert_eq!(found, 0, "{table} holds the secret");
    }
}

#[tokio::test]
async fn cli_12_a_new_secret_works_at_once_and_the_old_one_for_its_hour_and_no_longer() {
    let app = TestApp::start().await;
    let old = register(&app, Environment::Sandbox).await;
    let Registered { member, application, environment, id, .. } = &old;
    let new = clients::new_secret(&app.ctx, member, *application, *environment).await.unwrap().secret;
    access_token(&ask(&app, id, new.expose()).await);
    access_token(&ask(&app, id, &old.secret).await);
    app.clock.advance(Duration::HOUR - Duration::MICROSECOND);
    access_token(&ask(&app, id, &old.secret).await);
    app.clock.advance(Duration::MICROSECOND);
    assert_refused(&ask(&app, id, &old.secret).await, 401, "invalid_client");
    access_token(&ask(&app, id, new.expose()).await);

    // Twice in a row: the one before the last stops now. And the hour can be ended.
    let newer = clients::new_secret(&app.ctx, member, *application, *environment).await.unwrap().secret;
    let newest = clients::new_secret(&app.ctx, member, *application, *environment).await.unwrap().secret;
    app.settle().await;
    assert_refused(&ask(&app, id, new.expose()).await, 401, "invalid_client");
    access_token(&ask(&app, id, newer.expose()).await);
    clients::end_old_secret(&app.ctx, member, *application, *environment).await.unwrap();
    app.settle().await;
    assert_refused(&ask(&app, id, newer.expose()).await, 401, "invalid_client");
    access_token(&ask(&app, id, newest.expose()).await);
    clients::delete(&app.ctx, member, *application, *environment).await.unwrap();
    app.settle().await;
    assert_refused(&ask(&app, id, newest.expose()).await, 401, "invalid_client");
}

#[tokio::test]
async fn cli_13_guessing_is_slowed_down_without_locking_the_client_out() {
    let app = TestApp::start_with(|config| config.portal.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let client = register(&app, Environment::Sandbox).await;
    let from = async |address: &str, secret: &str| {
        let basic = basic(&client.id, secret);
        post(&app, &[("x-forwarded-for", address), ("authorization", &basic)], &[GRANT]).await
    };
    for _ in 0..5 {
        assert_refused(&from("192.0.2.1", "wrong").await, 401, "invalid_client");
    }
    let slowed = from("192.0.2.1", &client.secret).await;
    assert_refused(&slowed, 429, "temporarily_unavailable");
    assert_eq!(slowed.header("retry-after"), "2");
    access_token(&from("198.51.100.7", &client.secret).await);
    app.clock.advance(Duration::seconds(2));
    assert_refused(&from("192.0.2.1", "wrong").await, 401, "invalid_client");
    assert_eq!(from("192.0.2.1", "wrong").await.header("retry-after"), "4", "the wait grows");
    app.clock.advance(Duration::seconds(4));
    access_token(&from("192.0.2.1", &client.secret).await);
    assert_refused(&from("192.0.2.1", "wrong").await, 401, "invalid_client");
    access_token(&from("192.0.2.1", &client.secret).await);

    // An id that nobody has is slowed down in the same way.
    for _ in 0..5 {
        assert_refused(&ask(&app, "AAAAAAAAAAAAAAAAAAAAAAAA", "wrong").await, 401, "invalid_client");
    }
    assert_refused(&ask(&app, "AAAAAAAAAAAAAAAAAAAAAAAA", "wrong").await, 429, "temporarily_unavailable");
    access_token(&ask(&app, &client.id, &client.secret).await);
}
