//! Sharing an application to read, leaving it, and its trail; what readers can never do.

use crate::support::app::TestApp;
use crate::support::routes;
use crate::support::visitor::Visitor;
use crate::support::{mail, make, shop};
use portico::base::environment::Environment;
use portico::domain::applications::sharing;
use portico::domain::credentials::model::Grace;
use portico::domain::credentials::{api_keys, clients};
use time::Duration;

#[tokio::test]
async fn an_application_is_shared_as_the_guide_says_also_with_who_has_no_account_yet() {
    let app = TestApp::start_with(|config| config.accounts.sign_up = true).await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "bob").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let at = format!("/applications/{}", application.id);
    let (mut ada, mut bob) = (Visitor::signed_in(&app, "ada").await, Visitor::signed_in(&app, "bob").await);
    assert_eq!(bob.peek(&at).await.status, 404);

    let page = ada.open("/applications").await;
    let page = ada.follow(&page, "Storefront").await;
    let page = ada.follow(&page, "Share").await;
    page.assert_shows("Share Application");
    app.clock.advance(Duration::minutes(1));
    let form = page.form("Confirm").fill("E-mail addresses", "Bob@Example.com, eve@example.com");
    let page = ada.submit(form).await;
    page.assert_shows("The application is shared, to read.");
    page.assert_shows("Shared with bob@example.com, eve@example.com");
    let told = mail::letters(&app).await;
    let told: Vec<_> = told.iter().map(|letter| (letter.to.as_str(), letter.path(&app))).collect();
    assert_eq!(told[0], ("bob@example.com", at.clone()));
    assert!(told.len() == 2 && told[1].0 == "eve@example.com" && told[1].1.starts_with("/sign-up/"), "{told:?}");
    let page = ada.follow(&page, "Manage").await;
    page.assert_shows("bob@example.com bob, since 24 November 2026");
    page.assert_shows("eve@example.com Invited on 24 November 2026 Not registered yet");

    let page = bob.open("/applications").await;
    page.assert_shows("Storefront Made for a test. ada@example.com Read only");
    let page = bob.follow(&page, "Storefront").await;
    page.assert_shows("Read only, shared by ada@example.com");
    make::developer(&app, "eve").await;
    let mut eve = Visitor::signed_in(&app, "eve").await;
    assert_eq!(eve.peek(&at).await.status, 200, "the invitation has waited");

    app.clock.advance(Duration::minutes(1));
    let page = ada.open(&format!("{at}/sharing")).await;
    let page = ada.submit(page.form("Remove bob@example.com")).await;
    page.assert_shows("It is no longer shared with them.");
    assert_eq!(bob.peek(&at).await.status, 404);
    assert!(!bob.open("/applications").await.shows("Storefront"));
    app.clock.advance(Duration::minutes(1));
    let page = eve.open(&at).await;
    let page = eve.follow(&page, "Leave").await;
    let page = eve.submit(page.form("Leave application")).await;
    page.assert_shows("You have left the application.");
    assert_eq!(eve.peek(&at).await.status, 404);

    let page = ada.open(&at).await;
    page.assert_shows("Shared with Nobody");
    let page = ada.follow(&page, "Activity").await;
    assert_eq!(
        page.all("tbody strong"),
        ["Left by a reader", "Taken back from a reader", "Shared", "Application created"]
    );
    page.assert_shows("Shared bob@example.com, eve@example.com ada@example.com");
    page.assert_shows("Left by a reader eve@example.com");
}

#[tokio::test]
async fn addresses_that_cannot_be_are_named_and_kept_in_the_form() {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let at = format!("/applications/{}/sharing", application.id);
    // As chips come: the name several times.
    for (typed, said) in [
        (
            [("emails", "bob@example.com"), ("emails", "bob@")],
            "bob@ is not a complete address, such as ada@example.com.",
        ),
        ([("emails", "Ada@example.com"), ("emails", "")], "ada@example.com owns it: that is you."),
        ([("emails", ""), ("emails", " , ")], "Enter an e-mail address."),
    ] {
        let page = visitor.post(&at, &typed).await;
        assert_eq!(page.status, 422);
        assert!(page.text().contains(said), "{}", page.text());
        assert!(page.text().contains(&format!("value=\"{}, {}\"", typed[0].1, typed[1].1)), "it is kept");
    }
    let page = visitor.open(&at).await;
    let page = visitor.submit(page.form("Confirm").fill("E-mail addresses", "")).await;
    assert_eq!(page.one("#emails-e"), "Enter an e-mail address.");
    // Nobody shares with the whole world.
    let many = (0..sharing::MOST).map(|n| format!("r{n}@example.com")).collect::<Vec<_>>().join(" ");
    assert_eq!(visitor.post(&at, &[("emails", &many)]).await.status, 303);
    assert_eq!(visitor.post(&at, &[("emails", &many)]).await.status, 303, "twice is once");
    let page = visitor.post(&at, &[("emails", "one-more@example.com")]).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("An application can be shared with 100 people."), "{}", page.text());
    let count = "select count(*) from application_shares where application_id = $1";
    let count: i64 = sqlx::query_scalar(count).bind(application.id.0).fetch_one(app.pool()).await.unwrap();
    assert_eq!(count, 100);
}

/// Every form that there is about an application, its subscriptions and its credentials, tried by somebody who reads it:
/// a route that is new is tried too.
#[tokio::test]
async fn no_form_of_an_application_can_be_sent_by_a_reader() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "bob").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let key = shop::key(&app, &ada, (&application, "checkout-ci"), Environment::Sandbox).await.key;
    api_keys::regenerate(&app.ctx, &ada, key.id, Grace::Hour).await.unwrap();
    let secret = clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap().secret;
    clients::new_secret(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    shop::share(&app, &application, "bob@example.com").await;
    let subscription: uuid::Uuid =
        sqlx::query_scalar("select id from subscriptions").fetch_one(app.pool()).await.unwrap();
    let mut bob = Visitor::signed_in(&app, "bob").await;
    let before = shop::dump(&app).await;
    let fields = [
        ("name", "Mine"),
        ("confirm", "Storefront"),
        ("only", "ledger/1"),
        ("plan:ledger/1", "bronze"),
        ("plan", "bronze"),
        ("emails", "eve@example.com"),
        ("email", "bob@example.com"),
        ("grant_types", "client_credentials"),
        ("access_token_seconds", "600"),
        ("refresh_token_seconds", "3600"),
        ("id_token_seconds", "600"),
        ("refresh_leeway_seconds", "5"),
        ("scopes_of", "all"),
    ];
    let (mut tried, mut wrong) = (0, Vec::new());
    for (method, route) in routes::all() {
        let path = match route.as_str() {
            r if r.starts_with("/applications/{id}") => r.replace("{id}", &application.id.to_string()),
            r if r.starts_with("/subscriptions/{id}") => r.replace("{id}", &subscription.to_string()),
            r if r.starts_with("/api-keys/{id}") => r.replace("{id}", &key.id.to_string()),
            _ => continue,
        };
        let path = path.replace("{environment}", "sandbox");
        if method == "get" {
            let page = bob.peek(&path).await;
            assert!(!page.text().contains(secret.expose()), "{path} shows a secret");
        } else if !path.ends_with("/departure") {
            tried += 1;
            let status = bob.post(&path, &fields).await.status;
            // What only those decide who look after the API does not exist for a reader.
            let decides =
                ["/approval", "/rejection", "/block", "/block/deletion"].iter().any(|end| path.ends_with(end));
            if status != if decides { 404 } else { 403 } {
                wrong.push(format!("{path}: {status}"));
            }
        }
    }
    assert!(tried >= 16, "only {tried} forms were found");
    assert!(wrong.is_empty(), "a reader gets further than 403:\n{}", wrong.join("\n"));
    let after = shop::dump(&app).await;
    let mut changed: Vec<_> = before.keys().filter(|table| before.get(*table) != after.get(*table)).collect();
    // Looking at pages keeps a session alive.
    changed.retain(|table| *table != "sessions");
    assert_eq!(changed, Vec::<&String>::new());
}

#[tokio::test]
async fn the_trail_of_an_application_is_read_page_by_page_by_its_owner_alone() {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "bob").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let other = shop::application(&app, &ada, "Another").await;
    for n in 0..60 {
        let name = format!("Storefront {n}");
        portico::domain::applications::manage::edit(&app.ctx, &ada, application.id, &name, "").await.unwrap();
        app.clock.advance(Duration::seconds(n % 2));
    }
    shop::share(&app, &application, "bob@example.com").await;
    let at = format!("/applications/{}/activity", application.id);
    let (mut ada, mut bob) = (Visitor::signed_in(&app, "ada").await, Visitor::signed_in(&app, "bob").await);
    assert_eq!(bob.open(&at).await.status(), 403);
    let page = ada.open(&at).await;
    assert_eq!(page.all("tbody tr").len(), 50);
    let page = ada.follow(&page, "Older").await;
    assert_eq!(page.all("tbody tr").len(), 11);
    page.assert_shows("Application created");
    page.assert_shows("Latest");
    assert!(!page.shows("Older"));
    // A place in the trail of another application leads nowhere.
    let foreign: uuid::Uuid = sqlx::query_scalar("select id from audit_events where application_id = $1")
        .bind(other.id.0)
        .fetch_one(app.pool())
        .await
        .unwrap();
    ada.open(&format!("{at}?before={foreign}")).await.assert_shows("Nothing further back");
    assert_eq!(ada.open(&format!("{at}?before=nonsense")).await.all("tbody tr").len(), 50);
}
