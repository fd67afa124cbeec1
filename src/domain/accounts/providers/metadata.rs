//! What a provider says of itself (OpenID Connect Discovery §3), as far as we need it.

use crate::config::IdentityProvider;
use serde::Deserialize;
use url::Url;

/// The discovery document, checked.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    /// Where the browser goes.
    pub(super) authorization: Url,
    /// Where the code is redeemed.
    pub(super) token: Url,
    /// Where more about the person is, if anywhere.
    pub(super) userinfo: Option<Url>,
    /// Where the keys are.
    pub(super) jwks: Url,
    /// How we authenticate.
    pub(super) authentication: Authentication,
    /// Whether each answer names its issuer (RFC 9207 §3).
    pub(super) names_issuer: bool,
}

/// How a client sends its secret (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authentication {
    /// In the `Authorization` header.
    Basic,
    /// In the form.
    Post,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Option<Url>,
    jwks_uri: Url,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Where the document of an issuer is (§4).
    pub(super) fn address(issuer: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
    }

    /// Reads it; the error is for the log.
    pub(super) fn read(settings: &IdentityProvider, text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        // §4.3: to the letter, or somebody could speak in another's name.
        if document.issuer != settings.issuer {
            return Err(format!("its issuer is not {}, which identity_providers names", settings.issuer));
        }
        let endpoints = [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri];
        if let Some(wrong) =
            endpoints.into_iter().chain(&document.userinfo_endpoint).find(|url| !settings.takes_url(url))
        {
            return Err(format!("{wrong} is without TLS"));
        }
        // §3: without the list it is Basic.
        let methods = document.token_endpoint_auth_methods_supported;
        let takes = |wanted: &str| methods.as_ref().is_some_and(|all| all.iter().any(|method| method == wanted));
        let authentication = match () {
            () if methods.is_none() || takes("client_secret_basic") => Authentication::Basic,
            () if takes("client_secret_post") => Authentication::Post,
            () => return Err("it takes neither client_secret_basic nor client_secret_post".to_owned()),
        };
        Ok(Self {
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            userinfo: document.userinfo_endpoint,
            jwks: document.jwks_uri,
            authentication,
            names_issuer: document.authorization_response_iss_parameter_supported,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(change: impl FnOnce(&mut Value)) -> Result<Metadata, String> {
        let settings = IdentityProvider { issuer: "https://a.example".to_owned(), ..IdentityProvider::default() };
        let mut document = json!({
            "issuer": "https://a.example",
            "authorization_endpoint": "https://a.example/authorize",
            "token_endpoint": "https://a.example/token",
            "jwks_uri": "https://keys.example/",
        });
        change(&mut document);
        Metadata::read(&settings, document.to_string().as_bytes())
    }

    #[test]
    fn a_document_of_another_issuer_or_without_tls_is_not_taken() {
        assert_eq!(read(|_| {}).unwrap().authentication, Authentication::Basic);
        for change in [
            |all: &mut Value| all["issuer"] = "https://a.example/".into(),
            |all: &mut Value| all["token_endpoint"] = "http://a.example/token".into(),
            |all: &mut Value| all["jwks_uri"] = "http://127.0.0.1/".into(),
            |all: &mut Value| all["userinfo_endpoint"] = "http://a.example/me".into(),
            |all: &mut Value| _ = all.as_object_mut().unwrap().remove("jwks_uri"),
            |all: &mut Value| all["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]),
        ] {
            assert!(read(change).is_err());
        }
    }

    #[test]
    fn the_secret_goes_where_the_document_says() {
        let with = |methods: Value| read(|all| all["token_endpoint_auth_methods_supported"] = methods).unwrap();
        assert_eq!(with(json!(["client_secret_post"])).authentication, Authentication::Post);
        let both = json!(["client_secret_post", "client_secret_basic"]);
        assert_eq!(with(both).authentication, Authentication::Basic);
    }
}
