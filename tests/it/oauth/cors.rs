//! TOK-11: which pages of other origins may read what the endpoints answer.

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::tokens::Client;
use crate::support::{make, shop};
use ::http::Method;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::{ClientKind, GrantType};

/// Of the client's redirect URI, and one that its owner has added.
const ORIGINS: [&str; 2] = ["https://spa.example", "https://tools.example:8443"];
/// Of a client of another application.
const OTHERS: &str = "https://other.example";
const STRANGE: &str = "https://evil.example";
const ENDPOINTS: [(&str, &str); 4] = [
    ("/oauth2/token", "POST"),
    ("/oauth2/revoke", "POST"),
    ("/oauth2/device_authorization", "POST"),
    ("/oauth2/userinfo", "GET, POST"),
];

/// A public client of one application and a confidential one of another, each with its origins.
async fn instance() -> (TestApp, Client, Client) {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    make::member(&app, "bob", &[]).await;
    let mut clients = Vec::new();
    for (name, redirect, added) in
        [("Spa", "https://spa.example/callback", &ORIGINS[1..]), ("Other", "https://other.example/cb", &[])]
    {
        let application = shop::application(&app, &ada, name).await;
        let client = Client::of(&app, &ada, application.id, Environment::Sandbox).await;
        client
            .configure(&app, |settings| {
                settings.grant_types.extend([GrantType::AuthorizationCode, GrantType::DeviceCode]);
                settings.redirect_uris = vec![redirect.to_owned()];
                settings.cors_origins = added.iter().map(|origin| (*origin).to_owned()).collect();
                if name == "Spa" {
                    settings.kind = ClientKind::Public;
                    settings.grant_types.retain(|grant| *grant != GrantType::ClientCredentials);
                }
            })
            .await;
        clients.push(client);
    }
    let other = clients.pop().unwrap();
    (app, clients.pop().unwrap(), other)
}

async fn preflight(app: &TestApp, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    http::send(Method::OPTIONS, &app.portal(path), &headers, "").await
}

/// The origin that may read the answer, which must depend on who asks, and never be read with cookies.
#[track_caller]
fn reader(answer: &Answer) -> Option<String> {
    let varies = answer.headers.get_all("vary").iter().any(|value| value.to_str().unwrap().contains("origin"));
    assert!(varies, "{:?}", answer.headers);
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    answer.headers.get("access-control-allow-origin").map(|origin| origin.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn tok_11_a_preflight_is_answered_for_an_origin_that_some_client_has() {
    let (app, _, _) = instance().await;
    for (path, methods) in ENDPOINTS {
        for origin in [ORIGINS[0], ORIGINS[1], OTHERS] {
            let answer = preflight(&app, path, origin).await;
            assert_eq!((answer.status.as_u16(), &*answer.text()), (204, ""));
            assert_eq!(reader(&answer).as_deref(), Some(origin));
            assert_eq!(answer.header("access-control-allow-methods"), methods);
            assert_eq!(answer.header("access-control-allow-headers"), "authorization, content-type");
            assert_eq!(answer.header("access-control-max-age"), "600");
        }
        let long = format!("https://{}.example", "x".repeat(1000));
        for origin in
            [STRANGE, "null", "*", "", "https://spa.example/", "http://spa.example", "HTTPS://SPA.EXAMPLE", &long]
        {
            let answer = preflight(&app, path, origin).await;
            assert_eq!((answer.status.as_u16(), reader(&answer)), (204, None), "{origin}");
            assert!(!answer.headers.contains_key("access-control-allow-methods"));
        }
    }
}

#[tokio::test]
async fn tok_11_only_pages_of_the_client_read_what_it_was_granted() {
    let (app, spa, other) = instance().await;
    let login = [
        ("grant_type", "password"),
        ("client_id", &spa.id),
        ("username", "bob@example.com"),
        ("password", make::PASSWORD),
        ("scope", "openid"),
    ];
    for (origin, read) in [(ORIGINS[0], true), (ORIGINS[1], true), (OTHERS, false), (STRANGE, false), ("null", false)] {
        let answer = http::post_form(&app.portal("/oauth2/token"), &[("origin", origin)], &login).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let expected = read.then(|| origin.to_owned());
        assert_eq!(reader(&answer), expected);
        let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
        let headers = [("origin", origin), ("authorization", &*bearer)];
        let answer = http::get(&app.portal("/oauth2/userinfo"), &headers).await;
        assert_eq!((answer.status.as_u16(), reader(&answer)), (200, expected.clone()));
        let device = [("client_id", &*spa.id)];
        let answer = http::post_form(&app.portal("/oauth2/device_authorization"), &[("origin", origin)], &device).await;
        assert_eq!((answer.status.as_u16(), reader(&answer)), (200, expected), "{}", answer.text());
    }
    let headers = [("origin", OTHERS), ("authorization", &*other.basic())];
    let form = [("grant_type", "client_credentials")];
    let answer = http::post_form(&app.portal("/oauth2/token"), &headers, &form).await;
    assert_eq!((answer.status.as_u16(), reader(&answer).as_deref()), (200, Some(OTHERS)));
    let answer = http::post_form(&app.portal("/oauth2/token"), &headers[1..], &form).await;
    assert_eq!((answer.status.as_u16(), reader(&answer)), (200, None), "nobody's page has asked");
}

#[tokio::test]
async fn tok_11_refusals_are_readable_and_betray_no_client() {
    let (app, spa, _) = instance().await;
    let unknown = "AAAAAAAAAAAAAAAAAAAAAAAA";
    let wrong = |id| [("grant_type", "password"), ("client_id", id), ("client_secret", "wrong")];
    for origin in [ORIGINS[0], OTHERS] {
        let token = app.portal("/oauth2/token");
        let headers = [("origin", origin)];
        let known = http::post_form(&token, &headers, &wrong(&spa.id)).await;
        let unknown = http::post_form(&token, &headers, &wrong(unknown)).await;
        assert_eq!((known.status.as_u16(), reader(&known).as_deref()), (401, Some(origin)));
        assert_eq!(known.header("access-control-expose-headers"), "retry-after, www-authenticate");
        let mut heads = [known.headers, unknown.headers];
        for head in &mut heads {
            head.remove("date");
        }
        assert_eq!(without_id(&heads[0]), without_id(&heads[1]));
        assert_eq!(known.body, unknown.body);
        let answers = [
            http::send(Method::POST, &token, &headers, "{}").await,
            http::post_form(&token, &headers, &[("client_id", &spa.id)]).await,
            http::post_form(&app.portal("/oauth2/revoke"), &headers, &[("client_id", &spa.id)]).await,
            http::get(&app.portal("/oauth2/userinfo"), &headers).await,
        ];
        for answer in answers {
            assert!(answer.status.is_client_error());
            assert_eq!(reader(&answer).as_deref(), Some(origin));
        }
    }
    let answer = http::post_form(&app.portal("/oauth2/token"), &[("origin", STRANGE)], &wrong(&spa.id)).await;
    assert_eq!(reader(&answer), None);
}

fn without_id(head: &::http::HeaderMap) -> ::http::HeaderMap {
    let mut head = head.clone();
    head.remove("x-request-id");
    head
}

#[tokio::test]
async fn tok_11_what_is_public_is_for_all_and_the_rest_for_no_page() {
    let (app, _, other) = instance().await;
    let headers = [("origin", OTHERS)];
    for path in ["/.well-known/oauth-authorization-server", "/oauth2/jwks"] {
        let answer = http::get(&app.portal(path), &headers).await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, "*"));
    }
    let headers = [("origin", OTHERS), ("authorization", &*other.basic())];
    let answers = [
        http::post_form(&app.portal("/oauth2/introspect"), &headers, &[("token", "x")]).await,
        preflight(&app, "/oauth2/introspect", OTHERS).await,
        http::get(&app.portal("/oauth2/authorize"), &headers).await,
        preflight(&app, "/oauth2/authorize", OTHERS).await,
        http::get(&app.portal("/sign-in"), &headers).await,
    ];
    for answer in answers {
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{answer:?}");
    }
}
