//! Test credentials, the token inspector and the console of an operation: what they open, for whom, and for how long.

use crate::support::app::TestApp;
use crate::support::upstream::Upstream;
use crate::support::visitor::{Page, Visitor};
use crate::support::{http, make, shop};
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::{ClientKind, ClientSettings, GrantType, Legacy};
use portico::domain::credentials::{clients, settings, testing};
use portico::domain::oauth::revocations;
use time::Duration;

/// The token that a page shows once.
fn token(page: &Page) -> String {
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(page.answer.header("cache-control"), "no-store");
    let values = page.attributes("[data-copy]", "data-copy");
    values.into_iter().find(|value| value.starts_with("eyJ")).unwrap_or_else(|| panic!("no token: {}", page.text()))
}

async fn call(app: &TestApp, environment: Environment, path: &str, header: (&str, &str)) -> u16 {
    app.settle().await;
    http::get(&app.gateway(environment, path), &[header]).await.status.as_u16()
}

#[tokio::test]
async fn generate_token_makes_one_for_the_environment_with_its_warning_and_the_audit_trail_knows() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::subscribe(&app, &ada, &application).await;
    let place = format!("/applications/{}/credentials/sandbox", application.id);
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    assert!(visitor.open(&place).await.find_form("Generate Token").is_none(), "nothing to get a token for");
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();

    let page = visitor.open(&place).await;
    let command = page.attributes("a[href='#curl']", "data-copy").remove(0);
    assert!(command.starts_with("curl -X POST") && command.contains("$CONSUMER_SECRET"), "{command}");
    let page = visitor.submit(page.form("Generate Token")).await;
    page.assert_shows("Do not use the test token in your production environment.");
    page.assert_shows("It lives for 15 minutes.");
    let token = token(&page);
    let bearer = format!("Bearer {token}");
    let header = ("authorization", bearer.as_str());
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", header).await, 200);
    assert_eq!(call(&app, Environment::Production, "/pets/v1/pets", header).await, 401);
    assert!(!visitor.open(&page.at).await.text().contains(&token), "shown once");
    let audited: Vec<(String, String)> =
        sqlx::query_as("select action, detail ->> 'environment' from audit_events where action like 'test_token.%'")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(audited, [("test_token.issued".to_owned(), "sandbox".to_owned())]);
    revocations::of_client(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", header).await, 401, "it ends with all others");
}

#[tokio::test]
async fn test_tokens_are_for_owners_of_clients_that_may_have_them_and_production_takes_its_role() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "reader").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::share(&app, &application, "reader@example.com").await;
    for environment in Environment::ALL {
        clients::generate(&app.ctx, &ada, application.id, environment).await.unwrap();
    }
    let path = |environment| format!("/applications/{}/credentials/{environment}/token", application.id);
    let mut reader = Visitor::signed_in(&app, "reader").await;
    assert_eq!(reader.post(&path("sandbox"), &[]).await.status, 403);
    let pane = reader.open(&format!("/applications/{}/credentials/sandbox", application.id)).await;
    assert!(pane.find_form("Generate Token").is_none());
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    assert_eq!(visitor.post(&path("production"), &[]).await.status, 200);
    sqlx::query("delete from role_grants where role = 'production'").execute(app.pool()).await.unwrap();
    assert_eq!(visitor.post(&path("production"), &[]).await.status, 403);
    assert_eq!(visitor.post(&path("sandbox"), &[]).await.status, 200);

    let public = ClientSettings {
        kind: ClientKind::Public,
        grant_types: vec![GrantType::DeviceCode],
        ..ClientSettings::default()
    };
    let at = (application.id, Environment::Sandbox);
    settings::save(&app.ctx, &ada, at, public, Legacy::Forbidden).await.unwrap();
    app.settle().await;
    let refused = visitor.post(&path("sandbox"), &[]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("Test tokens take the grant Client credentials"), "{}", refused.text());
}

#[tokio::test]
async fn a_member_makes_only_so_many_test_credentials_in_an_hour() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    let path = format!("/applications/{}/credentials/sandbox/token", application.id);
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    for _ in 0..testing::MOST_IN_AN_HOUR {
        assert_eq!(visitor.post(&path, &[]).await.status, 200);
    }
    app.clock.advance(Duration::minutes(20));
    let refused = visitor.post(&path, &[]).await;
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("Try again in 40 minutes."), "{}", refused.text());
    app.clock.advance(Duration::minutes(40));
    assert_eq!(visitor.post(&path, &[]).await.status, 200);
}

#[tokio::test]
async fn the_inspector_tells_what_a_token_opens_and_why_not_the_rest() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "bob").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let other = shop::application(&app, &ada, "Back office").await;
    shop::subscribe(&app, &ada, &application).await;
    let subscribe = portico::domain::subscriptions::subscribe::add;
    subscribe(&app.ctx, &ada, application.id, ("reports", 2), "bronze").await.unwrap();
    subscribe(&app.ctx, &ada, other.id, ("ledger", 1), "bronze").await.unwrap();
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("/applications/{}/credentials/sandbox", application.id)).await;
    let token = token(&visitor.submit(page.form("Generate Token")).await);

    let form = |page: &Page, text: &str| page.form("Inspect").fill("Access token", text);
    let page = visitor.open("/tokens").await;
    let page = visitor.submit(form(&page, &format!("Bearer {token}"))).await;
    assert_eq!(page.answer.header("cache-control"), "no-store");
    page.assert_shows("The token is genuine and alive");
    page.assert_shows("Pets v1 Opens");
    page.assert_shows("Reports v2 Closed It takes API keys only.");
    page.assert_shows("Ledger v1 Closed Storefront is not subscribed to it.");
    assert!(!page.answer.text().contains(&token), "a token is never shown again");
    sqlx::query("update subscriptions set state = 'blocked' where application_id = $1")
        .bind(application.id.0)
        .execute(app.pool())
        .await
        .unwrap();
    let page = visitor.submit(form(&page, &token)).await;
    page.assert_shows("Pets v1 Closed Its publisher has blocked the subscription of Storefront.");
    for (state, said) in [
        ("update subscriptions set state = 'production_blocked'", "Pets v1 Opens"),
        (
            "update subscriptions set state = 'rejected'",
            "Pets v1 Closed The subscription of Storefront was not approved.",
        ),
        (
            "update subscriptions set state = 'pending', requested_at = created_at",
            "Pets v1 Closed The subscription of Storefront waits for one of the API's owners to approve it.",
        ),
    ] {
        sqlx::query(state).execute(app.pool()).await.unwrap();
        visitor.submit(form(&page, &token)).await.assert_shows(said);
    }

    let mut bob = Visitor::signed_in(&app, "bob").await;
    let page = bob.open("/tokens").await;
    let page = bob.submit(form(&page, &token)).await;
    page.assert_shows("Not one of your applications");
    assert!(!page.shows("Storefront") && !page.shows("Pets"));

    app.clock.advance(Duration::minutes(15));
    let page = visitor.open("/tokens").await;
    let page = visitor.submit(form(&page, &token)).await;
    page.assert_shows("The token is genuine, but it has expired");
    page.assert_shows("Pets v1 Closed The token has expired.");
    let mut forged = token.clone();
    forged.replace_range(token.len() - 8..token.len() - 4, "AAAA");
    for (pasted, said) in [
        ("", "Paste an access token."),
        ("a.b.c", "This is no token"),
        (forged.as_str(), "Its signature does not hold"),
        ("ptk_sbx_0123", "This is a secret of another kind"),
    ] {
        let page = visitor.open("/tokens").await;
        let page = visitor.submit(form(&page, pasted)).await;
        assert_eq!(page.status(), 422, "{pasted}");
        assert!(page.one("#token-e").contains(said), "{pasted}: {}", page.one("#token-e"));
    }
}
