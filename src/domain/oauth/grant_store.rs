//! SQL of grants.

use crate::base::error::Result;
use crate::base::id::{GrantId, UserId};
use crate::base::scope::Scopes;
use crate::domain::credentials::client_model::GrantType;
use crate::domain::oauth::grant::{EndReason, Grant};
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) async fn insert(conn: &mut Conn, grant: &Grant, grant_type: GrantType, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "insert into grants
             (id, client_id, user_id, grant_type, scopes, resources, auth_time, created_at, expires_at, tokens_until)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8)",
        grant.id.0,
        grant.client,
        grant.user.0,
        grant_type.as_str(),
        grant.scopes.as_slice(),
        &grant.resources,
        grant.auth_time,
        now,
        grant.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn live(conn: &mut Conn, id: GrantId, now: OffsetDateTime) -> Result<Option<Grant>> {
    let row = sqlx::query!(
        r#"select g.id as "id: GrantId", g.client_id, g.user_id as "user: UserId", g.scopes, g.resources, g.auth_time, g.expires_at
           from grants g
           join users u on u.id = g.user_id
           where g.id = $1 and g.ended_at is null and g.expires_at > $2 and u.disabled_at is null"#,
        id.0,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Grant {
        id: row.id,
        client: row.client_id,
        user: row.user,
        scopes: Scopes::new(row.scopes),
        resources: row.resources,
        auth_time: row.auth_time,
        expires_at: row.expires_at,
    }))
}

/// Its own statement: what comes after it in the transaction sees what the others have committed meanwhile.
pub(super) async fn lock(conn: &mut Conn, id: GrantId) -> Result<()> {
    sqlx::query!("select id from grants where id = $1 for no key update", id.0).fetch_optional(conn).await?;
    Ok(())
}

pub(super) async fn end(conn: &mut Conn, id: GrantId, reason: EndReason, now: OffsetDateTime) -> Result<bool> {
    let done = sqlx::query!(
        "update grants set ended_at = $2, end_reason = $3 where id = $1 and ended_at is null",
        id.0,
        now,
        reason.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends whatever users have granted to a client; answers how many grants.
pub(super) async fn end_of_client(
    conn: &mut Conn,
    client: &str,
    reason: EndReason,
    now: OffsetDateTime,
) -> Result<u64> {
    let done = sqlx::query!(
        "update grants set ended_at = $2, end_reason = $3 where client_id = $1 and ended_at is null",
        client,
        now,
        reason.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ends whatever a user has granted to a client; answers how many grants.
pub(super) async fn end_between(
    conn: &mut Conn,
    (user, client): (UserId, &str),
    reason: EndReason,
    now: OffsetDateTime,
) -> Result<u64> {
    let done = sqlx::query!(
        "update grants set ended_at = $3, end_reason = $4 where user_id = $1 and client_id = $2 and ended_at is null",
        user.0,
        client,
        now,
        reason.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Notes that an access token of the grant lives until then.
pub(super) async fn extend(conn: &mut Conn, id: GrantId, tokens_until: OffsetDateTime) -> Result<()> {
    sqlx::query!("update grants set tokens_until = greatest(tokens_until, $2) where id = $1", id.0, tokens_until)
        .execute(conn)
        .await?;
    Ok(())
}
