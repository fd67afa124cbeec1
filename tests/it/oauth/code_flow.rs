//! Codes for tests that are about what comes after: through the authorization endpoint, for a user who is signed in and
//! has agreed before. What users see on the way is in `authorize`.

use crate::oauth::Registered;
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use portico::domain::accounts::model::Member;
use portico::domain::accounts::sessions::{self, Lifetime};
use portico::domain::credentials::client_model::{ClientSettings, GrantType};

/// Where the client waits for codes.
pub(super) const CALLBACK: &str = "https://shop.example/callback";
/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Lets the client use codes and refresh tokens, and changes more of its settings.
pub(super) async fn allow(app: &TestApp, client: &Registered, change: impl FnOnce(&mut ClientSettings)) {
    let settings = |settings: &mut ClientSettings| {
        settings.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        settings.redirect_uris = vec![CALLBACK.to_owned()];
        change(settings);
    };
    client.configure(app, settings).await;
}

/// A cookie with a new session of the member.
pub(super) async fn session(app: &TestApp, member: &Member) -> String {
    let lifetime =
        Lifetime::from_seconds(app.config.portal.session_idle_seconds, app.config.portal.session_max_seconds);
    let (_, secret) = sessions::open(&app.ctx, member, lifetime, "").await.unwrap();
    format!("portico-session={}", secret.expose())
}

/// What the authorization endpoint answers. `changes`: parameters with another value, further ones, and none where the
/// value is empty.
pub(super) async fn authorize(app: &TestApp, client: &Registered, user: &Member, changes: &[(&str, &str)]) -> Answer {
    let mut parameters = vec![
        ("client_id", client.id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        parameters.retain(|(known, _)| known != name || *name == "resource");
        parameters.extend(Some((*name, *value)).filter(|(_, value)| !value.is_empty()));
    }
    sqlx::query(
        "insert into consents (user_id, client_id, scopes, granted_at)
         values ($1, $2, '{openid,profile,email,offline_access}', $3) on conflict do nothing",
    )
    .bind(user.id.0)
    .bind(&client.id)
    .bind(app.clock.now())
    .execute(app.pool())
    .await
    .unwrap();
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
    let cookie = session(app, user).await;
    http::get(&app.portal(&format!("/oauth2/authorize?{query}")), &[("cookie", &cookie)]).await
}

/// A code.
pub(super) async fn code(app: &TestApp, client: &Registered, user: &Member, changes: &[(&str, &str)]) -> String {
    let answer = authorize(app, client, user, changes).await;
    let at: url::Url = answer.header("location").parse().unwrap_or_else(|_| panic!("{}", answer.text()));
    let found = at.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
    found.unwrap_or_else(|| panic!("no code in {at}"))
}

/// The form that redeems a code, changed in the same way.
pub(super) fn form<'a>(code: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.extend(Some((*name, *value)).filter(|(_, value)| !value.is_empty()));
    }
    form
}

/// Redeems a code as the request was made.
pub(super) async fn redeem(app: &TestApp, client: &Registered, code: &str) -> Answer {
    client.post(app, &form(code, &[])).await
}
