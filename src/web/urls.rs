//! Every link, as a function; templates call them by path: `{{ crate::web::urls::account() }}`.
//! The patterns are in `router.rs`; `tests/it/pages.rs` follows the links.

use crate::base::environment::Environment;
use crate::base::id::{ApiKeyId, ApplicationId, SessionId, SubscriptionId};

/// The home page.
pub fn home() -> String {
    "/".to_owned()
}

/// Hides the first steps on the home page.
pub fn first_steps_dismissal() -> String {
    "/first-steps/dismissal".to_owned()
}

/// The catalogue.
pub fn apis() -> String {
    "/apis".to_owned()
}

/// The catalogue, narrowed by name and value; empty values are left out.
pub fn apis_with(pairs: &[(&str, String)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { apis() } else { format!("/apis?{query}") }
}

/// The catalogue, narrowed to words and a tag; empty ones are left out.
pub fn apis_matching(text: &str, tag: &str) -> String {
    apis_with(&[("q", text.to_owned()), ("tag", tag.to_owned())])
}

/// The catalogue of everybody as Markdown, in pages from 1.
pub fn apis_markdown(page: u32) -> String {
    if page > 1 { format!("/apis.md?page={page}") } else { "/apis.md".to_owned() }
}

/// The catalogue of everybody for programs (RFC 9727), in pages from 1.
pub fn api_catalog(page: u32) -> String {
    if page > 1 { format!("/.well-known/api-catalog?page={page}") } else { "/.well-known/api-catalog".to_owned() }
}

/// One major version of an API.
pub fn api(name: &str, major: u16) -> String {
    format!("/apis/{name}/v{major}")
}

/// The list of an endpoint's operations.
pub fn api_operations(name: &str, major: u16, endpoint: &str) -> String {
    format!("/apis/{name}/v{major}/operations?{}", query("endpoint", endpoint))
}

/// A document of an API.
pub fn api_document(name: &str, major: u16, document: &str) -> String {
    format!("/apis/{name}/v{major}/docs/{document}")
}

/// The `OpenAPI` file of an endpoint, for download.
pub fn api_definition(name: &str, major: u16, endpoint: &str) -> String {
    format!("/apis/{name}/v{major}/definition?{}", query("endpoint", endpoint))
}

/// The API Keys pane of an environment. Generates a key (POST).
pub fn api_keys(name: &str, major: u16, environment: Environment) -> String {
    format!("/apis/{name}/v{major}/keys/{environment}")
}

/// The form behind Generate API Key, with an application chosen: it returns to that application's keys.
pub fn new_api_key_for(name: &str, major: u16, environment: Environment, application: ApplicationId) -> String {
    format!("/apis/{name}/v{major}/keys/{environment}/new?list=application&application={application}")
}

/// The API Keys of an application in an environment.
pub fn application_api_keys(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/api-keys/{environment}")
}

/// For which API an application shall get a key.
pub fn new_application_api_key(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/api-keys/{environment}/new")
}

/// My Applications.
pub fn applications() -> String {
    "/applications".to_owned()
}

/// The form behind + Create.
pub fn new_application() -> String {
    "/applications/new".to_owned()
}

/// Application Overview.
pub fn application(id: ApplicationId) -> String {
    format!("/applications/{id}")
}

/// An application's name and description, to edit.
pub fn application_details(id: ApplicationId) -> String {
    format!("/applications/{id}/details")
}

/// Deleting an application.
pub fn application_deletion(id: ApplicationId) -> String {
    format!("/applications/{id}/deletion")
}

/// Refused calls of an application.
pub fn refusals(application: ApplicationId) -> String {
    format!("/applications/{application}/refusals")
}

/// Subscription Management of an application.
pub fn subscriptions(application: ApplicationId) -> String {
    format!("/applications/{application}/subscriptions")
}

/// Add APIs.
pub fn new_subscription(application: ApplicationId) -> String {
    format!("/applications/{application}/subscriptions/new")
}

/// Add APIs, narrowed to words.
pub fn new_subscription_matching(application: ApplicationId, text: &str) -> String {
    let all = new_subscription(application);
    if text.is_empty() { all } else { format!("{all}?{}", query("q", text)) }
}

/// The plan of a subscription.
pub fn subscription_plan(id: SubscriptionId) -> String {
    format!("/subscriptions/{id}/plan")
}

/// Removing a subscription.
pub fn subscription_deletion(id: SubscriptionId) -> String {
    format!("/subscriptions/{id}/deletion")
}

/// Credentials of an application in an environment: Application Keys and its API Keys. Generates the keys (POST).
pub fn credentials(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/credentials/{environment}")
}

/// Advanced configurations.
pub fn client_settings(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/credentials/{environment}/settings")
}

/// A new consumer secret.
pub fn secret_regeneration(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/credentials/{environment}/regeneration")
}

/// The end of the old consumer secret (POST).
pub fn old_secret_deletion(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/credentials/{environment}/old-secret/deletion")
}

/// The end of every token of the credentials.
pub fn client_tokens_revocation(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/credentials/{environment}/tokens/revocation")
}

/// Deleting consumer key and secret.
pub fn client_deletion(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/credentials/{environment}/deletion")
}

/// Generates credentials directly on an API, for testing (POST). They are shown with its API keys: [`api_keys`].
pub fn direct_credentials(api: &str, major: u16, environment: Environment) -> String {
    format!("/apis/{api}/v{major}/credentials/{environment}")
}

/// A new secret for them.
pub fn direct_regeneration(api: &str, major: u16, environment: Environment) -> String {
    format!("{}/regeneration", direct_credentials(api, major, environment))
}

/// The end of their old secret (POST).
pub fn direct_old_secret_deletion(api: &str, major: u16, environment: Environment) -> String {
    format!("{}/old-secret/deletion", direct_credentials(api, major, environment))
}

/// Deleting them.
pub fn direct_deletion(api: &str, major: u16, environment: Environment) -> String {
    format!("{}/deletion", direct_credentials(api, major, environment))
}

/// Making an application of them.
pub fn direct_conversion(api: &str, major: u16, environment: Environment) -> String {
    format!("{}/conversion", direct_credentials(api, major, environment))
}

/// Generate API Key.
pub fn new_api_key(api: &str, major: u16, environment: Environment) -> String {
    format!("{}/new", api_keys(api, major, environment))
}

/// A new secret for an API key.
pub fn api_key_regeneration(id: ApiKeyId) -> String {
    format!("/api-keys/{id}/regeneration")
}

/// The end of the old secret of an API key (POST).
pub fn old_api_key_deletion(id: ApiKeyId) -> String {
    format!("/api-keys/{id}/old-key/deletion")
}

/// Deleting an API key.
pub fn api_key_deletion(id: ApiKeyId) -> String {
    format!("/api-keys/{id}/deletion")
}

/// Sign in; then on to `next`, a path of the portal.
pub fn sign_in(next: &str) -> String {
    if next.is_empty() { "/sign-in".to_owned() } else { format!("/sign-in?{}", query("next", next)) }
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

/// The form that invites somebody.
pub fn new_person() -> String {
    "/people/new".to_owned()
}

/// A one-time link that sets a password.
pub fn password(token: &str) -> String {
    format!("/password/{token}")
}

/// A path of the portal that a visitor handed back to us, or nothing when it leads elsewhere: an open redirect would
/// lend our name to somebody else's page (RFC 9700 §4.11).
pub fn local(path: &str) -> Option<&str> {
    // Browsers read `\` as `/`, and drop tabs and line breaks before they parse.
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    (plain && path.starts_with('/') && !path.starts_with("//") && path.len() <= 2000).then_some(path)
}

fn query(name: &str, value: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_portal_are_returned_to() {
        for good in ["/", "/apis?q=a%20b", "/oauth2/authorize?redirect_uri=https%3A%2F%2Fa.example"] {
            assert_eq!(local(good), Some(good));
        }
        let evil =
            ["", "apis", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/a b"];
        for bad in evil {
            assert_eq!(local(bad), None, "{bad:?}");
        }
    }
}
