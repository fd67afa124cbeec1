//! IMP: tokens in the fragment, where application and instance allow it.

use crate::oauth::authorize::{Sent, Stage, agree, ask, refused};
use crate::oauth::{jwks, part};
use crate::support::app::TestApp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portico::domain::credentials::client_model::GrantType;
use sha2::{Digest as _, Sha256};

async fn stage() -> Stage {
    let stage = Stage::set_in(TestApp::start_with(|config| config.oauth.legacy_grants = true).await).await;
    stage.configure(|settings| settings.grant_types = vec![GrantType::Implicit, GrantType::AuthorizationCode]).await;
    stage
}

impl Stage {
    fn implicit(&self, changes: &[(&str, &str)]) -> String {
        let mut all = vec![("response_type", "token"), ("code_challenge", ""), ("code_challenge_method", "")];
        all.extend(changes);
        self.request(&all)
    }
}

#[tokio::test]
async fn imp_1_token_type_lifetime_state_and_issuer_come_in_the_fragment_without_a_refresh_token() {
    let stage = stage().await;
    let sent = stage.answered(&stage.implicit(&[("scope", "openid zoo:read")])).await;
    assert_eq!(sent.how, '#');
    let names: Vec<&str> = sent.parameters.keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "expires_in", "iss", "scope", "state", "token_type"]);
    assert_eq!((sent.get("token_type"), sent.get("expires_in")), ("Bearer", "900"));
    assert_eq!(
        (sent.get("scope"), sent.get("state"), sent.get("iss")),
        ("openid zoo:read", "a state", &*stage.issuer())
    );
    let claims = part(sent.get("access_token"), 1);
    assert_eq!((&claims["client_id"], &claims["scope"]), (&stage.client.id.clone().into(), &"openid zoo:read".into()));
    assert_eq!(stage.count("refresh_tokens").await, 0);
    // It hangs on a grant, so it can be revoked.
    let grant: String = sqlx::query_scalar("select id::text from grants where grant_type = 'implicit'")
        .fetch_one(stage.app.pool())
        .await
        .unwrap();
    assert_eq!(claims["gid"], grant);
    let sent = stage.answered(&stage.implicit(&[("scope", "unknown")])).await;
    sent.assert_refused(&stage, "invalid_scope");
    assert_eq!(sent.how, '#');
}

#[tokio::test]
async fn imp_2_an_id_token_takes_a_nonce_and_knows_the_access_token() {
    let stage = stage().await;
    let both = [("response_type", "token id_token"), ("nonce", "n-1"), ("scope", "openid")];
    let sent = stage.answered(&stage.implicit(&both)).await;
    let id_token = sent.get("id_token");
    let claims = part(id_token, 1);
    let half = &Sha256::digest(sent.get("access_token").as_bytes())[..16];
    assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(half));
    assert_eq!((&claims["nonce"], &claims["aud"]), (&"n-1".into(), &stage.client.id.clone().into()));
    assert_eq!(claims["iss"], stage.issuer());
    let kid = part(id_token, 0)["kid"].clone();
    assert!(jwks(&stage.app).await.iter().any(|key| key["kid"] == kid));

    let mut bob = stage.bob().await;
    let bare = stage.implicit(&[("response_type", "id_token token"), ("scope", "openid")]);
    let sent = refused(&mut bob, &bare).await;
    sent.assert_refused(&stage, "invalid_request");
    assert_eq!(sent.how, '#');
    let stranger = stage.implicit(&[("response_type", "id_token token"), ("nonce", "n"), ("scope", "zoo:read")]);
    refused(&mut bob, &stranger).await.assert_refused(&stage, "invalid_request");
}

#[tokio::test]
async fn imp_3_tokens_never_travel_in_the_query() {
    let stage = stage().await;
    let mut bob = stage.bob().await;
    for response_type in ["token", "id_token token"] {
        let asked = [("response_type", response_type), ("response_mode", "query"), ("nonce", "n"), ("scope", "openid")];
        let sent = refused(&mut bob, &stage.implicit(&asked)).await;
        sent.assert_refused(&stage, "invalid_request");
        assert_eq!(sent.how, '#');
    }
    // A form is as good as a fragment.
    let page = ask(&mut bob, &stage.implicit(&[("response_mode", "form_post"), ("scope", "openid")])).await.here();
    let page = bob.submit(page.form("Allow")).await;
    assert_eq!(page.attributes("input[name=token_type]", "value"), ["Bearer"]);
    // The code of the same client still comes in the query.
    let sent: Sent = agree(&mut bob, &stage.request(&[("scope", "openid")])).await;
    assert_eq!(sent.how, '?');
    stage.tokens(sent.get("code")).await;
}
