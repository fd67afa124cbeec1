//! REV: the revocation endpoint. What a revocation does at the gateway is shown there.

use crate::oauth::assert_refused;
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::tokens::{Client, Tokens};
use crate::support::{make, shop};
use ::http::Method;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::{ClientKind, GrantType};
use portico::domain::oauth::revocations;
use time::Duration;

const REVOKE: &str = "/oauth2/revoke";

/// An instance, two clients of two applications, and a user.
async fn two_clients() -> (TestApp, Client, Client) {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    make::member(&app, "bob", &[]).await;
    let mut clients = Vec::new();
    for name in ["Shop", "Other"] {
        let application = shop::application(&app, &ada, name).await;
        clients.push(Client::of(&app, &ada, application.id, Environment::Sandbox).await);
    }
    let other = clients.pop().unwrap();
    (app, clients.pop().unwrap(), other)
}

/// 200, nothing said, and nothing in the head but what every answer has.
#[track_caller]
fn assert_done(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), &*answer.text()), (200, ""));
    for name in ["content-type", "www-authenticate", "set-cookie", "location"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn rev_1_rev_2_tokens_of_both_kinds_end_at_once_once_or_twice_whatever_the_hint() {
    let (app, client, _) = two_clients().await;
    for hint in [None, Some("access_token"), Some("refresh_token"), Some("id_token"), Some("")] {
        let form = |token: &str| {
            let mut form = vec![("token", token.to_owned())];
            form.extend(hint.map(|hint| ("token_type_hint", hint.to_owned())));
            form
        };
        let revoke = async |token: &str| {
            let form = form(token);
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            client.post(&app, REVOKE, &form).await
        };
        let bob = client.tokens_of(&app, "bob", "openid").await;
        let own = client.token(&app).await;
        for token in [&own, &bob.access, &bob.refresh] {
            assert!(client.is_active(&app, token).await);
        }
        for _ in 0..2 {
            assert_done(&revoke(&own).await);
            assert_done(&revoke(&bob.access).await);
        }
        assert!(!client.is_active(&app, &own).await && !client.is_active(&app, &bob.access).await);
        assert!(client.is_active(&app, &bob.refresh).await, "the grant lives on");
        let next = Tokens::read(&client.refresh(&app, &bob.refresh).await);
        for _ in 0..2 {
            assert_done(&revoke(&next.refresh).await);
            assert_done(&revoke(&bob.refresh).await);
        }
        for token in [&next.access, &next.refresh] {
            assert!(!client.is_active(&app, token).await);
        }
        assert_refused(&client.refresh(&app, &next.refresh).await, 400, "invalid_grant");
    }
    // Once is as good as twice, in the table too.
    let rows = "select count(*), count(distinct subject) from revocations where kind = 'token'";
    let (all, distinct): (i64, i64) = sqlx::query_as(rows).fetch_one(app.pool()).await.unwrap();
    assert_eq!((all, distinct), (10, 10));
}

#[tokio::test]
async fn rev_3_what_is_no_token_of_ours_is_revoked_enough() {
    let (app, client, _) = two_clients().await;
    let bob = client.tokens_of(&app, "bob", "openid").await;
    let expired = client.token(&app).await;
    let id_token = bob.id.clone().unwrap();
    let unknown = "ptr_".to_owned() + &"0".repeat(49);
    for token in ["garbage", "a.b.c", "é", &"x".repeat(5000), &id_token, &unknown, &client.secret] {
        for hint in ["access_token", "refresh_token", "no_such_hint"] {
            assert_done(&client.post(&app, REVOKE, &[("token", token), ("token_type_hint", hint)]).await);
        }
    }
    app.clock.advance(Duration::seconds(900));
    assert_done(&client.post(&app, REVOKE, &[("token", &expired)]).await);
    assert!(client.is_active(&app, &bob.refresh).await, "an ID token is no handle of its grant");
    let count: i64 = sqlx::query_scalar("select count(*) from revocations").fetch_one(app.pool()).await.unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn rev_4_the_token_must_be_there() {
    let (app, client, _) = two_clients().await;
    for form in [&[][..], &[("token", "")], &[("token_type_hint", "access_token")]] {
        assert_refused(&client.post(&app, REVOKE, form).await, 400, "invalid_request");
    }
    assert_refused(&client.post(&app, REVOKE, &[("token", "a"), ("token", "b")]).await, 400, "invalid_request");
}

#[tokio::test]
async fn rev_5_another_clients_token_is_an_error_without_effect() {
    let (app, client, other) = two_clients().await;
    let bob = client.tokens_of(&app, "bob", "openid").await;
    let own = client.token(&app).await;
    for token in [&own, &bob.access, &bob.refresh] {
        assert_refused(&other.post(&app, REVOKE, &[("token", token)]).await, 400, "invalid_grant");
        assert!(client.is_active(&app, token).await);
    }
}

#[tokio::test]
async fn rev_6_a_public_client_names_itself_and_everybody_else_proves_who_it_is() {
    let (app, client, other) = two_clients().await;
    client
        .configure(&app, |settings| {
            settings.kind = ClientKind::Public;
            settings.grant_types = vec![GrantType::Password, GrantType::RefreshToken];
        })
        .await;
    let bob = client.tokens_of(&app, "bob", "openid").await;
    let url = app.portal(REVOKE);
    let strange = http::post_form(&url, &[], &[("token", &bob.access), ("client_id", &other.id)]).await;
    assert_refused(&strange, 401, "invalid_client");
    for form in [&[("token", &*bob.access)][..], &[("token", &bob.access), ("client_id", "AAAAAAAAAAAAAAAAAAAAAAAA")]] {
        assert_refused(&http::post_form(&url, &[], form).await, 401, "invalid_client");
    }
    assert_done(&http::post_form(&url, &[], &[("token", &bob.access), ("client_id", &client.id)]).await);
    assert_done(&http::post_form(&url, &[], &[("token", &bob.refresh), ("client_id", &client.id)]).await);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*bob.refresh), ("client_id", &*client.id)];
    assert_refused(&http::post_form(&app.portal("/oauth2/token"), &[], &form).await, 400, "invalid_grant");
}

#[tokio::test]
async fn tok_1_only_post_and_only_forms_are_taken() {
    let (app, client, _) = two_clients().await;
    let token = client.token(&app).await;
    for path in [REVOKE, "/oauth2/introspect"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let url = app.portal(&format!("{path}?token={token}"));
            let answer = http::send(method.clone(), &url, &[("authorization", &client.basic())], "").await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"), "{method} {path}");
        }
        let json = [("authorization", &*client.basic()), ("content-type", "application/json")];
        let body = serde_json::json!({ "token": token }).to_string();
        assert_refused(&http::send(Method::POST, &app.portal(path), &json, body).await, 400, "invalid_request");
    }
    assert!(client.is_active(&app, &token).await);
}

#[tokio::test]
async fn a_client_cannot_make_every_gateway_remember_without_end() {
    let (app, client, other) = two_clients().await;
    let fill = "insert into revocations (id, kind, subject, client_id, expires_at)
        select gen_random_uuid(), 'token', 'jti ' || n, $1, $2 from generate_series(1, $3) n";
    sqlx::query(fill)
        .bind(&client.id)
        .bind(app.clock.now() + Duration::seconds(100))
        .bind(i32::try_from(revocations::MOST_TOKENS).unwrap() - 1)
        .execute(app.pool())
        .await
        .unwrap();
    let tokens = [client.token(&app).await, client.token(&app).await];
    client.revoke(&app, &tokens[0]).await;
    let answer = client.post(&app, REVOKE, &[("token", &tokens[1])]).await;
    assert_refused(&answer, 503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "60");
    assert!(client.is_active(&app, &tokens[1]).await, "RFC 7009 §2.2.1: it still exists");
    assert_done(&client.post(&app, REVOKE, &[("token", &tokens[0])]).await);
    other.revoke(&app, &other.token(&app).await).await;
    app.clock.advance(Duration::seconds(100));
    client.revoke(&app, &tokens[1]).await;
}
