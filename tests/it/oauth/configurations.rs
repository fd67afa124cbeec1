//! Advanced configurations of a client, as its owner chooses them on the pages of the portal.

use crate::support::app::TestApp;
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::accounts::model::Member;
use portico::domain::applications::model::Application;
use portico::domain::credentials::client_model::{ClientKind, ClientSettings, GrantType};
use portico::domain::credentials::clients;
use serde_json::{Value, json};

const PUBLIC: &str = "Allow authentication without the client secret";

/// An application of ada's, subscribed to `pets`, whose API has two scopes.
async fn arrange(app: &TestApp) -> (Member, Application, Visitor) {
    shop::publish_unserved(app).await;
    let ada = make::developer(app, "ada").await;
    let application = shop::application(app, &ada, "Storefront").await;
    shop::subscribe(app, &ada, &application).await;
    for (position, (name, title)) in [("pets:read", "See pets"), ("pets:write", "")].into_iter().enumerate() {
        sqlx::query(
            "insert into api_scopes (api_id, name, title, position) select id, $1, $2, $3 from apis where name = 'pets'",
        )
        .bind(name)
        .bind(title)
        .bind(i32::try_from(position).unwrap())
        .execute(app.pool())
        .await
        .unwrap();
    }
    let visitor = Visitor::signed_in(app, "ada").await;
    (ada, application, visitor)
}

fn pane(application: &Application) -> String {
    format!("/applications/{}/credentials/sandbox", application.id)
}

/// Opens the form of credentials that there are.
async fn edit(app: &TestApp, (ada, application): (&Member, &Application), visitor: &mut Visitor) -> Page {
    if clients::get(&app.ctx, ada, application.id, Environment::Sandbox).await.unwrap().is_none() {
        clients::generate(&app.ctx, ada, application.id, Environment::Sandbox).await.unwrap();
    }
    let page = visitor.open(&pane(application)).await;
    visitor.follow(&page, "Change configurations").await
}

async fn stored(app: &TestApp, ada: &Member, application: &Application) -> ClientSettings {
    clients::get(&app.ctx, ada, application.id, Environment::Sandbox).await.unwrap().unwrap().settings
}

/// Details of the audit events of that name, oldest first.
async fn events(app: &TestApp, action: &str) -> Vec<Value> {
    sqlx::query_scalar("select detail from audit_events where action = $1 order by at, id")
        .bind(action)
        .fetch_all(app.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn credentials_are_generated_with_the_configurations_of_the_guide_and_updated_later() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = visitor.open(&pane(&application)).await;
    assert!(page.all("summary").contains(&"Advanced configurations".to_owned()));
    for legend in ["Grant types", "Public client", "PKCE for enhanced security", "Allowed scopes"] {
        assert!(page.all("legend").contains(&legend.to_owned()), "{legend}: {:?}", page.all("legend"));
    }
    let mut form = page.form("Generate Credentials");
    assert!(form.is_ticked("Client credentials") && form.is_ticked("Mandatory"));
    assert!(!form.is_ticked("Password") && !form.is_ticked("Implicit") && !form.is_ticked(PUBLIC));
    assert_eq!(form.value("Application access token expiry time"), "900");
    let form = form
        .tick("Authorization code")
        .tick("Refresh token New")
        .fill("Callback URLs", "https://shop.example/callback?x=1\r\ncom.example.shop:/callback\r\n")
        .fill("Application access token expiry time", "600")
        .fill("Refresh token expiry time", "3600")
        .fill("ID token expiry time", "120")
        .fill("Refresh token leeway", "0")
        .fill("Allowed origins", "https://admin.example:8443")
        .fill("Sign-out URLs", "https://shop.example/bye")
        .tick("Only these:")
        .tick("pets:read")
        .tick("openid");
    let page = visitor.submit(form).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(page.answer.header("cache-control"), "no-store");
    page.assert_shows("Copy your consumer secret now");
    let expected = ClientSettings {
        grant_types: vec![GrantType::ClientCredentials, GrantType::AuthorizationCode, GrantType::RefreshToken],
        redirect_uris: vec!["https://shop.example/callback?x=1".into(), "com.example.shop:/callback".into()],
        post_logout_redirect_uris: vec!["https://shop.example/bye".into()],
        cors_origins: vec!["https://admin.example:8443".into()],
        access_token_seconds: 600,
        refresh_token_seconds: 3600,
        id_token_seconds: 120,
        refresh_leeway_seconds: 0,
        scopes: Some(vec!["pets:read".into(), "openid".into()]),
        ..ClientSettings::default()
    };
    assert_eq!(stored(&app, &ada, &application).await, expected);
    let origins: Vec<String> =
        sqlx::query_scalar("select allowed_origins from clients").fetch_one(app.pool()).await.unwrap();
    assert_eq!(origins, ["https://admin.example:8443", "https://shop.example"]);

    // The pane says it all, and gives a command for each grant.
    let page = visitor.open(&pane(&application)).await;
    page.assert_shows("Client credentials Authorization code Refresh token");
    page.assert_shows("Refresh token expiry time 3,600 seconds");
    page.assert_shows("Callback URLs https://shop.example/callback?x=1 com.example.shop:/callback");
    page.assert_shows("Allowed scopes pets:read openid");
    let commands = page.all("pre");
    assert!(commands[0].contains("grant_type=client_credentials"), "{commands:?}");
    assert!(commands[1].contains("code_challenge_method=S256") && commands[1].contains("code_verifier=$VERIFIER"));
    assert!(commands[2].contains("grant_type=refresh_token"));

    // Changed later; what the form showed is what it sends.
    let page = visitor.follow(&page, "Change configurations").await;
    let form = page.form("Update").fill("Application access token expiry time", "900").tick("Support plain");
    let page = visitor.submit(form).await;
    assert_eq!(page.at, pane(&application));
    page.assert_shows("The settings are saved.");
    let expected = ClientSettings { access_token_seconds: 900, pkce_plain_allowed: true, ..expected };
    assert_eq!(stored(&app, &ada, &application).await, expected);

    // The trail names the fields and holds none of their values; what changes nothing leaves none.
    let page = visitor.follow(&page, "Change configurations").await;
    visitor.submit(page.form("Update")).await.assert_shows("The settings are saved.");
    let changed = json!({"environment": "sandbox", "changed": ["pkce_plain_allowed", "access_token_seconds"]});
    assert_eq!(events(&app, "client.configured").await, [changed]);
    let grants = json!(["client_credentials", "authorization_code", "refresh_token"]);
    let generated = json!({"environment": "sandbox", "grant_types": grants});
    assert_eq!(events(&app, "client.generated").await, [generated]);
}

#[tokio::test]
async fn every_wrong_field_is_told_at_once_and_nothing_that_was_typed_is_lost() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let before = stored_or_default(&app, &ada, &application).await;
    let typed = [
        ("Application access token expiry time", "59", "#access_token_seconds-e", "from 60 to 86400"),
        ("Refresh token expiry time", "2592001", "#refresh_token_seconds-e", "from 300 to 2592000"),
        ("ID token expiry time", "1.5", "#id_token_seconds-e", "from 60 to 86400"),
        ("Refresh token leeway", "61", "#refresh_leeway_seconds-e", "from 0 to 60"),
        (
            "Callback URLs",
            "https://*.example/\nhttps://b.example",
            "#redirect_uris-e",
            "https://*.example/ has a wildcard",
        ),
        ("Sign-out URLs", "http://a.example", "#post_logout_redirect_uris-e", "http://a.example uses http"),
        ("Allowed origins", "https://a.example/", "#cors_origins-e", "Write https://a.example."),
        ("Public keys", "-----BEGIN <PUBLIC> KEY-----", "#jwks-e", "Paste a JWK set"),
    ];
    for button in ["Generate Credentials", "Update"] {
        let page = match button {
            "Update" => edit(&app, (&ada, &application), &mut visitor).await,
            _ => visitor.open(&pane(&application)).await,
        };
        let mut form = page.form(button).untick("Client credentials").tick(PUBLIC).untick("Mandatory");
        form = form.tick("Only these:").tick("pets:write");
        for (label, text, ..) in typed {
            form = form.fill(label, text);
        }
        let page = visitor.submit(form).await;
        assert_eq!(page.status(), 422);
        assert_eq!(page.one("[data-summary]"), "Some fields need another look.");
        assert!(page.one("#grant_types-e").starts_with("Choose at least one grant type"));
        assert!(page.one("#pkce_mandatory-e").starts_with("A public client always needs PKCE"));
        let mut form = page.form(button);
        for (label, text, error, why) in typed {
            assert!(page.one(error).contains(why), "{label}: {}", page.one(error));
            assert_eq!(form.value(label), text);
            let field = error.trim_end_matches("-e");
            assert_eq!(page.attributes(field, "aria-invalid"), ["true"], "{label}");
        }
        assert!(form.is_ticked(PUBLIC) && form.is_ticked("Only these:") && form.is_ticked("pets:write"));
        assert!(!form.is_ticked("Mandatory") && !form.is_ticked("Client credentials"));
        assert_eq!(stored_or_default(&app, &ada, &application).await, before, "nothing is stored");
    }
}

async fn stored_or_default(app: &TestApp, ada: &Member, application: &Application) -> ClientSettings {
    let client = clients::get(&app.ctx, ada, application.id, Environment::Sandbox).await.unwrap();
    client.map(|client| client.settings).unwrap_or_default()
}

#[tokio::test]
async fn az_7_registration_refuses_fragments_wildcards_and_http_outside_loopback() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = edit(&app, (&ada, &application), &mut visitor).await;
    let form = || page.form("Update").tick("Authorization code");
    for (uris, why) in [
        ("", "at least one address"),
        ("https://a.example/cb#top", "has a fragment"),
        ("https://a.example/*", "has a wildcard"),
        ("http://a.example/cb", "uses http"),
        ("http://localhost.a.example/cb", "uses http"),
        ("https://ada:secret@a.example/cb", "has a user name"),
        ("/cb", "must begin with https://"),
        ("myapp://cb", "a scheme of your own that has a dot"),
        ("https://a.example/cb\njavascript:alert(1)", "javascript:alert(1) must begin with"),
    ] {
        for field in ["Callback URLs", "Sign-out URLs"] {
            if uris.is_empty() && field == "Sign-out URLs" {
                continue;
            }
            let good = form().fill("Callback URLs", "https://a.example/cb");
            let page = visitor.submit(good.fill(field, uris)).await;
            let errors = page.all("#redirect_uris-e, #post_logout_redirect_uris-e");
            assert_eq!((page.status(), errors.len()), (422, 1), "{uris}");
            assert!(errors[0].contains(why), "{uris}: {errors:?}");
        }
    }
    let many: Vec<String> = (0..21).map(|n| format!("https://a.example/{n}")).collect();
    let page = visitor.submit(form().fill("Callback URLs", &many.join("\n"))).await;
    assert_eq!(page.one("#redirect_uris-e"), "Enter at most 20 addresses; there are 21.");

    // What is taken is kept to the letter.
    let good = ["https://A.example:443/a/../b?x=%7e", "http://127.0.0.1/cb", "http://[::1]:7/", "com.example.app:/cb"];
    let page = visitor.submit(form().fill("Callback URLs", &good.join("\r\n"))).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(stored(&app, &ada, &application).await.redirect_uris, good);
}

#[tokio::test]
async fn pkce_6_a_confidential_application_may_switch_mandatory_off_and_a_public_one_may_not() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = edit(&app, (&ada, &application), &mut visitor).await;
    let form = |page: &Page| {
        page.form("Update").tick("Authorization code").fill("Callback URLs", "https://a.example/cb").untick("Mandatory")
    };
    let page = visitor.submit(form(&page)).await;
    page.assert_shows("The settings are saved.");
    page.assert_shows("PKCE for enhanced security Not mandatory, SHA-256");
    assert!(!stored(&app, &ada, &application).await.pkce_mandatory);

    let page = visitor.follow(&page, "Change configurations").await;
    let page = visitor.submit(form(&page).tick(PUBLIC).untick("Client credentials")).await;
    assert_eq!(page.status(), 422);
    assert!(page.one("#pkce_mandatory-e").contains("A public client always needs PKCE"));
    let page = visitor.submit(page.form("Update").tick("Mandatory").tick("Client credentials")).await;
    assert!(page.one("#grant_types-e").contains("A public client cannot use client credentials"));
    let page = visitor.submit(page.form("Update").untick("Client credentials")).await;
    page.assert_shows("A public client: it may get tokens without the consumer secret");
    let saved = stored(&app, &ada, &application).await;
    assert_eq!((saved.kind, saved.pkce_mandatory), (ClientKind::Public, true));
    let command = page.one("pre");
    assert!(command.contains("client_id=") && !command.contains("CONSUMER_SECRET"), "{command}");
}

#[tokio::test]
async fn the_password_and_implicit_grants_are_warned_of_and_an_instance_may_forbid_them() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = edit(&app, (&ada, &application), &mut visitor).await;
    page.assert_shows("Password Less secure: the application itself handles the user's name and password.");
    page.assert_shows("Implicit Not recommended: the access token is exposed in the address of the page");
    visitor.submit(page.form("Update").tick("Password")).await.assert_shows("The settings are saved.");
    assert!(stored(&app, &ada, &application).await.has(GrantType::Password));

    let strict = TestApp::start_with(|config| config.oauth.legacy_grants = false).await;
    let (ada, application, mut visitor) = arrange(&strict).await;
    let page = edit(&strict, (&ada, &application), &mut visitor).await;
    assert_eq!(page.attributes("input[disabled]", "value"), ["password", "implicit"]);
    assert!(!page.form("Update").has("Password"));
    let forged = visitor.post(&page.at, &[("grant_types", "password")]).await;
    assert_eq!(forged.status, 422);
    assert!(forged.text().contains("This portal does not allow the password and implicit grants."));
    // What was chosen before the portal forbade it can be given up, and nothing else is in its way.
    sqlx::query("update clients set grant_types = '{client_credentials,password}'")
        .execute(strict.pool())
        .await
        .unwrap();
    let page = visitor.open(&format!("{}/settings", pane(&application))).await;
    let mut form = page.form("Update");
    assert!(form.is_ticked("Password"));
    assert_eq!(visitor.submit(form).await.status(), 422);
    visitor.submit(page.form("Update").untick("Password")).await.assert_shows("The settings are saved.");
    assert_eq!(stored(&strict, &ada, &application).await.grant_types, [GrantType::ClientCredentials]);
}

#[tokio::test]
async fn a_refresh_token_alone_makes_no_sense() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = edit(&app, (&ada, &application), &mut visitor).await;
    let page = visitor.submit(page.form("Update").untick("Client credentials").tick("Refresh token New")).await;
    assert!(page.one("#grant_types-e").starts_with("A refresh token comes along with another grant."));
}

#[tokio::test]
async fn scopes_are_those_of_the_subscribed_apis_and_one_that_has_gone_stays_until_it_is_unticked() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = edit(&app, (&ada, &application), &mut visitor).await;
    let offered = page.attributes("input[name=scopes]", "value");
    assert_eq!(offered, ["pets:read", "pets:write", "openid", "profile", "email", "offline_access"]);
    page.assert_shows("pets:read See pets");
    visitor.submit(page.form("Update").tick("Only these:").tick("pets:read").tick("pets:write")).await;
    let forged = [("grant_types", "client_credentials"), ("scopes_of", "chosen"), ("scopes", "pets:rule")];
    let answer = visitor.post(&format!("{}/settings", pane(&application)), &forged).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("No API of this application has the scope pets:rule."));

    sqlx::query("delete from api_scopes where name = 'pets:write'").execute(app.pool()).await.unwrap();
    let page = visitor.open(&format!("{}/settings", pane(&application))).await;
    page.assert_shows("No longer of any API here pets:write");
    visitor.submit(page.form("Update").fill("ID token expiry time", "100")).await.assert_shows("saved");
    assert_eq!(stored(&app, &ada, &application).await.scopes.unwrap(), ["pets:read", "pets:write"]);
    visitor.submit(page.form("Update").untick("pets:write").untick("pets:read")).await.assert_shows("saved");
    assert_eq!(stored(&app, &ada, &application).await.scopes, Some(Vec::new()));
}

#[tokio::test]
async fn only_public_keys_are_taken() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = edit(&app, (&ada, &application), &mut visitor).await;
    let public = json!({"keys": [{
        "kty": "EC", "crv": "P-256", "kid": "first", "use": "sig",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }]});
    let mut private = public.clone();
    private["keys"][0]["d"] = json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let page = visitor.submit(page.form("Update").fill("Public keys", &private.to_string())).await;
    assert_eq!(page.status(), 422);
    assert!(page.one("#jwks-e").starts_with("Key 1 is private or shared. Paste public keys only"));
    let page = visitor.submit(page.form("Update").fill("Public keys", &public.to_string())).await;
    page.assert_shows("Public keys first");
    assert_eq!(stored(&app, &ada, &application).await.jwks, Some(public));
    assert!(!events(&app, "client.configured").await[0].to_string().contains("f83OJ3D2"));
    let page = visitor.follow(&page, "Change configurations").await;
    visitor.submit(page.form("Update").fill("Public keys", " ")).await;
    assert_eq!(stored(&app, &ada, &application).await.jwks, None);
}

#[tokio::test]
async fn readers_see_the_values_and_no_form_and_production_takes_its_role() {
    let app = TestApp::start().await;
    let (ada, application, mut visitor) = arrange(&app).await;
    let page = edit(&app, (&ada, &application), &mut visitor).await;
    let form = page.form("Update").tick("Authorization code").fill("Callback URLs", "https://a.example/cb");
    visitor.submit(form).await.assert_shows("saved");
    make::developer(&app, "reader").await;
    shop::share(&app, &application, "reader@example.com").await;
    let mut reader = Visitor::signed_in(&app, "reader").await;
    let page = reader.open(&pane(&application)).await;
    page.assert_shows("Callback URLs https://a.example/cb");
    assert_eq!(page.attributes("main form", "action"), Vec::<String>::new());
    assert!(!page.shows("Change configurations"));
    let settings = format!("{}/settings", pane(&application));
    assert_eq!(reader.peek(&settings).await.status, 403);
    assert_eq!(reader.post(&settings, &[]).await.status, 403);

    clients::generate(&app.ctx, &ada, application.id, Environment::Production).await.unwrap();
    sqlx::query("delete from role_grants where role = 'production'").execute(app.pool()).await.unwrap();
    let production = format!("/applications/{}/credentials/production", application.id);
    let page = visitor.open(&production).await;
    page.assert_shows("Application access token expiry time 900 seconds");
    assert!(!page.shows("Change configurations"));
    assert_eq!(visitor.peek(&format!("{production}/settings")).await.status, 403);
    assert_eq!(visitor.post(&format!("{production}/settings"), &[]).await.status, 403);
}
