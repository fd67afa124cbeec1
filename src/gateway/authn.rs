//! Finds the credential in the header that the API's scheme names, and whose it is.

use crate::base::environment::Environment;
use crate::base::secret::{Digest, Kind, Plain};
use crate::gateway::bearer::{self, Verified};
use crate::gateway::core::Core;
use crate::gateway::keyring::{ClientRecord, KeyRecord};
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::{Api, TrustedKeys};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// Who calls. Not yet whether that is allowed: see [`crate::gateway::permit`].
pub(super) enum Caller {
    /// The API asks for no credential.
    Anyone,
    /// The holder of an API key.
    Key(Arc<KeyRecord>),
    /// A client with an access token.
    Client(Arc<ClientRecord>, Arc<Verified>),
}

/// A credential as it was sent.
pub(super) enum Presented<'a> {
    /// The API asks for none.
    Nothing,
    /// Shape and checksum hold, so it is worth a look-up.
    ApiKey(Digest),
    /// What followed `Bearer`.
    Token(&'a str),
}

/// The one credential of a kind that the API takes. What is no credential for this API stays unread.
pub(super) fn find<'a>(api: &Api, environment: Environment, headers: &'a HeaderMap) -> Result<Presented<'a>, Refusal> {
    let token = single(headers, api.bearer_header.as_ref())?.and_then(bearer_value);
    let key = single(headers, api.key_header.as_ref())?;
    match (token, key) {
        // An API may have both kinds in one header.
        (Some(_), Some(_)) if api.bearer_header != api.key_header => Err(Refusal::SeveralCredentials),
        (Some(token), _) => Ok(Presented::Token(token)),
        (None, Some(key)) => {
            // What is no text has no prefix of ours either.
            let text = key.to_str().unwrap_or_default().trim();
            let plain = |environment| Plain::parse(Kind::ApiKey(environment), text);
            match plain(environment) {
                Some(plain) => Ok(Presented::ApiKey(plain.digest())),
                None if Environment::ALL.into_iter().any(|other| plain(other).is_some()) => {
                    Err(Refusal::OtherEnvironment)
                }
                None => Err(Refusal::MalformedKey),
            }
        }
        (None, None) if api.bearer_header.is_none() && api.key_header.is_none() => Ok(Presented::Nothing),
        (None, None) => Err(Refusal::MissingCredential),
    }
}

/// Whose credential it is; from memory where it was seen before.
pub(super) async fn identify(
    core: &Core,
    environment: Environment,
    keys: &TrustedKeys,
    presented: Presented<'_>,
) -> Result<Caller, Refusal> {
    match presented {
        Presented::Nothing => Ok(Caller::Anyone),
        Presented::ApiKey(digest) => {
            core.keyring.key(&core.lookups, digest).await?.map(Caller::Key).ok_or(Refusal::UnknownKey)
        }
        Presented::Token(token) => {
            let token = bearer::verified(core, environment, keys, token)?;
            let client = core.keyring.client(&core.lookups, Arc::clone(&token.client)).await?;
            Ok(Caller::Client(client.ok_or(Refusal::UnknownClient)?, token))
        }
    }
}

/// A header that may be there once.
fn single<'a>(headers: &'a HeaderMap, name: Option<&HeaderName>) -> Result<Option<&'a HeaderValue>, Refusal> {
    let Some(name) = name else { return Ok(None) };
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Refusal::SeveralCredentials) } else { Ok(first) }
}

/// What follows the scheme `Bearer` (RFC 6750 §2.1; schemes are compared without case); nothing for another scheme.
/// A value that is no text counts as an empty token: it is a bearer credential, and a wrong one.
fn bearer_value(value: &HeaderValue) -> Option<&str> {
    let bytes = value.as_bytes();
    let (scheme, rest) = bytes.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") || !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return None;
    }
    Some(std::str::from_utf8(rest).unwrap_or_default().trim())
}
