//! Scopes and resource indicators at the token endpoint, with APIs as they are published. CC (client credentials), RES
//! (resource indicators).

use crate::oauth::{access_token, assert_refused, part, refresh_token, register_for};
use crate::support::app::TestApp;
use crate::support::scoped::{self, Zoo};
use crate::support::upstream::Upstream;
use crate::support::{http, make};
use ::http::Method;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::GrantType;
use portico::domain::credentials::clients;
use portico::domain::subscriptions::subscribe;
use time::Duration;

#[tokio::test]
async fn cc_3_without_scope_a_client_gets_all_that_no_role_holds_back() {
    let zoo = Zoo::open().await;
    let answer = zoo.ask(&[]).await;
    let scope = "birds:read zoo:read zoo:write zoo:admin";
    assert_eq!(answer.json()["scope"], scope);
    assert_eq!(part(answer.json()["access_token"].as_str().unwrap(), 1)["scope"], scope);
}

#[tokio::test]
async fn cc_3_cc_4_a_published_scope_is_granted_as_asked_and_no_other_one_is() {
    let zoo = Zoo::open().await;
    let answer = zoo.ask(&[("scope", "zoo:write birds:read")]).await;
    assert_eq!(answer.json()["scope"], "zoo:write birds:read");
    for wrong in ["zoo:fly", "zoo:read zoo:fly", "zoo", "ZOO:READ", "openid", "zoo:read\u{a0}"] {
        assert_refused(&zoo.ask(&[("scope", wrong)]).await, 400, "invalid_scope");
    }
    // A role is held by users, and no user is here.
    assert_refused(&zoo.ask(&[("scope", "zoo:feed")]).await, 400, "invalid_scope");
}

#[tokio::test]
async fn cc_4_scopes_come_and_go_with_the_subscription_and_with_the_manifest() {
    let zoo = Zoo::open().await;
    let subscriptions = subscribe::of_application(&zoo.app.ctx, &zoo.member, zoo.application).await.unwrap();
    let aviary = subscriptions.iter().find(|s| s.api_name == "aviary").unwrap();
    subscribe::remove(&zoo.app.ctx, &zoo.member, aviary.id).await.unwrap();
    zoo.app.settle().await;
    assert_refused(&zoo.ask(&[("scope", "birds:read")]).await, 400, "invalid_scope");
    assert_eq!(zoo.ask(&[]).await.json()["scope"], "zoo:read zoo:write zoo:admin");
    let off = "kind: api\nname: zoo\ncontext: parks/zoo\nplans: [bronze]\nscopes: none\nversions:\n  - {version: \"3.0\", state: draft}\n";
    make::publish(&zoo.app, off).await;
    assert_refused(&zoo.ask(&[("scope", "zoo:read")]).await, 400, "invalid_scope");
    assert_eq!(zoo.ask(&[]).await.json()["scope"], "");
}

#[tokio::test]
async fn res_1_resource_becomes_the_audience_of_a_client_credentials_token() {
    let zoo = Zoo::open().await;
    let (gateway, zoo_v1, aviary) = (zoo.resource(""), zoo.resource("parks/zoo/v1"), zoo.resource("aviary/v1"));
    assert_eq!(part(&zoo.token(&[]).await, 1)["aud"], *gateway);
    assert_eq!(part(&zoo.token(&[("resource", &gateway)]).await, 1)["aud"], *gateway);
    assert_eq!(part(&zoo.token(&[("resource", &zoo_v1)]).await, 1)["aud"], *zoo_v1);
    let both = zoo.token(&[("resource", &zoo_v1), ("resource", &aviary), ("resource", &zoo_v1)]).await;
    assert_eq!(part(&both, 1)["aud"], serde_json::json!([zoo_v1, aviary]));
}

#[tokio::test]
async fn res_2_an_unknown_relative_or_fragment_resource_is_an_invalid_target() {
    let zoo = Zoo::open().await;
    let zoo_v1 = zoo.resource("parks/zoo/v1");
    let sandbox = zoo.app.gateway(Environment::Sandbox, "/parks/zoo/v1");
    let (slash, fragment, query) = (format!("{zoo_v1}/"), format!("{zoo_v1}#x"), format!("{zoo_v1}?x"));
    let (v2, minor, upper) = (zoo.resource("parks/zoo/v2"), zoo.resource("parks/zoo/v1.0"), zoo_v1.to_uppercase());
    for wrong in [
        "https://elsewhere.example/zoo",
        "/parks/zoo/v1",
        "parks/zoo/v1",
        "zoo",
        "urn:zoo",
        "https://",
        &sandbox,
        &slash,
        &fragment,
        &query,
        &v2,
        &minor,
        &upper,
    ] {
        assert_refused(&zoo.ask(&[("resource", wrong)]).await, 400, "invalid_target");
        // One that is known does not help another one.
        assert_refused(&zoo.ask(&[("resource", &zoo_v1), ("resource", wrong)]).await, 400, "invalid_target");
    }
}

#[tokio::test]
async fn res_2_an_api_without_a_subscription_is_an_invalid_target() {
    let zoo = Zoo::open().await;
    let other = portico::domain::applications::manage::create(&zoo.app.ctx, &zoo.member, "Other", "").await.unwrap();
    let issued = clients::generate(&zoo.app.ctx, &zoo.member, other.id, Environment::Production).await.unwrap();
    let client = (&*issued.client.id, issued.secret.expose());
    let zoo_v1 = zoo.resource("parks/zoo/v1");
    assert_refused(&zoo.ask_as(client, &[("resource", &zoo_v1)]).await, 400, "invalid_target");
    subscribe::add(&zoo.app.ctx, &zoo.member, other.id, ("zoo", 1), "gold").await.unwrap();
    zoo.app.settle().await;
    assert_eq!(zoo.ask_as(client, &[("resource", &zoo_v1)]).await.status, 200);
    zoo.app.clock.advance(Duration::seconds(1));
    assert_refused(&zoo.ask_as(client, &[("resource", &zoo.resource("aviary/v1"))]).await, 400, "invalid_target");
}

#[tokio::test]
async fn pw_1_a_scope_of_a_role_is_for_users_who_have_it_and_opens_its_operation() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    scoped::publish(&app, &upstream.url("")).await;
    let client = register_for(&app, &[GrantType::Password, GrantType::RefreshToken]).await;
    scoped::subscribe(&app, &client.member, client.application).await;
    make::member(&app, "kim", &["keeper"]).await;
    make::member(&app, "bob", &[]).await;
    let feed = app.gateway(Environment::Sandbox, "/parks/zoo/v1/animals/leo/meals");
    let call = async |token: &str| {
        http::send(Method::POST, &feed, &[("authorization", &format!("Bearer {token}"))], "").await.status.as_u16()
    };

    let kims = client.sign_in(&app, "kim", "zoo:feed").await;
    assert_eq!(kims.json()["scope"], "zoo:feed");
    assert_eq!(call(&access_token(&kims)).await, 200);

    let who = [("username", "bob@example.com"), ("password", make::PASSWORD), ("grant_type", "password")];
    let bobs = client.post(&app, &[&who[..], &[("scope", "zoo:read zoo:feed")]].concat()).await;
    assert_refused(&bobs, 400, "invalid_scope");
    // Not asked for, it is left out, and what is granted is said.
    let bobs = client.post(&app, &who).await;
    assert_eq!(bobs.json()["scope"], "birds:read zoo:read zoo:write zoo:admin");
    assert_eq!(call(&access_token(&bobs)).await, 403);

    // The role goes: the next token is without the scope.
    sqlx::query("delete from role_grants where role = 'keeper'").execute(app.pool()).await.unwrap();
    let next = client.refresh(&app, &refresh_token(&kims)).await;
    assert!(next.status != 200 || next.json()["scope"] == "", "{}", next.text());
}
