//! What is published: the server's metadata (RFC 8414) and its public keys (RFC 7517).

use crate::config::Urls;
use crate::domain::oauth::grants;
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
/// Where the public keys are, below the issuer.
pub const JWKS: &str = "/oauth2/jwks";

/// RFC 8414 §2: exactly what works, and nothing else. There is no authorization endpoint, so no response type.
pub(super) fn server(urls: &Urls) -> Document {
    let at = |path: &str| format!("{}{path}", urls.portal);
    Document::new(&json!({
        "issuer": urls.portal,
        "token_endpoint": at(TOKEN),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "jwks_uri": at(JWKS),
        "grant_types_supported": grants::SUPPORTED,
        "response_types_supported": [],
    }))
}

/// RFC 7517 §5, from public JWKs.
pub(super) fn jwks<'a>(keys: impl Iterator<Item = &'a serde_json::Value>) -> Document {
    Document::new(&json!({ "keys": keys.collect::<Vec<_>>() }))
}
