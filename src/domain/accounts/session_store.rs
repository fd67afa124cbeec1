//! SQL of sessions.

use crate::base::error::Result;
use crate::base::id::{SessionId, UserId};
use crate::base::secret::Digest;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::store;
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) struct NewSession {
    pub(super) id: SessionId,
    pub(super) digest: Digest,
    pub(super) user: UserId,
    pub(super) now: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
    pub(super) user_agent: String,
    pub(super) provider: Option<String>,
}

pub(super) async fn insert(conn: &mut Conn, session: &NewSession) -> Result<()> {
    sqlx::query!(
        "insert into sessions (id, digest, user_id, created_at, last_seen_at, expires_at, user_agent, provider)
         values ($1, $2, $3, $4, $4, $5, $6, $7)",
        session.id.0,
        session.digest.as_bytes(),
        session.user.0,
        session.now,
        session.expires_at,
        session.user_agent,
        session.provider,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A live session.
pub(super) struct Row {
    pub(super) member: Member,
    pub(super) last_seen_at: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
}

/// The session with this digest, if it has not ended.
pub(super) async fn find(
    conn: &mut Conn,
    digest: &Digest,
    now: OffsetDateTime,
    seen_after: OffsetDateTime,
) -> Result<Option<Row>> {
    let row = sqlx::query!(
        r#"select s.id as session_id, s.last_seen_at, s.expires_at, u.id, u.email, u.name,
               array(select role from role_grants where user_id = u.id order by role) as "roles!"
           from sessions s join users u on u.id = s.user_id
           where s.digest = $1 and s.expires_at > $2 and s.last_seen_at > $3 and u.disabled_at is null"#,
        digest.as_bytes(),
        now,
        seen_after,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        let session = Some(SessionId(row.session_id));
        let member = store::member_of(row.id, &row.email, row.name, row.roles, session)?;
        Some(Row { member, last_seen_at: row.last_seen_at, expires_at: row.expires_at })
    }))
}

pub(super) async fn opened_at(conn: &mut Conn, session: SessionId) -> Result<Option<OffsetDateTime>> {
    Ok(sqlx::query_scalar!("select created_at from sessions where id = $1", session.0).fetch_optional(conn).await?)
}

pub(super) async fn touch(conn: &mut Conn, session: SessionId, now: OffsetDateTime) -> Result<()> {
    sqlx::query!("update sessions set last_seen_at = $2 where id = $1", session.0, now).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, session: SessionId) -> Result<()> {
    sqlx::query!("delete from sessions where id = $1", session.0).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete_of(conn: &mut Conn, user: UserId) -> Result<()> {
    sqlx::query!("delete from sessions where user_id = $1", user.0).execute(conn).await?;
    Ok(())
}

/// Deletes a session if it is this user's; whether it was.
pub(super) async fn delete_own(conn: &mut Conn, user: UserId, session: SessionId) -> Result<bool> {
    let done =
        sqlx::query!("delete from sessions where id = $1 and user_id = $2", session.0, user.0).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes the sessions that a provider has opened, but not this one.
pub(super) async fn delete_by_provider(
    conn: &mut Conn,
    user: UserId,
    provider: &str,
    keep: Option<SessionId>,
) -> Result<()> {
    sqlx::query!(
        "delete from sessions where user_id = $1 and provider = $2 and id is distinct from $3",
        user.0,
        provider,
        keep.map(|session| session.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes all of a user's sessions but the newest `keep`.
pub(super) async fn delete_oldest(conn: &mut Conn, user: UserId, keep: i64) -> Result<()> {
    sqlx::query!(
        "delete from sessions
         where id in (select id from sessions where user_id = $1 order by last_seen_at desc, id desc offset $2)",
        user.0,
        keep,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A session as its owner sees it.
pub(super) struct OwnRow {
    pub(super) id: SessionId,
    pub(super) created_at: OffsetDateTime,
    pub(super) last_seen_at: OffsetDateTime,
    pub(super) user_agent: String,
    pub(super) provider: Option<String>,
}

/// The live sessions of a user, the one used last first.
pub(super) async fn of_user(
    conn: &mut Conn,
    user: UserId,
    now: OffsetDateTime,
    seen_after: OffsetDateTime,
) -> Result<Vec<OwnRow>> {
    let rows = sqlx::query_as!(
        OwnRow,
        "select id, created_at, last_seen_at, user_agent, provider
         from sessions
         where user_id = $1 and expires_at > $2 and last_seen_at > $3
         order by last_seen_at desc, id desc
         limit 100",
        user.0,
        now,
        seen_after,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) async fn sweep(conn: &mut Conn, now: OffsetDateTime, seen_after: OffsetDateTime) -> Result<u64> {
    let done = sqlx::query!("delete from sessions where expires_at <= $1 or last_seen_at <= $2", now, seen_after)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
