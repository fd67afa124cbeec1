//! Refused calls are found again by their request id, by the members of the application and nobody else.

use crate::gateway::{Gate, key_in, pets};
use crate::support::http::{self, Answer};
use crate::support::tokens::Client;
use crate::support::upstream::Upstream;
use crate::support::visitor::Visitor;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::applications::manage;
use portico::domain::credentials::model::Grace;
use portico::domain::credentials::{api_keys, clients};
use portico::domain::usage::refusal_words::words;
use portico::domain::usage::refusals;
use portico::gateway::refusal::Refusal;
use sqlx::Executor as _;
use time::Duration;

const PATH: &str = "/shop/pets/v1/cats";

/// Waits until what was refused so far is written: there is a row for this call.
async fn written(gate: &Gate, answer: &Answer) -> Vec<(String, String, String)> {
    let id = answer.header("x-request-id").to_owned();
    loop {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("select reason, credential, path from refusals where request_id = $1")
                .bind(&id)
                .fetch_all(gate.app.pool())
                .await
                .unwrap();
        if !rows.is_empty() {
            return rows;
        }
        tokio::task::yield_now().await;
    }
}

async fn count(gate: &Gate) -> i64 {
    sqlx::query_scalar("select count(*) from refusals").fetch_one(gate.app.pool()).await.unwrap()
}

async fn blocked(gate: &Gate) {
    gate.app.pool().execute("update subscriptions set state = 'blocked'").await.unwrap();
    gate.app.settle().await;
}

#[tokio::test]
async fn the_owner_of_a_key_finds_its_refused_call_with_the_plain_reason_and_nobody_else_does() {
    let gate = Gate::open().await;
    blocked(&gate).await;
    let answer = gate.get(&format!("{PATH}?secret=in-the-query")).await;
    assert_eq!(answer.status, 403);
    let id = answer.header("x-request-id");
    assert_eq!(
        written(&gate, &answer).await,
        [("subscription_blocked".into(), gate.issued.key.id.to_string(), PATH.into())]
    );

    let application = gate.issued.key.application;
    let page = format!("/applications/{application}/refusals");
    let mut ada = Visitor::signed_in(&gate.app, "ada").await;
    let overview = ada.open(&format!("/applications/{application}")).await;
    assert!(overview.attributes("a", "href").contains(&page), "the application leads there");
    for path in [page.clone(), format!("{page}?request_id={id}"), format!("{page}?request_id=%20{id}%20")] {
        let shown = ada.open(&path).await;
        assert_eq!(shown.status(), 200);
        let text = shown.text();
        for part in
            ["blocked the application's subscription", "Ask the API's owner", PATH, "GET", id, "API key first", "1.0"]
        {
            assert!(text.contains(part), "{part} is missing on {path}:\n{text}");
        }
        assert!(!text.contains("in-the-query"), "{text}");
    }
    let nothing = ada.open(&format!("{page}?request_id=ffffffffffffffffffffffffffffffff")).await;
    assert!(nothing.text().contains("No refused call with this request ID"), "{}", nothing.text());
    let long = ada.open(&format!("{page}?request_id={}", "x".repeat(3000))).await;
    assert_eq!(long.status(), 200);

    make::developer(&gate.app, "eve").await;
    let mut eve = Visitor::signed_in(&gate.app, "eve").await;
    assert_eq!(eve.open(&format!("{page}?request_id={id}")).await.status(), 404);
    // The same by the request id alone, whichever application it was.
    let found = ada.open(&format!("/refusals?request_id=%20{id}%20")).await;
    for part in ["blocked the application's subscription", "Ask the API's owner", PATH, id, "API key first"] {
        assert!(found.text().contains(part), "{part} is missing:\n{}", found.text());
    }
    assert!(found.attributes("a", "href").contains(&page));
    assert!(ada.open("/refusals").await.shows(id), "it is among the latest");
    for path in ["/refusals".to_owned(), format!("/refusals?request_id={id}")] {
        let nothing = eve.open(&path).await;
        assert_eq!((nothing.status(), nothing.shows(PATH)), (200, false), "{path}");
    }
    shop::share(
        &gate.app,
        &manage::get(&gate.app.ctx, &gate.member, application).await.unwrap().application,
        "eve@example.com",
    )
    .await;
    assert!(eve.open(&format!("/refusals?request_id={id}")).await.shows("blocked the application's subscription"));
    let long = ada.open(&format!("/refusals?request_id={}", "x".repeat(3000))).await;
    assert!(long.shows("No refused call of yours has this request ID."));

    let other = shop::application(&gate.app, &make::developer(&gate.app, "bob").await, "Other").await;
    let mut bob = Visitor::signed_in(&gate.app, "bob").await;
    let others = bob.open(&format!("/applications/{}/refusals?request_id={id}", other.id)).await;
    assert!(others.text().contains("No refused call"), "another application's call was found");
}

#[tokio::test]
async fn of_a_credential_that_opens_nothing_any_more_the_owner_learns_too() {
    let gate = Gate::open().await;
    let application = gate.issued.key.application;
    let sandbox = key_in(&gate.app, &gate.member, ("pets", None), Environment::Sandbox, "second").await;
    let answer = gate.get_with(PATH, sandbox.secret.expose()).await;
    let expected = |reason: &str, credential: &str| vec![(reason.to_owned(), credential.to_owned(), PATH.to_owned())];
    assert_eq!(written(&gate, &answer).await, expected("other_environment", &sandbox.key.id.to_string()));

    let client = Client::of(&gate.app, &gate.member, application, Environment::Production).await;
    let token = client.token(&gate.app).await;
    let call = async || http::get(&gate.url(PATH), &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(call().await.status, 200);
    gate.app.clock.advance(Duration::hours(1));
    assert_eq!(
        written(&gate, &call().await).await,
        expected("invalid_token", &client.id),
        "an expired one, seen before"
    );
    let late = client.token(&gate.app).await;
    gate.app.clock.advance(Duration::hours(1));
    let answer = http::get(&gate.url(PATH), &[("authorization", &format!("Bearer {late}"))]).await;
    assert_eq!(answer.status, 401);
    assert_eq!(written(&gate, &answer).await, expected("invalid_token", &client.id), "one that was never seen");

    api_keys::regenerate(&gate.app.ctx, &gate.member, gate.issued.key.id, Grace::Hour).await.unwrap();
    gate.app.settle().await;
    gate.app.clock.advance(Duration::hours(2));
    let answer = gate.get(PATH).await;
    assert_eq!(written(&gate, &answer).await, expected("replaced_key", &gate.issued.key.id.to_string()));
}

#[tokio::test]
async fn what_belongs_to_no_application_is_kept_for_nobody() {
    let gate = Gate::open().await;
    gate.get("/nowhere").await;
    gate.get_with(PATH, "wrong").await;
    let shaped = "ptk_prd_0000000000000000000000000000000000000000000000000";
    gate.get_with(PATH, shaped).await;
    let forged = "Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA";
    http::get(&gate.url(PATH), &[("authorization", forged)]).await;
    blocked(&gate).await;
    written(&gate, &gate.get(PATH).await).await;
    assert_eq!(count(&gate).await, 1, "only the last one was an application's");
}

#[tokio::test]
async fn of_many_refused_calls_a_few_are_kept_and_the_rest_is_counted() {
    let gate = Gate::over(Upstream::start().await, |config| config.gateway.refusals.each_minute = 3).await;
    blocked(&gate).await;
    let first = gate.get(PATH).await;
    for _ in 0..9 {
        gate.get(PATH).await;
    }
    written(&gate, &first).await;
    // Another reason has a measure of its own.
    make::publish(
        &gate.app,
        &pets(&[("1.0", "published", &gate.upstream.url("/base")), ("2.0", "published", "http://127.0.0.1:1")]),
    )
    .await;
    let other = gate.get("/shop/pets/v2/x").await;
    assert_eq!(written(&gate, &other).await[0].0, "other_api");
    gate.app.clock.advance(Duration::minutes(1));
    let later = gate.get(PATH).await;
    written(&gate, &later).await;
    assert_eq!(count(&gate).await, 3 + 1 + 1);
    let omitted: i64 =
        sqlx::query_scalar("select sum(calls)::bigint from omitted_refusals").fetch_one(gate.app.pool()).await.unwrap();
    assert_eq!(omitted, 7);
    let metrics = gate.app.app.gateway().metrics().render();
    assert!(metrics.contains("portico_gateway_refusals_only_counted_total 7"), "{metrics}");
    let mut ada = Visitor::signed_in(&gate.app, "ada").await;
    let page = ada.open(&format!("/applications/{}/refusals", gate.issued.key.application)).await;
    assert!(page.text().contains("7 further calls"), "{}", page.text());

    assert_eq!(refusals::sweep(&gate.app.ctx, 7).await.unwrap(), 0);
    gate.app.clock.advance(Duration::days(7) + Duration::hours(1));
    assert_eq!(refusals::sweep(&gate.app.ctx, 7).await.unwrap(), 6);
    assert_eq!(count(&gate).await, 0);
}

#[tokio::test]
async fn refused_calls_of_a_deleted_application_go_with_it_and_hold_up_nothing() {
    let gate = Gate::open().await;
    blocked(&gate).await;
    written(&gate, &gate.get(PATH).await).await;
    // Refused while the application is being deleted: its row may come after the deletion.
    let (bob, ada) = (make::developer(&gate.app, "bob").await, gate.issued.key.application);
    gate.get(PATH).await;
    manage::delete(&gate.app.ctx, &gate.member, ada).await.unwrap();
    let shop = shop::application(&gate.app, &bob, "Shop").await;
    let client = Client::of(&gate.app, &bob, shop.id, Environment::Production).await;
    let token = client.token(&gate.app).await;
    let answer = http::get(&gate.url(PATH), &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(written(&gate, &answer).await[0].0, "not_subscribed");
    assert_eq!(count(&gate).await, 1);
    clients::get(&gate.app.ctx, &bob, shop.id, Environment::Production).await.unwrap().unwrap();
}

#[tokio::test]
async fn while_the_database_is_away_refused_calls_wait_and_calls_do_not() {
    let gate = Gate::open().await;
    blocked(&gate).await;
    gate.get(PATH).await;
    gate.app.pool().execute("alter table refusals rename to refusals_away").await.unwrap();
    let answer = gate.get(PATH).await;
    assert_eq!(answer.status, 403);
    gate.app.pool().execute("alter table refusals_away rename to refusals").await.unwrap();
    written(&gate, &answer).await;
}

#[test]
fn every_refusal_has_plain_words_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for refusal in Refusal::ALL {
        let found = words(refusal.label()).unwrap_or_else(|| panic!("{} has no words", refusal.label()));
        for sentence in [found.what, found.help] {
            assert!(sentence.ends_with('.') && sentence.len() < 160, "{sentence}");
        }
        assert!(seen.insert(found.what), "{} says what another one says", refusal.label());
    }
    assert_eq!(words("from_a_newer_release"), None);
}
