//! AZ-27: what one has let applications do, on the account page, and taking it back.

use crate::oauth::authorize::{Stage, agree, ask};
use crate::oauth::{assert_refused, basic, post};
use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::make;
use crate::support::visitor::Visitor;

async fn refresh(stage: &Stage, token: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    post(&stage.app, &[("authorization", &basic(&stage.client.id, &stage.client.secret))], &form).await
}

#[tokio::test]
async fn az_27_the_account_page_lists_what_was_agreed_to_and_takes_it_back() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    bob.open("/account").await.assert_shows("No application acts for you");
    let request = stage.request(&[("scope", "openid zoo:read")]);
    let first = stage.tokens(agree(&mut bob, &request).await.get("code")).await;
    let second = stage.tokens(agree(&mut bob, &request).await.get("code")).await;
    make::member(&stage.app, "carol", &[]).await;
    let mut carol = Visitor::signed_in(&stage.app, "carol").await;
    let hers = stage.tokens(agree(&mut carol, &request).await.get("code")).await;

    let page = bob.open("/account").await;
    for text in ["Shop Sandbox", "by ada, since 24 November 2026", "The zoo: See the animals"] {
        page.assert_shows(text);
    }
    let path = page.link("Revoke");
    let page = bob.open(&path).await;
    page.assert_shows("Revoke the access of Shop?");
    let page = bob.submit(page.form("Revoke access")).await;
    page.assert_shows("The application can no longer act for you.");
    page.assert_shows("No application acts for you");

    // Everything of Bob's has ended, nothing of Carol's.
    for tokens in [&first, &second] {
        assert_refused(&refresh(&stage, tokens["refresh_token"].as_str().unwrap()).await, 400, "invalid_grant");
    }
    assert_eq!(refresh(&stage, hers["refresh_token"].as_str().unwrap()).await.status, 200);
    let reasons: Vec<String> = sqlx::query_scalar("select end_reason from grants where ended_at is not null")
        .fetch_all(stage.app.pool())
        .await
        .unwrap();
    assert_eq!(reasons, ["consent_revoked", "consent_revoked"]);
    let revoked: i64 = sqlx::query_scalar("select count(*) from revocations where kind = 'grant'")
        .fetch_one(stage.app.pool())
        .await
        .unwrap();
    assert_eq!(revoked, 2, "every gateway hears of it");
    let audited: i64 = sqlx::query_scalar("select count(*) from audit_events where action = 'consent.revoked'")
        .fetch_one(stage.app.pool())
        .await
        .unwrap();
    assert_eq!(audited, 1);
    // The question comes again; what was taken back is gone for both methods.
    assert!(ask(&mut bob, &request).await.here().find_form("Allow").is_some());
    assert_eq!(bob.peek(&path).await.status, 404);
    assert_eq!(bob.post(&path, &[]).await.status, 404);
}

#[tokio::test]
async fn az_27_what_works_without_a_consent_is_listed_too() {
    use portico::domain::credentials::client_model::GrantType;
    let stage = Stage::set_in(TestApp::start_with(|config| config.oauth.legacy_grants = true).await).await;
    stage.configure(|settings| settings.grant_types = vec![GrantType::Password, GrantType::RefreshToken]).await;
    let form = [("grant_type", "password"), ("username", "bob@example.com"), ("password", make::PASSWORD)];
    let basic = basic(&stage.client.id, &stage.client.secret);
    let answer = post(&stage.app, &[("authorization", &basic)], &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut bob = stage.bob().await;
    let page = bob.open("/account").await;
    page.assert_shows("Shop");
    let page = bob.follow(&page, "Revoke").await;
    bob.submit(page.form("Revoke access")).await.assert_shows("No application acts for you");
    assert_refused(&refresh(&stage, answer.json()["refresh_token"].as_str().unwrap()).await, 400, "invalid_grant");
}
