//! CC: the client credentials grant.

use crate::oauth::{GRANT, Registered, access_token, ask, assert_refused, basic, part, post, register};
use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::scoped;
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
    app.settle().await;
    let by_id = post(&app, &[], &[GRANT, ("client_id", &client.id)]).await;
    assert_refused(&by_id, 400, "unauthorized_client");
    assert_refused(&ask(&app, &client.id, &client.secret).await, 400, "unauthorized_client");
    // D11: a secret that is sent must be right.
    assert_refused(&ask(&app, &client.id, "wrong").await, 401, "invalid_client");
}

/// A client whose application is subscribed to two APIs with scopes.
async fn subscribed(app: &TestApp) -> Registered {
    scoped::publish(app, "http://127.0.0.1:1").await;
    let client = register(app, Environment::Sandbox).await;
    scoped::subscribe(app, &client.member, client.application).await;
    client
}

async fn ask_for(app: &TestApp, client: &Registered, scope: &str) -> Answer {
    let basic = basic(&client.id, &client.secret);
    post(app, &[("authorization", &basic)], &[GRANT, ("scope", scope)]).await
}

/// The scope as it is reported; it is the same in the token.
fn granted(answer: &Answer) -> Vec<String> {
    let token = access_token(answer);
    let scope = answer.json()["scope"].as_str().unwrap().to_owned();
    assert_eq!(part(&token, 1)["scope"], *scope);
    let mut names: Vec<String> = scope.split_whitespace().map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn cc_3_what_is_granted_is_what_was_asked_for_and_is_reported() {
    let app = TestApp::start().await;
    let client = subscribed(&app).await;
    assert_eq!(granted(&ask_for(&app, &client, "zoo:read").await), ["zoo:read"]);
    assert_eq!(granted(&ask_for(&app, &client, "birds:read zoo:write").await), ["birds:read", "zoo:write"]);
    assert_eq!(granted(&ask_for(&app, &client, "zoo:read zoo:read").await), ["zoo:read"]);
}

#[tokio::test]
async fn cc_3_without_a_scope_a_client_gets_all_that_is_open_to_it() {
    let app = TestApp::start().await;
    let client = subscribed(&app).await;
    // `zoo:feed` needs a user with a role, and there is no user.
    let all = ["birds:read", "zoo:admin", "zoo:read", "zoo:write"];
    assert_eq!(granted(&ask_for(&app, &client, "").await), all, "empty is left out (TOK-4)");
    assert_eq!(granted(&ask(&app, &client.id, &client.secret).await), all);
    client.configure(&app, |settings| settings.scopes = Some(vec!["zoo:read".to_owned()])).await;
    assert_eq!(granted(&ask(&app, &client.id, &client.secret).await), ["zoo:read"], "its owner has narrowed it");

    // A subscription that ends takes its scopes along.
    client.configure(&app, |settings| settings.scopes = None).await;
    sqlx::query("delete from subscriptions s using apis a where a.id = s.api_id and a.name = 'zoo'")
        .execute(app.pool())
        .await
        .unwrap();
    app.settle().await;
    assert_eq!(granted(&ask(&app, &client.id, &client.secret).await), ["birds:read"]);
}

#[tokio::test]
async fn cc_3_an_application_without_scopes_gets_a_token_with_none() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    assert_eq!(granted(&ask(&app, &client.id, &client.secret).await), [""; 0]);
}

#[tokio::test]
async fn cc_4_a_scope_that_is_not_open_is_refused_and_not_left_out() {
    let app = TestApp::start().await;
    let client = subscribed(&app).await;
    let refused = [
        "nosuch",
        "zoo:read nosuch",
        "ZOO:READ",
        "zoo:feed",
        "zoo:read zoo:feed",
        "openid",
        "zoo:read openid",
        "openid profile",
        "offline_access",
        "\"",
        "é",
    ];
    for scope in refused {
        assert_refused(&ask_for(&app, &client, scope).await, 400, "invalid_scope");
    }
    client.configure(&app, |settings| settings.scopes = Some(vec!["zoo:read".to_owned()])).await;
    assert_refused(&ask_for(&app, &client, "zoo:read zoo:write").await, 400, "invalid_scope");
    sqlx::query("delete from subscriptions").execute(app.pool()).await.unwrap();
    app.settle().await;
    assert_refused(&ask_for(&app, &client, "zoo:read").await, 400, "invalid_scope");
}
