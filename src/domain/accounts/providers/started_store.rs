//! SQL of sign-ins that have begun.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::base::secret::Digest;
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) struct Started<'a> {
    pub(super) state: Digest,
    pub(super) browser: Digest,
    pub(super) provider: &'a str,
    /// Who connects an account.
    pub(super) user: Option<UserId>,
    pub(super) network: &'a str,
    pub(super) now: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
}

pub(super) async fn insert(conn: &mut Conn, started: &Started<'_>) -> Result<()> {
    sqlx::query!(
        "insert into started_sign_ins (state, browser, provider, user_id, network, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        started.state.as_bytes(),
        started.browser.as_bytes(),
        started.provider,
        started.user.map(|user| user.0),
        started.network,
        started.now,
        started.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of a network that began after this moment and have not led to a session.
pub(super) async fn count(conn: &mut Conn, network: &str, after: OffsetDateTime) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from started_sign_ins where network = $1 and created_at > $2"#,
        network,
        after,
    )
    .fetch_one(conn)
    .await?)
}

/// What one was begun for.
pub(super) enum Begun {
    /// To sign in.
    SignIn,
    /// To connect the account of this user.
    Connect(UserId),
}

/// Uses one up, if it is there, open, and of this browser and provider.
pub(super) async fn take(
    conn: &mut Conn,
    (state, browser): (&Digest, &Digest),
    provider: &str,
    now: OffsetDateTime,
) -> Result<Option<Begun>> {
    let user = sqlx::query_scalar!(
        "update started_sign_ins set used_at = $4
         where state = $1 and browser = $2 and provider = $3 and used_at is null and expires_at > $4
         returning user_id",
        state.as_bytes(),
        browser.as_bytes(),
        provider,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(user.map(|user| user.map_or(Begun::SignIn, |user| Begun::Connect(UserId(user)))))
}

pub(super) async fn delete(conn: &mut Conn, state: &Digest) -> Result<()> {
    sqlx::query!("delete from started_sign_ins where state = $1", state.as_bytes()).execute(conn).await?;
    Ok(())
}

pub(in crate::domain::accounts) async fn sweep(conn: &mut Conn, now: OffsetDateTime) -> Result<u64> {
    Ok(sqlx::query!("delete from started_sign_ins where expires_at <= $1", now).execute(conn).await?.rows_affected())
}
