//! The code for tokens (OpenID Connect Core §3.1.3), and the tokens for what they say.

use crate::base::jwk::Verdict;
use crate::domain::Ctx;
use crate::domain::accounts::providers::claims::{self, Claims, Person};
use crate::domain::accounts::providers::id_token::{Expected, IdToken};
use crate::domain::accounts::providers::metadata::{Authentication, Metadata};
use crate::domain::accounts::providers::provider::{Keys, Provider};
use crate::domain::accounts::providers::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use serde::Deserialize;
use url::form_urlencoded::{Serializer, byte_serialize};

/// What redeems a code.
pub(super) struct Code<'a> {
    /// As it came with the browser.
    pub(super) text: &'a str,
    /// What the challenge was made of (RFC 7636 §4.5).
    pub(super) verifier: &'a str,
    /// Where the code was sent, to the letter.
    pub(super) redirect_uri: &'a str,
    /// What the ID token must repeat.
    pub(super) nonce: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: String,
}

/// Who it is that came back with this code.
pub(super) async fn person(
    ctx: &Ctx,
    provider: &Provider,
    metadata: &Metadata,
    code: &Code<'_>,
) -> Result<Person, Refusal> {
    let tokens = redeem(provider, metadata, code).await?;
    let (subject, claims) = judge(ctx, provider, metadata, (&tokens.id_token, code.nonce)).await?;
    let settings = &provider.settings;
    let more = match &metadata.userinfo {
        Some(_) if claims::lacks(settings, &claims) => userinfo(provider, metadata, &tokens, &subject).await?,
        _ => Claims::new(),
    };
    Ok(Person::read(settings, &subject, &[&claims, &more]))
}

async fn redeem(provider: &Provider, metadata: &Metadata, code: &Code<'_>) -> Result<Tokens, Refusal> {
    let request = token_request(provider, metadata.authentication, code);
    let request = request.map_err(|error| provider.unusable("token", &error))?;
    let (status, body) = provider.call("token", &metadata.token, request).await?;
    match status {
        StatusCode::OK => serde_json::from_slice(&body)
            .map_err(|_unreadable| provider.unusable("token", &"it holds no id_token, or cannot be read")),
        status if status.is_server_error() => {
            provider.unusable("token", &format!("status {}", status.as_u16()));
            Err(Refusal::Unreachable)
        }
        status => Err(provider.unusable("token", &format!("status {}, {}", status.as_u16(), error_code(&body)))),
    }
}

fn token_request(
    provider: &Provider,
    authentication: Authentication,
    code: &Code<'_>,
) -> Result<Request<Bytes>, http::Error> {
    let (client, secret) = (&provider.settings.client_id, &provider.secret);
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code.text)
        .append_pair("redirect_uri", code.redirect_uri)
        .append_pair("code_verifier", code.verifier);
    let mut request = Request::post("/").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match authentication {
        Authentication::Post => _ = form.append_pair("client_id", client).append_pair("client_secret", secret),
        Authentication::Basic => {
            // RFC 6749 §2.3.1: both in form encoding first.
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", encoded(client), encoded(secret)));
            request = request.header(AUTHORIZATION, secret_header(&format!("Basic {pair}"))?);
        }
    }
    request.body(Bytes::from(form.finish()))
}

/// The error of an answer (RFC 6749 §5.2), if it is a plain word.
fn error_code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    let error = serde_json::from_slice::<Answer>(body).map(|answer| answer.error).unwrap_or_default();
    let is_plain = |text: &str| text.len() <= 60 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if !error.is_empty() && is_plain(&error) { error } else { "no error code".to_owned() }
}

async fn judge(
    ctx: &Ctx,
    provider: &Provider,
    metadata: &Metadata,
    (text, nonce): (&str, &str),
) -> Result<(String, Claims), Refusal> {
    let wrong = |why: &'static str| provider.unusable("ID token", &why);
    let token = IdToken::read(text).map_err(wrong)?;
    let keys = provider.keys(ctx, metadata, Keys::Usual).await?;
    let verdict = match token.signature(&keys) {
        // It may have been made with a key that is newer than our copy.
        Verdict::UnknownKey => token.signature(&*provider.keys(ctx, metadata, Keys::Fresher).await?),
        verdict => verdict,
    };
    match verdict {
        Verdict::Holds => {}
        Verdict::UnknownKey => return Err(wrong("it names a key that the provider does not publish")),
        Verdict::Fails => return Err(wrong("its signature or its algorithm is not taken")),
    }
    let (issuer, client) = (&*provider.settings.issuer, &*provider.settings.client_id);
    token.accept(&Expected { issuer, client, nonce, now: ctx.clock.now() }).map_err(wrong)
}

/// More about the person (§5.3), if it is about this one.
async fn userinfo(provider: &Provider, metadata: &Metadata, tokens: &Tokens, subject: &str) -> Result<Claims, Refusal> {
    let Some(url) = metadata.userinfo.as_ref().filter(|_| !tokens.access_token.is_empty()) else {
        return Ok(Claims::new());
    };
    let mut request = Request::new(Bytes::new());
    let value = secret_header(&format!("Bearer {}", tokens.access_token));
    request.headers_mut().insert(AUTHORIZATION, value.map_err(|e| provider.unusable("userinfo", &e))?);
    let body = provider.fetch("userinfo", url, request).await?;
    let claims: Claims =
        serde_json::from_slice(&body).map_err(|_unreadable| provider.unusable("userinfo", &"it is no JSON object"))?;
    // §5.3.2: or one person's address could be shown for another's subject.
    if claims.get("sub").and_then(serde_json::Value::as_str) != Some(subject) {
        return Err(provider.unusable("userinfo", &"it is about another subject"));
    }
    Ok(claims)
}

fn secret_header(text: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}
