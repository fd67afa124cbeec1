//! META: what the server says about itself.

use crate::support::app::TestApp;
use crate::support::http::get;
use serde_json::json;

const METADATA: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn meta_2_meta_3_meta_4_the_metadata_says_what_works_and_nothing_else() {
    let app = TestApp::start().await;
    let answer = get(&app.portal(METADATA), &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let expected = json!({
        "issuer": app.app.urls.portal,
        "token_endpoint": app.portal("/oauth2/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "jwks_uri": app.portal("/oauth2/jwks"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
    });
    assert_eq!(answer.json(), expected);
    // OpenID Connect Discovery requires an authorization endpoint. Until there is one, there is no such document.
    assert_eq!(get(&app.portal("/.well-known/openid-configuration"), &[]).await.status, 404);
}

#[tokio::test]
async fn meta_1_meta_3_the_issuer_is_the_public_url_to_the_byte() {
    let issuer = "https://Portal.example.com:8443";
    let app = TestApp::start_with(|config| config.portal.public_url = Some(issuer.to_owned())).await;
    let json = get(&format!("http://{}{METADATA}", app.app.portal), &[]).await.json();
    assert_eq!(json["issuer"], issuer);
    assert_eq!(json["token_endpoint"], format!("{issuer}/oauth2/token"));
    assert_eq!(json["jwks_uri"], format!("{issuer}/oauth2/jwks"));
}

#[tokio::test]
async fn meta_8_everybody_may_read_metadata_and_keys_and_keep_them_for_a_while() {
    let app = TestApp::start().await;
    for path in [METADATA, "/oauth2/jwks"] {
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
