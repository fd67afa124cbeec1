//! Grants: what a user has let a client do. Codes, refresh tokens and access tokens hang on one, and end with it.

use crate::base::error::Result;
use crate::base::id::{GrantId, UserId};
use crate::base::scope::Scopes;
use crate::domain::Ctx;
use crate::domain::credentials::client_model::{GrantType, RegisteredClient};
use crate::domain::oauth::grant_store;
use crate::infra::db::Conn;
use time::{Duration, OffsetDateTime};

/// The longest life of a grant, however often it is refreshed.
pub(super) const LONGEST: Duration = Duration::days(30);

/// A grant that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// Its id, the claim `gid`.
    pub(super) id: GrantId,
    /// To which client.
    pub(super) client: String,
    /// By which user.
    pub(super) user: UserId,
    /// What it covers.
    pub(super) scopes: Scopes,
    /// For which APIs; none: all of the application's.
    pub(super) resources: Vec<String>,
    /// When the user proved who it is.
    pub(super) auth_time: OffsetDateTime,
    /// When it ends in any case.
    pub(super) expires_at: OffsetDateTime,
}

/// Why a grant ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EndReason {
    /// A code was used twice.
    CodeReused,
    /// A refresh token was used twice.
    RefreshTokenReused,
    /// The client revoked it.
    Revoked,
    /// The user took the consent back.
    ConsentRevoked,
    /// The owner of the client revoked all of its tokens.
    AllRevoked,
}

impl EndReason {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::CodeReused => "code_reused",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::Revoked => "revoked",
            Self::ConsentRevoked => "consent_revoked",
            Self::AllRevoked => "all_revoked",
        }
    }
}

/// Begins a grant.
pub(super) async fn begin(
    conn: &mut Conn,
    ctx: &Ctx,
    client: &RegisteredClient,
    (grant_type, user, auth_time): (GrantType, UserId, OffsetDateTime),
    (scopes, resources): (Scopes, Vec<String>),
) -> Result<Grant> {
    let now = ctx.clock.now();
    let grant = Grant {
        id: GrantId(ctx.random.uuid(now)),
        client: client.id.clone(),
        user,
        scopes,
        resources,
        auth_time,
        expires_at: now + LONGEST,
    };
    grant_store::insert(conn, &grant, grant_type, now).await?;
    Ok(grant)
}

/// The grant, if it has not ended at `now`.
pub(super) async fn live(conn: &mut Conn, id: GrantId, now: OffsetDateTime) -> Result<Option<Grant>> {
    grant_store::live(conn, id, now).await
}

/// The same, locked until the transaction ends: whoever would end the grant waits, and then takes the tokens along that
/// the transaction has made.
pub(super) async fn lock(conn: &mut Conn, id: GrantId, now: OffsetDateTime) -> Result<Option<Grant>> {
    grant_store::lock(conn, id).await?;
    grant_store::live(conn, id, now).await
}

/// Ends a grant: its codes and refresh tokens at once, its access tokens at every gateway within a second. Whether it
/// was alive.
pub(super) async fn end(conn: &mut Conn, ctx: &Ctx, id: GrantId, reason: EndReason) -> Result<bool> {
    grant_store::end(conn, id, reason, ctx.clock.now()).await
}
