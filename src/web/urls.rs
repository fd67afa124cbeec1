//! Every link, as a function; templates call them by path: `{{ crate::web::urls::account() }}`.
//! The patterns are in `router.rs`; `tests/it/pages.rs` follows the links.

use crate::base::environment::Environment;
use crate::base::id::{ApiKeyId, ApplicationId, AuditEventId, SubscriptionId};

pub use crate::web::account_urls::*;

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

/// The reference of an endpoint; of the first that has one when the name is empty.
pub fn api_reference(name: &str, major: u16, endpoint: &str) -> String {
    let slash = if endpoint.is_empty() { "" } else { "/" };
    format!("/apis/{name}/v{major}/reference{slash}{endpoint}")
}

/// The page of an operation.
pub fn api_operation(name: &str, major: u16, endpoint: &str, operation: &str) -> String {
    format!("/apis/{name}/v{major}/reference/{endpoint}/{operation}")
}

/// The page of a named schema.
pub fn api_schema(name: &str, major: u16, endpoint: &str, schema: &str) -> String {
    format!("/apis/{name}/v{major}/reference/{endpoint}/schemas/{schema}")
}

/// What changed between versions.
pub fn api_changes(name: &str, major: u16) -> String {
    format!("/apis/{name}/v{major}/changes")
}

/// The twin of a page of the reference, in Markdown.
pub fn markdown(page: &str) -> String {
    format!("{page}.md")
}

/// A page with a query; empty values are left out.
pub fn with_query(page: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { page.to_owned() } else { format!("{page}?{query}") }
}

/// A document of an API.
pub fn api_document(name: &str, major: u16, document: &str) -> String {
    format!("/apis/{name}/v{major}/docs/{document}")
}

/// The `OpenAPI` file of an endpoint, for download: `json` or `yaml`; of the
/// first that has one when the name is empty.
pub fn api_file(name: &str, major: u16, endpoint: &str, extension: &str) -> String {
    with_query(&format!("/apis/{name}/v{major}/openapi.{extension}"), &[("endpoint", endpoint)])
}

/// The bytes of a document that is a file.
pub fn api_document_file(name: &str, major: u16, document: &str) -> String {
    format!("/apis/{name}/v{major}/docs/{document}/file")
}

/// Subscribes an application to a major version (POST).
pub fn api_subscriptions(name: &str, major: u16) -> String {
    format!("/apis/{name}/v{major}/subscriptions")
}

/// Subscribe: application and plan.
pub fn new_api_subscription(name: &str, major: u16) -> String {
    format!("/apis/{name}/v{major}/subscriptions/new")
}

/// Who has subscribed, for whoever looks after the API.
pub fn api_subscribers(name: &str, major: u16) -> String {
    format!("/apis/{name}/v{major}/subscribers")
}

/// The same, narrowed to words, from a page on.
pub fn api_subscribers_page(name: &str, major: u16, text: &str, page: i64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !text.is_empty() {
        query.append_pair("q", text);
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
    and_query(api_subscribers(name, major), &query.finish())
}

/// What was called of an API, for whoever looks after it.
pub fn api_usage(name: &str, major: u16) -> String {
    format!("/apis/{name}/v{major}/usage")
}

/// The same, for a view of it: a query without its question mark.
pub fn api_usage_of(name: &str, major: u16, query: &str) -> String {
    and_query(api_usage(name, major), query)
}

/// The numbers behind it, for spreadsheets.
pub fn api_usage_file(name: &str, major: u16, query: &str) -> String {
    and_query(format!("{}/file", api_usage(name, major)), query)
}

fn and_query(path: String, query: &str) -> String {
    if query.is_empty() { path } else { format!("{path}?{query}") }
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

/// My Applications, narrowed to a part of a name, sorted, and a page of it; what is as usual is left out.
pub fn applications_matching(text: &str, sort: &str, page: u32) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let page = if page > 1 { page.to_string() } else { String::new() };
    for (name, value) in [("q", text), ("sort", sort), ("page", &page)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { applications() } else { format!("/applications?{query}") }
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

/// With whom an application is shared. Shares it (POST).
pub fn sharing(application: ApplicationId) -> String {
    format!("/applications/{application}/sharing")
}

/// Takes an application back from a reader (POST).
pub fn share_deletion(application: ApplicationId) -> String {
    format!("/applications/{application}/sharing/deletion")
}

/// Giving an application to another owner.
pub fn application_transfer(id: ApplicationId) -> String {
    format!("/applications/{id}/transfer")
}

/// Leaving an application that is shared.
pub fn departure(application: ApplicationId) -> String {
    format!("/applications/{application}/departure")
}

/// What was done to an application; before an event, or the latest.
pub fn activity(application: ApplicationId, before: Option<AuditEventId>) -> String {
    let all = format!("/applications/{application}/activity");
    before.map_or_else(|| all.clone(), |event| format!("{all}?{}", query("before", &event.to_string())))
}

/// Usage of an application; `question` is the query, or empty.
pub fn usage(application: ApplicationId, question: &str) -> String {
    let all = format!("/applications/{application}/usage");
    if question.is_empty() { all } else { format!("{all}?{question}") }
}

/// The same as a file.
pub fn usage_file(application: ApplicationId, question: &str) -> String {
    format!("/applications/{application}/usage/file?{question}")
}

/// Refused calls of an application.
pub fn refusals(application: ApplicationId) -> String {
    format!("/applications/{application}/refusals")
}

/// Why was my call refused: any of one's own, by its request id.
pub fn refused_calls() -> String {
    "/refusals".to_owned()
}

/// The same, looked for.
pub fn refused_call(request_id: &str) -> String {
    with_query("/refusals", &[("request_id", request_id)])
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

/// Takes back the wish for another plan (POST).
pub fn subscription_change_deletion(id: SubscriptionId) -> String {
    format!("/subscriptions/{id}/plan/deletion")
}

/// Approves what is asked for (POST), for whoever looks after the API.
pub fn subscription_approval(id: SubscriptionId) -> String {
    format!("/subscriptions/{id}/approval")
}

/// Rejects the same. `list` is the page to come back to.
pub fn subscription_rejection(id: SubscriptionId, list: &str) -> String {
    with_query(&format!("/subscriptions/{id}/rejection"), &[("list", list)])
}

/// Blocks a subscription.
pub fn subscription_block(id: SubscriptionId) -> String {
    format!("/subscriptions/{id}/block")
}

/// Unblocks it (POST).
pub fn subscription_block_deletion(id: SubscriptionId) -> String {
    format!("/subscriptions/{id}/block/deletion")
}

/// What waits for the viewer's decision.
pub fn approvals() -> String {
    "/approvals".to_owned()
}

/// A page of the same.
pub fn approvals_page(page: i64) -> String {
    format!("/approvals?page={page}")
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

/// Generate Token (POST).
pub fn test_token(application: ApplicationId, environment: Environment) -> String {
    format!("/applications/{application}/credentials/{environment}/token")
}

/// Calls of an operation: the console's form (POST).
pub fn api_calls(name: &str, major: u16) -> String {
    format!("/apis/{name}/v{major}/calls")
}

/// What a token opens: the form, and the answer (POST).
pub fn tokens() -> String {
    "/tokens".to_owned()
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

/// A path of the portal that a visitor handed back to us, or nothing when it leads elsewhere: an open redirect would
/// lend our name to somebody else's page (RFC 9700 §4.11).
pub fn local(path: &str) -> Option<&str> {
    // Browsers read `\` as `/`, and drop tabs and line breaks before they parse.
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    (plain && path.starts_with('/') && !path.starts_with("//") && path.len() <= 2000).then_some(path)
}

pub(super) fn query(name: &str, value: &str) -> String {
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
