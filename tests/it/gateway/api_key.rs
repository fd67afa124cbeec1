//! API keys: who gets in, and that what the portal changes counts at once.

use crate::gateway::{Gate, assert_refused, key, key_in, pets};
use crate::support::{http, make};
use portico::base::environment::Environment;
use portico::domain::applications::manage;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::Grace;
use portico::domain::subscriptions::subscribe;
use time::Duration;

const PATH: &str = "/shop/pets/v1/cats";

#[tokio::test]
async fn a_deleted_key_is_refused_as_soon_as_the_change_is_heard() {
    let gate = Gate::open().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    api_keys::delete(&gate.app.ctx, &gate.member, gate.issued.key.id).await.unwrap();
    gate.app.settle().await;
    assert_refused(&gate.get(PATH).await, 401, "900901");
}

#[tokio::test]
async fn a_key_that_was_refused_before_it_existed_works_once_it_does() {
    let gate = Gate::open().await;
    let issued = key(&gate.app, &gate.member, "pets", "second").await;
    // Seen as unknown while its row is away, as if it had been tried before the portal committed it.
    let row: (Vec<u8>,) = sqlx::query_as("select digest from api_keys where id = $1")
        .bind(issued.key.id)
        .fetch_one(gate.app.pool())
        .await
        .unwrap();
    sqlx::query("update api_keys set digest = sha256('x') where id = $1")
        .bind(issued.key.id)
        .execute(gate.app.pool())
        .await
        .unwrap();
    gate.app.settle().await;
    assert_refused(&gate.get_with(PATH, issued.secret.expose()).await, 401, "900901");
    sqlx::query("update api_keys set digest = $2 where id = $1")
        .bind(issued.key.id)
        .bind(row.0)
        .execute(gate.app.pool())
        .await
        .unwrap();
    gate.app.settle().await;
    assert_eq!(gate.get_with(PATH, issued.secret.expose()).await.status, 200);
}

#[tokio::test]
async fn a_regenerated_key_keeps_the_old_one_for_an_hour_and_not_a_second_longer() {
    let gate = Gate::open().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let next = api_keys::regenerate(&gate.app.ctx, &gate.member, gate.issued.key.id, Grace::Hour).await.unwrap();
    gate.app.settle().await;
    assert_eq!(gate.get(PATH).await.status, 200, "the old key is in its grace hour");
    assert_eq!(gate.get_with(PATH, next.secret.expose()).await.status, 200);
    gate.app.clock.advance(Duration::hours(1) - Duration::microseconds(1));
    assert_eq!(gate.get(PATH).await.status, 200);
    gate.app.clock.advance(Duration::microseconds(1));
    assert_refused(&gate.get(PATH).await, 401, "900901");
    assert_eq!(gate.get_with(PATH, next.secret.expose()).await.status, 200);
}

#[tokio::test]
async fn ending_the_grace_hour_ends_the_old_key() {
    let gate = Gate::open().await;
    api_keys::regenerate(&gate.app.ctx, &gate.member, gate.issued.key.id, Grace::Hour).await.unwrap();
    gate.app.settle().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    api_keys::end_previous(&gate.app.ctx, &gate.member, gate.issued.key.id).await.unwrap();
    gate.app.settle().await;
    assert_refused(&gate.get(PATH).await, 401, "900901");
}

#[tokio::test]
async fn a_key_opens_its_environment_only() {
    let gate = Gate::open().await;
    let sandbox_key = key_in(&gate.app, &gate.member, ("pets", None), Environment::Sandbox, "sandbox").await;
    let sandbox = gate.app.gateway(Environment::Sandbox, PATH);
    let ask = async |url: &str, key: &str| http::get(url, &[("api-key", key)]).await;
    assert_eq!(ask(&sandbox, sandbox_key.secret.expose()).await.status, 200);
    assert_refused(&ask(&sandbox, gate.key()).await, 401, "900901");
    assert_refused(&ask(&gate.url(PATH), sandbox_key.secret.expose()).await, 401, "900901");
}

#[tokio::test]
async fn a_key_opens_its_api_and_major_only() {
    let gate = Gate::open().await;
    let backend = gate.upstream.url("/base");
    make::publish(&gate.app, &pets(&[("1.0", "published", &backend), ("2.0", "published", &backend)])).await;
    let other =
        pets(&[("1.0", "published", &backend)]).replace("name: pets", "name: dogs").replace("shop/pets", "dogs");
    make::publish(&gate.app, &other).await;
    assert_eq!(gate.get(PATH).await.status, 200);
    assert_refused(&gate.get("/shop/pets/v2/cats").await, 403, "900908");
    assert_refused(&gate.get("/dogs/v1/cats").await, 403, "900908");
}

#[tokio::test]
async fn a_subscription_that_ends_or_is_blocked_closes_the_api_at_once() {
    let gate = Gate::open().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let subscriptions =
        subscribe::of_application(&gate.app.ctx, &gate.member, gate.issued.key.application).await.unwrap();
    sqlx::query("update subscriptions set state = 'blocked'").execute(gate.app.pool()).await.unwrap();
    gate.app.settle().await;
    assert_refused(&gate.get(PATH).await, 403, "900907");
    sqlx::query("update subscriptions set state = 'active'").execute(gate.app.pool()).await.unwrap();
    gate.app.settle().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    subscribe::remove(&gate.app.ctx, &gate.member, subscriptions[0].id).await.unwrap();
    gate.app.settle().await;
    assert_refused(&gate.get(PATH).await, 403, "900908");
}

#[tokio::test]
async fn a_deleted_application_takes_its_keys_with_it() {
    let gate = Gate::open().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    manage::delete(&gate.app.ctx, &gate.member, gate.issued.key.application).await.unwrap();
    gate.app.settle().await;
    assert_refused(&gate.get(PATH).await, 401, "900901");
}

#[tokio::test]
async fn header_names_have_any_case_and_keys_their_own() {
    let gate = Gate::open().await;
    assert_eq!(http::get(&gate.url(PATH), &[("API-Key", gate.key())]).await.status, 200);
    let lower = gate.key().to_lowercase();
    for wrong in ["", "x", &lower, &gate.key()[..56], &format!("{}x", gate.key()), "ptk_prd_", "\u{e9}"] {
        assert_refused(&http::get(&gate.url(PATH), &[("api-key", wrong)]).await, 401, "900901");
    }
}

#[tokio::test]
async fn a_key_counts_in_the_apis_own_header_only() {
    let gate = Gate::open().await;
    let manifest = pets(&[("1.0", "published", &gate.upstream.url("/base"))]);
    let manifest = manifest.replace("plans:", "api_key_header: X-Shop-Key\nauth: [api-key]\nplans:");
    make::publish(&gate.app, &manifest).await;
    assert_eq!(http::get(&gate.url(PATH), &[("x-shop-key", gate.key())]).await.status, 200);
    let missing = gate.get(PATH).await;
    assert_refused(&missing, 401, "900902");
    assert_eq!(missing.header("www-authenticate"), r#"ApiKey realm="portico", header="x-shop-key""#);
    let in_query = format!("{PATH}?api-key={0}&x-shop-key={0}", gate.key());
    assert_refused(&http::get(&gate.url(&in_query), &[]).await, 401, "900902");
}

#[tokio::test]
async fn two_credentials_are_refused() {
    let gate = Gate::open().await;
    let key = gate.key();
    for headers in [
        [("api-key", key), ("api-key", key)],
        [("api-key", key), ("api-key", "x")],
        [("api-key", key), ("authorization", "Bearer x")],
        [("authorization", "Bearer x"), ("authorization", "Bearer x")],
    ] {
        assert_refused(&http::get(&gate.url(PATH), &headers).await, 400, "900901");
    }
    assert_eq!(gate.upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_refusal_never_repeats_the_credential() {
    let gate = Gate::open().await;
    api_keys::delete(&gate.app.ctx, &gate.member, gate.issued.key.id).await.unwrap();
    gate.app.settle().await;
    for headers in [[("api-key", gate.key())], [("authorization", "Bearer eyJhbGciOiJub25lIn0.c2VjcmV0.c2VjcmV0")]] {
        let answer = http::get(&gate.url(PATH), &headers).await;
        let said = format!("{:?} {}", answer.headers, answer.text());
        assert!(!said.contains(headers[0].1.trim_start_matches("Bearer ")), "{said}");
    }
}
