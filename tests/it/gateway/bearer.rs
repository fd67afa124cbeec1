//! Access tokens: what opens an API, what does not, and that removed clients and subscriptions count at once.

use crate::gateway::{Gate, assert_refused, pets};
use crate::support::http::{self, Answer};
use crate::support::make;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portico::base::environment::Environment;
use portico::domain::credentials::clients;
use portico::domain::subscriptions::subscribe;
use time::Duration;

const PATH: &str = "/shop/pets/v1/cats";

/// A token of the application whose key the gate has.
async fn token(gate: &Gate, environment: Environment) -> String {
    let application = gate.issued.key.application;
    let issued = match clients::get(&gate.app.ctx, &gate.member, application, environment).await.unwrap() {
        None => clients::generate(&gate.app.ctx, &gate.member, application, environment).await.unwrap(),
        Some(_) => clients::new_secret(&gate.app.ctx, &gate.member, application, environment).await.unwrap(),
    };
    let basic = STANDARD.encode(format!("{}:{}", issued.client.id, issued.secret.expose()));
    let headers = [("authorization", &*format!("Basic {basic}"))];
    let answer =
        http::post_form(&gate.app.portal("/oauth2/token"), &headers, &[("grant_type", "client_credentials")]).await;
    gate.app.settle().await;
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

async fn call(gate: &Gate, value: &str) -> Answer {
    http::get(&gate.url(PATH), &[("authorization", value)]).await
}

fn assert_invalid(answer: &Answer) {
    assert_refused(answer, 401, "900901");
    let challenges: Vec<&str> =
        answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
    let [bearer, key] = &challenges[..] else { panic!("{challenges:?}") };
    let told = r#"Bearer realm="portico", error="invalid_token", resource_metadata=""#;
    assert!(bearer.starts_with(told) && bearer.ends_with(r#"/shop/pets/v1""#), "{bearer}");
    assert_eq!(*key, r#"ApiKey realm="portico", header="api-key""#);
}

#[tokio::test]
async fn gw_1_a_token_opens_what_its_application_is_subscribed_to_whatever_the_case_of_the_scheme() {
    let gate = Gate::open().await;
    let token = token(&gate, Environment::Production).await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(call(&gate, &format!("{scheme} {token}")).await.status, 200);
    }
    let seen = gate.upstream.last();
    assert_eq!(seen.header("authorization"), "");
    assert_eq!(seen.header("x-portico-application"), gate.issued.key.application.to_string());

    let backend = gate.upstream.url("/base");
    make::publish(&gate.app, &pets(&[("1.0", "published", &backend), ("2.0", "published", &backend)])).await;
    let headers = [("authorization", &*format!("Bearer {token}"))];
    let other_major = http::get(&gate.url("/shop/pets/v2/cats"), &headers).await;
    assert_refused(&other_major, 403, "900908");
    assert_eq!(other_major.header("www-authenticate"), "");
}

#[tokio::test]
async fn gw_1_a_token_ends_with_its_last_second_also_when_it_is_remembered() {
    let gate = Gate::open().await;
    let bearer = format!("Bearer {}", token(&gate, Environment::Production).await);
    assert_eq!(call(&gate, &bearer).await.status, 200);
    gate.app.clock.advance(Duration::seconds(899));
    assert_eq!(call(&gate, &bearer).await.status, 200);
    gate.app.clock.advance(Duration::seconds(1));
    assert_invalid(&call(&gate, &bearer).await);
}

#[tokio::test]
async fn a_token_of_the_other_environment_is_invalid() {
    let gate = Gate::open().await;
    let production = format!("Bearer {}", token(&gate, Environment::Production).await);
    let sandbox = format!("Bearer {}", token(&gate, Environment::Sandbox).await);
    let at_sandbox = gate.app.gateway(Environment::Sandbox, PATH);
    assert_eq!(http::get(&at_sandbox, &[("authorization", &sandbox)]).await.status, 200);
    assert_eq!(call(&gate, &production).await.status, 200);
    // Both are remembered now; the memory must not mix them up.
    assert_invalid(&call(&gate, &sandbox).await);
    assert_invalid(&http::get(&at_sandbox, &[("authorization", &production)]).await);
}

#[tokio::test]
async fn rev_8_a_deleted_client_and_a_removed_subscription_end_living_tokens() {
    let gate = Gate::open().await;
    let bearer = format!("Bearer {}", token(&gate, Environment::Production).await);
    assert_eq!(call(&gate, &bearer).await.status, 200);
    let application = gate.issued.key.application;
    let subscriptions = subscribe::of_application(&gate.app.ctx, &gate.member, application).await.unwrap();
    subscribe::remove(&gate.app.ctx, &gate.member, subscriptions[0].id).await.unwrap();
    gate.app.settle().await;
    assert_refused(&call(&gate, &bearer).await, 403, "900908");
    subscribe::add(&gate.app.ctx, &gate.member, application, ("pets", 1), "gold").await.unwrap();
    gate.app.settle().await;
    assert_eq!(call(&gate, &bearer).await.status, 200);
    assert_eq!(gate.upstream.last().header("x-portico-plan"), "gold");
    clients::delete(&gate.app.ctx, &gate.member, application, Environment::Production).await.unwrap();
    gate.app.settle().await;
    assert_invalid(&call(&gate, &bearer).await);
}

#[tokio::test]
async fn a_key_that_is_no_longer_trusted_ends_the_tokens_it_signed() {
    let gate = Gate::open().await;
    let bearer = format!("Bearer {}", token(&gate, Environment::Production).await);
    assert_eq!(call(&gate, &bearer).await.status, 200);
    sqlx::query("delete from signing_keys").execute(gate.app.pool()).await.unwrap();
    gate.app.settle().await;
    assert_invalid(&call(&gate, &bearer).await);
}

#[tokio::test]
async fn key_2_a_retired_key_ends_at_its_time_without_anybody_announcing_it() {
    let gate = Gate::open().await;
    let bearer = format!("Bearer {}", token(&gate, Environment::Production).await);
    assert_eq!(call(&gate, &bearer).await.status, 200);
    sqlx::query("update signing_keys set state = 'retired', gone_at = $1 where state = 'current'")
        .bind(gate.app.clock.now() + Duration::seconds(100))
        .execute(gate.app.pool())
        .await
        .unwrap();
    gate.app.settle().await;
    gate.app.clock.advance(Duration::seconds(99));
    assert_eq!(call(&gate, &bearer).await.status, 200);
    gate.app.clock.advance(Duration::seconds(1));
    assert_invalid(&call(&gate, &bearer).await);
}

#[tokio::test]
async fn gw_1_at_3_a_malformed_or_forged_token_is_invalid_and_never_an_error() {
    let gate = Gate::open().await;
    let good = token(&gate, Environment::Production).await;
    let parts: Vec<&str> = good.split('.').collect();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let header = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let forged = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "ptk_prd_x".to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{good}.{}", parts[2]),
        format!("{}.{}.{}", parts[0], encode(&claims.replacen('{', "{\"x\":1,", 1)), parts[2]),
        format!("{}.{}.{}", encode(r#"{"alg":"none","typ":"at+jwt"}"#), parts[1], ""),
        format!("{}.{}.{}", encode(&header.replace("ES256", "HS256")), parts[1], parts[2]),
        format!("{}.{}.{}", encode(&header.replace("at+jwt", "JWT")), parts[1], parts[2]),
        format!("{}.{}.{}", encode(&header.replace("kid\":\"", "kid\":\"x")), parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], encode("signature")),
        "x".repeat(20_000),
        format!("{good} {good}"),
    ];
    for token in forged {
        assert_invalid(&call(&gate, &format!("Bearer {token}")).await);
    }
    assert_invalid(&call(&gate, "Bearer").await);
    assert_eq!(gate.upstream.seen().len(), 0);
    assert_eq!(call(&gate, &format!("Bearer {good}")).await.status, 200);
}

#[tokio::test]
async fn gw_1_another_scheme_in_the_header_is_no_credential() {
    let gate = Gate::open().await;
    for value in ["Basic YTpi", "Bearertoken", "token"] {
        let answer = call(&gate, value).await;
        assert_refused(&answer, 401, "900902");
        assert!(!answer.header("www-authenticate").contains("error"), "no error without a token");
    }
}

#[tokio::test]
async fn gw_1_a_token_in_the_query_or_the_body_is_none_and_two_headers_are_one_too_many() {
    let gate = Gate::open().await;
    let token = token(&gate, Environment::Production).await;
    for name in ["access_token", "token", "Authorization"] {
        let answer = http::get(&gate.url(&format!("{PATH}?{name}={token}")), &[]).await;
        assert_refused(&answer, 401, "900902");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer ") && !challenge.contains("error="),
            "no error without a token: {challenge}"
        );
    }
    assert_refused(&http::post_form(&gate.url(PATH), &[], &[("access_token", &token)]).await, 401, "900902");
    let bearer = format!("Bearer {token}");
    let header = ("authorization", &*bearer);
    let answer = http::get(&gate.url(PATH), &[header, header]).await;
    assert_refused(&answer, 400, "900901");
    assert!(answer.header("www-authenticate").contains(r#"error="invalid_request""#));
    assert_eq!(gate.upstream.seen().len(), 0);
}
