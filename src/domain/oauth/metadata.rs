//! What is published: the server's metadata (RFC 8414) and its public keys (RFC 7517).

use crate::base::jwt::Algorithm;
use crate::config::Urls;
use crate::domain::credentials::client_model::GrantType;
use crate::domain::oauth::issuer::Legacy;
use crate::domain::oauth::scopes::OPENID_CONNECT;
use crate::domain::oauth::{client_assertion, grants};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A JSON text with the tag by which a cache asks whether it is still the same.
#[derive(Clone, Debug)]
pub struct Document {
    /// The JSON.
    pub body: Arc<str>,
    /// A strong entity tag with its quotes (RFC 9110 §8.8.3).
    pub etag: Arc<str>,
}

impl Document {
    fn new(value: &serde_json::Value) -> Self {
        let body = value.to_string();
        let tag = URL_SAFE_NO_PAD.encode(Sha256::digest(&body));
        Self { body: body.into(), etag: format!("\"{tag}\"").into() }
    }
}

/// Where the token endpoint is, below the issuer.
pub const TOKEN: &str = "/oauth2/token";
/// Where users decide, below the issuer.
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// Where tokens are revoked, below the issuer.
pub const REVOKE: &str = "/oauth2/revoke";
/// Where tokens are introspected, below the issuer.
pub const INTROSPECT: &str = "/oauth2/introspect";
/// Where a client learns who the user is, below the issuer.
pub const USERINFO: &str = "/oauth2/userinfo";
/// Where a client sends users to sign out, below the issuer.
pub const LOGOUT: &str = "/oauth2/logout";
/// Where devices begin, below the issuer.
pub const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";
/// Where users enter a device's code, below the issuer.
pub const DEVICE: &str = "/device";
/// Where the public keys are, below the issuer.
pub const JWKS: &str = "/oauth2/jwks";

/// For how long a verifier may keep the published keys, and everybody the metadata, in seconds.
pub const MAX_AGE_SECONDS: u32 = 600;

/// What differs from instance to instance, and from time to time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Supported {
    /// Whether the grants `password` and `implicit` are.
    pub(super) legacy: Legacy,
    /// How ID tokens are signed.
    pub(super) id_algorithm: Algorithm,
    /// Whether some client may use the challenge method `plain`.
    pub(super) plain_challenges: PlainChallenges,
}

/// Whether the challenge method `plain` (RFC 7636 §4.2) is taken from somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PlainChallenges {
    /// Some client may use it.
    FromSome,
    /// None may.
    FromNone,
}

/// RFC 8414 §2 and OIDC Discovery §3: exactly what works, and nothing else. Both documents are this one.
pub(super) fn server(urls: &Urls, supported: Supported) -> Document {
    let at = |path: &str| format!("{}{path}", urls.portal);
    let has_implicit = supported.legacy == Legacy::Allowed;
    let response_types: &[&str] = if has_implicit { &["code", "token", "id_token token"] } else { &["code"] };
    let challenges: &[&str] = match supported.plain_challenges {
        PlainChallenges::FromSome => &["S256", "plain"],
        PlainChallenges::FromNone => &["S256"],
    };
    let assertion_algorithms = client_assertion::ALGORITHMS;
    // `none` is a client that cannot keep a secret and names itself (RFC 7591 §2); it may not introspect.
    let confidential = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let all = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    Document::new(&json!({
        "issuer": urls.portal,
        "authorization_endpoint": at(AUTHORIZE),
        "token_endpoint": at(TOKEN),
        "userinfo_endpoint": at(USERINFO),
        "jwks_uri": at(JWKS),
        "revocation_endpoint": at(REVOKE),
        "introspection_endpoint": at(INTROSPECT),
        "device_authorization_endpoint": at(DEVICE_AUTHORIZATION),
        "end_session_endpoint": at(LOGOUT),
        "grant_types_supported": grants::supported(supported.legacy).map(GrantType::as_str).collect::<Vec<_>>(),
        "response_types_supported": response_types,
        "response_modes_supported": ["query", "fragment", "form_post"],
        "code_challenge_methods_supported": challenges,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": all,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "revocation_endpoint_auth_methods_supported": all,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "scopes_supported": OPENID_CONNECT,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [supported.id_algorithm.as_str()],
        "claims_supported":
            ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email"],
        // Left out, these would mean "yes" or leave it open (OIDC Discovery §3).
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

/// RFC 7517 §5, from public JWKs.
pub(super) fn jwks<'a>(keys: impl Iterator<Item = &'a serde_json::Value>) -> Document {
    Document::new(&json!({ "keys": keys.collect::<Vec<_>>() }))
}
