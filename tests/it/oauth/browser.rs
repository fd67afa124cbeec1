//! The whole story in a real browser: an application sends a user to Portico and gets them back with a code, calls an
//! API in their name, finds its consent remembered, and signs them out. The application is on another site than the
//! portal, so that what browsers do to cookies and to redirects after forms counts. With JavaScript and without.

use crate::oauth::{Registered, basic, part, register};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::http;
use crate::support::upstream::Upstream;
use crate::support::{make, scoped};
use axum::Router;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::GrantType;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

const ENVIRONMENT: Environment = Environment::Sandbox;
const SCOPE: &str = "openid profile zoo:read";

/// An application with a server of its own: a small one, but it checks what it must.
struct RelyingParty {
    portal: String,
    call: String,
    /// Where it is itself.
    origin: String,
    id: String,
    secret: String,
    /// State and verifier of the sign-ins that have begun.
    begun: Mutex<HashMap<String, String>>,
    id_token: Mutex<String>,
}

type Shop = Arc<RelyingParty>;

impl RelyingParty {
    fn callback(&self) -> String {
        format!("{}/callback", self.origin)
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let headers = [("authorization", basic(&self.id, &self.secret))];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = http::post_form(&format!("{}{path}", self.portal), &headers, form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Serves at a free port of `localhost`, which is another site than `127.0.0.1`.
    fn start(listener: tokio::net::TcpListener, shop: Shop) {
        let routes = Router::new()
            .route("/", get(sign_in))
            .route("/callback", get(arrived_in_query).post(arrived_in_form))
            .route("/sign-out", get(sign_out))
            .route("/bye", get(async |RawQuery(query)| Html(format!("<h1>Bye</h1><p>{}</p>", query.unwrap()))))
            .route("/favicon.ico", get(StatusCode::NO_CONTENT))
            .with_state(shop);
        tokio::spawn(async { axum::serve(listener, routes).await });
    }
}

/// Sends the browser to the portal; the query goes along.
async fn sign_in(State(shop): State<Shop>, RawQuery(more): RawQuery) -> Response {
    let number = shop.begun.lock().unwrap().len();
    let (state, verifier) = (format!("state {number}"), format!("{number:0>43}"));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    shop.begun.lock().unwrap().insert(state.clone(), verifier);
    let query = url::form_urlencoded::Serializer::new(more.map_or(String::new(), |more| format!("{more}&")))
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", &shop.id),
            ("redirect_uri", &shop.callback()),
            ("scope", SCOPE),
            ("state", &state),
            ("nonce", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    Redirect::to(&format!("{}/oauth2/authorize?{query}", shop.portal)).into_response()
}

async fn arrived_in_query(State(shop): State<Shop>, RawQuery(query): RawQuery) -> Response {
    arrived(&shop, query.unwrap().as_bytes()).await
}

async fn arrived_in_form(State(shop): State<Shop>, RawForm(form): RawForm) -> Response {
    arrived(&shop, &form).await
}

/// Exchanges the code and calls the API with what it gets.
async fn arrived(shop: &Shop, answer: &[u8]) -> Response {
    let answer: HashMap<String, String> = url::form_urlencoded::parse(answer).into_owned().collect();
    if let Some(error) = answer.get("error") {
        return Html(format!("<h1>Refused</h1><p>{error}</p>")).into_response();
    }
    assert_eq!(answer["iss"], shop.portal);
    let verifier = shop.begun.lock().unwrap()[&answer["state"]].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &answer["code"]),
        ("redirect_uri", &shop.callback()),
        ("code_verifier", &verifier),
    ];
    let tokens = shop.post("/oauth2/token", &form).await;
    assert_eq!(tokens["scope"], SCOPE);
    let id_token = tokens["id_token"].as_str().unwrap();
    assert_eq!(part(id_token, 1)["nonce"], answer["state"]);
    id_token.clone_into(&mut shop.id_token.lock().unwrap());
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let called = http::get(&shop.call, &[("authorization", &bearer)]).await;
    assert_eq!(called.status, 200, "{}", called.text());
    let user = http::get(&format!("{}/oauth2/userinfo", shop.portal), &[("authorization", &bearer)]).await.json();
    Html(format!("<h1>Welcome</h1><p>{} {}</p>", user["name"].as_str().unwrap(), called.text())).into_response()
}

async fn sign_out(State(shop): State<Shop>) -> Response {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("id_token_hint", &*shop.id_token.lock().unwrap().clone()),
            ("post_logout_redirect_uri", &format!("{}/bye", shop.origin)),
            ("state", "done"),
        ])
        .finish();
    Redirect::to(&format!("{}/oauth2/logout?{query}", shop.portal)).into_response()
}

/// The portal, an API with scopes, and the application.
async fn open() -> (TestApp, Upstream, Registered, Shop) {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    scoped::publish(&app, &format!("http://{}", backend.address)).await;
    let client = register(&app, ENVIRONMENT).await;
    scoped::subscribe(&app, &client.member, client.application).await;
    make::member(&app, "bob", &[]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let shop = Arc::new(RelyingParty {
        portal: app.portal(""),
        call: app.gateway(ENVIRONMENT, "/parks/zoo/v1/animals"),
        origin: origin.clone(),
        id: client.id.clone(),
        secret: client.secret.clone(),
        begun: Mutex::default(),
        id_token: Mutex::default(),
    });
    RelyingParty::start(listener, Arc::clone(&shop));
    client
        .configure(&app, |settings| {
            settings.grant_types = vec![GrantType::AuthorizationCode];
            settings.redirect_uris = vec![format!("{origin}/callback")];
            settings.post_logout_redirect_uris = vec![format!("{origin}/bye")];
        })
        .await;
    (app, backend, client, shop)
}

/// What the page says; it must have been reached without a word on the console.
async fn page(browser: &Browser, heading: &str) -> String {
    browser.wait_until(&format!("return document.querySelector('h1')?.innerText === {}", json!(heading))).await;
    assert_eq!(browser.console().await, Vec::<String>::new(), "{heading}");
    browser.script("return document.body.innerText", json!([])).await.as_str().unwrap().to_owned()
}

async fn sign_in_as_bob(browser: &Browser) {
    page(browser, "Sign in").await;
    browser.type_into("input[type=email]", "bob@example.com").await;
    browser.type_into("input[type=password]", make::PASSWORD).await;
    browser.click("main form button").await;
}

async fn tell(browser: &Browser) {
    let (_app, backend, _client, shop) = open().await;
    let home = format!("{}/", shop.origin);

    // To the portal, through sign-in and consent, and back with a code that is good.
    browser.open(&home).await;
    sign_in_as_bob(browser).await;
    let consent = page(browser, "Let Shop act for you?").await;
    for words in ["ada", "zoo:read", "localhost", "bob@example.com"] {
        assert!(consent.contains(words), "{words} is not in {consent}");
    }
    browser.click("button[value=allow]").await;
    assert!(page(browser, "Welcome").await.contains("bob hello"));
    assert!(browser.url().await.starts_with(&shop.callback()));
    assert_eq!(backend.seen().len(), 1);

    // The second time nothing is asked: neither the password nor consent. The answer may also come in a form.
    browser.open(&home).await;
    page(browser, "Welcome").await;
    browser.open(&format!("{home}?response_mode=form_post")).await;
    form_arrives(browser).await;
    assert_eq!(browser.url().await, shop.callback());
    browser.open(&format!("{home}?prompt=none")).await;
    page(browser, "Welcome").await;

    // Whoever says no is taken back as well.
    browser.open(&format!("{home}?prompt=consent")).await;
    page(browser, "Let Shop act for you?").await;
    browser.click("button[value=deny]").await;
    assert!(page(browser, "Refused").await.contains("access_denied"));

    // Signed out by the application, and so signed out of the portal.
    browser.open(&format!("{}/sign-out", shop.origin)).await;
    assert!(page(browser, "Bye").await.contains("state=done"));
    browser.open(&format!("{home}?prompt=none")).await;
    assert!(page(browser, "Refused").await.contains("login_required"));
    browser.open(&home).await;
    sign_in_as_bob(browser).await;
    page(browser, "Welcome").await;
}

/// The form that carries an answer: the script sends it, or a person does.
async fn form_arrives(browser: &Browser) {
    for _ in 0..100 {
        let heading = browser.script("return document.querySelector('h1')?.innerText", json!([])).await;
        if heading == "Welcome" {
            return;
        }
        if heading == "Back to the application" && !browser.runs_scripts() {
            browser.click("main form button").await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    page(browser, "Welcome").await;
}

#[tokio::test]
async fn az_1_az_22_az_27_out_1_an_application_signs_a_user_in_calls_an_api_and_signs_them_out_in_a_browser() {
    tell(&Browser::start().await).await;
}

#[tokio::test]
async fn az_1_az_22_az_27_out_1_the_same_without_javascript() {
    let mut browser = Browser::start().await;
    browser.without_scripts().await;
    tell(&browser).await;
}
