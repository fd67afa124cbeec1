//! APIs that let only what their definition lists through.

use crate::gateway::assert_refused;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::scoped::Zoo;
use ::http::Method;
use portico::base::environment::Environment;
use serde_json::json;

/// The zoo, which lets nothing else through.
async fn strict() -> (Zoo, String) {
    let zoo = Zoo::open().await;
    make::policies(&zoo.app, "zoo", &json!({ "enforce_definition": true })).await;
    let token = zoo.token(&[("scope", "zoo:admin")]).await;
    (zoo, format!("Bearer {token}"))
}

async fn call(zoo: &Zoo, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let url = zoo.app.gateway(Environment::Production, "");
    http::send_to(&url, method.parse::<Method>().unwrap(), &format!("/parks/zoo/v1{path}"), headers).await
}

#[tokio::test]
async fn a_path_that_is_not_listed_is_unknown_and_a_method_that_is_not_listed_is_told_which_are() {
    let (zoo, bearer) = strict().await;
    let headers = [("authorization", &*bearer)];
    for (method, path) in [
        ("GET", "/animals?x=/secret"),
        ("HEAD", "/animals"),
        ("POST", "/animals"),
        ("DELETE", "/animals/l%C3%A9o"),
        ("GET", "/status"),
        ("GET", "/animals/mine"),
    ] {
        let answer = call(&zoo, method, path, &headers).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    }
    let passed = zoo.upstream.seen().len();
    for path in
        ["/secret", "/", "", "/animals/", "/ANIMALS", "/animals/leo%2Fsecret", "/animals/leo\\secret", "/status.json"]
    {
        let answer = call(&zoo, "GET", path, &headers).await;
        assert_refused(&answer, 404, "404");
    }
    for (method, path, allow) in [
        ("DELETE", "/animals", "GET, HEAD, POST"),
        ("POST", "/animals/leo", "GET, HEAD, DELETE"),
        ("PROPFIND", "/status", "GET, HEAD"),
        ("OPTIONS", "/status", "GET, HEAD"),
    ] {
        let answer = call(&zoo, method, path, &headers).await;
        assert_refused(&answer, 405, "405");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    // Neither is a method that a backend would take instead.
    let more = [headers[0], ("x-http-method-override", "PATCH")];
    assert_refused(&call(&zoo, "GET", "/animals", &more).await, 405, "405");
    assert_refused(&call(&zoo, "POST", "/animals?_method=delete", &headers).await, 405, "405");
    assert_eq!(zoo.upstream.seen().len(), passed);
}

#[tokio::test]
async fn who_may_not_call_the_api_does_not_learn_its_paths() {
    let (zoo, _) = strict().await;
    for path in ["/animals", "/secret"] {
        assert_refused(&call(&zoo, "DELETE", path, &[]).await, 401, "900902");
        assert_refused(&call(&zoo, "DELETE", path, &[("authorization", "Bearer x.y.z")]).await, 401, "900901");
    }
}

#[tokio::test]
async fn keys_are_held_to_the_definition_too_and_an_endpoint_without_one_has_no_operations() {
    let (zoo, bearer) = strict().await;
    let subscribe = portico::domain::subscriptions::subscribe::add;
    subscribe(&zoo.app.ctx, &zoo.member, zoo.application, ("zoo", 2), "bronze").await.unwrap();
    zoo.app.settle().await;
    let url = zoo.app.gateway(Environment::Production, "/parks/zoo/v2/animals");
    assert_refused(&http::get(&url, &[("authorization", &bearer)]).await, 404, "404");
    // Without scopes and without credentials the definition counts all the same.
    let manifest =
        "kind: api\nname: zoo\ncontext: parks/zoo\nauth: []\nversions:\n  - {version: \"9.0\", state: draft}\n";
    make::publish(&zoo.app, manifest).await;
    make::policies(&zoo.app, "zoo", &json!({ "enforce_definition": true })).await;
    assert_eq!(call(&zoo, "GET", "/animals", &[]).await.status, 200);
    assert_refused(&call(&zoo, "GET", "/secret", &[]).await, 404, "404");
    let answer = call(&zoo, "PUT", "/animals", &[]).await;
    assert_refused(&answer, 405, "405");
    // Pages of other origins are answered before anything else.
    let cors = json!({ "enforce_definition": true, "cors": { "origins": ["https://app.example"] } });
    make::policies(&zoo.app, "zoo", &cors).await;
    let preflight = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    assert_eq!(call(&zoo, "OPTIONS", "/animals", &preflight).await.status, 204);
    assert_eq!(call(&zoo, "PUT", "/animals", &[]).await.header("allow"), "GET, HEAD, POST, OPTIONS");
}
