//! Production by role: without it the pages say so, and nothing of production can be made by any form of the portal.

use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::mail;
use crate::support::routes;
use crate::support::visitor::Visitor;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::accounts::{access, role_requests};
use portico::domain::audit::model::Actor;
use portico::domain::credentials::{clients, direct};
use serde_json::json;
use std::collections::BTreeSet;

/// What opens production now.
async fn secrets(app: &TestApp) -> BTreeSet<String> {
    let all = "select encode(digest, 'hex') from api_keys where environment = 'production'
        union
        select encode(s.digest, 'hex') from client_secrets s join clients c on c.id = s.client_id
        where c.environment = 'production'";
    sqlx::query_scalar::<_, String>(all).fetch_all(app.pool()).await.unwrap().into_iter().collect()
}

#[tokio::test]
async fn without_the_role_no_form_makes_anything_of_production() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let bob = make::developer(&app, "bob").await;
    // One application has production credentials from the time when he had the role, the other has none.
    let old = shop::application(&app, &bob, "Old").await;
    let key = shop::key(&app, &bob, (&old, "live"), Environment::Production).await.key;
    clients::generate(&app.ctx, &bob, old.id, Environment::Production).await.unwrap();
    direct::generate(&app.ctx, &bob, ("reports", 2, Environment::Sandbox), Some("bronze")).await.ok();
    direct::generate(&app.ctx, &bob, ("pets", 1, Environment::Production), Some("bronze")).await.unwrap();
    let new = shop::application(&app, &bob, "New").await;
    shop::subscribe(&app, &bob, &new).await;
    access::revoke(&app.ctx, "bob@example.com", "production", &Actor::CommandLine).await.unwrap();
    let before = secrets(&app).await;
    assert_eq!(before.len(), 3);

    let mut visitor = Visitor::signed_in(&app, "bob").await;
    for application in [&old, &new] {
        let page = visitor.open(&format!("/applications/{}/credentials/production", application.id)).await;
        page.assert_shows("Production is not open to you");
        for button in ["Generate Credentials", "Generate Token", "Generate API Key"] {
            assert!(page.find_form(button).is_none(), "{button}");
        }
    }
    let page = visitor.open("/apis/pets/v1/keys/production").await;
    page.assert_shows("Production is not open to you");
    let (mut tried, mut wrong) = (0, Vec::new());
    for (method, route) in routes::all() {
        let about_production = route.contains("{environment}") || route.starts_with("/api-keys/{id}");
        let only_ends = ["/deletion", "/revocation", "/end"].iter().any(|end| route.ends_with(end));
        if method == "get" || !about_production || only_ends {
            continue;
        }
        tried += 1;
        for application in [&old, &new] {
            let id = application.id.to_string();
            let path = route.replace("/api-keys/{id}", &format!("/api-keys/{}", key.id)).replace("{id}", &id);
            let path = path.replace("{environment}", "production").replace("{name}", "pets").replace("{major}", "v1");
            let fields = [
                ("name", "another"),
                ("application", id.as_str()),
                ("application_name", "Brand new"),
                ("environment", "production"),
                ("plan", "bronze"),
                ("grant_types", "client_credentials"),
                ("access_token_seconds", "600"),
                ("refresh_token_seconds", "3600"),
                ("id_token_seconds", "600"),
                ("refresh_leeway_seconds", "5"),
                ("scopes_of", "all"),
                ("keep", "hour"),
            ];
            let answer = visitor.post(&path, &fields).await;
            // Making an ordinary application of credentials that there are makes no credentials.
            let expected = if route.ends_with("/conversion") { &[303, 404][..] } else { &[403, 404, 405] };
            if !expected.contains(&answer.status.as_u16()) {
                wrong.push(format!("{path}: {}", answer.status));
            }
        }
    }
    assert!(tried >= 7, "only {tried} forms were found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let after = secrets(&app).await;
    assert!(after.is_subset(&before), "something of production was made");
}

#[tokio::test]
async fn whoever_lacks_the_role_asks_for_it_and_an_administrator_grants_it_or_says_why_not() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let bob = make::member(&app, "bob", &["developer"]).await;
    make::member(&app, "root", &["admin"]).await;
    let application = shop::application(&app, &bob, "Storefront").await;
    let place = format!("/applications/{}/credentials/production", application.id);
    let (mut bob, mut root) = (Visitor::signed_in(&app, "bob").await, Visitor::signed_in(&app, "root").await);
    let page = bob.open(&place).await;
    let page = bob.follow(&page, "Request production access").await;
    let long = bob.submit(page.form("Request production access").fill("What you need it for", &"x".repeat(501))).await;
    assert_eq!(long.status(), 422);
    let form = || long.form("Request production access").fill("What you need it for", "We go <b>live</b>.");
    bob.submit(form()).await.assert_shows("Requested on 24 November 2026.");
    bob.submit(form()).await;
    let letter = mail::letter(&app).await;
    assert_eq!((&*letter.to, &*letter.subject), ("root@example.com", "bob@example.com asks for the role production"));
    assert!(letter.text.contains("We go <b>live</b>."));
    for path in [&*place, "/apis/pets/v1/keys/production", "/account", "/account/production"] {
        let page = bob.open(path).await;
        page.assert_shows("Requested on 24 November 2026.");
        assert!(!page.shows("Request production access") || path == "/account/production", "{path}");
    }

    let page = root.open(&letter.path(&app)).await;
    page.assert_shows("Approvals 1");
    page.assert_shows("We go <b>live</b>.");
    root.open("/people").await.assert_shows("Asks for production");
    let before = root.open("/approvals").await;
    let page = root.follow(&before, "Reject production for bob").await;
    root.submit(page.form("Reject").fill("Reason", "Finish the review."))
        .await
        .assert_shows("Nobody asks for production");
    let page = bob.open("/apis/pets/v1/keys/production").await;
    page.assert_shows("Rejected: Finish the review.");
    assert!(mail::letter(&app).await.text.contains("Finish the review."));
    root.submit(before.form("Approve production for bob")).await.assert_shows("meanwhile, so nothing was done");

    let page = bob.follow(&page, "Request again").await;
    bob.submit(page.form("Request production access")).await;
    let page = root.open("/approvals").await;
    root.submit(page.form("Approve production for bob")).await;
    let page = bob.open(&place).await;
    assert!(page.find_form("Generate Credentials").is_some());
    assert!(!page.shows("Requested on"));
    assert_eq!(bob.open("/account/production").await.at, "/account");
    let subjects: Vec<String> = mail::letters(&app).await.into_iter().map(|letter| letter.subject).collect();
    assert!(subjects.contains(&"The role production is yours".to_owned()), "{subjects:?}");
    let audited =
        "select action from audit_events where action like 'role.%' and action <> 'role.added' order by at, id";
    let mut audited: Vec<String> = sqlx::query_scalar(audited).fetch_all(app.pool()).await.unwrap();
    audited.sort();
    assert_eq!(audited, ["role.granted", "role.request_rejected", "role.requested", "role.requested"]);
}

#[tokio::test]
async fn each_state_of_a_request_for_production_is_accessible_and_fits_a_phone() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let bob = make::member(&app, "bob", &["developer"]).await;
    let root = make::member(&app, "root", &["admin"]).await;
    let note = "We go live on the first of March, after the review that security has asked for. ".repeat(4);
    let place = format!("/applications/{}/credentials/production", shop::application(&app, &bob, "Shop").await.id);
    let browser = Browser::start().await;
    sign_in(&browser, &app, "bob").await;
    let mut wrong = Vec::new();
    for state in ["none", "open", "rejected"] {
        match state {
            "open" => role_requests::ask(&app.ctx, &bob, &note).await.unwrap(),
            "rejected" => role_requests::reject(&app.ctx, &root, bob.id, &note).await.unwrap(),
            _ => {}
        }
        for (name, path) in [("pane", &*place), ("form", "/account/production"), ("account", "/account")] {
            browser.open(&app.portal(path)).await;
            wrong.extend(faults(&browser, &format!("production-{name}-{state}")).await);
        }
    }
    role_requests::ask(&app.ctx, &bob, &note).await.unwrap();
    browser.script("document.querySelector('form[action$=\"/sign-out\"]').requestSubmit()", json!([])).await;
    browser.wait_until("return !document.querySelector('[popovertarget=me]')").await;
    sign_in(&browser, &app, "root").await;
    for (name, path) in [
        ("production-approvals", "/approvals".to_owned()),
        ("production-people", "/people".to_owned()),
        ("production-reject", format!("/people/{}/production/rejection", bob.id)),
    ] {
        browser.open(&app.portal(&path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
