//! The issuer: which keys sign now, what is published about them, and which clients there are. Held in memory.

use crate::base::error::{Error, Result};
use crate::base::id::ApplicationId;
use crate::base::jwt::{AccessClaims, Algorithm, KeySet, SigningKey, TokenError};
use crate::config::{OAuth, Urls};
use crate::domain::Ctx;
pub use crate::domain::credentials::client_model::Legacy;
use crate::domain::credentials::clients;
use crate::domain::oauth::keys::{self, State, StoredKey};
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::oauth::metadata::{self, Document, PlainChallenges, Supported};
use crate::domain::oauth::registry::{Outdated, Registry};
use crate::domain::oauth::store;
use crate::infra::watch::{Changes, News};
use arc_swap::ArcSwap;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::watch;

/// Issues tokens.
#[derive(Debug)]
pub struct Issuer {
    master_key: MasterKey,
    algorithms: Algorithms,
    legacy: Legacy,
    urls: Urls,
    ring: ArcSwap<Ring>,
    registry: Registry,
    metadata: ArcSwap<Document>,
    reached: watch::Sender<i64>,
}

/// How tokens are signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Algorithms {
    access: Algorithm,
    id: Algorithm,
}

/// The keys of one moment.
#[derive(Debug)]
struct Ring {
    access: SigningKey,
    id: SigningKey,
    trusted: KeySet,
    jwks: Document,
}

impl Issuer {
    /// Reads the signing keys, making them at the first start.
    pub async fn start(ctx: &Ctx, master_key: MasterKey, urls: Urls, config: &OAuth) -> Result<Self> {
        let algorithms = Algorithms { access: config.access_token_algorithm, id: config.id_token_algorithm };
        let legacy = if config.legacy_grants { Legacy::Allowed } else { Legacy::Forbidden };
        let stored = keys::maintain(ctx, &master_key, &[algorithms.access, algorithms.id]).await?;
        keys::check(&stored, &master_key)?;
        let ring = ArcSwap::from_pointee(Ring::read(&stored, &master_key, algorithms)?);
        let plain_challenges = plain_challenges(ctx).await?;
        let supported = Supported { legacy, id_algorithm: algorithms.id, plain_challenges };
        let metadata = ArcSwap::from_pointee(metadata::server(&urls, supported));
        let (reached, _) = watch::channel(-1);
        Ok(Self { master_key, algorithms, legacy, urls, ring, registry: Registry::new(), metadata, reached })
    }

    /// Takes in what has changed in the database: forgets clients, reads keys, writes the metadata anew. An error leaves
    /// it to be done again.
    pub async fn take(&self, ctx: &Ctx, news: &News) -> Result<()> {
        let due = Due::of(&news.changes);
        if let Some(outdated) = &due.clients {
            self.registry.forget(outdated);
            let plain_challenges = plain_challenges(ctx).await?;
            let supported = Supported { legacy: self.legacy, id_algorithm: self.algorithms.id, plain_challenges };
            self.metadata.store(Arc::new(metadata::server(&self.urls, supported)));
        }
        if due.keys {
            self.refresh(ctx).await?;
        }
        self.registry.confirm(news.asked_at);
        self.reached.send_replace(news.revision);
        Ok(())
    }

    /// Waits until every change up to `revision` was taken in.
    pub async fn reached(&self, revision: i64) {
        // There is no error: the sender lives as long as `self`.
        let _ = self.reached.subscribe().wait_for(|reached| *reached >= revision).await;
    }

    /// Rotates the keys if that is due and takes over what other nodes have changed. Called every minute, and at once
    /// when a change is announced.
    pub async fn refresh(&self, ctx: &Ctx) -> Result<()> {
        let algorithms = [self.algorithms.access, self.algorithms.id];
        let stored = keys::maintain(ctx, &self.master_key, &algorithms).await?;
        self.ring.store(Arc::new(Ring::read(&stored, &self.master_key, self.algorithms)?));
        Ok(())
    }

    /// The issuer's name, to the byte: the portal's public URL (RFC 8414 §2).
    pub fn name(&self) -> &str {
        &self.urls.portal
    }

    /// The public base URLs.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Whether `password` and `implicit` may be used.
    pub fn legacy(&self) -> Legacy {
        self.legacy
    }

    /// The clients.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The key that encrypts at rest; other keys are derived from it.
    pub(super) fn master_key(&self) -> &MasterKey {
        &self.master_key
    }

    /// The key that signs access tokens now.
    pub fn access_key(&self) -> SigningKey {
        self.ring.load().access.clone()
    }

    /// The key that signs ID tokens now.
    pub fn id_key(&self) -> SigningKey {
        self.ring.load().id.clone()
    }

    /// The claims of an access token that we have issued and that is alive at `now`. Whether it was revoked is for the
    /// caller to ask.
    pub(super) fn access(&self, token: &str, now: OffsetDateTime) -> Result<AccessClaims, TokenError> {
        self.ring.load().trusted.access(token, self.name(), now.unix_timestamp())
    }

    /// The claims of an access token that we have issued, alive or not; why it is none of ours otherwise.
    pub(super) fn access_at_any_time(&self, token: &str) -> Result<AccessClaims, TokenError> {
        self.ring.load().trusted.access_at_any_time(token, self.name())
    }

    /// Runs `read` on the public keys that are believed.
    pub(super) fn trusted<T>(&self, read: impl FnOnce(&KeySet) -> T) -> T {
        read(&self.ring.load().trusted)
    }

    /// The public keys (RFC 7517 §5).
    pub fn jwks(&self) -> Document {
        self.ring.load().jwks.clone()
    }

    /// What the server supports (RFC 8414 §3, OIDC Discovery §3).
    pub fn metadata(&self) -> Document {
        Document::clone(&self.metadata.load())
    }
}

/// Whether `master_key` opens the signing keys of the database; answers how many are published. Changes nothing.
pub async fn check(ctx: &Ctx, master_key: &MasterKey) -> Result<usize> {
    let mut conn = ctx.conn().await?;
    let stored = store::signing_keys(&mut conn).await?;
    keys::check(&stored, master_key)?;
    Ok(stored.len())
}

async fn plain_challenges(ctx: &Ctx) -> Result<PlainChallenges> {
    let any = clients::any_allows_plain_challenges(&mut *ctx.conn().await?).await?;
    Ok(if any { PlainChallenges::FromSome } else { PlainChallenges::FromNone })
}

/// What changes make necessary.
#[derive(Default, PartialEq, Eq, Debug)]
struct Due {
    /// Clients to forget.
    clients: Option<Outdated>,
    /// Whether to read the signing keys.
    keys: bool,
}

impl Due {
    fn of(changes: &Changes) -> Self {
        let all = Self { clients: Some(Outdated::All), keys: true };
        let Changes::Listed(changes) = changes else { return all };
        let (mut due, mut applications) = (Self::default(), Vec::new());
        for change in changes {
            match (&*change.subject, change.subject_id) {
                ("application", Some(id)) => applications.push(ApplicationId(id)),
                ("catalog", _) => due.clients = Some(Outdated::All),
                ("signing_key", _) => due.keys = true,
                // Whoever verifies tokens asks the database.
                ("revocation", _) => {}
                // A newer release may announce more. Forgetting too much is only slow.
                _ => return all,
            }
        }
        if due.clients.is_none() && !applications.is_empty() {
            due.clients = Some(Outdated::Of(applications));
        }
        due
    }
}

impl Ring {
    fn read(stored: &[StoredKey], master_key: &MasterKey, algorithms: Algorithms) -> Result<Self> {
        let current = |algorithm: Algorithm| {
            let key = stored
                .iter()
                .find(|key| key.algorithm == algorithm && matches!(key.state, State::Current { .. }))
                .ok_or_else(|| Error::internal("there is no current signing key"))?;
            let private = keys::open(key, master_key)?;
            SigningKey::from_pkcs8(key.kid.clone(), algorithm, &private).map_err(Error::internal)
        };
        Ok(Self {
            access: current(algorithms.access)?,
            id: current(algorithms.id)?,
            trusted: KeySet::from_jwks(stored.iter().map(|key| &key.public_jwk)).map_err(Error::internal)?,
            jwks: metadata::jwks(stored.iter().map(|key| &key.public_jwk)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::watch::Change;
    use uuid::Uuid;

    #[test]
    fn a_change_makes_outdated_what_it_touches_and_an_unknown_one_everything() {
        let id = Uuid::from_u128(1);
        let due = |subjects: &[(&str, Option<Uuid>)]| {
            let change = |(subject, subject_id): &(&str, Option<Uuid>)| Change {
                revision: 1,
                subject: (*subject).to_owned(),
                subject_id: *subject_id,
            };
            Due::of(&Changes::Listed(subjects.iter().map(change).collect()))
        };
        let of = |clients: Option<Outdated>, keys: bool| Due { clients, keys };
        let one = Outdated::Of(vec![ApplicationId(id)]);
        assert_eq!(due(&[]), of(None, false));
        assert_eq!(due(&[("revocation", Some(id))]), of(None, false));
        assert_eq!(due(&[("application", Some(id))]), of(Some(one.clone()), false));
        assert_eq!(due(&[("application", Some(id)), ("signing_key", None)]), of(Some(one), true));
        assert_eq!(due(&[("catalog", None), ("application", Some(id))]), of(Some(Outdated::All), false));
        for unknown in [("application", None), ("planet", Some(id))] {
            assert_eq!(due(&[unknown]), of(Some(Outdated::All), true));
        }
        assert_eq!(Due::of(&Changes::All), of(Some(Outdated::All), true));
    }
}
