//! Every reason to say no: status, code, words and headers (RFC 9457, RFC 6750 §3).
//!
//! The words are generic on purpose: whoever guesses credentials must not learn how near the guess was. The exact reason
//! is the metric label and the log line.

use crate::base::environment::Environment;
use crate::config::Urls;
use crate::gateway::body::Reply;
use crate::gateway::resource;
use crate::gateway::snapshot::Route;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident => $label:literal, $status:ident, $code:literal, $title:literal, $detail:expr;)*) => {
        /// Why a request is not answered by a backend.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Refusal { $($(#[$doc])* $name),* }

        impl Refusal {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The exact reason, for metrics and logs.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label),* }
            }

            const fn public(self) -> Public {
                match self {
                    $(Self::$name => {
                        Public { status: StatusCode::$status, code: $code, title: $title, detail: $detail }
                    })*
                }
            }
        }
    };
}

/// What callers see of a refusal.
struct Public {
    status: StatusCode,
    /// The number that WSO2 consumers know; the HTTP status where they know none.
    code: &'static str,
    title: &'static str,
    detail: &'static str,
}

const INVALID: &str =
    "The credential is not valid here. Check that it is complete, current and made for this environment.";
const UNREACHABLE: &str = "The API's backend cannot be reached. Try again later.";

refusals! {
    /// `CONNECT`, or a path that some reader could take for another one.
    BadTarget => "bad_target", BAD_REQUEST, "400", "Bad request target",
        "Send a path without dot segments, in any encoding, to this host.";
    /// No or several `Host` headers, or a length given twice.
    BadFraming => "bad_framing", BAD_REQUEST, "400", "Bad request",
        "Send exactly one Host header, and either Content-Length or Transfer-Encoding.";
    /// Not HTTP/1, or not as it has to be written.
    BadSyntax => "bad_syntax", BAD_REQUEST, "400", "Bad request",
        "Send HTTP/1.1 or HTTP/2: a request line, header lines that end with CRLF, an empty line.";
    /// A transfer coding other than `chunked`.
    UnknownCoding => "unknown_coding", NOT_IMPLEMENTED, "501", "Unknown transfer coding",
        "Send the body with Content-Length, or with Transfer-Encoding: chunked.";
    /// The request target is too long.
    TargetTooLong => "target_too_long", URI_TOO_LONG, "414", "Target too long",
        "The path with its query is longer than allowed here. Send long values in the body.";
    /// The request head is too large.
    HeadTooLarge => "head_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "431", "Head too large",
        "The request has more or longer headers than allowed here.";
    /// The request head did not arrive in time.
    HeadTimeout => "head_timeout", REQUEST_TIMEOUT, "408", "Head timeout",
        "The request's head stopped arriving. Send it again.";
    /// No route table was read yet.
    NotReady => "not_ready", SERVICE_UNAVAILABLE, "503", "Starting",
        "The gateway is starting. Try again in a moment.";
    /// No API there.
    NoRoute => "no_route", NOT_FOUND, "404", "No such API",
        "No API answers at this path. Copy the endpoint from the API's page in the portal.";
    /// The API is there, but no endpoint has this path.
    NoEndpoint => "no_endpoint", NOT_FOUND, "404", "No such endpoint",
        "This version of the API has several endpoints, and none of them has this path.";
    /// The API lets only what its definition lists through, and the path is not listed.
    NoOperation => "no_operation", NOT_FOUND, "404", "No such operation",
        "This API has no operation at this path. Its page in the portal lists those it has.";
    /// The API lets only what its definition lists through, and the path is listed with other methods.
    MethodNotAllowed => "method_not_allowed", METHOD_NOT_ALLOWED, "405", "Method not allowed",
        "This operation does not take this method. Allow names those that it takes.";
    /// The publisher has blocked the version.
    ApiBlocked => "api_blocked", SERVICE_UNAVAILABLE, "700700", "API blocked",
        "The publisher has blocked this version of the API for the time being.";
    /// The API's policies cannot be read, so nobody knows how it may be called.
    PoliciesUnreadable => "policies_unreadable", SERVICE_UNAVAILABLE, "503", "Not understood",
        "The gateway does not understand how this API wants to be called. Its operator must update the gateway.";
    /// No credential of a kind that the API takes.
    MissingCredential => "missing_credential", UNAUTHORIZED, "900902", "Missing credentials",
        "Send a credential in the header that WWW-Authenticate names.";
    /// More than one credential.
    SeveralCredentials => "several_credentials", BAD_REQUEST, "900901", "Several credentials",
        "Send exactly one credential, in one header.";
    /// Not shaped like an API key of this environment.
    MalformedKey => "malformed_key", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// Nobody has this API key.
    UnknownKey => "unknown_key", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// The key was replaced, and the grace hour is over.
    ReplacedKey => "replaced_key", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// The key has expired.
    ExpiredKey => "expired_key", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// The key or client is for the other environment.
    OtherEnvironment => "other_environment", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// Not one of our access tokens, or not for here, or too old.
    InvalidToken => "invalid_token", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// The token, its grant or all tokens of its client were revoked.
    RevokedToken => "revoked_token", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// The token is for other APIs of its environment.
    OtherResource => "other_resource", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// The token's client is gone.
    UnknownClient => "unknown_client", UNAUTHORIZED, "900901", "Invalid credentials", INVALID;
    /// The key is for another API or another major version.
    OtherApi => "other_api", FORBIDDEN, "900908", "Not subscribed",
        "This API key was made for another API or another major version.";
    /// The key is for another endpoint.
    OtherEndpoint => "other_endpoint", FORBIDDEN, "900908", "Not allowed",
        "This API key was made for another endpoint of the API.";
    /// The key may not be used from where the call came from.
    AddressNotAllowed => "address_not_allowed", FORBIDDEN, "900908", "Not allowed",
        "This API key may not be used from the address that the call came from.";
    /// The key does not open this operation.
    OperationNotAllowed => "operation_not_allowed", FORBIDDEN, "900908", "Not allowed",
        "This API key does not open this operation.";
    /// The application is not subscribed to this major version.
    NotSubscribed => "not_subscribed", FORBIDDEN, "900908", "Not subscribed",
        "The application is not subscribed to this major version of the API. Subscribe it in the portal.";
    /// The token lacks a scope.
    InsufficientScope => "insufficient_scope", FORBIDDEN, "900910", "Insufficient scope",
        "The access token lacks a scope that this operation needs. WWW-Authenticate names what it needs.";
    /// The subscription is blocked.
    SubscriptionBlocked => "subscription_blocked", FORBIDDEN, "900907", "Subscription blocked",
        "The publisher has blocked the application's subscription.";
    /// The subscription is blocked in production.
    SubscriptionBlockedInProduction => "subscription_blocked_in_production", FORBIDDEN, "900907",
        "Subscription blocked", "The publisher has blocked the application's subscription in production.";
    /// The subscription waits for approval.
    SubscriptionPending => "subscription_pending", FORBIDDEN, "900909", "Subscription pending",
        "The application's subscription waits for one of the API's owners to approve it.";
    /// The subscription was not approved.
    SubscriptionRejected => "subscription_rejected", FORBIDDEN, "900909", "Subscription rejected",
        "The application's subscription was not approved. The portal tells its owner why.";
    /// The plan's rate is used up for the moment.
    RateExceeded => "rate_exceeded", TOO_MANY_REQUESTS, "900804", "Too many requests",
        "The plan of the subscription allows no further call at the moment. Retry-After says in how many seconds it does.";
    /// The plan's quota is used up.
    QuotaExceeded => "quota_exceeded", TOO_MANY_REQUESTS, "900804", "Quota used up",
        "The plan of the subscription allows no further call in this day or month. Retry-After says when the next begins.";
    /// All callers of the API together have used up its limit.
    ApiLimitExceeded => "api_limit_exceeded", TOO_MANY_REQUESTS, "900800", "API limit reached",
        "All callers together have reached the limit of this API. Retry-After says in how many seconds it takes calls again.";
    /// All callers of the operation together have used up its limit.
    OperationLimitExceeded => "operation_limit_exceeded", TOO_MANY_REQUESTS, "900802", "Operation limit reached",
        "All callers together have reached the limit of this operation. Retry-After says in how many seconds it takes calls again.";
    /// The database is away, and nothing of the quota is in hand.
    QuotaUnknown => "quota_unknown", SERVICE_UNAVAILABLE, "900801", "Cannot count calls",
        "The gateway cannot count this call against its quota at the moment. Try again in a moment.";
    /// The shared counter is away.
    CounterAway => "counter_away", SERVICE_UNAVAILABLE, "900801", "Cannot count calls",
        "The gateway cannot count this call against its rate at the moment. Try again in a moment.";
    /// The database is away and the credential is not remembered.
    Unavailable => "unavailable", SERVICE_UNAVAILABLE, "503", "Cannot check credentials",
        "The gateway cannot check this credential at the moment. Try again in a moment.";
    /// A document of the gateway's own is only there to be read.
    OnlyReadable => "only_readable", METHOD_NOT_ALLOWED, "405", "Method not allowed", "Read this document with GET.";
    /// The request's body is too large.
    BodyTooLarge => "body_too_large", PAYLOAD_TOO_LARGE, "413", "Body too large",
        "The request's body is larger than allowed here.";
    /// The client stopped sending its body.
    BodyTimeout => "body_timeout", REQUEST_TIMEOUT, "408", "Body timeout",
        "The request's body stopped arriving. Send it again.";
    /// The client's body broke off.
    BodyBroken => "body_broken", BAD_REQUEST, "400", "Broken body", "The request's body broke off. Send it again.";
    /// The endpoint has no backend in this environment.
    NoBackend => "no_backend", SERVICE_UNAVAILABLE, "303001", "No backend",
        "The API has no backend in this environment.";
    /// The API's policy names a section for TLS to backends that the configuration lacks.
    NoBackendTls => "no_backend_tls", SERVICE_UNAVAILABLE, "101503", "Backend unreachable", UNREACHABLE;
    /// The backend cannot be connected to.
    BackendUnreachable => "backend_unreachable", BAD_GATEWAY, "101503", "Backend unreachable", UNREACHABLE;
    /// Connecting to the backend took too long.
    BackendConnectTimeout => "backend_connect_timeout", GATEWAY_TIMEOUT, "101503", "Backend unreachable", UNREACHABLE;
    /// The backend took too long to answer.
    BackendTimeout => "backend_timeout", GATEWAY_TIMEOUT, "101504", "Backend timeout",
        "The API's backend took too long to answer.";
    /// The backend closed the connection, or speaks no HTTP.
    BackendBroken => "backend_broken", BAD_GATEWAY, "101500", "Broken backend answer",
        "The API's backend gave no answer that can be passed on.";
}

/// A request that is refused, with what the answer has to say about it.
pub(super) struct Refused<'t> {
    /// Why.
    pub(super) refusal: Refusal,
    /// The version of the API that was asked for, where that is known.
    pub(super) route: Option<&'t Route>,
    /// The scopes that its token needs, where that is why.
    pub(super) scopes: Option<String>,
    /// The methods that there are, where that is why.
    pub(super) allow: Option<String>,
}

impl From<Refusal> for Refused<'_> {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, route: None, scopes: None, allow: None }
    }
}

impl Refusal {
    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        self.public().status
    }

    /// The code in the answer's body.
    pub const fn code(self) -> &'static str {
        self.public().code
    }
}

impl Refused<'_> {
    /// The answer of the gateway of this environment.
    pub(super) fn answer(&self, environment: Environment, urls: &Urls, request_id: &HeaderValue) -> Response<Reply> {
        let Public { status, code, title, detail } = self.refusal.public();
        let body = serde_json::json!({
            "type": format!("urn:portico:refusal:{}", title.to_lowercase().replace(' ', "-")),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
            "code": code,
            "message": title,
            "request_id": String::from_utf8_lossy(request_id.as_bytes()),
        });
        let mut response = Response::new(Reply::text(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for challenge in self.route.into_iter().flat_map(|route| self.challenges(route, environment, urls)) {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let allow = self.allow.as_deref().and_then(|methods| methods.try_into().ok());
            headers.insert(ALLOW, allow.unwrap_or(HeaderValue::from_static("GET, HEAD, OPTIONS")));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = if matches!(
                self.refusal,
                Refusal::NotReady | Refusal::Unavailable | Refusal::QuotaUnknown | Refusal::CounterAway
            ) {
                "1"
            } else {
                "60"
            };
            headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }

    /// How to come with a credential: for each kind that the API takes. RFC 6750 §3.1: no error code where the request
    /// had no credential. RFC 9728 §5.1: where to read which tokens the API takes.
    fn challenges(&self, route: &Route, environment: Environment, urls: &Urls) -> Vec<HeaderValue> {
        let error = match self.refusal {
            Refusal::InvalidToken | Refusal::RevokedToken | Refusal::UnknownClient | Refusal::OtherResource => {
                Some("invalid_token")
            }
            Refusal::SeveralCredentials => Some("invalid_request"),
            Refusal::InsufficientScope => Some("insufficient_scope"),
            other if other.status() == StatusCode::UNAUTHORIZED => None,
            _ => return Vec::new(),
        };
        let mut challenges = Vec::new();
        if route.api.bearer_header.is_some() {
            let error = error.map(|error| format!(r#"error="{error}""#));
            let scopes = self.scopes.as_ref().map(|scopes| format!(r#"scope="{scopes}""#));
            let metadata = resource::url(route, environment, urls).map(|url| format!(r#"resource_metadata="{url}""#));
            let parts = [Some(r#"Bearer realm="portico""#.to_owned()), error, scopes, metadata];
            challenges.push(parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
        }
        // Who came with a token is told what tokens need.
        if let Some(header) = route.api.key_header.as_ref().filter(|_| self.refusal != Refusal::InsufficientScope) {
            challenges.push(format!(r#"ApiKey realm="portico", header="{header}""#));
        }
        challenges.into_iter().filter_map(|text| text.try_into().ok()).collect()
    }
}
