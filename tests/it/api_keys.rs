//! API keys whole: what narrows them, who sees and deletes them, what is told of an old one, and where they are listed.

use crate::support::app::TestApp;
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::base::id::ApiKeyId;
use portico::domain::credentials::KeyUse;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::Grace;
use time::Duration;

const SANDBOX: &str = "/apis/pets/v1/keys/sandbox";

async fn touch(app: &TestApp, id: ApiKeyId, used: KeyUse) {
    portico::domain::credentials::touch(&mut app.ctx.conn().await.unwrap(), &[(id, used)], &[]).await.unwrap();
}

/// The secret that a page shows once.
fn secret(page: &Page) -> String {
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(page.answer.header("cache-control"), "no-store");
    page.attributes("[data-copy]", "data-copy").into_iter().find(|value| value.starts_with("ptk_")).unwrap()
}

#[tokio::test]
async fn what_narrows_a_key_is_chosen_with_it_and_told_in_the_list() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("{SANDBOX}/new")).await;
    assert!(page.attributes("details.fold", "open").is_empty(), "limits are folded away");
    let form =
        page.form("Generate").fill("Key Name", "narrow").fill("Expires", "On a date").fill("Last day", "yesterday");
    let form = form.fill("Allowed addresses", "192.0.2.7, office").tick("GET /pets ");
    let page = visitor.submit(form).await;
    assert_eq!(page.status(), 422);
    assert_eq!(page.one("#expiry-e"), "Enter the last day as year-month-day, such as 2027-01-31.");
    assert!(page.one("#addresses-e").starts_with("office is no address and no network."));
    let mut form = page.form("Generate");
    assert_eq!(form.value("Allowed addresses"), "192.0.2.7, office");
    assert!(form.is_ticked("GET /pets "), "what was typed is kept");
    let page = visitor.submit(form.fill("Expires", "30").fill("Allowed addresses", "192.0.2.7, 10.1.2.3/8")).await;
    secret(&page);
    page.assert_shows("It expires on 24 December 2026, 12:00 UTC.");
    let page = visitor.follow(&page, "Done").await;
    for said in ["Expires 24 December 2026", "From 192.0.2.7 and 10.0.0.0/8", "Opens 1 operation GET /pets", "Active"] {
        page.assert_shows(said);
    }
    app.clock.advance(Duration::days(28));
    visitor = Visitor::signed_in(&app, "ada").await;
    visitor.open(SANDBOX).await.assert_shows("Expires in 2 days");
    app.clock.advance(Duration::days(2));
    visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(SANDBOX).await;
    page.assert_shows("Expired");
    assert!(!page.shows("Regenerate"), "another secret would not open anything either");
    let id: uuid::Uuid = sqlx::query_scalar("select id from api_keys").fetch_one(app.pool()).await.unwrap();
    assert_eq!(visitor.post(&format!("/api-keys/{id}/regeneration"), &[]).await.status, 422);
}

#[tokio::test]
async fn an_operation_of_another_endpoint_or_of_none_is_no_limit() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::developer(&app, "ada").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let new = [("name", "k"), ("application", "new"), ("application_name", "A"), ("plan", "bronze")];
    for operations in [("operations-default", "GET /gone"), ("operations-default", "DELETE /pets")] {
        let form: Vec<_> = new.into_iter().chain([operations]).collect();
        let answer = visitor.post(SANDBOX, &form).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text().contains("one of these operations is gone"), "{}", answer.text());
    }
    let keys: i64 = sqlx::query_scalar("select count(*) from api_keys").fetch_one(app.pool()).await.unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn who_looks_after_an_api_sees_all_its_keys_deletes_them_and_never_gets_a_secret() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let bob = make::developer(&app, "bob").await;
    make::member(&app, "olga", &[]).await;
    make::member(&app, "root", &["admin"]).await;
    let one = shop::application(&app, &ada, "Storefront").await;
    let two = shop::application(&app, &bob, "Back office").await;
    let adas = shop::key(&app, &ada, (&one, "checkout"), Environment::Sandbox).await;
    let bobs = shop::key(&app, &bob, (&two, "nightly"), Environment::Sandbox).await;
    sqlx::query("insert into api_owners (api_id, email) select id, 'olga@example.com' from apis where name = 'pets'")
        .execute(app.pool())
        .await
        .unwrap();
    for (name, sees) in [("ada", [true, false]), ("bob", [false, true]), ("olga", [true, true]), ("root", [true, true])]
    {
        let page = Visitor::signed_in(&app, name).await.open(SANDBOX).await;
        assert_eq!([page.shows("checkout"), page.shows("nightly")], sees, "{name}");
        for issued in [&adas, &bobs] {
            assert!(!page.answer.text().contains(issued.secret.expose()), "{name}");
        }
    }
    let mut olga = Visitor::signed_in(&app, "olga").await;
    let page = olga.open(SANDBOX).await;
    page.assert_shows("You see the keys of all applications");
    assert!(!page.shows("Regenerate"));
    let change = format!("/api-keys/{}/regeneration", adas.key.id);
    assert_eq!(olga.peek(&change).await.status, 403);
    assert_eq!(olga.post(&change, &[]).await.status, 403);
    assert_eq!(olga.post(&format!("/api-keys/{}/old-key/deletion", adas.key.id), &[]).await.status, 403);
    // Neither do they reach the application.
    assert_eq!(olga.peek(&format!("/applications/{}", one.id)).await.status, 404);
    let page = olga.open(&format!("/api-keys/{}/deletion", bobs.key.id)).await;
    page.assert_shows("It belongs to the application Back office of");
    let page = olga.submit(page.form("Delete key")).await;
    page.assert_shows("The API key is deleted.");
    assert!(page.shows("checkout") && !page.shows("nightly"));
    let event: (String, String) = sqlx::query_as(
        "select action, detail->>'name' from audit_events where application_id = $1 and action = 'api_key.deleted'",
    )
    .bind(two.id.0)
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(event, ("api_key.deleted".to_owned(), "nightly".to_owned()), "the application's activity tells");
    // Of another API's keys they see what everybody sees.
    assert!(!olga.open("/apis/reports/v2/keys/sandbox").await.shows("You see the keys of all applications"));
}

#[tokio::test]
async fn the_old_key_goes_on_for_as_long_as_was_chosen_and_the_list_says_whether_it_is_used() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let key = shop::key(&app, &ada, (&application, "checkout"), Environment::Sandbox).await.key;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let regenerate = format!("/api-keys/{}/regeneration", key.id);
    let page = visitor.open(&regenerate).await;
    let page = visitor.submit(page.form("Regenerate key").tick("Keep it for 24 hours")).await;
    page.assert_shows("The old key works for 24 hours more");
    let page = visitor.open(SANDBOX).await;
    page.assert_shows(&format!("Old key works for 24 hours Old key …{} not called since", key.hint));
    app.clock.advance(Duration::hours(23) + Duration::minutes(52));
    let (now, id) = (app.clock.now() - Duration::minutes(1), key.id);
    touch(&app, id, KeyUse { calls: 5, last: now, old_calls: 2, old_last: Some(now) }).await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(SANDBOX).await;
    page.assert_shows(&format!("Old key …{} : 2 calls since, last 1 min ago", key.hint));
    page.assert_shows("The old key of checkout ends in 8 min and is still being called");
    page.assert_shows("1 min ago 5 calls");
    app.clock.advance(Duration::minutes(20));
    let page = visitor.open(SANDBOX).await;
    assert!(!page.shows("calls since") && !page.shows("still being called"), "it is over, and nobody called in vain");
    let late = app.clock.now();
    touch(&app, id, KeyUse { calls: 1, last: late, old_calls: 1, old_last: Some(late) }).await;
    visitor.open(SANDBOX).await.assert_shows(": 3 calls since, last just now. It is refused now.");

    let page = visitor.open(&regenerate).await;
    let page = visitor.submit(page.form("Regenerate key").tick("End it now")).await;
    assert!(!page.shows("The old key works"));
    assert!(!visitor.open(SANDBOX).await.shows("Old key"));
    let previous: Option<Vec<u8>> =
        sqlx::query_scalar("select previous_digest from api_keys").fetch_one(app.pool()).await.unwrap();
    assert_eq!(previous, None);
}

#[tokio::test]
async fn an_application_lists_its_keys_and_generates_another_one() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::application(&app, &ada, "Another").await;
    shop::subscribe(&app, &ada, &application).await;
    shop::share(&app, &application, "rita@example.com").await;
    make::developer(&app, "rita").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("/applications/{}", application.id)).await;
    let page = visitor.follow(&page, "API Keys").await;
    page.assert_shows("No sandbox API keys yet");
    let list = page.at.clone();
    let page = visitor.follow(&page, "Generate API Key").await;
    let page = visitor.follow(&page, "Pets v1").await;
    let mut form = page.form("Generate");
    assert_eq!(form.value("Application"), application.id.to_string());
    let page = visitor.submit(form.fill("Key Name", "checkout")).await;
    let key = secret(&page);
    let page = visitor.follow(&page, "Done").await;
    assert_eq!(page.at, list);
    page.assert_shows(&format!("checkout Created 24 November 2026 …{} Pets v1 Not yet Active", &key[key.len() - 4..]));
    // Who may only read finds no way to change anything.
    let mut rita = Visitor::signed_in(&app, "rita").await;
    let page = rita.open(&list).await;
    page.assert_shows("checkout");
    for act in ["Generate API Key", "Regenerate", "Delete key"] {
        assert!(!page.shows(act), "{act}");
    }
}

#[tokio::test]
async fn a_long_list_is_paged_and_searched_and_test_keys_stand_in_none() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    for name in ["key 000", "try"] {
        shop::key(&app, &ada, (&application, name), Environment::Sandbox).await;
    }
    let pool = app.pool();
    sqlx::query("update api_keys set purpose = 'test' where name = 'try'").execute(pool).await.unwrap();
    let more = "insert into api_keys (id, application_id, api_id, major, endpoint, environment, name, digest, hint, created_at)
                select gen_random_uuid(), application_id, api_id, major, endpoint, environment, 'key ' || lpad(n::text, 3, '0'),
                    sha256(n::text::bytea), 'abcd', created_at
                from api_keys, generate_series(1, 60) n where name = 'key 000'";
    sqlx::query(more).execute(pool).await.unwrap();
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    for list in [SANDBOX.to_owned(), format!("/applications/{}/api-keys/sandbox", application.id)] {
        let page = visitor.open(&list).await;
        assert!(page.shows("key 049") && !page.shows("key 050"), "{list}");
        assert!(!page.all("td strong").contains(&"try".to_owned()));
        let page = visitor.follow(&page, "Next").await;
        assert!(page.shows("key 050") && page.shows("key 060") && !page.shows("key 049"), "{list}");
        let page = visitor.submit(page.form("Search").fill("Search keys", "Y 05")).await;
        assert_eq!(page.all("td strong").len(), 10, "{list}");
        let page = visitor.submit(page.form("Search").fill("Search keys", "%")).await;
        page.assert_shows("No key has this in its name");
        for page in ["0", "-1", "x", "65535", "99999999"] {
            assert_eq!(visitor.peek(&format!("{list}?page={page}")).await.status, 200, "{page}");
        }
    }
    let test: uuid::Uuid =
        sqlx::query_scalar("select id from api_keys where purpose = 'test'").fetch_one(pool).await.unwrap();
    assert_eq!(visitor.peek(&format!("/api-keys/{test}/deletion")).await.status, 404);
    let gone = api_keys::regenerate(&app.ctx, &ada, ApiKeyId(test), Grace::Hour).await;
    assert!(gone.is_err());
}
