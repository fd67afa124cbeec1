//! META: what the server says about itself.

use crate::oauth::register;
use crate::support::app::TestApp;
use crate::support::http::{get, post_form};
use portico::base::environment::Environment;
use portico::base::jwt::Algorithm;
use serde_json::{Value, json};

const METADATA: &str = "/.well-known/oauth-authorization-server";
const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn metadata(app: &TestApp) -> Value {
    get(&format!("http://{}{METADATA}", app.app.portal), &[]).await.json()
}

/// The members that name a URL.
fn urls(metadata: &Value) -> Vec<(String, String)> {
    let members = metadata.as_object().unwrap().iter();
    let urls = members.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    urls.map(|(name, url)| (name.clone(), url.as_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn meta_1_meta_2_both_documents_are_one_and_have_every_required_member() {
    let app = TestApp::start().await;
    let (first, second) = (get(&app.portal(METADATA), &[]).await, get(&app.portal(DISCOVERY), &[]).await);
    for answer in [&first, &second] {
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    }
    assert_eq!(first.body, second.body);
    // OIDC Discovery §3, RFC 8414 §2.
    let required = [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ];
    let json = first.json();
    for member in required {
        assert!(!json[member].is_null(), "{member}");
    }
}

#[tokio::test]
async fn meta_1_meta_3_the_issuer_is_the_public_url_to_the_byte() {
    let issuer = "https://Portal.example.com:8443";
    let app = TestApp::start_with(|config| config.portal.public_url = Some(issuer.to_owned())).await;
    let json = metadata(&app).await;
    assert_eq!(json["issuer"], issuer);
    for (member, url) in urls(&json) {
        assert!(url.starts_with(&format!("{issuer}/")), "{member}: {url}");
    }
}

#[tokio::test]
async fn meta_3_every_endpoint_has_an_absolute_address_at_which_something_answers() {
    let app = TestApp::start().await;
    let urls = urls(&metadata(&app).await);
    assert_eq!(urls.len(), 8);
    for (member, url) in urls {
        let parsed: url::Url = url.parse().unwrap();
        assert!(parsed.scheme() == "https" || parsed.host_str() == Some("127.0.0.1"), "{member}: {url}");
        assert_eq!((parsed.fragment(), parsed.query()), (None, None), "{member}: {url}");
        let answer = if member == "jwks_uri" { get(&url, &[]).await } else { post_form(&url, &[], &[]).await };
        assert_ne!(answer.status, 404, "{member}");
        assert!(!answer.status.is_server_error(), "{member}");
    }
}

/// Everything that the server says about itself.
fn expected(app: &TestApp) -> Value {
    let assertion = json!(["ES256", "RS256", "PS256", "EdDSA"]);
    json!({
        "issuer": app.app.urls.portal,
        "authorization_endpoint": app.portal("/oauth2/authorize"),
        "token_endpoint": app.portal("/oauth2/token"),
        "userinfo_endpoint": app.portal("/oauth2/userinfo"),
        "jwks_uri": app.portal("/oauth2/jwks"),
        "revocation_endpoint": app.portal("/oauth2/revoke"),
        "introspection_endpoint": app.portal("/oauth2/introspect"),
        "device_authorization_endpoint": app.portal("/oauth2/device_authorization"),
        "end_session_endpoint": app.portal("/oauth2/logout"),
        "grant_types_supported": [
            "client_credentials", "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
            "password", "implicit",
        ],
        "response_types_supported": ["code", "token", "id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": assertion,
        "revocation_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": assertion,
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": assertion,
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    })
}

#[tokio::test]
async fn meta_4_meta_5_the_metadata_says_what_works_and_nothing_else() {
    let app = TestApp::start().await;
    assert_eq!(metadata(&app).await, expected(&app));

    let modern = TestApp::start_with(|config| {
        config.oauth.legacy_grants = false;
        config.oauth.id_token_algorithm = Algorithm::Es256;
    });
    let modern = modern.await;
    let mut expected = expected(&modern);
    expected["grant_types_supported"] = json!([
        "client_credentials",
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ]);
    expected["response_types_supported"] = json!(["code"]);
    expected["id_token_signing_alg_values_supported"] = json!(["ES256"]);
    assert_eq!(metadata(&modern).await, expected);
}

#[tokio::test]
async fn meta_6_plain_challenges_are_named_while_some_client_may_use_them() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let methods = async || metadata(&app).await["code_challenge_methods_supported"].clone();
    assert_eq!(methods().await, json!(["S256"]));
    let etag = app.app.issuer.metadata().etag;
    client.configure(&app, |settings| settings.pkce_plain_allowed = true).await;
    assert_eq!(methods().await, json!(["S256", "plain"]));
    assert_ne!(app.app.issuer.metadata().etag, etag);
    client.configure(&app, |settings| settings.pkce_plain_allowed = false).await;
    assert_eq!(methods().await, json!(["S256"]));
}

#[tokio::test]
async fn meta_8_everybody_may_read_metadata_and_keys_and_keep_them_for_a_while() {
    let app = TestApp::start().await;
    for path in [METADATA, DISCOVERY, "/oauth2/jwks"] {
        let first = get(&app.portal(path), &[("origin", "https://shop.example")]).await;
        assert_eq!(first.header("access-control-allow-origin"), "*");
        assert_eq!(first.header("cache-control"), "public, max-age=600");
        assert_eq!(first.header("set-cookie"), "");
        let etag = first.header("etag").to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
            let again = get(&app.portal(path), &[("if-none-match", &known)]).await;
            assert_eq!((again.status.as_u16(), again.header("etag"), again.body.len()), (304, &*etag, 0));
            assert_eq!(again.header("access-control-allow-origin"), "*");
        }
        assert_eq!(get(&app.portal(path), &[("if-none-match", "\"other\"")]).await.body, first.body);
    }
}
