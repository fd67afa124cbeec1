//! RT: refresh tokens. What their end means at the gateway is in `grant_end.rs`.

use crate::oauth::{Registered, access_token, assert_refused, id_claims, part, post, refresh_token, register_for};
use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::{make, shop};
use portico::domain::credentials::client_model::{ClientKind, GrantType};
use time::Duration;

const CHOSEN: [GrantType; 2] = [GrantType::Password, GrantType::RefreshToken];

/// An instance, a client that may refresh, and a user besides its owner: bob.
async fn arrange() -> (TestApp, Registered) {
    let app = TestApp::start().await;
    let client = register_for(&app, &CHOSEN).await;
    make::member(&app, "bob", &[]).await;
    (app, client)
}

/// Why each grant has ended, if it has, in the order in which they began.
async fn ends(app: &TestApp) -> Vec<Option<String>> {
    sqlx::query_scalar("select end_reason from grants order by id").fetch_all(app.pool()).await.unwrap()
}

async fn narrowed(app: &TestApp, client: &Registered, token: &str, scope: &str) -> Answer {
    client.post(app, &[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]).await
}

#[tokio::test]
async fn rt_1_a_refresh_gives_new_tokens_of_the_same_sign_in_and_a_new_refresh_token() {
    let (app, client) = arrange().await;
    let first = client.sign_in(&app, "bob", "openid email").await;
    app.clock.advance(Duration::minutes(10));
    let second = client.refresh(&app, &refresh_token(&first)).await;
    assert_ne!(refresh_token(&second), refresh_token(&first));
    assert_ne!(access_token(&second), access_token(&first));
    assert_eq!(second.json()["scope"], "openid email");
    let (before, after) = (id_claims(&first), id_claims(&second));
    for kept in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(after["iat"].as_i64().unwrap() - before["iat"].as_i64().unwrap(), 600);
    assert!(after.get("nonce").is_none());
    let third = client.refresh(&app, &refresh_token(&second)).await;
    assert_eq!(part(&access_token(&third), 1)["gid"], part(&access_token(&first), 1)["gid"]);
    let dump = shop::dump(&app).await;
    for answer in [&first, &second, &third] {
        let token = refresh_token(answer);
        assert!(!dump.values().flatten().any(|row| row.contains(&token)), "only digests are stored");
    }
}

#[tokio::test]
async fn rt_2_rt_3_reuse_ends_the_grant_and_no_other() {
    let (app, client) = arrange().await;
    let other = client.sibling(&app, "Other").await;
    let stolen = refresh_token(&client.sign_in(&app, "bob", "openid").await);
    app.clock.advance(Duration::SECOND);
    let elsewhere = refresh_token(&other.sign_in(&app, "bob", "openid").await);
    app.clock.advance(Duration::SECOND);
    let second_sign_in = refresh_token(&client.sign_in(&app, "bob", "openid").await);
    let successor = refresh_token(&client.refresh(&app, &stolen).await);
    app.clock.advance(Duration::seconds(5));
    assert_refused(&client.refresh(&app, &stolen).await, 400, "invalid_grant");
    assert_refused(&client.refresh(&app, &successor).await, 400, "invalid_grant");
    assert_eq!(ends(&app).await, [Some("refresh_token_reused".to_owned()), None, None]);
    refresh_token(&other.refresh(&app, &elsewhere).await);
    refresh_token(&client.refresh(&app, &second_sign_in).await);
}

#[tokio::test]
async fn rt_2_a_token_that_is_used_long_after_it_would_have_expired_still_gives_the_thief_away() {
    let (app, client) = arrange().await;
    client.configure(&app, |settings| settings.refresh_token_seconds = 3600).await;
    let stolen = refresh_token(&client.sign_in(&app, "bob", "").await);
    let mut thief = refresh_token(&client.refresh(&app, &stolen).await);
    for _ in 0..3 {
        app.clock.advance(Duration::minutes(50));
        thief = refresh_token(&client.refresh(&app, &thief).await);
    }
    assert_refused(&client.refresh(&app, &stolen).await, 400, "invalid_grant");
    assert_refused(&client.refresh(&app, &thief).await, 400, "invalid_grant");
}

#[tokio::test]
async fn rt_4_parallel_use_without_leeway_gives_one_successor_and_then_none() {
    let (app, client) = arrange().await;
    client.configure(&app, |settings| settings.refresh_leeway_seconds = 0).await;
    let token = refresh_token(&client.sign_in(&app, "bob", "").await);
    let answers = futures_util::future::join_all((0..8).map(|_| client.refresh(&app, &token))).await;
    let given: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(given.len(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.json()["error"] == "invalid_grant"));
    assert_refused(&client.refresh(&app, &refresh_token(given[0])).await, 400, "invalid_grant");
    assert_eq!(ends(&app).await, [Some("refresh_token_reused".to_owned())]);
}

#[tokio::test]
async fn rt_4_parallel_use_within_the_leeway_gives_everybody_the_same_successor() {
    let (app, client) = arrange().await;
    let token = refresh_token(&client.sign_in(&app, "bob", "").await);
    let answers = futures_util::future::join_all((0..8).map(|_| client.refresh(&app, &token))).await;
    let mut successors: Vec<String> = answers.iter().map(refresh_token).collect();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    let rows: i64 = sqlx::query_scalar("select count(*) from refresh_tokens").fetch_one(app.pool()).await.unwrap();
    assert_eq!(rows, 2);
    refresh_token(&client.refresh(&app, &successors[0]).await);
    assert_eq!(ends(&app).await, [None]);
}

#[tokio::test]
async fn rt_5_a_lost_answer_is_given_again_until_the_leeway_is_over() {
    let (app, client) = arrange().await;
    let token = refresh_token(&client.sign_in(&app, "bob", "").await);
    let lost = refresh_token(&client.refresh(&app, &token).await);
    for _ in 0..2 {
        app.clock.advance(Duration::seconds(2));
        assert_eq!(refresh_token(&client.refresh(&app, &token).await), lost);
    }
    // The leeway counts from the first use: it cannot be drawn out.
    app.clock.advance(Duration::seconds(1));
    assert_refused(&client.refresh(&app, &token).await, 400, "invalid_grant");
    assert_eq!(ends(&app).await, [Some("refresh_token_reused".to_owned())]);
}

#[tokio::test]
async fn rt_5_once_the_successor_is_used_there_is_no_leeway() {
    let (app, client) = arrange().await;
    let token = refresh_token(&client.sign_in(&app, "bob", "").await);
    let second = refresh_token(&client.refresh(&app, &token).await);
    let third = refresh_token(&client.refresh(&app, &second).await);
    assert_refused(&client.refresh(&app, &token).await, 400, "invalid_grant");
    for dead in [&second, &third] {
        assert_refused(&client.refresh(&app, dead).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn rt_6_scope_is_narrowed_for_one_token_and_never_widened() {
    let (app, client) = arrange().await;
    let answer = client.sign_in(&app, "bob", "openid profile").await;
    let narrow = narrowed(&app, &client, &refresh_token(&answer), "profile").await;
    assert_eq!(part(&access_token(&narrow), 1)["scope"], "profile");
    assert!(narrow.json()["scope"] == "profile" && narrow.json().get("id_token").is_none());
    let token = refresh_token(&narrow);
    for wide in ["email", "openid email", "nonsense", "openid profile offline_access", "\""] {
        assert_refused(&narrowed(&app, &client, &token, wide).await, 400, "invalid_scope");
    }
    // Neither the narrowing nor a refusal sticks.
    let whole = client.refresh(&app, &token).await;
    assert_eq!(whole.json()["scope"], "openid profile");
    id_claims(&whole);
}

#[tokio::test]
async fn rt_6_a_scope_that_has_been_closed_since_is_left_out_and_reported_or_refused() {
    let (app, client) = arrange().await;
    let answer = client.sign_in(&app, "bob", "openid profile email").await;
    client.configure(&app, |settings| settings.scopes = Some(vec!["openid".to_owned(), "email".to_owned()])).await;
    let token = refresh_token(&answer);
    assert_refused(&narrowed(&app, &client, &token, "openid profile").await, 400, "invalid_scope");
    let answer = client.refresh(&app, &token).await;
    assert_eq!(answer.json()["scope"], "openid email");
    assert_eq!(part(&access_token(&answer), 1)["scope"], "openid email");
}

#[tokio::test]
async fn rt_7_another_client_cannot_use_a_token_and_does_not_burn_it() {
    let (app, client) = arrange().await;
    let thief = client.sibling(&app, "Thief").await;
    let token = refresh_token(&client.sign_in(&app, "bob", "").await);
    assert_refused(&thief.refresh(&app, &token).await, 400, "invalid_grant");
    let next = refresh_token(&client.refresh(&app, &token).await);
    // Nor does an old one in its hands end the grant.
    app.clock.advance(Duration::MINUTE);
    assert_refused(&thief.refresh(&app, &token).await, 400, "invalid_grant");
    refresh_token(&client.refresh(&app, &next).await);
    // CLI-10: neither does a failed authentication.
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token), ("client_id", &client.id)];
    assert_refused(&post(&app, &[], &form).await, 401, "invalid_client");
    assert_eq!(ends(&app).await, [None]);
}

#[tokio::test]
async fn rt_8_what_is_no_refresh_token_is_refused() {
    let (app, client) = arrange().await;
    let answer = client.sign_in(&app, "bob", "openid").await;
    let good = refresh_token(&answer);
    let typo = good.replace(good.chars().nth(10).unwrap(), "x");
    let id_token = answer.json()["id_token"].as_str().unwrap().to_owned();
    let long = "x".repeat(10_000);
    let code_shaped = format!("ptc_{}", &good[4..]);
    for wrong in [&*typo, &access_token(&answer), &id_token, &client.secret, &long, &code_shaped, "x", "é", " "] {
        assert_refused(&client.refresh(&app, wrong).await, 400, "invalid_grant");
    }
    for missing in [&[][..], &[("refresh_token", "")]] {
        let answer = client.post(&app, &[&[("grant_type", "refresh_token")], missing].concat()).await;
        assert_refused(&answer, 400, "invalid_request");
    }
    refresh_token(&client.refresh(&app, &good).await);
}

#[tokio::test]
async fn rt_9_a_public_client_rotates_by_its_id_and_reuse_is_found() {
    let (app, client) = arrange().await;
    let token = refresh_token(&client.sign_in(&app, "bob", "").await);
    client.configure(&app, |settings| settings.kind = ClientKind::Public).await;
    let refresh = async |token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &client.id)];
        post(&app, &[], &form).await
    };
    let second = refresh_token(&refresh(&token).await);
    let third = refresh_token(&refresh(&second).await);
    assert!(second != token && third != second);
    assert_refused(&refresh(&token).await, 400, "invalid_grant");
    assert_refused(&refresh(&third).await, 400, "invalid_grant");
}

#[tokio::test]
async fn rt_10_a_token_that_lies_unused_for_its_time_expires() {
    let (app, client) = arrange().await;
    client.configure(&app, |settings| settings.refresh_token_seconds = 600).await;
    let mut token = refresh_token(&client.sign_in(&app, "bob", "").await);
    for _ in 0..3 {
        app.clock.advance(Duration::seconds(599));
        token = refresh_token(&client.refresh(&app, &token).await);
    }
    app.clock.advance(Duration::seconds(600));
    assert_refused(&client.refresh(&app, &token).await, 400, "invalid_grant");
    assert_eq!(ends(&app).await, [None], "to be late is no crime");
}

#[tokio::test]
async fn rt_10_after_thirty_days_the_grant_is_over_however_often_it_was_refreshed() {
    let (app, client) = arrange().await;
    let mut token = refresh_token(&client.sign_in(&app, "bob", "").await);
    for _ in 0..59 {
        app.clock.advance(Duration::hours(12));
        token = refresh_token(&client.refresh(&app, &token).await);
    }
    app.clock.advance(Duration::hours(12));
    assert_refused(&client.refresh(&app, &token).await, 400, "invalid_grant");
}

#[tokio::test]
async fn rt_11_there_are_refresh_tokens_only_where_they_are_chosen() {
    let (app, client) = arrange().await;
    let token = refresh_token(&client.sign_in(&app, "bob", "").await);
    client.configure(&app, |settings| settings.grant_types = vec![GrantType::Password]).await;
    let answer = client.sign_in(&app, "bob", "").await;
    assert!(answer.json().get("refresh_token").is_none(), "{}", answer.text());
    assert_refused(&client.refresh(&app, &token).await, 400, "unauthorized_client");
    client.configure(&app, |settings| settings.grant_types = CHOSEN.to_vec()).await;
    refresh_token(&client.refresh(&app, &token).await);
}
