//! A refused call in words: what happened, what helps, and the page where that is done.

use crate::base::environment::Environment;
use crate::base::version::Version;
use crate::domain::usage::refusal_words::{Words, words};
use crate::domain::usage::refusals::{FoundCall, RefusedCall};
use crate::web::urls;
use time::OffsetDateTime;

/// For a table of refused calls.
pub(crate) struct Row {
    pub(crate) request_id: String,
    pub(crate) at: OffsetDateTime,
    pub(crate) what: &'static str,
    pub(crate) help: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// The API, the environment and the credential.
    pub(crate) about: String,
}

impl From<RefusedCall> for Row {
    fn from(call: RefusedCall) -> Self {
        let Words { what, help } = why(&call.reason);
        let environment = environment(&call).as_str();
        let api = call.api.map(|api| format!("{api} {}", call.version.unwrap_or_default()));
        let credential = match (call.key, call.client) {
            (Some(name), _) => format!("API key {name}"),
            (None, Some(_)) => "access token".to_owned(),
            (None, None) => "a credential that was deleted since".to_owned(),
        };
        let about = [api.as_deref(), Some(environment), Some(&*credential)];
        Self {
            request_id: call.request_id,
            at: call.at,
            what,
            help: match call.given.filter(|given| !given.is_empty()) {
                Some(given) => format!("{help} The reason given: {given}"),
                None => help.to_owned(),
            },
            method: call.method,
            path: call.path,
            about: about.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        }
    }
}

/// The words for a reason; there are some for one that only a newer gateway knows, too.
pub(crate) fn why(reason: &str) -> Words {
    words(reason).unwrap_or(Words {
        what: "The gateway refused the call.",
        help: "This portal is older than the gateway and does not know the reason; ask the operator.",
    })
}

/// The page where one does what helps, if the portal has one: label and link.
pub(crate) fn remedy(found: &FoundCall) -> Option<(&'static str, String)> {
    let environment = environment(&found.call);
    let major = found.call.version.as_deref().and_then(|version| version.parse::<Version>().ok()).map(|v| v.major);
    let api = found.api_name.as_deref().zip(major);
    let keys = || api.map(|(name, major)| ("API Keys", urls::api_keys(name, major, environment)));
    match &*found.call.reason {
        "not_subscribed" | "subscription_pending" | "subscription_rejected" | "rate_exceeded" | "quota_exceeded"
            if !found.is_direct =>
        {
            Some(("Subscriptions", urls::subscriptions(found.application)))
        }
        "invalid_token" | "revoked_token" | "other_resource" | "unknown_client" | "insufficient_scope"
            if !found.is_direct =>
        {
            Some(("Application Keys", urls::credentials(found.application, environment)))
        }
        "unknown_key"
        | "replaced_key"
        | "other_environment"
        | "other_api"
        | "other_endpoint"
        | "expired_key"
        | "address_not_allowed"
        | "operation_not_allowed" => keys(),
        _ => api.map(|(name, major)| ("The API's page", urls::api(name, major))),
    }
}

/// For how long refused calls are kept.
pub(crate) fn keep(days: u16) -> String {
    if days == 1 { "a day".to_owned() } else { format!("{days} days") }
}

fn environment(call: &RefusedCall) -> Environment {
    let sandbox = call.environment == Environment::Sandbox.as_str();
    if sandbox { Environment::Sandbox } else { Environment::Production }
}
