//! Every link, as a function; templates call them by path: `{{ crate::web::urls::account() }}`.
//! The patterns are in `router.rs`; `tests/it/pages.rs` follows the links.

use crate::base::environment::Environment;
use crate::base::id::{ApiKeyId, ApplicationId, SubscriptionId};

/// The catalogue.
pub fn apis() -> String {
    "/apis".to_owned()
}

/// The catalogue, narrowed to words and a tag; empty ones are left out.
pub fn apis_matching(text: &str, tag: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", text), ("tag", tag)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { apis() } else { format!("/apis?{query}") }
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
