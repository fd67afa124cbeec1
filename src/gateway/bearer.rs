//! Access tokens (RFC 9068): checked once, then remembered by their digest until they end or the keys change.

use crate::base::environment::Environment;
use crate::base::secret::Digest;
use crate::gateway::core::Core;
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::{KeysMark, TrustedKeys};
use sha2::Digest as _;
use std::sync::Arc;

/// Longer ones are not looked at: hashing and decoding them would be work for an attacker's sake.
const LONGEST: usize = 16 * 1024;

/// A token whose signature, issuer, audience and type hold.
#[derive(Clone)]
pub(super) struct Verified {
    /// The client it was issued to.
    pub(super) client: Arc<str>,
    /// Where it opens APIs.
    pub(super) environment: Environment,
    /// When it ends, seconds since the epoch.
    pub(super) expires: i64,
    /// What it was checked against.
    pub(super) keys: KeysMark,
}

/// The client that `token` was issued to, if it is ours, alive, and meant for this environment.
pub(super) fn client(
    core: &Core,
    environment: Environment,
    keys: &TrustedKeys,
    token: &str,
) -> Result<Arc<str>, Refusal> {
    if token.is_empty() || token.len() > LONGEST {
        return Err(Refusal::InvalidToken);
    }
    let now = core.settings.clock.now();
    let (keys, mark) = keys.at(now);
    let now = now.unix_timestamp();
    let digest = Digest(sha2::Sha256::digest(token.as_bytes()).into());
    let verified = if let Some(verified) = core.keyring.token(&digest, mark) {
        verified
    } else {
        let urls = &core.settings.urls;
        let claims = keys.access(token, &urls.portal, urls.gateway(environment), now).map_err(|reason| {
            tracing::debug!(%reason, "an access token is refused");
            Refusal::InvalidToken
        })?;
        if claims.env != environment {
            return Err(Refusal::InvalidToken);
        }
        let verified = Verified { client: claims.client_id.into(), environment, expires: claims.exp, keys: mark };
        core.keyring.remember_token(digest, verified.clone());
        verified
    };
    if verified.environment != environment || verified.expires <= now {
        return Err(Refusal::InvalidToken);
    }
    Ok(verified.client)
}
