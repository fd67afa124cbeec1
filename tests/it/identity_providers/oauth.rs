//! Signing in with a provider on the way to an application, and with another Portico as the provider.

use crate::support::app::TestApp;
use crate::support::op::{Away, Op, encode};
use crate::support::tokens::Client;
use crate::support::visitor::{Stop, Visitor};
use crate::support::{make, shop, tls};
use portico::base::environment::Environment;
use portico::config::IdentityProvider;
use portico::domain::credentials::client_model::GrantType;

const CALLBACK: &str = "https://shop.example/callback";

pub(super) async fn client(app: &TestApp, callback: &str) -> Client {
    let owner = make::developer(app, "owner").await;
    let application = shop::application(app, &owner, "Shop").await.id;
    let client = Client::of(app, &owner, application, Environment::Sandbox).await;
    let callback = callback.to_owned();
    client
        .configure(app, |settings| {
            settings.grant_types = vec![GrantType::AuthorizationCode];
            settings.redirect_uris = vec![callback];
        })
        .await;
    client
}

pub(super) fn request(client: &Client, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", client.id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "a state"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    pairs.extend(more);
    format!("/oauth2/authorize?{}", encode(&pairs))
}

#[tokio::test]
async fn an_application_gets_a_user_who_signed_in_with_a_provider() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let client = client(&app, CALLBACK).await;
    let mut ada = Visitor::new(&app);
    let page = ada.go(&request(&client, &[])).await.here();
    let policy = page.answer.header("content-security-policy").to_owned();
    assert!(policy.ends_with("form-action 'self' https: http:"), "{policy}");
    let away = Op::away(&mut ada, &page).await;
    assert_eq!(away.parameters.get("prompt"), None);
    // A fault on the way leads back to the same request.
    let fault = ada.go(&away.refused("access_denied", &op.issuer())).await.here();
    let page = ada.follow(&fault, "To sign in").await;
    assert_eq!(page.one("h1"), "Sign in");
    let away = Op::away(&mut ada, &page).await;
    let answer = ada.peek(op.back(&away, &app).strip_prefix(&app.portal("")).unwrap()).await;
    assert_eq!(answer.header("cross-origin-opener-policy"), "unsafe-none", "a pop-up window stays connected");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let consent = ada.open(answer.header("location")).await;
    consent.assert_shows("Shop");
    let left = ada.send_form(consent.form("Allow")).await.left();
    assert!(left.starts_with(&format!("{CALLBACK}?code=")), "{left}");

    // Somebody who has to prove it anew has to do so at the provider, and is believed then.
    let page = ada.go(&request(&client, &[("prompt", "login")])).await.here();
    let away = Op::away(&mut ada, &page).await;
    assert_eq!(away.parameters.get("prompt").map(String::as_str), Some("login"));
    let Stop::Left(left) = ada.go(&op.back(&away, &app)).await else { panic!("asked again") };
    assert!(left.starts_with(&format!("{CALLBACK}?code=")), "{left}");
}

/// Everything but the address is taken from another Portico, for it does not say whether it has checked addresses.
#[tokio::test]
async fn another_portico_is_a_provider() {
    let staff = TestApp::start().await;
    make::member(&staff, "ada", &[]).await;
    let client = client(&staff, CALLBACK).await;
    let (issuer, id, secret) = (staff.portal(""), client.id.clone(), client.secret.clone());
    let app = TestApp::start_with(|config| {
        let provider = IdentityProvider {
            title: Some("Acme".to_owned()),
            issuer,
            client_id: id,
            client_secret: Some(secret),
            ..IdentityProvider::default()
        };
        config.identity_providers.insert("acme".to_owned(), provider);
    })
    .await;
    let callback = app.portal("/sign-in/with/acme/callback");
    client.configure(&staff, |settings| settings.redirect_uris = vec![callback.clone()]).await;

    let mut here = Visitor::new(&app);
    let mut there = Visitor::signed_in(&staff, "ada").await;
    let mut come = async || {
        let page = here.open("/sign-in").await;
        let Away { to, .. } = Op::away(&mut here, &page).await;
        let back = match there.go(&to).await {
            Stop::Left(back) => back,
            Stop::Here(consent) => there.send_form(consent.form("Allow")).await.left(),
        };
        assert!(back.starts_with(&callback), "{back}");
        here.go(&back).await.here()
    };
    let page = come().await;
    assert_eq!((page.status(), page.one("h1").as_str()), (403, "Acme does not vouch for your e-mail address"));
    // Known by the subject, which is all that an account that is there needs.
    let dana = make::developer(&app, "dana").await;
    let subject: uuid::Uuid = sqlx::query_scalar("select id from users where email = 'ada@example.com'")
        .fetch_one(staff.pool())
        .await
        .unwrap();
    let insert = "insert into identities (provider, subject, user_id, linked_at, last_used_at)
        values ('acme', $1, $2, now(), now())";
    sqlx::query(insert).bind(subject.to_string()).bind(dana.id.0).execute(app.pool()).await.unwrap();
    assert_eq!(come().await.status(), 200);
    here.open("/account").await.assert_shows("dana@example.com");
}

#[tokio::test]
async fn a_provider_is_believed_by_its_certificate() {
    let staff = TestApp::start_with(|config| config.portal.tls = tls::listener("listener")).await;
    for (roots, status) in [(Some("ca"), 303), (Some("other-ca"), 503), (None, 503)] {
        let issuer = staff.portal("");
        let app = TestApp::start_with(|config| {
            let provider = IdentityProvider {
                issuer,
                client_id: "portal".to_owned(),
                client_secret: Some("secret".to_owned()),
                roots: roots.map(|name| tls::fixture(&format!("{name}.pem"))),
                ..IdentityProvider::default()
            };
            config.identity_providers.insert("acme".to_owned(), provider);
        })
        .await;
        let answer = Visitor::new(&app).post("/sign-in/with/acme", &[]).await;
        assert_eq!(answer.status, status, "{roots:?}");
        let goes_there = answer.header("location").starts_with(&staff.portal("/oauth2/authorize?"));
        assert_eq!(goes_there, status == 303);
    }
}
