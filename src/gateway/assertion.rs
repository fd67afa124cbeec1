//! A signed, short-lived statement of who calls, for backends that want proof: a JWT that our published keys verify.
//!
//! Signing costs more than all the rest of a call, so a statement serves for half of its life, for all calls that it
//! would say the same about. It names no request for that reason. It is no access token: its type and its audience are
//! others.

use crate::base::environment::Environment;
use crate::base::jwt::TokenError;
use crate::base::secret::Digest;
use crate::gateway::authn::Caller;
use crate::gateway::core::Core;
use crate::gateway::permit::Permit;
use crate::gateway::snapshot::KeysMark;
use http::HeaderValue;
use quick_cache::unsync::Cache;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;

/// The `typ` of a statement.
pub const ASSERTION: &str = "portico-assertion+jwt";

/// Signs claims as a token of the type [`ASSERTION`], with the key that signs access tokens now.
pub type Signer = Arc<dyn Fn(&Claims<'_>) -> Result<String, TokenError> + Send + Sync>;

/// Seconds that a statement lives.
const LIFE: i64 = 60;
/// Seconds for which it is said again.
const REUSE: i64 = 30;
/// Statements that one thread remembers; each takes about a kilobyte.
const REMEMBERED: usize = 2048;

/// What a statement says (RFC 7519 §4.1, and members of our own).
#[derive(Debug, Serialize)]
pub struct Claims<'a> {
    /// The portal's URL, to the byte.
    pub iss: &'a str,
    /// The backend that it is meant for, as an origin: `https://pets.internal:8443`.
    pub aud: &'a str,
    /// The user's id; without a user the client's, and for API keys the application's.
    pub sub: &'a str,
    /// The application's id.
    pub app: &'a str,
    /// The subscription's id.
    pub subscription: &'a str,
    /// The name of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<&'a str>,
    /// `production` or `sandbox`.
    pub env: Environment,
    /// The name of the API.
    pub api: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The scopes of an access token, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'a str>,
    /// Unique.
    pub jti: &'a str,
    /// Issued at, seconds since the epoch.
    pub iat: i64,
    /// Expires at, seconds since the epoch.
    pub exp: i64,
}

/// Makes statements, and remembers those of one thread.
pub(super) struct Assertions {
    signer: Signer,
    made: Mutex<Cache<Digest, Made>>,
}

#[derive(Clone)]
struct Made {
    statement: HeaderValue,
    /// Seconds since the epoch.
    at: i64,
    /// The keys that were published then: with others it may no longer verify.
    keys: KeysMark,
}

impl Assertions {
    /// With nothing remembered.
    pub(super) fn new(signer: Signer) -> Self {
        Self { signer, made: Mutex::new(Cache::new(REMEMBERED)) }
    }

    /// The statement about a call; nothing where nobody is known to call. The error means that it cannot be signed.
    pub(super) fn about(
        &self,
        core: &Core,
        (permit, caller): (&Permit<'_, '_>, &Caller),
        environment: Environment,
        (keys, now): (KeysMark, OffsetDateTime),
    ) -> Result<Option<HeaderValue>, TokenError> {
        let Some(identity) = &permit.identity else { return Ok(None) };
        let route = permit.matched.route;
        let app = identity.application.to_str().unwrap_or_default();
        let (sub, scope) = match caller {
            Caller::Anyone => return Ok(None),
            Caller::Key(_) => (app, None),
            Caller::Client(client, token) => {
                let user = identity.user.and_then(|user| user.to_str().ok());
                (user.unwrap_or(&client.id), Some(token.reach.scopes()).filter(|scopes| !scopes.is_empty()))
            }
        };
        let subscription = identity.subscription.to_str().unwrap_or_default();
        let plan = identity.plan.and_then(|plan| plan.name.to_str().ok());
        let version = route.version_header.to_str().unwrap_or_default();
        let (aud, api) = (&*permit.backend.url, &*route.api.name);
        let said = [aud, sub, app, subscription, plan.unwrap_or_default(), environment.as_str(), api, version];
        let mut digest = Sha256::new();
        for part in said.into_iter().chain(scope) {
            // Lengths too: parts must not run into one another.
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let digest = Digest(digest.finalize().into());
        let now = now.unix_timestamp();
        let known = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(made) = known.filter(|made| made.keys == keys && (made.at..made.at + REUSE).contains(&now)) {
            return Ok(Some(made.statement));
        }
        let jti = core.ids.next();
        let claims = Claims {
            iss: &core.settings.urls.portal,
            aud,
            sub,
            app,
            subscription,
            plan,
            env: environment,
            api,
            version,
            scope,
            jti: jti.to_str().unwrap_or_default(),
            iat: now,
            exp: now + LIFE,
        };
        let statement = (self.signer)(&claims)?;
        let statement = HeaderValue::try_from(statement).map_err(|_unsendable| TokenError::Malformed)?;
        let made = Made { statement: statement.clone(), at: now, keys };
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, made);
        Ok(Some(statement))
    }
}
