//! KEY: what an administrator does to the signing keys, and what callers and verifiers see of it.

use crate::oauth::{Registered, access_token, ask, jwks, part, register};
use crate::support::app::TestApp;
use crate::support::http;
use crate::support::process::{Serving, eventually, portico, run, stopped_instance};
use crate::support::shop;
use crate::support::upstream::Upstream;
use portico::base::environment::Environment;
use portico::base::jwt::Algorithm;
use portico::domain::oauth::keys::State;
use portico::domain::oauth::master_key::MasterKey;
use portico::domain::oauth::rotation::{self, Haste, PublishedKey};
use portico::domain::subscriptions::subscribe;
use std::path::Path;
use time::Duration;

/// An application that is subscribed to an API, with a client for the sandbox.
async fn shop() -> (TestApp, Upstream, Registered) {
    let (app, upstream) = (TestApp::start().await, Upstream::start().await);
    shop::publish(&app, &upstream.url("")).await;
    let client = register(&app, Environment::Sandbox).await;
    subscribe::add(&app.ctx, &client.member, client.application, ("pets", 1), "bronze").await.unwrap();
    app.settle().await;
    (app, upstream, client)
}

async fn token(app: &TestApp, client: &Registered) -> String {
    access_token(&ask(app, &client.id, &client.secret).await)
}

/// The status with which the gateway answers a call with this token.
async fn call(app: &TestApp, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let url = app.gateway(Environment::Sandbox, "/pets/v1/pets");
    http::get(&url, &[("authorization", &bearer)]).await.status.as_u16()
}

fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

async fn kids(app: &TestApp) -> Vec<String> {
    jwks(app).await.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn master_key(app: &TestApp) -> MasterKey {
    MasterKey::read(None, app.app.data_dir()).unwrap().unwrap()
}

async fn rotate(app: &TestApp, haste: Haste) -> Result<Vec<PublishedKey>, String> {
    let rotated = rotation::rotate(&app.ctx, &master_key(app), &app.config.oauth, haste).await;
    app.settle().await;
    rotated.map_err(|error| error.to_string())
}

async fn compromised(app: &TestApp, kid: &str) -> Vec<PublishedKey> {
    let keys = rotation::compromised(&app.ctx, &master_key(app), kid).await.unwrap();
    app.settle().await;
    keys
}

#[tokio::test]
async fn key_2_an_early_rotation_signs_at_once_and_tokens_of_the_old_key_stay_good() {
    let (app, _upstream, client) = shop().await;
    let (old, before) = (token(&app, &client).await, kids(&app).await);
    let id_key = app.app.issuer.id_key().kid().to_owned();
    app.clock.advance(Duration::minutes(10));
    let keys = rotate(&app, Haste::WhenKnown).await.unwrap();
    let new = token(&app, &client).await;
    assert_ne!(kid(&new), kid(&old));
    assert_ne!(app.app.issuer.id_key().kid(), id_key, "both algorithms are rotated");
    let after = kids(&app).await;
    assert!(before.contains(&kid(&new)), "KEY-3: it was published before");
    assert!(before.iter().all(|key| after.contains(key)), "KEY-2: whatever was published still is");
    assert_eq!((after.len(), keys.len()), (6, 6));
    assert_eq!((call(&app, &old).await, call(&app, &new).await), (200, 200));
    let retired: Vec<_> = keys.iter().filter(|key| matches!(key.state, State::Retired { .. })).collect();
    assert!(retired.iter().any(|key| key.kid == kid(&old)) && retired.len() == 2);
    assert_eq!(rotation::list(&app.ctx).await.unwrap(), keys);
}

#[tokio::test]
async fn key_3_a_rotation_waits_until_verifiers_know_the_next_key_unless_told_otherwise() {
    let (app, _upstream, client) = shop().await;
    let old = kid(&token(&app, &client).await);
    app.clock.advance(Duration::minutes(10) - Duration::MICROSECOND);
    let refused = rotate(&app, Haste::WhenKnown).await.unwrap_err();
    assert!(refused.contains("try again in 1 seconds, or say --now"), "{refused}");
    assert_eq!(kid(&token(&app, &client).await), old, "nothing was changed");
    assert_eq!(kids(&app).await.len(), 4);
    rotate(&app, Haste::Now).await.unwrap();
    let new = kid(&token(&app, &client).await);
    assert_ne!(new, old);
    // The key that was made just now has to wait in turn.
    assert!(rotate(&app, Haste::WhenKnown).await.is_err());
    app.clock.advance(Duration::minutes(10));
    rotate(&app, Haste::WhenKnown).await.unwrap();
    assert_ne!(kid(&token(&app, &client).await), new);
}

#[tokio::test]
async fn a_compromised_key_opens_nothing_any_more() {
    let (app, _upstream, client) = shop().await;
    let stolen = token(&app, &client).await;
    let other_kids: Vec<String> = kids(&app).await.into_iter().filter(|key| *key != kid(&stolen)).collect();
    assert_eq!(call(&app, &stolen).await, 200, "the gateway remembers it from now on");
    let keys = compromised(&app, &kid(&stolen)).await;
    assert_eq!(call(&app, &stolen).await, 401);
    let new = token(&app, &client).await;
    assert!(other_kids.contains(&kid(&new)), "the next key signs");
    assert_eq!(call(&app, &new).await, 200);
    let after = kids(&app).await;
    assert!(!after.contains(&kid(&stolen)) && other_kids.iter().all(|key| after.contains(key)));
    assert_eq!((after.len(), keys.len()), (4, 4));

    // The next key can be dropped too, and a retired one; what signs stays.
    let find = |keys: &[PublishedKey], is: fn(State) -> bool| {
        keys.iter().find(|key| key.algorithm == Algorithm::Es256 && is(key.state)).unwrap().kid.clone()
    };
    let keys = compromised(&app, &find(&keys, |state| state == State::Next)).await;
    assert_eq!((keys.len(), kid(&token(&app, &client).await)), (4, kid(&new)));
    let keys = rotate(&app, Haste::Now).await.unwrap();
    let newest = token(&app, &client).await;
    let keys = compromised(&app, &find(&keys, |state| matches!(state, State::Retired { .. }))).await;
    assert_eq!(keys.len(), 5);
    assert_eq!((call(&app, &new).await, call(&app, &newest).await), (401, 200));

    let dropped = "select count(*) from audit_events where action = 'signing_key.compromised' and actor_id is null";
    assert_eq!(sqlx::query_scalar::<_, i64>(dropped).fetch_one(app.pool()).await.unwrap(), 3);
    assert!(rotation::compromised(&app.ctx, &master_key(&app), "nosuchkey").await.is_err());
}

/// What a `portico keys` command prints: lines of kid, algorithm, state.
fn keys(data_dir: &Path, arguments: &[&str]) -> Vec<[String; 3]> {
    let ended = run(portico(data_dir, &[]).arg("keys").args(arguments), "");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let words = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    ended.stdout.lines().map(words).collect()
}

fn in_state(keys: &[[String; 3]], wanted: &str) -> Vec<String> {
    let mut kids: Vec<_> = keys.iter().filter(|[_, _, state]| state == wanted).map(|[kid, ..]| kid.clone()).collect();
    kids.sort();
    kids
}

#[tokio::test]
async fn the_commands_reach_a_running_instance() {
    let dir = stopped_instance("keys-command");
    let serving = Serving::start(&dir, &[]);
    let before = keys(&dir, &["list"]);
    assert_eq!((in_state(&before, "current").len(), in_state(&before, "next").len()), (2, 2));
    let too_early = run(portico(&dir, &[]).args(["keys", "rotate"]), "");
    assert_eq!(too_early.status, Some(1));
    assert!(too_early.stderr.contains("or say --now"), "{too_early:?}");
    let rotated = keys(&dir, &["rotate", "--now"]);
    assert_eq!(in_state(&rotated, "current"), in_state(&before, "next"));
    assert_eq!(in_state(&rotated, "retired"), in_state(&before, "current"));

    let dropped = &in_state(&rotated, "current")[0];
    keys(&dir, &["compromised", dropped]);
    let unknown = run(portico(&dir, &[]).args(["keys", "compromised", dropped]), "");
    assert_eq!(unknown.status, Some(1));
    assert!(unknown.stderr.contains("there is no such key"), "{unknown:?}");
    let url = format!("http://{}/oauth2/jwks", serving.portal);
    let expected = keys(&dir, &["list"]).len();
    assert_eq!(expected, 6, "two that sign, two that will, two that have retired");
    eventually("the running instance to publish what was changed", || {
        let answer = std::process::Command::new("curl").args(["-s", &url]).output().unwrap();
        let published: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
        let published = published["keys"].as_array().unwrap();
        (published.len() == expected && published.iter().all(|key| key["kid"] != **dropped)).then_some(())
    });
}
