//! TOK-13: a client that is known gets its token from memory, and yet no change goes unnoticed.

use crate::oauth::{Registered, access_token, ask, assert_refused, part, post, register};
use crate::support::app::TestApp;
use crate::support::db;
use portico::app::App;
use portico::base::environment::Environment;
use portico::base::random::Random;
use portico::domain::applications::manage;
use portico::domain::credentials::clients;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::time::Duration;

/// A client whose token was asked for before.
async fn warm(app: &TestApp) -> Registered {
    let client = register(app, Environment::Sandbox).await;
    app.settle().await;
    access_token(&ask(app, &client.id, &client.secret).await);
    client
}

/// A transaction that lets nobody read or write any table but those with which nodes ask for news.
async fn lock_every_table(app: &TestApp) -> PgConnection {
    let mut locker = PgConnection::connect_with(&app.pool().connect_options()).await.unwrap();
    let tables = "select quote_ident(tablename) from pg_tables
                  where schemaname = 'public' and tablename not in ('gateway_revision', 'gateway_changes')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut locker).await.unwrap();
    assert!(tables.len() > 30, "{tables:?}");
    let lock = format!("begin; lock table {} in access exclusive mode", tables.join(", "));
    locker.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    locker
}

/// What is answered while every table is locked.
async fn unless_it_waits<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), answer).await.expect("it waits for a table")
}

#[tokio::test]
async fn tok_13_a_token_for_a_known_client_touches_no_table() {
    let app = TestApp::start().await;
    let client = warm(&app).await;
    let mut locker = lock_every_table(&app).await;
    // Whoever needs a table waits, as this failure does.
    let (url, basic) = (app.portal("/oauth2/token"), crate::oauth::basic(&client.id, "wrong"));
    let waiting = tokio::spawn(async move {
        let headers = [("authorization", &*basic)];
        crate::support::http::post_form(&url, &headers, &[crate::oauth::GRANT]).await
    });
    for _ in 0..50 {
        access_token(&unless_it_waits(ask(&app, &client.id, &client.secret)).await);
    }
    assert!(!waiting.is_finished());
    locker.execute("rollback").await.unwrap();
    assert_refused(&waiting.await.unwrap(), 401, "invalid_client");
}

#[tokio::test]
async fn tok_13_neither_does_a_token_with_scopes() {
    let app = TestApp::start().await;
    crate::support::scoped::publish(&app, "http://127.0.0.1:1").await;
    let client = register(&app, Environment::Sandbox).await;
    crate::support::scoped::subscribe(&app, &client.member, client.application).await;
    access_token(&ask(&app, &client.id, &client.secret).await);
    let _locker = lock_every_table(&app).await;
    let basic = crate::oauth::basic(&client.id, &client.secret);
    let resource = format!("{}/aviary/v1", app.app.urls.sandbox);
    let form = [crate::oauth::GRANT, ("scope", "birds:read"), ("resource", &resource)];
    let token = access_token(&unless_it_waits(post(&app, &[("authorization", &basic)], &form)).await);
    assert_eq!(
        (part(&token, 1)["scope"].as_str(), part(&token, 1)["aud"].as_str()),
        (Some("birds:read"), Some(&*resource))
    );
}

#[tokio::test]
async fn a_secret_that_was_made_a_moment_ago_on_another_node_works() {
    let app = TestApp::start().await;
    let client = warm(&app).await;
    // No settling: this node still remembers the client as it was.
    for _ in 0..5 {
        let new = clients::new_secret(&app.ctx, &client.member, client.application, client.environment).await.unwrap();
        access_token(&ask(&app, &client.id, new.secret.expose()).await);
    }
}

#[tokio::test]
async fn a_change_on_one_node_counts_on_the_others() {
    let app = TestApp::start().await;
    let client = warm(&app).await;
    let mut config = app.config.clone();
    config.data_dir = Some(db::scratch("registry-other-node"));
    std::fs::copy(app.app.data_dir().join("master.key"), config.data_dir().join("master.key")).unwrap();
    let other = App::start(config, app.clock.clone(), Random::seeded(8)).await.unwrap();
    let there = format!("http://{}", other.portal);
    let at_other = async || {
        other.caught_up().await.unwrap();
        crate::oauth::ask_at(&there, &client.id, &client.secret).await
    };
    access_token(&at_other().await);
    client.configure(&app, |settings| settings.access_token_seconds = 61).await;
    assert_eq!(at_other().await.json()["expires_in"], 61);

    // A rotation of the keys is heard of in the same way.
    sqlx::query("delete from signing_keys where state = 'current'").execute(app.pool()).await.unwrap();
    let now = part(&access_token(&at_other().await), 0)["kid"].clone();
    app.settle().await;
    assert_eq!(part(&access_token(&ask(&app, &client.id, &client.secret).await), 0)["kid"], now);
    assert_eq!(app.app.issuer.jwks().body, other.issuer.jwks().body);

    clients::delete(&app.ctx, &client.member, client.application, client.environment).await.unwrap();
    assert_refused(&at_other().await, 401, "invalid_client");
    other.drain().await;
}

#[tokio::test]
async fn a_deleted_application_gets_no_more_tokens() {
    let app = TestApp::start().await;
    let client = warm(&app).await;
    manage::delete(&app.ctx, &client.member, client.application).await.unwrap();
    app.settle().await;
    assert_refused(&ask(&app, &client.id, &client.secret).await, 401, "invalid_client");
}
