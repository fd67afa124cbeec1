//! Advanced configurations to read: what is set, in words.

use crate::domain::credentials::client_model::{ClientKind, ClientSettings};
use crate::web::credentials::settings_form::title;
use crate::web::words;

/// One line of them.
pub(super) struct Fact {
    pub(super) term: &'static str,
    pub(super) values: Values,
}

/// How a line is shown.
pub(super) enum Values {
    /// A sentence.
    Words(String),
    /// What one has typed, each on a line of its own.
    Exact(Vec<String>),
    /// Nothing was chosen, and what that means.
    None(&'static str),
}

/// The grants in words.
pub(super) fn grants(settings: &ClientSettings) -> Vec<&'static str> {
    settings.grant_types.iter().map(|grant| title(*grant)).collect()
}

/// All of them, in the order of the form.
pub(super) fn facts(settings: &ClientSettings) -> Vec<Fact> {
    let fact = |term, values| Fact { term, values };
    let exact = |entries: &[String], none| match entries {
        [] => Values::None(none),
        entries => Values::Exact(entries.to_vec()),
    };
    let seconds = |count: u32| Values::Words(words::counted(count.into(), "second"));
    let public = match settings.kind {
        ClientKind::Public => Values::Words("May authenticate without the client secret".to_owned()),
        ClientKind::Confidential => Values::Words("No, it proves itself".to_owned()),
    };
    let scopes = settings.scopes.as_deref();
    let keys = settings.jwks.as_ref().and_then(|set| set.get("keys")?.as_array());
    let keys: Vec<String> = keys.into_iter().flatten().map(key).collect();
    vec![
        fact("Public client", public),
        fact("PKCE for enhanced security", Values::Words(pkce(settings))),
        fact("Application access token expiry time", seconds(settings.access_token_seconds)),
        fact("Refresh token expiry time", seconds(settings.refresh_token_seconds)),
        fact("ID token expiry time", seconds(settings.id_token_seconds)),
        fact("Refresh token leeway", seconds(settings.refresh_leeway_seconds)),
        fact("Callback URLs", exact(&settings.redirect_uris, "None")),
        fact("Sign-out URLs", exact(&settings.post_logout_redirect_uris, "None")),
        fact("Allowed origins", exact(&settings.cors_origins, "Those of the callback URLs")),
        fact(
            "Allowed scopes",
            match scopes {
                None => Values::Words("All of its APIs, and those of OpenID Connect".to_owned()),
                Some(chosen) => exact(chosen, "None"),
            },
        ),
        fact("Public keys", exact(&keys, "None, it sends the secret")),
    ]
}

fn pkce(settings: &ClientSettings) -> String {
    let mandatory = if settings.pkce_mandatory { "Mandatory" } else { "Not mandatory" };
    let methods = if settings.pkce_plain_allowed { "SHA-256 and plain" } else { "SHA-256" };
    format!("{mandatory}, {methods}")
}

/// A key by its name, or else by its kind.
fn key(key: &serde_json::Value) -> String {
    let text = |member: &str| key.get(member).and_then(serde_json::Value::as_str);
    text("kid").or(text("kty")).unwrap_or_default().to_owned()
}
