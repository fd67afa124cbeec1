//! Refresh tokens (RFC 6749 §1.5): every use gives a new one, and a second use of an old one ends the grant
//! (RFC 9700 §4.14.2).
//!
//! A lost answer must not cost the user a sign-in: within the leeway of the application, the token that was just used
//! gives the same successor once more. So that nothing has to be kept in clear for that, a successor is computed from
//! the token before it, under a key that only the server has.

use crate::base::error::{Error, Result};
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::credentials::client_model::{ClientSettings, RegisteredClient};
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grant::{self, EndReason, Grant};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::oauth::refresh_store::{self, StoredToken};
use crate::infra::db::{Conn, Tx};
use aws_lc_rs::hmac;
use time::{Duration, OffsetDateTime};

/// The purpose for which the key of successors is derived from the master key.
const LABEL: &str = "portico refresh token successor";
/// Generations of one grant: what a client that refreshes every minute for thirty days needs, and a bound on what it
/// can make us store.
const MOST_GENERATIONS: i32 = 50_000;

/// Unknown, used, expired, revoked, of another client: the client is told no more than this.
const NOT_GOOD: Refusal = Refusal::InvalidGrant("The refresh_token is unknown, used, expired or revoked.");

/// A refresh token that this transaction has exchanged.
pub(super) struct Rotated {
    /// In which the access token is to be made; the old token is still good if it does not commit.
    pub(super) tx: Tx,
    /// What the user has let the client do; locked.
    pub(super) grant: Grant,
    /// The next refresh token.
    pub(super) successor: Plain,
}

/// What a token that was sent is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    /// Nothing, and no harm is done: it has merely expired.
    Expired,
    /// The successor that was handed out for it already: the answer may have been lost.
    Again,
    /// The end of the grant: somebody else has a copy of the token.
    Reuse,
}

/// Makes the first refresh token of a grant.
pub(super) async fn issue(conn: &mut Conn, ctx: &Ctx, settings: &ClientSettings, grant: &Grant) -> Result<Plain> {
    let token = Plain::mint(Kind::RefreshToken, &ctx.random);
    let now = ctx.clock.now();
    refresh_store::insert(conn, &token.digest(), (grant.id, 0), now, expiry(settings, grant, now)).await?;
    Ok(token)
}

/// Exchanges a token for its successor, for an authenticated client.
///
/// Two ways to see an old token again:
/// - The client did not get our answer, or two of its threads refreshed at once. It comes within the leeway, and nobody
///   has used the successor yet: it is handed out once more.
/// - A thief has used a copy first, or uses it now. The successor is used, or the leeway is over. We cannot know which
///   of the two is the thief, so the grant ends for both.
pub(super) async fn rotate(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &RegisteredClient,
    sent: &str,
) -> Result<Result<Rotated, Refusal>> {
    let Some(token) = Plain::parse(Kind::RefreshToken, sent) else { return Ok(Err(NOT_GOOD)) };
    let digest = token.digest();
    let now = ctx.clock.now();
    let mut tx = ctx.db.begin().await?;
    let Some(stored) = refresh_store::find(&mut tx, &digest).await? else { return Ok(Err(NOT_GOOD)) };
    // A stranger's attempt changes nothing: it may have found the token, but cannot use it.
    if stored.client != client.id {
        return Ok(Err(NOT_GOOD));
    }
    // From here on the generations of this grant stand still.
    let Some(grant) = grant::lock(&mut tx, stored.grant, now).await? else { return Ok(Err(NOT_GOOD)) };
    let successor = successor(issuer.master_key(), &token)?;
    if let Some(generation) = refresh_store::consume(&mut tx, &digest, now).await? {
        if generation >= MOST_GENERATIONS {
            return Ok(Err(NOT_GOOD));
        }
        let expires_at = expiry(&client.settings, &grant, now);
        refresh_store::insert(&mut tx, &successor.digest(), (grant.id, generation + 1), now, expires_at).await?;
        return Ok(Ok(Rotated { tx, grant, successor }));
    }
    // Read again: it may have been used while we waited for the lock.
    let stored = refresh_store::find(&mut tx, &digest).await?;
    let next = refresh_store::find(&mut tx, &successor.digest()).await?;
    let leeway = Duration::seconds(client.settings.refresh_leeway_seconds.into());
    match stored.map_or(Use::Expired, |stored| judge(&stored, next.as_ref(), now, leeway)) {
        Use::Again => Ok(Ok(Rotated { tx, grant, successor })),
        Use::Expired => Ok(Err(NOT_GOOD)),
        Use::Reuse => {
            grant::end(&mut tx, ctx, grant.id, EndReason::RefreshTokenReused).await?;
            tx.commit().await?;
            Ok(Err(NOT_GOOD))
        }
    }
}

fn judge(token: &StoredToken, next: Option<&StoredToken>, now: OffsetDateTime, leeway: Duration) -> Use {
    let Some(used_at) = token.used_at else { return Use::Expired };
    let is_unused = next.is_some_and(|next| next.used_at.is_none() && next.expires_at > now);
    if is_unused && now < used_at + leeway { Use::Again } else { Use::Reuse }
}

/// The last moment at which a token made now may be used.
fn expiry(settings: &ClientSettings, grant: &Grant, now: OffsetDateTime) -> OffsetDateTime {
    grant.expires_at.min(now + Duration::seconds(settings.refresh_token_seconds.into()))
}

/// Nobody can compute it who has the token alone, nor who has the database alone.
fn successor(master_key: &MasterKey, token: &Plain) -> Result<Plain> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &master_key.derive(LABEL).map_err(Error::internal)?);
    let tag = hmac::sign(&key, token.expose().as_bytes());
    let bits = tag.as_ref().try_into().map_err(Error::internal)?;
    Ok(Plain::from_bits(Kind::RefreshToken, bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::GrantId;
    use time::macros::datetime;

    #[test]
    fn what_an_old_token_is_good_for() {
        let now = datetime!(2026-11-24 12:00 UTC);
        let token = |used: Option<i64>, lives: i64| StoredToken {
            grant: GrantId(uuid::Uuid::nil()),
            client: String::new(),
            created_at: now,
            expires_at: now + Duration::seconds(lives),
            used_at: used.map(|ago| now - Duration::seconds(ago)),
        };
        let unused = token(None, 60);
        for (old, next, leeway, expected) in [
            (token(Some(4), 60), Some(&unused), 5, Use::Again),
            (token(Some(4), -60), Some(&unused), 5, Use::Again),
            (token(Some(0), 60), Some(&unused), 5, Use::Again),
            (token(Some(0), 60), Some(&unused), 0, Use::Reuse),
            (token(Some(5), 60), Some(&unused), 5, Use::Reuse),
            (token(Some(4), 60), Some(&token(Some(1), 60)), 5, Use::Reuse),
            (token(Some(4), 60), Some(&token(None, 0)), 5, Use::Reuse),
            (token(Some(4), 60), None, 5, Use::Reuse),
            (token(None, 0), None, 5, Use::Expired),
        ] {
            assert_eq!(judge(&old, next, now, Duration::seconds(leeway)), expected);
        }
    }
}
