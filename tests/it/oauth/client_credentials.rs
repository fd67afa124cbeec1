//! CC: the client credentials grant.

use crate::oauth::{GRANT, access_token, ask, assert_refused, basic, part, post, register};
use crate::support::app::TestApp;
use portico::base::environment::Environment;

#[tokio::test]
async fn tok_7_cc_2_cc_5_a_client_gets_a_bearer_token_and_nothing_else() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let answer = ask(&app, &client.id, &client.secret).await;
    access_token(&answer);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert_eq!(answer.header("set-cookie"), "");
    let json = answer.json();
    let members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "token_type", "expires_in", "scope"]);
    assert_eq!((json["token_type"].as_str(), json["expires_in"].as_u64()), (Some("Bearer"), Some(900)));
}

#[tokio::test]
async fn cc_1_a_public_client_is_refused_with_or_without_its_secret() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    sqlx::query("update clients set is_public = true").execute(app.pool()).await.unwrap();
    let by_id = post(&app, &[], &[GRANT, ("client_id", &client.id)]).await;
    assert_refused(&by_id, 400, "unauthorized_client");
    assert_refused(&ask(&app, &client.id, &client.secret).await, 400, "unauthorized_client");
    // D11: a secret that is sent must be right.
    assert_refused(&ask(&app, &client.id, "wrong").await, 401, "invalid_client");
}

#[tokio::test]
async fn cc_3_the_granted_scope_is_always_reported() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    for form in [vec![GRANT], vec![GRANT, ("scope", "")], vec![GRANT, ("scope", " ")]] {
        let answer = post(&app, &[("authorization", &basic)], &form).await;
        let token = access_token(&answer);
        assert_eq!(answer.json()["scope"], "");
        assert_eq!(part(&token, 1)["scope"], "");
    }
}

#[tokio::test]
async fn cc_4_a_scope_that_does_not_exist_is_refused_and_not_left_out() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let basic = basic(&client.id, &client.secret);
    for scope in ["orders:read", "openid", "openid profile", "offline_access", "\"", "é"] {
        let answer = post(&app, &[("authorization", &basic)], &[GRANT, ("scope", scope)]).await;
        assert_refused(&answer, 400, "invalid_scope");
    }
}
