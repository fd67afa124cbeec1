//! Finds the credential in the header that the API's scheme names, and whose it is.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::base::secret::{Digest, Kind, Plain};
use crate::base::tally::Credential;
use crate::gateway::bearer::{self, Unbelieved, Verified};
use crate::gateway::core::Core;
use crate::gateway::key_in_query::InQuery;
use crate::gateway::records::{ClientRecord, KeyRecord};
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

/// The one credential of a kind that the API takes, in a header or where the API says so in the query. What is no
/// credential for this API stays unread.
pub(super) fn find<'a>(
    api: &Api,
    environment: Environment,
    headers: &'a HeaderMap,
    in_query: &InQuery<'_>,
) -> Result<Presented<'a>, Refusal> {
    let token = single(headers, api.bearer_header.as_ref())?.and_then(bearer_value);
    let key = single(headers, api.key_header.as_ref())?;
    match (in_query, token.is_none() && key.is_none()) {
        (InQuery::Nothing, _) => {}
        (InQuery::One { value, .. }, true) => return api_key(value, environment),
        // Whoever sends a key where it does not count must hear of it: queries end up in logs.
        (InQuery::Stray, true) => return Err(Refusal::MissingCredential),
        (InQuery::Several, _) | (InQuery::One { .. } | InQuery::Stray, false) => {
            return Err(Refusal::SeveralCredentials);
        }
    }
    match (token, key) {
        // An API may have both kinds in one header.
        (Some(_), Some(_)) if api.bearer_header != api.key_header => Err(Refusal::SeveralCredentials),
        (Some(token), _) => Ok(Presented::Token(token)),
        // What is no text has no prefix of ours either.
        (None, Some(key)) => api_key(key.to_str().unwrap_or_default().trim(), environment),
        (None, None) if api.bearer_header.is_none() && api.key_header.is_none() => Ok(Presented::Nothing),
        (None, None) => Err(Refusal::MissingCredential),
    }
}

fn api_key(text: &str, environment: Environment) -> Result<Presented<'static>, Refusal> {
    let plain = |environment| Plain::parse(Kind::ApiKey(environment), text);
    // Also one of the other environment is looked up: it opens nothing, but its owner shall learn of it.
    let ours = plain(environment).or_else(|| Environment::ALL.into_iter().find_map(plain));
    ours.map(|plain| Presented::ApiKey(plain.digest())).ok_or(Refusal::MalformedKey)
}

/// A credential that opens nothing.
pub(super) struct Unidentified {
    /// Why.
    pub(super) refusal: Refusal,
    /// Whose it is all the same, if that is known.
    pub(super) owner: (Option<ApplicationId>, Credential),
}

impl From<Refusal> for Unidentified {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, owner: (None, Credential::None) }
    }
}

/// Whose credential it is; from memory where it was seen before.
pub(super) async fn identify(
    core: &Core,
    environment: Environment,
    keys: &TrustedKeys,
    presented: Presented<'_>,
) -> Result<Caller, Unidentified> {
    match presented {
        Presented::Nothing => Ok(Caller::Anyone),
        Presented::ApiKey(digest) => {
            let key = core.keyring.key(&core.lookups, digest).await?;
            Ok(Caller::Key(key.ok_or(Refusal::UnknownKey)?))
        }
        Presented::Token(token) => {
            let token = match bearer::verified(core, environment, keys, token) {
                Ok(token) => token,
                Err(Unbelieved { refusal, client }) => return Err(unidentified(core, refusal, client).await),
            };
            let client = core.keyring.client(&core.lookups, Arc::clone(&token.client)).await?;
            Ok(Caller::Client(client.ok_or(Refusal::UnknownClient)?, token))
        }
    }
}

/// What can be told of a token that opens nothing.
async fn unidentified(core: &Core, refusal: Refusal, client: Option<Arc<str>>) -> Unidentified {
    let Some(client) = client else { return refusal.into() };
    let found = core.keyring.client(&core.lookups, client).await.ok().flatten();
    let owner = found.map(|found| (Some(found.application), Credential::Client(Arc::clone(&found.id))));
    Unidentified { refusal, owner: owner.unwrap_or((None, Credential::None)) }
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
