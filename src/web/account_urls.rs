//! Links around signing in, accounts and people; used as a part of `urls`.

use crate::base::id::{SessionId, UserId};
use crate::web::urls::query;

/// Sign in; then on to `next`, a path of the portal.
pub fn sign_in(next: &str) -> String {
    if next.is_empty() { "/sign-in".to_owned() } else { format!("/sign-in?{}", query("next", next)) }
}

/// The form for e-mail address and password, where it is for administrators only.
pub fn sign_in_with_password(next: &str) -> String {
    format!("/sign-in?{}&with=password", query("next", next))
}

/// The same for an authorization request that waits.
pub fn authorization_sign_in_with_password(handle: &str) -> String {
    format!("{}?with=password", authorization_sign_in(handle))
}

/// Sign in with a provider (POST).
pub fn sign_in_with(provider: &str) -> String {
    format!("/sign-in/with/{provider}")
}

/// Where a provider sends the browser back to; below the portal's public URL it is the redirect URI.
pub fn sign_in_callback(provider: &str) -> String {
    format!("/sign-in/with/{provider}/callback")
}

/// The handle of the authorization request that a path is a page of.
pub fn authorization_handle(path: &str) -> Option<&str> {
    let handle = path.strip_prefix("/oauth2/authorize/")?;
    let handle = handle.strip_suffix("/sign-in").unwrap_or(handle);
    handle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then_some(handle)
}

/// Sign out (POST).
pub fn sign_out() -> String {
    "/sign-out".to_owned()
}

/// Where the code of a device is entered; filled in unless it is empty.
pub fn device(user_code: &str) -> String {
    if user_code.is_empty() { "/device".to_owned() } else { format!("/device?{}", query("user_code", user_code)) }
}

/// The decision about a device (POST).
pub fn device_decision() -> String {
    "/device/decision".to_owned()
}

/// One's own account.
pub fn account() -> String {
    "/account".to_owned()
}

/// The question of an authorization request that waits, and its answer (POST).
pub fn authorization(handle: &str) -> String {
    format!("/oauth2/authorize/{handle}")
}

/// The sign-in page of an authorization request that waits.
pub fn authorization_sign_in(handle: &str) -> String {
    format!("/oauth2/authorize/{handle}/sign-in")
}

/// The answer to the question whether to sign out, where an application wants it (POST).
pub fn logout_confirmation() -> String {
    "/oauth2/logout/confirmation".to_owned()
}

/// Taking back what one has let an application do.
pub fn consent_deletion(client: &str) -> String {
    format!("/account/applications/{client}/deletion")
}

/// The choice of light or dark (POST).
pub fn theme() -> String {
    "/theme".to_owned()
}

/// The first administrator's one-time link.
pub fn setup(token: &str) -> String {
    format!("/setup/{token}")
}

/// Asking for an account.
pub fn sign_up() -> String {
    "/sign-up".to_owned()
}

/// What comes after asking for an account.
pub fn sign_up_sent() -> String {
    "/sign-up/sent".to_owned()
}

/// A one-time link that makes an account.
pub fn sign_up_link(token: &str) -> String {
    format!("/sign-up/{token}")
}

/// Asking for a new password.
pub fn password_reset() -> String {
    "/password-reset".to_owned()
}

/// What comes after asking for a new password.
pub fn password_reset_sent() -> String {
    "/password-reset/sent".to_owned()
}

/// How long one's session still lasts; keeps it alive (POST).
pub fn session() -> String {
    "/session".to_owned()
}

/// One's own name.
pub fn account_details() -> String {
    "/account/details".to_owned()
}

/// One's own password.
pub fn account_password() -> String {
    "/account/password".to_owned()
}

/// Connecting one's own account with a provider (POST).
pub fn account_connection(provider: &str) -> String {
    format!("/account/connections/{provider}")
}

/// Disconnecting it (POST).
pub fn account_connection_deletion(provider: &str) -> String {
    format!("/account/connections/{provider}/deletion")
}

/// One's own sessions.
pub fn account_sessions() -> String {
    "/account/sessions".to_owned()
}

/// Signing out everywhere.
pub fn account_sessions_deletion() -> String {
    "/account/sessions/deletion".to_owned()
}

/// Ending one of one's own sessions (POST).
pub fn account_session_deletion(id: SessionId) -> String {
    format!("/account/sessions/{id}/deletion")
}

/// Everybody who has an account.
pub fn people() -> String {
    "/people".to_owned()
}

/// The same, narrowed to words, from a place on.
pub fn people_matching(text: &str, after: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", text), ("after", after)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { people() } else { format!("/people?{query}") }
}

/// What a person owns.
pub fn person_applications(id: UserId) -> String {
    format!("/people/{id}/applications")
}

/// The form that invites somebody.
pub fn new_person() -> String {
    "/people/new".to_owned()
}

/// A one-time link that sets a password.
pub fn password(token: &str) -> String {
    format!("/password/{token}")
}
/// Request production access.
pub fn account_production() -> String {
    "/account/production".to_owned()
}
/// Grants production to whoever asks for it (POST).
pub fn production_approval(user: UserId) -> String {
    format!("/people/{user}/production")
}
/// Rejects the same.
pub fn production_rejection(user: UserId) -> String {
    format!("/people/{user}/production/rejection")
}
