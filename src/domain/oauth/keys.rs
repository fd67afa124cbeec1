//! Signing keys: made, published as `next`, used as `current`, kept as `retired` until no token needs them, gone.
//!
//! A verifier may hold the published keys for as long as `Cache-Control` lets it (ten minutes), so a key is published a
//! day before it signs and stays published until the last token it signed has ended.

use crate::base::error::{Error, Result};
use crate::base::jwt::Algorithm;
use crate::domain::Ctx;
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::oauth::store;
use crate::infra::db::Conn;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// How long a key signs.
const SIGNS_FOR: Duration = Duration::days(90);
/// How long a key is published before it may sign.
const PUBLISHED_BEFORE: Duration = Duration::days(1);
/// How long a key stays published after it last signed: the longest lifetime a client may choose, and an hour for
/// nodes that have not noticed yet.
const KEPT_AFTER: Duration = Duration::hours(24 + 1);

/// A key as it is stored. `Debug` is left out: the private part is encrypted, but has no place in a log.
#[derive(Clone)]
pub(super) struct StoredKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) state: State,
    pub(super) public_jwk: serde_json::Value,
    pub(super) private_key: Vec<u8>,
    pub(super) published_at: OffsetDateTime,
}

/// Where a key is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Published, does not sign yet.
    Next,
    /// Signs.
    Current {
        /// From when on.
        since: OffsetDateTime,
    },
    /// Verifies only.
    Retired {
        /// When it is removed.
        gone_at: OffsetDateTime,
    },
}

/// What has to change. Keys are named by their `kid`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// No longer published.
    Remove(String),
    /// Signs no longer.
    Retire(String),
    /// Signs from now on.
    Promote(String),
    /// A new key that signs at once.
    MakeCurrent(Algorithm),
    /// A new key that will sign one day.
    MakeNext(Algorithm),
}

/// The stored keys after what was due has been done: made at the first start, rotated, removed. Nodes that come here
/// together wait for one another and then find it done. Writes nothing when nothing is due.
pub(super) async fn maintain(ctx: &Ctx, master_key: &MasterKey, algorithms: &[Algorithm]) -> Result<Vec<StoredKey>> {
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    let keys = store::signing_keys(&mut conn).await?;
    drop(conn);
    if plan(&keys, algorithms, now).is_empty() {
        return Ok(keys);
    }
    let mut tx = ctx.db.begin().await?;
    store::lock_signing_keys(&mut tx).await?;
    let keys = store::signing_keys(&mut tx).await?;
    // A key made under one master key beside keys of another could be used by neither node.
    check(&keys, master_key)?;
    for step in plan(&keys, algorithms, now) {
        take(&mut tx, ctx, master_key, &step).await?;
    }
    let keys = store::signing_keys(&mut tx).await?;
    tx.commit().await?;
    Ok(keys)
}

/// Refuses a master key that does not open the private keys.
pub(super) fn check(keys: &[StoredKey], master_key: &MasterKey) -> Result<()> {
    let used = |key: &&StoredKey| !matches!(key.state, State::Retired { .. });
    for key in keys.iter().filter(used) {
        open(key, master_key)?;
    }
    Ok(())
}

/// The private part of a key, as PKCS#8.
pub(super) fn open(key: &StoredKey, master_key: &MasterKey) -> Result<Vec<u8>> {
    master_key.open(&key.kid, &key.private_key).map_err(|_cipher| {
        Error::Conflict(
            "those in this database were encrypted with another master key: start with the oauth.master_key or the \
             master.key that made them; if it is lost, run `delete from signing_keys` in the database, which ends \
             every token issued so far"
                .to_owned(),
        )
    })
}

/// What is due at `now`, in an order in which it can be done. Keys of another algorithm than the configured ones stay
/// as they are until their time is over, so that nodes whose configurations differ for a while do not undo each
/// other's work.
fn plan(keys: &[StoredKey], algorithms: &[Algorithm], now: OffsetDateTime) -> Vec<Step> {
    let mut steps = Vec::new();
    for key in keys {
        let kid = || key.kid.clone();
        let is_configured = algorithms.contains(&key.algorithm);
        match key.state {
            State::Retired { gone_at } if gone_at <= now => steps.push(Step::Remove(kid())),
            State::Current { since } if !is_configured && since + SIGNS_FOR <= now => steps.push(Step::Retire(kid())),
            State::Next if !is_configured && key.published_at + SIGNS_FOR <= now => steps.push(Step::Remove(kid())),
            State::Retired { .. } | State::Current { .. } | State::Next => {}
        }
    }
    for (place, algorithm) in algorithms.iter().enumerate() {
        if !algorithms.iter().take(place).any(|before| before == algorithm) {
            steps.extend(plan_for(keys, *algorithm, now));
        }
    }
    steps
}

/// What is due for an algorithm that is configured.
pub(super) fn plan_for(keys: &[StoredKey], algorithm: Algorithm, now: OffsetDateTime) -> Vec<Step> {
    let (mut current, mut next) = (None, None);
    for key in keys.iter().filter(|key| key.algorithm == algorithm) {
        match key.state {
            State::Current { since } => current = Some((key.kid.clone(), since)),
            State::Next => next = Some((key.kid.clone(), key.published_at)),
            State::Retired { .. } => {}
        }
    }
    match (current, next) {
        (None, None) => vec![Step::MakeCurrent(algorithm), Step::MakeNext(algorithm)],
        // An administrator has removed the current key, or the algorithm was configured before.
        (None, Some((next, _))) => vec![Step::Promote(next), Step::MakeNext(algorithm)],
        (Some(_), None) => vec![Step::MakeNext(algorithm)],
        (Some((current, since)), Some((next, published_at)))
            if since + SIGNS_FOR <= now && published_at + PUBLISHED_BEFORE <= now =>
        {
            vec![Step::Retire(current), Step::Promote(next), Step::MakeNext(algorithm)]
        }
        (Some(_), Some(_)) => Vec::new(),
    }
}

/// Does it, and puts it on the audit trail.
pub(super) async fn take(conn: &mut Conn, ctx: &Ctx, master_key: &MasterKey, step: &Step) -> Result<()> {
    let now = ctx.clock.now();
    let (action, kid) = match step {
        Step::Remove(kid) => {
            store::remove_signing_key(conn, kid).await?;
            ("signing_key.removed", kid.clone())
        }
        Step::Retire(kid) => {
            store::retire_signing_key(conn, kid, now + KEPT_AFTER).await?;
            ("signing_key.retired", kid.clone())
        }
        Step::Promote(kid) => {
            store::promote_signing_key(conn, kid, now).await?;
            ("signing_key.promoted", kid.clone())
        }
        Step::MakeCurrent(algorithm) | Step::MakeNext(algorithm) => {
            let is_next = matches!(step, Step::MakeNext(_));
            let state = if is_next { State::Next } else { State::Current { since: now } };
            let key = make(ctx, (master_key, *algorithm), state).await?;
            store::insert_signing_key(conn, &key).await?;
            ("signing_key.made", key.kid)
        }
    };
    audit::record(conn, ctx, &Actor::CommandLine, (action, &kid), None, json!({})).await
}

async fn make(ctx: &Ctx, (master_key, algorithm): (&MasterKey, Algorithm), state: State) -> Result<StoredKey> {
    // An RSA key takes a good part of a second to find.
    let (public_jwk, private) = tokio::task::spawn_blocking(move || generate(algorithm))
        .await
        .map_err(Error::internal)?
        .map_err(Error::internal)?;
    let kid = public_jwk.get("kid").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let private_key = master_key.seal(&kid, &private, &ctx.random).map_err(Error::internal)?;
    Ok(StoredKey { kid, algorithm, state, public_jwk, private_key, published_at: ctx.clock.now() })
}

/// A new key pair: the public JWK (RFC 7517), named by its thumbprint (RFC 7638), and the private part as PKCS#8. The
/// library draws from the operating system's randomness and takes no other source.
fn generate(algorithm: Algorithm) -> Result<(serde_json::Value, Vec<u8>), Unspecified> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (mut jwk, private) = match algorithm {
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            // SEC 1 §2.3.3, uncompressed: 4, then both coordinates.
            let (x, y) = match pair.public_key().as_ref().split_first() {
                Some((4, point)) if point.len() == 64 => point.split_at(32),
                _ => return Err(Unspecified),
            };
            let jwk = json!({ "crv": "P-256", "kty": "EC", "x": text(x), "y": text(y) });
            (jwk, pair.to_pkcs8v1()?.as_ref().to_vec())
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
            let exponent = text(pair.public_key().exponent().big_endian_without_leading_zero());
            let modulus = text(pair.public_key().modulus().big_endian_without_leading_zero());
            let private: Pkcs8V1Der<'_> = pair.as_der()?;
            (json!({ "e": exponent, "kty": "RSA", "n": modulus }), private.as_ref().to_vec())
        }
    };
    // RFC 7638 §3.3: the required members alone, in the order of their names, without spaces. That is how they were
    // put together above.
    let kid = text(&Sha256::digest(jwk.to_string()));
    if let Some(members) = jwk.as_object_mut() {
        members.insert("kid".to_owned(), kid.into());
        members.insert("use".to_owned(), "sig".into());
        members.insert("alg".to_owned(), algorithm.as_str().into());
    }
    Ok((jwk, private))
}
