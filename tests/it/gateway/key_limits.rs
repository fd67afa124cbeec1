//! API keys that are narrowed: until when, from where, for which operations; and what is known of the use of both secrets.

use crate::gateway::{Gate, assert_refused, limited_key};
use crate::support::app::TestApp;
use crate::support::db;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::scoped::Zoo;
use crate::support::upstream::Upstream;
use ::http::Method;
use portico::base::environment::Environment;
use portico::base::id::ApiKeyId;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::{Grace, IssuedKey, WantedLimits};
use portico::infra::db::Db;
use serde_json::json;
use time::Duration;

const PATH: &str = "/shop/pets/v1/cats";

async fn narrowed(gate: &Gate, limits: WantedLimits) -> IssuedKey {
    limited_key(&gate.app, &gate.member, "pets", "narrow", limits).await
}

#[tokio::test]
async fn a_key_with_an_expiry_works_until_then_and_not_a_moment_longer() {
    let gate = Gate::open().await;
    let issued = narrowed(&gate, WantedLimits { expiry: "30".to_owned(), ..WantedLimits::default() }).await;
    let key = issued.secret.expose();
    gate.app.clock.advance(Duration::days(30) - Duration::microseconds(1));
    assert_eq!(gate.get_with(PATH, key).await.status, 200);
    gate.app.clock.advance(Duration::microseconds(1));
    assert_refused(&gate.get_with(PATH, key).await, 401, "900901");
    // One without goes on.
    assert_eq!(gate.get(PATH).await.status, 200);
    let error = api_keys::regenerate(&gate.app.ctx, &gate.member, issued.key.id, Grace::Hour).await.unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[tokio::test]
async fn an_expiry_that_changes_counts_at_once() {
    let gate = Gate::open().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let past = gate.app.clock.now() - Duration::seconds(1);
    let change = sqlx::query("update api_keys set expires_at = $1 where id = $2").bind(past).bind(gate.issued.key.id);
    change.execute(gate.app.pool()).await.unwrap();
    gate.app.settle().await;
    assert_refused(&gate.get(PATH).await, 401, "900901");
}

#[tokio::test]
async fn a_key_for_certain_addresses_sees_through_trusted_proxies_and_through_nobody_else() {
    let from = async |gate: &Gate, key: &str, forwarded: &str| {
        let headers = [("api-key", key), ("x-forwarded-for", forwarded)];
        http::get(&gate.url(PATH), &headers).await
    };
    let office = || WantedLimits { addresses: "198.51.100.0/24, 2001:db8::/32".to_owned(), ..WantedLimits::default() };
    let gate = Gate::open().await;
    let issued = narrowed(&gate, office()).await;
    let here = WantedLimits { addresses: "127.0.0.1".to_owned(), ..WantedLimits::default() };
    let local = limited_key(&gate.app, &gate.member, "pets", "local", here).await;
    assert_refused(&from(&gate, issued.secret.expose(), "198.51.100.7").await, 403, "900908");
    assert_eq!(from(&gate, local.secret.expose(), "203.0.113.9").await.status, 200);

    let proxied = |config: &mut portico::config::Config| {
        config.gateway.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let gate = Box::pin(Gate::over(Upstream::start().await, proxied)).await;
    let issued = narrowed(&gate, office()).await;
    let key = issued.secret.expose();
    for good in ["198.51.100.7", "203.0.113.9, 198.51.100.7", "198.51.100.7, 127.0.0.9", "[2001:db8::7]:4711"] {
        assert_eq!(from(&gate, key, good).await.status, 200, "{good}");
    }
    for bad in ["198.51.100.7, 203.0.113.9", "203.0.113.9", "198.51.100.7, unknown", "", "127.0.0.1"] {
        assert_refused(&from(&gate, key, bad).await, 403, "900908");
    }
}

#[tokio::test]
async fn a_key_for_certain_operations_opens_those_however_the_path_is_written() {
    let zoo = Zoo::open().await;
    let operations = ["GET /animals/{name}", "POST /animals"].map(str::to_owned).to_vec();
    let limits = WantedLimits { operations, ..WantedLimits::default() };
    let issued = limited_key(&zoo.app, &zoo.member, "zoo", "narrow", limits).await;
    let call = async |method: &str, path: &str, more: &[(&str, &str)]| -> Answer {
        let headers: Vec<_> = [("api-key", issued.secret.expose())].iter().chain(more).copied().collect();
        let url = zoo.app.gateway(Environment::Production, "");
        http::send_to(&url, method.parse::<Method>().unwrap(), &format!("/parks/zoo/v1{path}"), &headers).await
    };
    for (method, path) in
        [("GET", "/animals/leo"), ("HEAD", "/animals/leo"), ("POST", "/animals?x=1"), ("GET", "/animals/l%C3%A9o")]
    {
        let answer = call(method, path, &[]).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    }
    let passed = zoo.upstream.seen().len();
    for (method, path) in [
        ("GET", "/animals"),
        ("DELETE", "/animals/leo"),
        // Another operation has this path, and says more about it.
        ("GET", "/animals/mine"),
        ("GET", "/animals/%6dine"),
        ("GET", "/animals/leo%2Fmeals"),
        ("POST", "/animals/leo/meals"),
        ("GET", "/elsewhere"),
        ("PROPFIND", "/animals/leo"),
    ] {
        assert_refused(&call(method, path, &[]).await, 403, "900908");
    }
    let over = [("x-http-method-override", "DELETE")];
    assert_refused(&call("GET", "/animals/leo", &over).await, 403, "900908");
    assert_refused(&call("GET", "/animals/leo?_method=delete", &[]).await, 403, "900908");
    // What the API refuses to everybody is refused as that.
    make::policies(&zoo.app, "zoo", &json!({ "enforce_definition": true })).await;
    assert_refused(&call("GET", "/elsewhere", &[]).await, 404, "404");
    assert_eq!(zoo.upstream.seen().len(), passed);
}

#[tokio::test]
async fn calls_with_the_replaced_secret_are_told_from_those_with_the_new_one() {
    let options = db::fresh().await;
    let app = TestApp::start_unready(&options, |_| {}).await;
    app.app.ready().await;
    let gate = Gate::around(app, Upstream::start().await).await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let id = gate.issued.key.id;
    let next = api_keys::regenerate(&gate.app.ctx, &gate.member, id, Grace::Day).await.unwrap();
    gate.app.settle().await;
    gate.app.clock.advance(Duration::hours(2));
    for _ in 0..2 {
        assert_eq!(gate.get(PATH).await.status, 200);
    }
    let old_used = gate.app.clock.now();
    gate.app.clock.advance(Duration::minutes(3));
    assert_eq!(gate.get_with(PATH, next.secret.expose()).await.status, 200);
    let last_used = gate.app.clock.now();
    gate.app.app.drain().await;

    let db = Db::connect(options, 1).await.unwrap();
    let (calls, last, old_calls, old_last) = used(&db, id).await;
    assert_eq!((calls, old_calls), (4, 2));
    let minute = |at: time::OffsetDateTime| at.unix_timestamp() / 60;
    assert_eq!((minute(last), minute(old_last)), (minute(last_used), minute(old_used)));
    db.close().await;
}

type Used = (i64, time::OffsetDateTime, i64, time::OffsetDateTime);

async fn used(db: &Db, id: ApiKeyId) -> Used {
    let row = "select calls, last_used_at, previous_calls, previous_used_at from api_keys where id = $1";
    sqlx::query_as(row).bind(id).fetch_one(db.pool()).await.unwrap()
}
