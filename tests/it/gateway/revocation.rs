//! REV, RT-12: whatever ends a token ends it at the gateway, of every node, and ends nothing else.

use crate::gateway::{Gate, assert_refused, pets};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::tokens::{Client, Tokens};
use portico::base::environment::Environment;
use portico::domain::accounts::{access, links};
use portico::domain::applications::manage;
use portico::domain::audit::model::Actor;
use portico::domain::credentials::clients;
use portico::domain::oauth::revocations;
use portico::domain::subscriptions::subscribe;
use socket2::{Domain, Socket, Type};
use sqlx::Executor as _;
use std::net::SocketAddr;
use time::Duration;

const PATH: &str = "/shop/pets/v1/cats";
const PRODUCTION: Environment = Environment::Production;

/// A gate, the client of its application, and two users of it.
async fn gate() -> (Gate, Client) {
    let gate = Gate::open().await;
    let client = Client::of(&gate.app, &gate.member, gate.issued.key.application, PRODUCTION).await;
    for user in ["bob", "eve"] {
        make::member(&gate.app, user, &[]).await;
    }
    (gate, client)
}

/// Another application of the same developer, subscribed to the same API.
async fn other_client(gate: &Gate) -> Client {
    let application = manage::create(&gate.app.ctx, &gate.member, "Other", "").await.unwrap();
    subscribe::add(&gate.app.ctx, &gate.member, application.id, ("pets", 1), "bronze").await.unwrap();
    Client::of(&gate.app, &gate.member, application.id, PRODUCTION).await
}

async fn call(gate: &Gate, token: &str) -> Answer {
    http::get(&gate.url(PATH), &[("authorization", &format!("Bearer {token}"))]).await
}

async fn assert_open(gate: &Gate, tokens: &[&str]) {
    for token in tokens {
        assert_eq!(call(gate, token).await.status, 200);
    }
}

async fn assert_closed(gate: &Gate, tokens: &[&str]) {
    gate.app.settle().await;
    for token in tokens {
        assert_invalid(&call(gate, token).await);
    }
}

#[track_caller]
fn assert_invalid(answer: &Answer) {
    assert_refused(answer, 401, "900901");
    assert!(answer.header("www-authenticate").starts_with(r#"Bearer realm="portico", error="invalid_token""#));
}

async fn assert_no_refresh(gate: &Gate, client: &Client, tokens: &Tokens) {
    let answer = client.refresh(&gate.app, &tokens.refresh).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (400, Some("invalid_grant")));
}

#[tokio::test]
async fn rev_1_a_revoked_access_token_ends_alone() {
    let (gate, client) = gate().await;
    let (own, other) = (client.token(&gate.app).await, client.token(&gate.app).await);
    let bob = client.tokens_of(&gate.app, "bob", "openid").await;
    assert_open(&gate, &[&own, &other, &bob.access]).await;

    client.revoke(&gate.app, &own).await;
    client.revoke(&gate.app, &bob.access).await;
    assert_closed(&gate, &[&own, &bob.access]).await;
    assert_open(&gate, &[&other]).await;
    let counted = r#"portico_gateway_refusals_total{environment="production",reason="revoked_token"} 2"#;
    assert!(gate.app.app.gateway().metrics().render().contains(counted));

    let next = Tokens::read(&client.refresh(&gate.app, &bob.refresh).await);
    assert_open(&gate, &[&next.access]).await;
}

#[tokio::test]
async fn rev_2_a_refresh_token_of_any_generation_takes_the_whole_grant_along() {
    let (gate, client) = gate().await;
    for generation in 0..3 {
        let mut all = vec![client.tokens_of(&gate.app, "bob", "openid").await];
        for _ in 0..2 {
            let next = client.refresh(&gate.app, &all.last().unwrap().refresh).await;
            all.push(Tokens::read(&next));
        }
        let elsewhere = client.tokens_of(&gate.app, "bob", "openid").await;
        let accesses: Vec<&str> = all.iter().map(|tokens| &*tokens.access).collect();
        assert_open(&gate, &accesses).await;

        client.revoke(&gate.app, &all[generation].refresh).await;
        assert_closed(&gate, &accesses).await;
        assert_no_refresh(&gate, &client, &all[2]).await;
        assert_open(&gate, &[&elsewhere.access]).await;
        Tokens::read(&client.refresh(&gate.app, &elsewhere.refresh).await);
    }
}

#[tokio::test]
async fn rt_2_rt_3_a_reused_refresh_token_ends_the_access_tokens_of_its_grant_and_no_others() {
    let (gate, client) = gate().await;
    let other = other_client(&gate).await;
    let elsewhere = other.tokens_of(&gate.app, "bob", "openid").await;
    let first = client.tokens_of(&gate.app, "bob", "openid").await;
    let second = Tokens::read(&client.refresh(&gate.app, &first.refresh).await);
    assert_open(&gate, &[&first.access, &second.access, &elsewhere.access]).await;
    gate.app.clock.advance(Duration::seconds(6));
    assert_no_refresh(&gate, &client, &first).await;
    assert_closed(&gate, &[&first.access, &second.access]).await;
    assert_open(&gate, &[&elsewhere.access]).await;
}

/// A second node over the gate's database, which says of itself what the first says; and where its gateway listens.
async fn second_node(gate: &Gate) -> (TestApp, SocketAddr) {
    // Bound and not listening, this socket keeps the port until the gateway takes it too.
    let keeper = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    keeper.set_reuse_address(true).unwrap();
    keeper.set_reuse_port(true).unwrap();
    keeper.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let address = keeper.local_addr().unwrap().as_socket().unwrap();
    let options = gate.app.pool().connect_options();
    let urls = gate.app.app.urls.clone();
    let node = TestApp::start_unready(&options, |config| {
        config.portal.public_url = Some(urls.portal);
        config.gateway.production.public_url = Some(urls.production);
        config.gateway.sandbox.public_url = Some(urls.sandbox);
        config.gateway.production.listen = address;
    });
    let node = node.await;
    node.app.ready().await;
    (node, address)
}

#[tokio::test]
async fn rev_7_what_one_node_revokes_the_gateway_of_the_other_refuses() {
    let (gate, client) = gate().await;
    let before = client.token(&gate.app).await;
    client.revoke(&gate.app, &before).await;
    let (node, address) = second_node(&gate).await;
    let there = async |token: &str| {
        let bearer = format!("Bearer {token}");
        http::get(&format!("http://{address}{PATH}"), &[("authorization", &bearer)]).await
    };
    assert_invalid(&there(&before).await);

    let token = client.token(&gate.app).await;
    let bob = client.tokens_of(&gate.app, "bob", "openid").await;
    for token in [&token, &bob.access] {
        assert_eq!(there(token).await.status, 200);
    }
    client.revoke(&gate.app, &token).await;
    client.revoke(&gate.app, &bob.refresh).await;
    node.settle().await;
    for token in [&token, &bob.access] {
        assert_invalid(&there(token).await);
        assert_invalid(&call(&gate, token).await);
    }
}

#[tokio::test]
async fn rev_7_a_node_whose_listener_died_or_whose_log_has_a_gap_hears_of_revocations() {
    let (gate, client) = gate().await;
    let tokens = [client.token(&gate.app).await, client.token(&gate.app).await];
    assert_open(&gate, &[&tokens[0], &tokens[1]]).await;
    let listeners = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query ilike 'listen%'";
    gate.app.pool().execute(listeners).await.unwrap();
    client.revoke(&gate.app, &tokens[0]).await;
    assert_closed(&gate, &[&tokens[0]]).await;

    // Nobody announces it, and a revision has no row: only whoever reads everything finds it.
    let claims = crate::oauth::part(&tokens[1], 1);
    let mut tx = gate.app.pool().begin().await.unwrap();
    tx.execute("alter table revocations disable trigger announce").await.unwrap();
    sqlx::query("insert into revocations (id, kind, subject, expires_at) values (gen_random_uuid(), 'token', $1, $2)")
        .bind(claims["jti"].as_str().unwrap())
        .bind(gate.app.clock.now() + Duration::hours(1))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.execute("alter table revocations enable trigger announce").await.unwrap();
    tx.execute("update gateway_revision set revision = revision + 1").await.unwrap();
    tx.commit().await.unwrap();
    assert_closed(&gate, &[&tokens[1]]).await;
}

#[tokio::test]
async fn rev_8_rt_12_deleting_an_application_ends_its_tokens_and_credentials() {
    let (gate, client) = gate().await;
    let other = other_client(&gate).await;
    let (own, bob) = (client.token(&gate.app).await, client.tokens_of(&gate.app, "bob", "openid").await);
    let elsewhere = other.tokens_of(&gate.app, "bob", "openid").await;
    assert_open(&gate, &[&own, &bob.access, &elsewhere.access]).await;
    assert_eq!(gate.get(PATH).await.status, 200);

    manage::delete(&gate.app.ctx, &gate.member, client.application).await.unwrap();
    assert_closed(&gate, &[&own, &bob.access]).await;
    assert_refused(&gate.get(PATH).await, 401, "900901");
    for answer in [
        client.refresh(&gate.app, &bob.refresh).await,
        client.post(&gate.app, "/oauth2/token", &[("grant_type", "client_credentials")]).await,
        client.post(&gate.app, "/oauth2/introspect", &[("token", &own)]).await,
    ] {
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (401, Some("invalid_client")));
    }
    assert_open(&gate, &[&elsewhere.access]).await;
}

#[tokio::test]
async fn rev_8_deleting_a_client_ends_its_tokens_also_after_a_new_one_was_made() {
    let (gate, client) = gate().await;
    let (own, bob) = (client.token(&gate.app).await, client.tokens_of(&gate.app, "bob", "openid").await);
    assert_open(&gate, &[&own, &bob.access]).await;
    clients::delete(&gate.app.ctx, &gate.member, client.application, PRODUCTION).await.unwrap();
    let next = Client::of(&gate.app, &gate.member, client.application, PRODUCTION).await;
    assert_closed(&gate, &[&own, &bob.access]).await;
    assert_open(&gate, &[&next.token(&gate.app).await]).await;
    let ended: i64 = sqlx::query_scalar("select count(*) from revocations where kind = 'grant'")
        .fetch_one(gate.app.pool())
        .await
        .unwrap();
    assert_eq!(ended, 1, "the grant is announced, though a deleted client would do");
}

#[tokio::test]
async fn rt_12_disabling_a_user_ends_what_they_granted_and_nothing_of_others() {
    let (gate, client) = gate().await;
    let bob = client.tokens_of(&gate.app, "bob", "openid").await;
    let (eve, own) = (client.tokens_of(&gate.app, "eve", "openid").await, client.token(&gate.app).await);
    assert_open(&gate, &[&bob.access, &eve.access, &own]).await;
    access::disable(&gate.app.ctx, "bob@example.com", &Actor::CommandLine).await.unwrap();
    assert_closed(&gate, &[&bob.access]).await;
    assert_no_refresh(&gate, &client, &bob).await;
    assert!(!client.is_active(&gate.app, &bob.access).await && !client.is_active(&gate.app, &bob.refresh).await);
    assert_open(&gate, &[&eve.access, &own]).await;
    Tokens::read(&client.refresh(&gate.app, &eve.refresh).await);

    // Enabled again, the user starts anew: nothing comes back to life.
    access::enable(&gate.app.ctx, "bob@example.com", &Actor::CommandLine).await.unwrap();
    assert_closed(&gate, &[&bob.access]).await;
    assert_no_refresh(&gate, &client, &bob).await;
    assert_open(&gate, &[&client.tokens_of(&gate.app, "bob", "openid").await.access]).await;
}

#[tokio::test]
async fn rt_12_a_new_password_ends_what_its_user_has_granted() {
    let (gate, client) = gate().await;
    let bob = client.tokens_of(&gate.app, "bob", "openid").await;
    let eve = client.tokens_of(&gate.app, "eve", "openid").await;
    assert_open(&gate, &[&bob.access, &eve.access]).await;
    let id = portico::domain::accounts::users::by_email(&gate.app.ctx, "bob@example.com").await.unwrap().id;
    let link = links::to_set_password(&gate.app.ctx, id, &Actor::CommandLine).await.unwrap();
    links::set_password(&gate.app.ctx, link.expose(), make::PASSWORD).await.unwrap();
    assert_closed(&gate, &[&bob.access]).await;
    assert_no_refresh(&gate, &client, &bob).await;
    assert_open(&gate, &[&eve.access, &client.tokens_of(&gate.app, "bob", "openid").await.access]).await;
}

#[tokio::test]
async fn rev_8_all_tokens_of_a_client_end_at_once_and_later_ones_work() {
    let (gate, client) = gate().await;
    let other = other_client(&gate).await;
    let (own, bob) = (client.token(&gate.app).await, client.tokens_of(&gate.app, "bob", "openid").await);
    let elsewhere = other.token(&gate.app).await;
    assert_open(&gate, &[&own, &bob.access, &elsewhere]).await;

    revocations::of_client(&gate.app.ctx, &gate.member, client.application, PRODUCTION).await.unwrap();
    assert_closed(&gate, &[&own, &bob.access]).await;
    assert_no_refresh(&gate, &client, &bob).await;
    for token in [&own, &bob.access, &bob.refresh] {
        assert!(!client.is_active(&gate.app, token).await);
    }
    assert_open(&gate, &[&elsewhere]).await;

    gate.app.clock.advance(Duration::seconds(1));
    let next = client.token(&gate.app).await;
    assert!(client.is_active(&gate.app, &next).await);
    assert_open(&gate, &[&next, &client.tokens_of(&gate.app, "bob", "openid").await.access]).await;
    let audited: i64 = sqlx::query_scalar(
        "select count(*) from audit_events where action = 'client.tokens_revoked' and detail->>'grants' = '1'",
    )
    .fetch_one(gate.app.pool())
    .await
    .unwrap();
    assert_eq!(audited, 1);

    // Once more, later: the bound moves on.
    revocations::of_client(&gate.app.ctx, &gate.member, client.application, PRODUCTION).await.unwrap();
    assert_closed(&gate, &[&next, &own]).await;
}

#[tokio::test]
async fn a_revocation_is_forgotten_when_its_token_has_expired() {
    let (gate, client) = gate().await;
    let known = |count: u32| {
        let text = gate.app.app.gateway().metrics().render();
        assert!(text.contains(&format!("portico_gateway_revocations {count}\n")), "{text}");
    };
    client.revoke(&gate.app, &client.token(&gate.app).await).await;
    known(1);
    gate.app.clock.advance(Duration::seconds(900));
    make::publish(&gate.app, &pets(&[("1.0", "published", &gate.upstream.url("/base"))])).await;
    client.revoke(&gate.app, &client.token(&gate.app).await).await;
    known(1);
}

#[tokio::test]
async fn an_access_token_that_is_made_while_its_grant_ends_is_revoked_for_all_its_life() {
    let (gate, client) = gate().await;
    let bob = client.tokens_of(&gate.app, "bob", "openid").await;
    client.revoke(&gate.app, &bob.refresh).await;
    let later = gate.app.clock.now() + Duration::hours(5);
    sqlx::query("update grants set tokens_until = $1").bind(later).execute(gate.app.pool()).await.unwrap();
    let until: time::OffsetDateTime =
        sqlx::query_scalar("select expires_at from revocations").fetch_one(gate.app.pool()).await.unwrap();
    assert_eq!(until, later);
}

#[tokio::test]
async fn a_grant_that_comes_too_late_for_its_disabled_user_is_refused() {
    let (gate, client) = gate().await;
    client.tokens_of(&gate.app, "bob", "openid").await;
    access::disable(&gate.app.ctx, "bob@example.com", &Actor::CommandLine).await.unwrap();
    let again = "insert into grants (id, client_id, user_id, grant_type, scopes, auth_time, created_at, expires_at, tokens_until)
        select gen_random_uuid(), client_id, user_id, grant_type, scopes, auth_time, created_at, expires_at, tokens_until from grants";
    let refused = gate.app.pool().execute(again).await.unwrap_err();
    assert!(refused.to_string().contains("disabled"), "{refused}");
}
