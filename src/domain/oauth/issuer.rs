//! The issuer: which key signs now, and what is published about the keys. Held in memory and swapped whole.

use crate::base::error::{Error, Result};
use crate::base::jwt::{Algorithm, SigningKey};
use crate::config::Urls;
use crate::domain::Ctx;
use crate::domain::oauth::keys::{self, State, StoredKey};
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::oauth::metadata::{self, Document};
use crate::domain::oauth::store;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// Issues tokens.
#[derive(Debug)]
pub struct Issuer {
    master_key: MasterKey,
    algorithm: Algorithm,
    urls: Urls,
    metadata: Document,
    ring: ArcSwap<Ring>,
}

/// The keys of one moment.
#[derive(Debug)]
struct Ring {
    signs: SigningKey,
    jwks: Document,
}

impl Issuer {
    /// Reads the signing keys, making them at the first start.
    pub async fn start(ctx: &Ctx, master_key: MasterKey, urls: Urls, algorithm: Algorithm) -> Result<Self> {
        let stored = keys::maintain(ctx, &master_key, algorithm).await?;
        keys::check(&stored, &master_key)?;
        let ring = ArcSwap::from_pointee(Ring::read(&stored, &master_key, algorithm)?);
        Ok(Self { master_key, algorithm, metadata: metadata::server(&urls), urls, ring })
    }

    /// Rotates the keys if that is due and takes over what other nodes have changed. Called every minute; after a key
    /// has been rotated elsewhere, this node signs with the old one for that long, which every verifier still has.
    pub async fn refresh(&self, ctx: &Ctx) -> Result<()> {
        let stored = keys::maintain(ctx, &self.master_key, self.algorithm).await?;
        self.ring.store(Arc::new(Ring::read(&stored, &self.master_key, self.algorithm)?));
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

    /// The key that signs access tokens now.
    pub fn signing_key(&self) -> SigningKey {
        self.ring.load().signs.clone()
    }

    /// The public keys (RFC 7517 §5).
    pub fn jwks(&self) -> Document {
        self.ring.load().jwks.clone()
    }

    /// What the server supports (RFC 8414 §3).
    pub fn metadata(&self) -> Document {
        self.metadata.clone()
    }
}

/// Whether `master_key` opens the signing keys of the database; answers how many are published. Changes nothing.
pub async fn check(ctx: &Ctx, master_key: &MasterKey) -> Result<usize> {
    let mut conn = ctx.conn().await?;
    let stored = store::signing_keys(&mut conn).await?;
    keys::check(&stored, master_key)?;
    Ok(stored.len())
}

impl Ring {
    fn read(stored: &[StoredKey], master_key: &MasterKey, algorithm: Algorithm) -> Result<Self> {
        let signs = stored
            .iter()
            .find(|key| key.algorithm == algorithm && matches!(key.state, State::Current { .. }))
            .ok_or_else(|| Error::internal("there is no current signing key"))?;
        let private = keys::open(signs, master_key)?;
        Ok(Self {
            signs: SigningKey::from_pkcs8(signs.kid.clone(), algorithm, &private).map_err(Error::internal)?,
            jwks: metadata::jwks(stored.iter().map(|key| &key.public_jwk)),
        })
    }
}
