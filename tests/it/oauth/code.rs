//! CODE: authorization codes at the token endpoint.

use crate::oauth::code_flow::{CALLBACK, allow, code, form, redeem};
use crate::oauth::{Registered, access_token, assert_refused, id_claims, part, post, refresh_token, register};
use crate::support::app::TestApp;
use crate::support::http;
use crate::support::upstream::Upstream;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::accounts::model::Member;
use portico::domain::credentials::client_model::{ClientKind, GrantType};
use portico::domain::subscriptions::subscribe;
use time::Duration;

/// An instance, a client that may use codes, and a user besides its owner.
async fn arrange() -> (TestApp, Registered, Member) {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    allow(&app, &client, |_| {}).await;
    let bob = make::member(&app, "bob", &[]).await;
    (app, client, bob)
}

async fn ends(app: &TestApp) -> Vec<Option<String>> {
    sqlx::query_scalar("select end_reason from grants order by created_at").fetch_all(app.pool()).await.unwrap()
}

#[tokio::test]
async fn code_1_a_code_gives_tokens_of_the_user_who_agreed() {
    let (app, client, bob) = arrange().await;
    let code = code(&app, &client, &bob, &[("nonce", "n-1"), ("state", "s")]).await;
    assert!(!shop::dump(&app).await.values().flatten().any(|row| row.contains(&code)), "only the digest is stored");
    app.clock.advance(Duration::seconds(3));
    let answer = redeem(&app, &client, &code).await;
    let claims = part(&access_token(&answer), 1);
    assert_eq!((claims["sub"].as_str(), claims["client_id"].as_str()), (Some(&*bob.id.to_string()), Some(&*client.id)));
    assert_eq!(answer.json()["scope"], "openid profile email");
    assert_eq!((claims["scope"].clone(), claims["env"].as_str()), (answer.json()["scope"].clone(), Some("sandbox")));
    assert_eq!(id_claims(&answer)["nonce"], "n-1");
    let next = client.refresh(&app, &refresh_token(&answer)).await;
    assert_eq!(part(&access_token(&next), 1)["gid"], claims["gid"]);
    assert!(id_claims(&next).get("nonce").is_none());
}

#[tokio::test]
async fn code_1_a_public_client_needs_its_id_and_the_verifier() {
    let (app, client, bob) = arrange().await;
    allow(&app, &client, |settings| settings.kind = ClientKind::Public).await;
    let code = code(&app, &client, &bob, &[]).await;
    let answer = post(&app, &[], &form(&code, &[("client_id", &client.id)])).await;
    access_token(&answer);
    refresh_token(&answer);
}

#[tokio::test]
async fn code_2_code_3_a_second_use_is_refused_and_ends_what_came_of_the_first() {
    let (app, client, bob) = arrange().await;
    let (twice, once) = (code(&app, &client, &bob, &[]).await, code(&app, &client, &bob, &[]).await);
    let first = refresh_token(&redeem(&app, &client, &twice).await);
    let other = refresh_token(&redeem(&app, &client, &once).await);
    let refreshed = refresh_token(&client.refresh(&app, &first).await);
    assert_refused(&redeem(&app, &client, &twice).await, 400, "invalid_grant");
    assert_refused(&client.refresh(&app, &refreshed).await, 400, "invalid_grant");
    refresh_token(&client.refresh(&app, &other).await);
    let ended = "select count(*) from grants where end_reason = 'code_reused'";
    assert_eq!(sqlx::query_scalar::<_, i64>(ended).fetch_one(app.pool()).await.unwrap(), 1);
    assert_refused(&redeem(&app, &client, &twice).await, 400, "invalid_grant");
}

#[tokio::test]
async fn code_3_a_second_use_is_known_as_one_long_after_the_code_has_expired() {
    let (app, client, bob) = arrange().await;
    let code = code(&app, &client, &bob, &[]).await;
    let token = refresh_token(&redeem(&app, &client, &code).await);
    app.clock.advance(Duration::hours(5));
    assert_refused(&redeem(&app, &client, &code).await, 400, "invalid_grant");
    assert_refused(&client.refresh(&app, &token).await, 400, "invalid_grant");
    assert_eq!(ends(&app).await, [Some("code_reused".to_owned())]);
}

#[tokio::test]
async fn code_3_a_second_use_ends_the_access_tokens_at_the_gateway() {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    shop::publish(&app, &backend.url("")).await;
    let client = register(&app, Environment::Sandbox).await;
    subscribe::add(&app.ctx, &client.member, client.application, ("pets", 1), "bronze").await.unwrap();
    allow(&app, &client, |_| {}).await;
    let bob = make::member(&app, "bob", &[]).await;
    let (twice, once) = (code(&app, &client, &bob, &[]).await, code(&app, &client, &bob, &[]).await);
    let first = redeem(&app, &client, &twice).await;
    let refreshed = client.refresh(&app, &refresh_token(&first)).await;
    let other = redeem(&app, &client, &once).await;
    let call = async |token: String| {
        let bearer = format!("Bearer {token}");
        http::get(&app.gateway(Environment::Sandbox, "/pets/v1/pets"), &[("authorization", &bearer)]).await.status
    };
    for answer in [&first, &refreshed, &other] {
        assert_eq!(call(access_token(answer)).await, 200);
    }
    redeem(&app, &client, &twice).await;
    app.settle().await;
    assert_eq!(call(access_token(&first)).await, 401);
    assert_eq!(call(access_token(&refreshed)).await, 401);
    assert_eq!(call(access_token(&other)).await, 200, "another grant of the same user and client");
}

#[tokio::test]
async fn code_4_of_parallel_uses_one_succeeds_and_the_others_are_second_uses() {
    let (app, client, bob) = arrange().await;
    let code = code(&app, &client, &bob, &[]).await;
    let answers = futures_util::future::join_all((0..8).map(|_| redeem(&app, &client, &code))).await;
    let given: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(given.len(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_refused(refused, 400, "invalid_grant");
    }
    assert_eq!(ends(&app).await, [Some("code_reused".to_owned())]);
    assert_refused(&client.refresh(&app, &refresh_token(given[0])).await, 400, "invalid_grant");
}

#[tokio::test]
async fn code_5_cli_10_a_code_is_the_clients_own_and_nobody_else_burns_it() {
    let (app, client, bob) = arrange().await;
    let thief = client.sibling(&app, "Thief").await;
    let code = code(&app, &client, &bob, &[]).await;
    assert_refused(&redeem(&app, &thief, &code).await, 400, "invalid_grant");
    for credentials in
        [&[][..], &[("client_id", &*client.id)], &[("client_id", &client.id), ("client_secret", "wrong")]]
    {
        assert_refused(&post(&app, &[], &[&form(&code, &[])[..], credentials].concat()).await, 401, "invalid_client");
    }
    let token = refresh_token(&redeem(&app, &client, &code).await);
    // Nor does a stranger's second use end what came of it.
    assert_refused(&redeem(&app, &thief, &code).await, 400, "invalid_grant");
    assert_refused(&client.post(&app, &form(&code, &[("code_verifier", &"x".repeat(43))])).await, 400, "invalid_grant");
    refresh_token(&client.refresh(&app, &token).await);
    assert_eq!(ends(&app).await, [None]);
}

#[tokio::test]
async fn code_6_redirect_uri_is_repeated_and_identical() {
    let (app, client, bob) = arrange().await;
    let other = "https://shop.example/other".to_owned();
    allow(&app, &client, |settings| settings.redirect_uris.push(other.clone())).await;
    let code = code(&app, &client, &bob, &[]).await;
    assert_refused(&client.post(&app, &form(&code, &[("redirect_uri", "")])).await, 400, "invalid_request");
    let slash = format!("{CALLBACK}/");
    for wrong in [&*other, &slash, "https://SHOP.example/callback", "https://shop.example:443/callback", "x"] {
        assert_refused(&client.post(&app, &form(&code, &[("redirect_uri", wrong)])).await, 400, "invalid_grant");
    }
    access_token(&redeem(&app, &client, &code).await);
}

#[tokio::test]
async fn code_7_unknown_and_malformed_codes_are_refused() {
    let (app, client, bob) = arrange().await;
    let good = code(&app, &client, &bob, &[]).await;
    let shaped = good.replace(good.chars().nth(12).unwrap(), "x");
    let refresh_shaped = format!("ptr_{}", &good[4..]);
    let long = "x".repeat(10_000);
    for wrong in [&*shaped, &refresh_shaped, &long, &client.secret, "x", "é", " "] {
        assert_refused(&redeem(&app, &client, wrong).await, 400, "invalid_grant");
    }
    assert_refused(&client.post(&app, &form("", &[("code", "")])).await, 400, "invalid_request");
    access_token(&redeem(&app, &client, &good).await);
}

#[tokio::test]
async fn code_8_a_code_lives_for_a_minute() {
    let (app, client, bob) = arrange().await;
    let (early, late) = (code(&app, &client, &bob, &[]).await, code(&app, &client, &bob, &[]).await);
    app.clock.advance(Duration::seconds(59));
    access_token(&redeem(&app, &client, &early).await);
    app.clock.advance(Duration::seconds(1));
    assert_refused(&redeem(&app, &client, &late).await, 400, "invalid_grant");
    assert_eq!(ends(&app).await, [None, None], "to be late is no second use");
}

#[tokio::test]
async fn code_2_a_request_that_is_refused_for_another_reason_does_not_use_the_code_up() {
    let (app, client, bob) = arrange().await;
    let code = code(&app, &client, &bob, &[("scope", "openid")]).await;
    assert_refused(&client.post(&app, &form(&code, &[("scope", "openid email")])).await, 400, "invalid_scope");
    let nowhere = ("resource", "https://nowhere.example/");
    assert_refused(&client.post(&app, &form(&code, &[nowhere])).await, 400, "invalid_target");
    let answer = redeem(&app, &client, &code).await;
    assert_eq!(answer.json()["scope"], "openid");
}

#[tokio::test]
async fn code_5_a_user_who_was_disabled_meanwhile_and_a_grant_that_was_taken_away_redeem_nothing() {
    let (app, client, bob) = arrange().await;
    let mine = code(&app, &client, &bob, &[]).await;
    client.configure(&app, |settings| settings.grant_types = vec![GrantType::ClientCredentials]).await;
    assert_refused(&redeem(&app, &client, &mine).await, 400, "unauthorized_client");
    allow(&app, &client, |_| {}).await;
    sqlx::query("update users set disabled_at = $1 where name = 'bob'")
        .bind(app.clock.now())
        .execute(app.pool())
        .await
        .unwrap();
    assert_refused(&redeem(&app, &client, &mine).await, 400, "invalid_grant");
}

#[tokio::test]
async fn res_1_the_token_request_asks_for_no_more_resources_than_the_authorization_request() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let client = register(&app, Environment::Sandbox).await;
    for api in ["pets", "ledger"] {
        subscribe::add(&app.ctx, &client.member, client.application, (api, 1), "bronze").await.unwrap();
    }
    allow(&app, &client, |_| {}).await;
    let bob = make::member(&app, "bob", &[]).await;
    let gateway = app.app.urls.gateway(Environment::Sandbox).to_owned();
    let (pets, ledger) = (format!("{gateway}/pets/v1"), format!("{gateway}/ledger/v1"));
    let aud = |answer: &http::Answer| part(&access_token(answer), 1)["aud"].clone();

    let both = code(&app, &client, &bob, &[("resource", &pets), ("resource", &ledger)]).await;
    let narrow = client.post(&app, &form(&both, &[("resource", &pets)])).await;
    assert_eq!(aud(&narrow), pets.as_str());
    let refresh = |token: String, resource: String| {
        let client = &client;
        let app = &app;
        async move {
            let form = [("grant_type", "refresh_token"), ("refresh_token", &*token), ("resource", &*resource)];
            client.post(app, &form).await
        }
    };
    // The narrowing does not stick.
    let other = refresh(refresh_token(&narrow), ledger.clone()).await;
    assert_eq!(aud(&other), ledger.as_str());
    let all = client.refresh(&app, &refresh_token(&other)).await;
    assert_eq!(aud(&all), serde_json::json!([pets, ledger]));

    let one = code(&app, &client, &bob, &[("resource", &pets)]).await;
    for wider in [&ledger, &gateway] {
        assert_refused(&client.post(&app, &form(&one, &[("resource", wider)])).await, 400, "invalid_target");
    }
    let answer = redeem(&app, &client, &one).await;
    assert_eq!(aud(&answer), pets.as_str());
    assert_refused(&refresh(refresh_token(&answer), ledger.clone()).await, 400, "invalid_target");

    // Without a resource the grant is for all of them, and a token may be for one.
    let whole = code(&app, &client, &bob, &[]).await;
    let answer = client.post(&app, &form(&whole, &[("resource", &ledger)])).await;
    assert_eq!(aud(&answer), ledger.as_str());
    assert_eq!(aud(&client.refresh(&app, &refresh_token(&answer)).await), gateway.as_str());
}
