//! PKCE at the token endpoint (RFC 7636). What the authorization endpoint takes is in `authorize`.

use crate::oauth::code_flow::{CHALLENGE, VERIFIER, allow, authorize, code, form, redeem};
use crate::oauth::{Registered, access_token, assert_refused, register};
use crate::support::app::TestApp;
use crate::support::make;
use portico::base::environment::Environment;
use portico::domain::accounts::model::Member;

async fn arrange() -> (TestApp, Registered, Member) {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    allow(&app, &client, |_| {}).await;
    let bob = make::member(&app, "bob", &[]).await;
    (app, client, bob)
}

/// A request without a challenge.
const BARE: [(&str, &str); 2] = [("code_challenge", ""), ("code_challenge_method", "")];

#[tokio::test]
async fn pkce_2_a_challenge_makes_the_right_verifier_necessary() {
    let (app, client, bob) = arrange().await;
    let code = code(&app, &client, &bob, &[]).await;
    let (other, padded, long) = ("a".repeat(43), format!("{VERIFIER}="), "a".repeat(129));
    for wrong in ["", CHALLENGE, &other, &padded, &VERIFIER[..42], &VERIFIER.to_uppercase(), &long, "x", "é"] {
        let answer = client.post(&app, &form(&code, &[("code_verifier", wrong)])).await;
        assert_refused(&answer, 400, "invalid_grant");
    }
    // Not one of them has used the code up.
    access_token(&redeem(&app, &client, &code).await);
}

#[tokio::test]
async fn pkce_2_with_the_method_plain_the_verifier_is_the_challenge() {
    let (app, client, bob) = arrange().await;
    allow(&app, &client, |settings| settings.pkce_plain_allowed = true).await;
    for method in ["plain", ""] {
        let changes = [("code_challenge", VERIFIER), ("code_challenge_method", method)];
        let code = code(&app, &client, &bob, &changes).await;
        let answer = client.post(&app, &form(&code, &[("code_verifier", CHALLENGE)])).await;
        assert_refused(&answer, 400, "invalid_grant");
        access_token(&redeem(&app, &client, &code).await);
    }
}

#[tokio::test]
async fn pkce_3_a_verifier_without_a_challenge_is_a_downgrade_and_refused() {
    let (app, client, bob) = arrange().await;
    allow(&app, &client, |settings| settings.pkce_mandatory = false).await;
    let code = code(&app, &client, &bob, &BARE).await;
    assert_refused(&redeem(&app, &client, &code).await, 400, "invalid_grant");
    access_token(&client.post(&app, &form(&code, &[("code_verifier", "")])).await);
}

#[tokio::test]
async fn pkce_6_only_a_confidential_application_may_do_without() {
    let (app, client, bob) = arrange().await;
    let refused = authorize(&app, &client, &bob, &BARE).await;
    assert!(refused.header("location").contains("error=invalid_request"), "{}", refused.header("location"));
    allow(&app, &client, |settings| settings.pkce_mandatory = false).await;
    let bare = code(&app, &client, &bob, &BARE).await;
    access_token(&client.post(&app, &form(&bare, &[("code_verifier", "")])).await);
    // Whatever the setting says, a public client has nothing else to prove itself by.
    sqlx::query("update clients set is_public = true, pkce_mandatory = false").execute(app.pool()).await.unwrap();
    app.settle().await;
    let refused = authorize(&app, &client, &bob, &BARE).await;
    assert!(refused.header("location").contains("error=invalid_request"), "{}", refused.header("location"));
}
