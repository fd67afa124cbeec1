//! Revocations: access tokens end before their time, one by one, with their grant, or all that a client has got.
//!
//! What ends whom:
//!
//! | what happens | what ends with it | who sees to it |
//! |---|---|---|
//! | an access token is revoked | itself | `token` |
//! | a refresh token is revoked or used twice, a code is used twice, a consent is taken back | the grant | `grant::end` |
//! | all tokens of a client are revoked | its grants, and what it got for itself | [`of_client`] |
//! | an application or its client is deleted | all that the client got | the client is gone; a trigger ends its grants |
//! | a user is disabled or gets a new password | all that the user granted | a trigger ends the grants |
//!
//! A grant that ends takes its codes and refresh tokens along because they are worth nothing without it. Its access
//! tokens are checked without it, so a trigger writes a revocation, and another one announces that to every gateway.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::id::ApplicationId;
use crate::base::jwt::AccessClaims;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::audit;
use crate::domain::credentials::clients;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grant::EndReason;
use crate::domain::oauth::{grant_store, revocation_store};
use crate::infra::db::Conn;
use serde_json::json;
use time::{Duration, OffsetDateTime};

/// Single tokens of one client that may be revoked at a time. Every gateway keeps them in memory until they would have
/// expired, so a client must not be able to add without end; whoever needs more revokes all.
pub const MOST_TOKENS: u32 = 10_000;
/// When a client that has revoked so many may ask again.
const TRY_AGAIN: std::time::Duration = std::time::Duration::from_mins(1);
/// The longest life of an access token, and a minute for clocks that differ.
const LONGEST: Duration = Duration::seconds(86_400 + 60);

/// Revokes one access token. Once is as good as twice.
pub(in crate::domain::oauth) async fn token(
    conn: &mut Conn,
    ctx: &Ctx,
    claims: &AccessClaims,
) -> Result<Result<(), Refusal>> {
    let now = ctx.clock.now();
    if revocation_store::has_as_many(conn, &claims.client_id, MOST_TOKENS.into(), now).await? {
        return Ok(Err(Refusal::TooManyRevocations(TRY_AGAIN)));
    }
    let until = OffsetDateTime::from_unix_timestamp(claims.exp).map_err(Error::internal)?;
    revocation_store::insert_token(conn, ctx.random.uuid(now), claims, until).await?;
    Ok(Ok(()))
}

/// Revokes every token that the client of an application has got so far: its own, and what users granted to it. Tokens
/// know the second of their issue and no less: one from later in this very second ends too.
pub async fn of_client(ctx: &Ctx, member: &Member, application: ApplicationId, environment: Environment) -> Result<()> {
    let client = clients::get(ctx, member, application, environment).await?.ok_or(Error::NotFound)?;
    let now = ctx.clock.now();
    let mut tx = ctx.db.begin().await?;
    manage::reach(&mut tx, member, application).await?.for_change()?;
    revocation_store::upsert_client(&mut tx, ctx.random.uuid(now), &client.id, now, now + LONGEST).await?;
    let grants = grant_store::end_of_client(&mut tx, &client.id, EndReason::AllRevoked, now).await?;
    let detail = json!({ "environment": environment, "grants": grants });
    audit::record(&mut tx, ctx, &member.into(), ("client.tokens_revoked", &client.id), Some(application), detail)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Whether an access token whose signature holds opens nothing any more.
pub(in crate::domain::oauth) async fn holds(conn: &mut Conn, claims: &AccessClaims) -> Result<bool> {
    revocation_store::holds(conn, claims).await
}
