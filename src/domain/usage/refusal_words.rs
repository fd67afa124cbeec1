//! Why a call was refused, in plain words for those whose call it was. Callers hear less: who guesses credentials must not
//! learn how near the guess was.

/// What happened and what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What happened, in one sentence.
    pub what: &'static str,
    /// What to do, in one sentence.
    pub help: &'static str,
}

/// The words for a label of the gateway's; nothing for one that a newer release has written.
#[expect(clippy::too_many_lines, reason = "a row for each refusal: one table")]
pub fn words(label: &str) -> Option<Words> {
    let (what, help) = match label {
        "missing_credential" => (
            "The call carried no credential.",
            "Send the API key or access token in the header that the API's page names.",
        ),
        "several_credentials" => ("The call carried several credentials.", "Send exactly one, in one header."),
        "malformed_key" => (
            "What was sent as an API key is none of ours.",
            "Copy the key again; it may be cut off or have a typing error.",
        ),
        "unknown_key" => ("The API key does not exist.", "It was deleted, or replaced twice; generate a new one."),
        "replaced_key" => (
            "The API key was regenerated, and the hour in which the old one still worked is over.",
            "Use the new key, or regenerate the key once more if nobody has it.",
        ),
        "expired_key" => (
            "The API key had an expiry, and it has passed.",
            "Generate a new key; one without expiry works until it is deleted.",
        ),
        "address_not_allowed" => (
            "The API key may only be used from certain addresses, and the call came from another one.",
            "Call from an address that the key allows, or generate a key that allows this one.",
        ),
        "operation_not_allowed" => (
            "The API key opens only certain operations of the API, and this is none of them.",
            "Call an operation that the key allows, or generate a key that allows this one.",
        ),
        "other_environment" => (
            "The credential was made for the other environment.",
            "Send production credentials to the production gateway and sandbox credentials to the sandbox gateway.",
        ),
        "invalid_token" => (
            "The access token has expired, or was made for something else.",
            "Get a new token for this environment and API from the token endpoint.",
        ),
        "revoked_token" => (
            "The access token was revoked: by itself, with its grant, or with all tokens of the application.",
            "Get a new token; if a user takes part, they have to agree again.",
        ),
        "other_resource" => (
            "The access token was asked for other APIs only.",
            "Name this API as the resource when you ask for a token, or name none.",
        ),
        "unknown_client" => (
            "The application's credentials in this environment no longer exist.",
            "Generate keys for the application again and get a token with them.",
        ),
        "other_api" => (
            "The API key was made for another API or another major version.",
            "Generate a key on the page of the API and version that you call.",
        ),
        "other_endpoint" => {
            ("The API key was made for another endpoint of the API.", "Generate a key for the endpoint that you call.")
        }
        "not_subscribed" => {
            ("The application is not subscribed to this major version of the API.", "Subscribe it under Subscriptions.")
        }
        "insufficient_scope" => (
            "The access token lacks a scope that this operation needs.",
            "Ask for the scope when you get the token; the API's page lists what each operation needs.",
        ),
        "subscription_blocked" => {
            ("The publisher has blocked the application's subscription to this API.", "Ask the API's owner why.")
        }
        "subscription_blocked_in_production" => (
            "The publisher has blocked the application's subscription to this API in production.",
            "Ask the API's owner why; calls to the sandbox pass.",
        ),
        "subscription_pending" => (
            "The application's subscription to this API is not approved yet.",
            "Wait for one of the API's owners, a publisher or an administrator to approve it; the letter tells you.",
        ),
        "subscription_rejected" => (
            "The application's subscription to this API was not approved.",
            "Read the reason under Subscriptions, then request it again there or choose a policy without approval.",
        ),
        "rate_exceeded" => (
            "More calls came in a short time than the plan allows.",
            "Wait as long as Retry-After says, spread your calls, or choose a larger plan.",
        ),
        "quota_exceeded" => (
            "The calls of this day or month that the plan allows are used up.",
            "Wait as long as Retry-After says, or choose a larger plan.",
        ),
        "api_limit_exceeded" => (
            "All callers of the API together made more calls than it takes.",
            "Wait as long as Retry-After says; a larger plan would not help.",
        ),
        "operation_limit_exceeded" => (
            "All callers of the operation together made more calls than it takes.",
            "Wait as long as Retry-After says; a larger plan would not help.",
        ),
        "quota_unknown" => (
            "The gateway could not count the call against its quota: its database was away.",
            "Call again; nothing is wrong with the credential.",
        ),
        "counter_away" => (
            "The gateway could not count the call against its rate: the counter that it shares was away.",
            "Call again; nothing is wrong with the credential.",
        ),
        "api_blocked" => (
            "The publisher has blocked this version of the API for the time being.",
            "Call another version, or ask the API's owner.",
        ),
        "no_backend" => {
            ("The API has no backend in this environment.", "Call it in the other environment, or ask the API's owner.")
        }
        "unavailable" => (
            "The gateway could not check the credential: its database was away.",
            "Call again; nothing is wrong with the credential.",
        ),
        "body_too_large" => (
            "The request's body was larger than allowed.",
            "Send less in one call; the API's page tells a limit of its own.",
        ),
        "body_timeout" => ("The request's body stopped arriving.", "Check the caller's network and send it again."),
        "body_broken" => ("The request's body broke off.", "Check the caller's network and send it again."),
        "no_backend_tls" => (
            "The API asks for certificates towards its backend that this gateway does not have.",
            "Tell the API's owner: whoever runs the gateway has to set them up.",
        ),
        "backend_unreachable" => {
            ("The API's backend could not be connected to.", "Call again later, or tell the API's owner.")
        }
        "backend_connect_timeout" => {
            ("Connecting to the API's backend took too long.", "Call again later, or tell the API's owner.")
        }
        "backend_timeout" => (
            "The API's backend took too long to answer; it may have done its work all the same.",
            "Look before you call again, or tell the API's owner.",
        ),
        "backend_broken" => (
            "The API's backend broke off, or answered with something that is not HTTP.",
            "Call again later, or tell the API's owner.",
        ),
        "bad_target" => (
            "The path could be read in several ways: it has dot segments, or is encoded more than once.",
            "Send a plain path to the gateway's own host.",
        ),
        "bad_framing" => (
            "The request could be read in several ways: its host or its length is missing or there twice.",
            "Send one Host header, and either Content-Length or Transfer-Encoding.",
        ),
        "bad_syntax" => (
            "The request was not HTTP as it has to be written.",
            "Send HTTP/1.1 or HTTP/2 with a library that is well kept.",
        ),
        "unknown_coding" => (
            "The body came in a transfer coding that the gateway does not know.",
            "Send it with Content-Length, or chunked.",
        ),
        "target_too_long" => ("The path with its query was longer than allowed.", "Send long values in the body."),
        "head_too_large" => ("The request had more or longer headers than allowed.", "Send fewer or shorter headers."),
        "head_timeout" => ("The request's head stopped arriving.", "Check the caller's network and send it again."),
        "no_operation" => (
            "The API lists no operation at this path, and lets through only what it lists.",
            "Look up the path among the API's operations.",
        ),
        "method_not_allowed" => {
            ("The API lists this path with other methods only.", "Use one of the methods that Allow names.")
        }
        "policies_unreadable" => (
            "The gateway did not understand how this API wants to be called.",
            "Tell the operator: the gateway is older than the portal.",
        ),
        "not_ready" => ("The gateway was starting.", "Call again."),
        "no_route" => ("No API answers at this path.", "Copy the endpoint from the API's page."),
        "no_endpoint" => (
            "This version of the API has several endpoints, and none of them has this path.",
            "Copy the endpoint from the API's page.",
        ),
        "only_readable" => ("This document of the gateway's can only be read.", "Use GET."),
        _ => return None,
    };
    Some(Words { what, help })
}
