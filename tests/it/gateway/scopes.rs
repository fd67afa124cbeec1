//! GW-2: what scopes open at the gateway. RES: what a token for one API opens.

use crate::gateway::assert_refused;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::scoped::Zoo;
use ::http::Method;
use portico::base::environment::Environment;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::{ChosenApplication, NewApiKey, WantedLimits};

async fn call(zoo: &Zoo, method: Method, path: &str, token: &str) -> Answer {
    call_with(zoo, (method, path), token, &[]).await
}

async fn call_with(zoo: &Zoo, (method, path): (Method, &str), token: &str, more: &[(&str, &str)]) -> Answer {
    let url = zoo.app.gateway(Environment::Production, "");
    let bearer = format!("Bearer {token}");
    let headers: Vec<_> = [("authorization", &*bearer)].into_iter().chain(more.iter().copied()).collect();
    // Not through a URL, which would be normalized.
    http::send_to(&url, method, &format!("/parks/zoo/v1{path}"), &headers).await
}

/// Asserts a refusal that names these scopes.
#[track_caller]
fn assert_needs(zoo: &Zoo, answer: &Answer, scopes: &str) {
    assert_refused(answer, 403, "900910");
    let metadata = zoo.app.gateway(Environment::Production, "/.well-known/oauth-protected-resource/parks/zoo/v1");
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
    let want = format!(
        r#"Bearer realm="portico", error="insufficient_scope", scope="{scopes}", resource_metadata="{metadata}""#
    );
    assert_eq!(challenges, [want]);
}

#[tokio::test]
async fn gw_2_an_operation_wants_its_scopes_and_names_them() {
    let zoo = Zoo::open().await;
    let birds = zoo.token(&[("scope", "birds:read")]).await;
    assert_needs(&zoo, &call(&zoo, Method::GET, "/animals", &birds).await, "zoo:read");
    let head = call(&zoo, Method::HEAD, "/animals/leo", &birds).await;
    assert!((head.status.as_u16(), head.header("www-authenticate").contains(r#"scope="zoo:read""#)) == (403, true));
    assert_needs(&zoo, &call(&zoo, Method::DELETE, "/animals/leo", &birds).await, "zoo:admin");
    assert_needs(&zoo, &call(&zoo, Method::POST, "/animals/leo/meals", &birds).await, "zoo:feed");
    let write = zoo.token(&[("scope", "zoo:write")]).await;
    assert_needs(&zoo, &call(&zoo, Method::POST, "/animals", &write).await, "zoo:read zoo:write");
    assert_eq!(zoo.upstream.seen().len(), 0, "nothing has reached the backend");
    for (scope, method, path) in [
        ("zoo:read", Method::GET, "/animals?x=1"),
        ("zoo:admin", Method::GET, "/animals"),
        ("zoo:write zoo:read", Method::POST, "/animals"),
        ("zoo:admin", Method::DELETE, "/animals/leo"),
        ("birds:read", Method::GET, "/animals/mine"),
        ("birds:read", Method::GET, "/status"),
        ("birds:read", Method::GET, "/elsewhere"),
    ] {
        let token = zoo.token(&[("scope", scope)]).await;
        let answer = call(&zoo, method, path, &token).await;
        assert_eq!(answer.status, 200, "{scope} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn gw_2_a_pinned_minor_and_a_remembered_token_make_no_difference() {
    let zoo = Zoo::open().await;
    let (birds, read) = (zoo.token(&[("scope", "birds:read")]).await, zoo.token(&[("scope", "zoo:read")]).await);
    let url = zoo.app.gateway(Environment::Production, "/parks/zoo/v1.0/animals");
    for _ in 0..2 {
        for (token, want) in [(&birds, 403), (&read, 200)] {
            let answer = http::get(&url, &[("authorization", &format!("Bearer {token}"))]).await;
            assert_eq!(answer.status, want);
        }
    }
}

#[tokio::test]
async fn gw_2_an_api_key_is_not_asked_for_scopes() {
    let zoo = Zoo::open().await;
    let new = NewApiKey {
        api: "zoo".to_owned(),
        major: 1,
        environment: Environment::Production,
        name: "gate".to_owned(),
        application: ChosenApplication::Existing(zoo.application),
        plan: Some("bronze".to_owned()),
        endpoint: None,
        limits: WantedLimits::default(),
        once: None,
    };
    let issued = api_keys::generate(&zoo.app.ctx, &zoo.member, new).await.unwrap();
    zoo.app.settle().await;
    let url = zoo.app.gateway(Environment::Production, "/parks/zoo/v1/animals");
    assert_eq!(http::get(&url, &[("api-key", issued.secret.expose())]).await.status, 200);
}

#[tokio::test]
async fn gw_2_no_other_spelling_and_no_other_method_gets_around_it() {
    let zoo = Zoo::open().await;
    let birds = zoo.token(&[("scope", "birds:read")]).await;
    for path in [
        "/animals/",
        "//animals",
        "/%61nimals",
        "/ANIMALS",
        "/animals;x=1",
        "/animals.json",
        "/animals%2Fleo",
        "/animals\\leo",
        "/animals/leo%00",
        "/animals//leo",
        "/animals/leo/x/y",
        "/animals/%20",
    ] {
        let answer = call(&zoo, Method::GET, path, &birds).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
    }
    for path in ["/status/../animals", "/status/%2e%2e/animals", "/status/..;/animals"] {
        assert_eq!(call(&zoo, Method::GET, path, &birds).await.status, 400, "{path}");
    }
    let read = zoo.token(&[("scope", "zoo:read")]).await;
    for header in ["x-http-method-override", "X-HTTP-Method", "x-method-override", "x_http_method_override"] {
        let answer = call_with(&zoo, (Method::GET, "/animals/leo"), &read, &[(header, "delete")]).await;
        assert_needs(&zoo, &answer, "zoo:admin");
    }
    assert_needs(&zoo, &call(&zoo, Method::GET, "/animals/leo?a=b&_method=DELETE", &read).await, "zoo:admin");
    assert_needs(&zoo, &call(&zoo, Method::POST, "/animals/leo", &read).await, "zoo:admin");
    assert_eq!(zoo.upstream.seen().len(), 0);
}

#[tokio::test]
async fn gw_2_what_is_published_counts_at_once() {
    let zoo = Zoo::open().await;
    let birds = zoo.token(&[("scope", "birds:read")]).await;
    assert_eq!(call(&zoo, Method::GET, "/animals", &birds).await.status, 403);
    let manifest = |scopes: &str, more: &str| {
        format!(
            "kind: api\nname: zoo\ncontext: parks/zoo\nplans: [bronze]\n{scopes}versions:\n  - {{version: \"9.0\", state: draft}}\n{more}"
        )
    };
    make::publish(&zoo.app, &manifest("scopes: none\n", "")).await;
    assert_eq!(call(&zoo, Method::GET, "/animals", &birds).await.status, 200);
    make::publish(&zoo.app, &manifest("", "")).await;
    assert_needs(&zoo, &call(&zoo, Method::GET, "/animals", &birds).await, "zoo:read");
}

#[tokio::test]
async fn res_1_a_token_for_one_api_opens_that_api_alone() {
    let zoo = Zoo::open().await;
    let aviary = |token: String| {
        let url = zoo.app.gateway(Environment::Production, "/aviary/v1/nests");
        async move { http::get(&url, &[("authorization", &format!("Bearer {token}"))]).await }
    };
    let for_zoo = zoo.token(&[("resource", &zoo.resource("parks/zoo/v1"))]).await;
    for _ in 0..2 {
        assert_eq!(call(&zoo, Method::GET, "/animals", &for_zoo).await.status, 200);
        let refused = aviary(for_zoo.clone()).await;
        assert_refused(&refused, 401, "900901");
        assert!(refused.header("www-authenticate").contains(r#"error="invalid_token""#), "{:?}", refused.headers);
    }
    let both = [("resource", &*zoo.resource("parks/zoo/v1")), ("resource", &*zoo.resource("aviary/v1"))];
    let for_both = zoo.token(&both).await;
    assert_eq!(call(&zoo, Method::GET, "/animals", &for_both).await.status, 200);
    assert_eq!(aviary(for_both).await.status, 200);
    // The identifier is that of a major version.
    let subscribe = portico::domain::subscriptions::subscribe::add;
    subscribe(&zoo.app.ctx, &zoo.member, zoo.application, ("zoo", 2), "gold").await.unwrap();
    zoo.app.settle().await;
    let url = zoo.app.gateway(Environment::Production, "/parks/zoo/v2/animals");
    let v2 = http::get(&url, &[("authorization", &format!("Bearer {for_zoo}"))]).await;
    assert_refused(&v2, 401, "900901");
    let all = zoo.token(&[]).await;
    assert_eq!(http::get(&url, &[("authorization", &format!("Bearer {all}"))]).await.status, 200);
    assert_eq!(aviary(zoo.token(&[("resource", &zoo.resource(""))]).await).await.status, 200);
}
