//! Production by role: without it the pages say so, and nothing of production can be made by any form of the portal.

use crate::support::app::TestApp;
use crate::support::routes;
use crate::support::visitor::Visitor;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::accounts::access;
use portico::domain::audit::model::Actor;
use portico::domain::credentials::{clients, direct};
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
