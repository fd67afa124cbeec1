//! What an administrator does to the signing keys: looks at them, rotates them before their time, drops a compromised one.

use crate::base::error::{Error, Result};
use crate::base::jwt::Algorithm;
use crate::config::OAuth;
use crate::domain::Ctx;
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::domain::oauth::keys::{self, State, Step, StoredKey};
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::oauth::metadata::MAX_AGE_SECONDS;
use crate::domain::oauth::store;
use crate::infra::db::Tx;
use serde_json::json;
use time::{Duration, OffsetDateTime};

/// A key that is published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishedKey {
    /// Its name.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Where it is in its life.
    pub state: State,
    /// Since when.
    pub published_at: OffsetDateTime,
}

/// Whether a rotation waits for verifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Haste {
    /// Only a key that every verifier must have seen by now may sign.
    WhenKnown,
    /// Verifiers that have not read the keys again refuse new tokens for up to [`MAX_AGE_SECONDS`].
    Now,
}

/// All keys, newest first.
pub async fn list(ctx: &Ctx) -> Result<Vec<PublishedKey>> {
    let stored = store::signing_keys(&mut *ctx.conn().await?).await?;
    Ok(published(stored))
}

/// The next key of each configured algorithm signs from now on. The ones before stay published until their tokens
/// have ended. Answers the keys afterwards; every node follows within a second.
pub async fn rotate(ctx: &Ctx, master_key: &MasterKey, config: &OAuth, haste: Haste) -> Result<Vec<PublishedKey>> {
    let (mut tx, stored) = locked(ctx, master_key).await?;
    let mut algorithms = vec![config.access_token_algorithm, config.id_token_algorithm];
    algorithms.dedup();
    for algorithm in algorithms {
        let of = |is: fn(State) -> bool| stored.iter().find(|key| key.algorithm == algorithm && is(key.state));
        let current = of(|state| matches!(state, State::Current { .. }));
        let (Some(current), Some(next)) = (current, of(|state| state == State::Next)) else {
            let what = format!("there is no {} key to rotate; a start of Portico makes it", algorithm.as_str());
            return Err(Error::Conflict(what));
        };
        let known_at = next.published_at + Duration::seconds(MAX_AGE_SECONDS.into());
        let wait = (known_at - ctx.clock.now()).whole_seconds() + 1;
        if haste == Haste::WhenKnown && known_at > ctx.clock.now() {
            return Err(Error::Conflict(format!(
                "the next {} key was published a short time ago, and verifiers may not have read it yet; try again in \
                 {wait} seconds, or say --now",
                algorithm.as_str(),
            )));
        }
        let steps = [Step::Retire(current.kid.clone()), Step::Promote(next.kid.clone()), Step::MakeNext(algorithm)];
        for step in &steps {
            keys::take(&mut tx, ctx, master_key, step).await?;
        }
    }
    finish(tx).await
}

/// Drops a key at once: every token that it has signed is refused from now on. Where it was the current one, the next
/// one signs, whether verifiers know it or not. Answers the keys afterwards.
pub async fn compromised(ctx: &Ctx, master_key: &MasterKey, kid: &str) -> Result<Vec<PublishedKey>> {
    let (mut tx, mut stored) = locked(ctx, master_key).await?;
    let place = stored.iter().position(|key| key.kid == kid).ok_or(Error::NotFound)?;
    let dropped = stored.remove(place);
    store::remove_signing_key(&mut tx, kid).await?;
    let detail = json!({ "algorithm": dropped.algorithm });
    audit::record(&mut tx, ctx, &Actor::CommandLine, ("signing_key.compromised", kid), None, detail).await?;
    if !matches!(dropped.state, State::Retired { .. }) {
        for step in keys::plan_for(&stored, dropped.algorithm, ctx.clock.now()) {
            keys::take(&mut tx, ctx, master_key, &step).await?;
        }
    }
    finish(tx).await
}

/// The keys, which nobody else changes until the transaction ends. They open with this master key.
async fn locked(ctx: &Ctx, master_key: &MasterKey) -> Result<(Tx, Vec<StoredKey>)> {
    let mut tx = ctx.db.begin().await?;
    store::lock_signing_keys(&mut tx).await?;
    let stored = store::signing_keys(&mut tx).await?;
    keys::check(&stored, master_key)?;
    Ok((tx, stored))
}

async fn finish(mut tx: Tx) -> Result<Vec<PublishedKey>> {
    let stored = store::signing_keys(&mut tx).await?;
    tx.commit().await?;
    Ok(published(stored))
}

fn published(stored: Vec<StoredKey>) -> Vec<PublishedKey> {
    let published = |key: StoredKey| PublishedKey {
        kid: key.kid,
        algorithm: key.algorithm,
        state: key.state,
        published_at: key.published_at,
    };
    stored.into_iter().map(published).collect()
}
