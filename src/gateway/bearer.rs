//! Access tokens (RFC 9068): checked once, then remembered by their digest until they end, are revoked, or the keys change.

use crate::base::environment::Environment;
use crate::base::jwt::Audience;
use crate::base::secret::Digest;
use crate::gateway::core::Core;
use crate::gateway::refusal::Refusal;
use crate::gateway::revocations::Names;
use crate::gateway::snapshot::{KeysMark, TrustedKeys};
use crate::infra::watch;
use http::HeaderValue;
use sha2::Digest as _;
use std::sync::Arc;

/// Longer ones are not looked at: hashing and decoding them would be work for an attacker's sake.
const LONGEST: usize = 16 * 1024;

/// A token whose signature, issuer, audience and type hold.
pub(super) struct Verified {
    /// The client it was issued to.
    pub(super) client: Arc<str>,
    /// The user on whose behalf it was issued, for backends; nothing if the client acts for itself.
    pub(super) user: Option<HeaderValue>,
    /// Where it opens APIs.
    pub(super) environment: Environment,
    /// When it ends, seconds since the epoch.
    pub(super) expires: i64,
    /// What it opens there.
    pub(super) reach: Reach,
    /// By what it may be revoked.
    pub(super) names: Names,
    /// What it was checked against.
    pub(super) keys: KeysMark,
}

/// What a token opens of its environment. Both parts are shared by tokens that are alike, and most have neither.
pub(super) struct Reach {
    /// Its scopes, separated by spaces, and the same for backends.
    scopes: Option<(Arc<str>, HeaderValue)>,
    /// The APIs that it is meant for, each as its [`resource`](crate::gateway::snapshot::Route::resource), separated by
    /// spaces; nothing if it is meant for all of them.
    resources: Option<Arc<str>>,
}

impl Reach {
    /// Its scopes, separated by spaces.
    pub(super) fn scopes(&self) -> &str {
        self.scopes.as_ref().map_or("", |(scopes, _)| scopes)
    }

    /// The same for backends; nothing if it has none.
    pub(super) fn scopes_header(&self) -> Option<&HeaderValue> {
        self.scopes.as_ref().map(|(_, header)| header)
    }

    /// Whether it is meant for this API (RFC 8707).
    pub(super) fn is_for(&self, resource: &str) -> bool {
        self.resources.as_deref().is_none_or(|all| all.split(' ').any(|one| one == resource))
    }
}

/// A token that opens nothing.
#[derive(Debug)]
pub(super) struct Unbelieved {
    /// Why.
    pub(super) refusal: Refusal,
    /// The client that it was issued to all the same, if it is ours: its owner may learn of it.
    pub(super) client: Option<Arc<str>>,
}

impl From<Refusal> for Unbelieved {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, client: None }
    }
}

/// What `token` says, if it is ours, alive, meant for this environment and not revoked.
pub(super) fn verified(
    core: &Core,
    environment: Environment,
    keys: &TrustedKeys,
    token: &str,
) -> Result<Arc<Verified>, Unbelieved> {
    if token.is_empty() || token.len() > LONGEST {
        return Err(Refusal::InvalidToken.into());
    }
    let now = core.settings.clock.now();
    let (keys, mark) = keys.at(now);
    let now = now.unix_timestamp();
    let digest = Digest(sha2::Sha256::digest(token.as_bytes()).into());
    let verified = if let Some(verified) = core.keyring.token(&digest, mark) {
        verified
    } else {
        let urls = &core.settings.urls;
        let claims = keys.access_at_any_time(token, &urls.portal).map_err(|reason| {
            tracing::debug!(%reason, "an access token is refused");
            Refusal::InvalidToken
        })?;
        let resources = resources(&claims.aud, urls.gateway(environment));
        let is_for_here = claims.env == environment && !resources.as_ref().is_some_and(String::is_empty);
        if !claims.is_alive(now) || !is_for_here {
            return Err(Unbelieved { refusal: Refusal::InvalidToken, client: Some(claims.client_id.into()) });
        }
        // It may have been revoked since the database was last heard: what was not seen before is not believed.
        core.lookups.check(watch::STALE)?;
        let share = |text: &str| if text.is_empty() { None } else { core.keyring.share(text) };
        let user = (claims.sub != claims.client_id).then(|| HeaderValue::try_from(claims.sub)).transpose();
        let verified = Arc::new(Verified {
            reach: Reach {
                scopes: share(&claims.scope),
                resources: resources.as_deref().and_then(share).map(|(text, _)| text),
            },
            user: user.or(Err(Refusal::InvalidToken))?,
            names: Names::new(&claims.jti, claims.gid, claims.iat),
            client: claims.client_id.into(),
            environment,
            expires: claims.exp,
            keys: mark,
        });
        core.keyring.remember_token(digest, Arc::clone(&verified));
        verified
    };
    let not = |refusal| Unbelieved { refusal, client: Some(Arc::clone(&verified.client)) };
    if verified.environment != environment || verified.expires <= now {
        return Err(not(Refusal::InvalidToken));
    }
    if core.revocations.hold(&verified.client, &verified.names) {
        return Err(not(Refusal::RevokedToken));
    }
    Ok(verified)
}

/// The APIs that an audience names below the gateway's base URL; nothing if it names the base URL itself.
fn resources(audience: &Audience, gateway: &str) -> Option<String> {
    if audience.contains(gateway) {
        return None;
    }
    let below = |name: &String| name.strip_prefix(gateway)?.strip_prefix('/').map(str::to_owned);
    Some(audience.names().iter().filter_map(below).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::jwt::{ACCESS_TOKEN, AccessClaims, Algorithm, SigningKey, TokenError};
    use crate::base::random::Random;
    use crate::config::{Gateway, Urls};
    use crate::gateway::core::Settings;
    use crate::gateway::limits::Limits;
    use crate::gateway::lookups::{Lookups, TRUST};
    use crate::gateway::revocations::Revocations;
    use crate::gateway::store::KeyRow;
    use crate::gateway::tls::Tls;
    use crate::infra::watch::{Feed, STALE};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::time::{Duration, Instant};
    use time::macros::datetime;

    const HERE: Environment = Environment::Production;

    /// A gateway thread whose database has confirmed all this long ago.
    fn core(confirmed: Duration) -> (Core, Arc<Feed>) {
        let urls = Urls { portal: "https://p".into(), production: "https://g".into(), sandbox: "https://s".into() };
        let clock = Clock::fixed(datetime!(2026-11-24 12:00 UTC));
        let feed = Arc::new(Feed::confirmed(confirmed));
        let pool = sqlx::PgPool::connect_lazy("postgres://nobody@localhost/nothing").unwrap();
        let lookups = Lookups::new(tokio::runtime::Handle::current(), pool, Arc::clone(&feed));
        let core = Core::new(
            Arc::new(Settings::new(&Gateway::default(), urls, clock)),
            (lookups, Arc::new(Revocations::new())),
            &Limits::without_database(Clock::System),
            (Arc::new(Tls::default()), Arc::new(|_| Err(TokenError::Key))),
            &Random::seeded(1),
            (10, 0),
        );
        (core, feed)
    }

    /// A key that is trusted, and tokens that it signed.
    fn tokens() -> (TrustedKeys, [String; 2]) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        let jwk = serde_json::json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "k", "x": x, "y": y });
        let private = pair.to_pkcs8v1().unwrap();
        let key = SigningKey::from_pkcs8("k".to_owned(), Algorithm::Es256, private.as_ref()).unwrap();
        let iat = datetime!(2026-11-24 12:00 UTC).unix_timestamp();
        let token = |jti: &str| {
            let claims = AccessClaims {
                iss: "https://p".to_owned(),
                sub: "c".to_owned(),
                aud: Audience::One("https://g".to_owned()),
                client_id: "c".to_owned(),
                scope: String::new(),
                jti: jti.to_owned(),
                iat,
                exp: iat + 900,
                env: HERE,
                gid: None,
            };
            key.sign(ACCESS_TOKEN, &claims).unwrap()
        };
        let keys = TrustedKeys::new(1, &[KeyRow { public_jwk: jwk, gone_at: None }]).unwrap();
        (keys, [token("a"), token("b")])
    }

    #[tokio::test]
    async fn while_the_database_is_silent_only_tokens_that_were_seen_before_are_believed() {
        let (keys, [seen, new]) = tokens();
        // The token is seen while all is well. Time passes: the same memory, on a clock that runs on.
        let (earlier, _) = core(Duration::ZERO);
        let remembered = verified(&earlier, HERE, &keys, &seen).unwrap();
        let (core, feed) = core(STALE + Duration::from_secs(1));
        let digest = |token: &str| Digest(sha2::Sha256::digest(token.as_bytes()).into());
        core.keyring.remember_token(digest(&seen), remembered);
        assert!(verified(&core, HERE, &keys, &seen).is_ok());
        assert_eq!(core.lookups.check(TRUST), Ok(()), "its client is believed for as long as that");
        // The other one may have been revoked since: nobody here can know.
        assert_eq!(verified(&core, HERE, &keys, &new).err().map(|no| no.refusal), Some(Refusal::Unavailable));
        assert_eq!(verified(&core, HERE, &keys, "a.b.c").err().map(|no| no.refusal), Some(Refusal::InvalidToken));
        feed.confirm(Instant::now());
        assert!(verified(&core, HERE, &keys, &new).is_ok());
    }

    #[tokio::test]
    async fn what_is_revoked_before_and_after_a_token_is_seen_counts() {
        let (keys, [one, other]) = tokens();
        let (core, _) = core(Duration::ZERO);
        let refused = |token: &str| verified(&core, HERE, &keys, token).err().map(|no| no.refusal);
        let revoke = |jti: &str| {
            core.revocations.add(vec![crate::gateway::store::RevocationRow {
                kind: "token".to_owned(),
                subject: jti.to_owned(),
                not_before: None,
                expires_at: datetime!(2026-11-24 13:00 UTC),
            }]);
        };
        revoke("a");
        assert_eq!((refused(&one), refused(&other)), (Some(Refusal::RevokedToken), None));
        revoke("b");
        assert_eq!((refused(&one), refused(&other)), (Some(Refusal::RevokedToken), Some(Refusal::RevokedToken)));
    }
}
