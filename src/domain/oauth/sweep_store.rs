//! SQL of tidying up, at most so many rows a time. Rows that somebody is using are left for the next time.

use crate::base::error::Result;
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) async fn authorization_requests(conn: &mut Conn, ended_before: OffsetDateTime, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from authorization_requests
         where digest in (
             select digest from authorization_requests where expires_at <= $1 limit $2 for update skip locked
         )",
        ended_before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn device_codes(conn: &mut Conn, ended_before: OffsetDateTime, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from device_codes
         where digest in (select digest from device_codes where expires_at <= $1 limit $2 for update skip locked)",
        ended_before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn client_assertions(conn: &mut Conn, ended_before: OffsetDateTime, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from client_assertions
         where (client_id, jti) in (
             select client_id, jti from client_assertions where expires_at <= $1 limit $2 for update skip locked
         )",
        ended_before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Codes that nobody has redeemed in time. Used ones go with their grant.
pub(super) async fn unused_codes(conn: &mut Conn, ended_before: OffsetDateTime, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from authorization_codes
         where digest in (
             select digest from authorization_codes
             where used_at is null and expires_at <= $1
             limit $2
             for update skip locked
         )",
        ended_before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Grants that can give no further token and whose last access token has died, with their codes and refresh tokens. Those
/// that have not been ended are marked first: deleting a live grant would announce it to every gateway.
pub(super) async fn grants(conn: &mut Conn, ended_before: OffsetDateTime, limit: i64) -> Result<u64> {
    let ids = sqlx::query_scalar!(
        "select g.id
         from grants g
         where g.tokens_until <= $1 and g.created_at <= $1
           and (g.ended_at is not null
                or not exists (
                       select from refresh_tokens t where t.grant_id = g.id and t.used_at is null and t.expires_at > $1
                   )
                   and not exists (
                       select from authorization_codes c where c.grant_id = g.id and c.used_at is null and c.expires_at > $1
                   )
                   and not exists (select from device_codes d where d.grant_id = g.id and d.expires_at > $1))
         limit $2
         for update skip locked",
        ended_before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "update grants set ended_at = $2, end_reason = 'expired' where id = any($1) and ended_at is null",
        &ids,
        ended_before,
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!("delete from grants where id = any($1)", &ids).execute(conn).await?;
    Ok(done.rows_affected())
}

pub(super) async fn revocations(conn: &mut Conn, ended_before: OffsetDateTime, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from revocations
         where id in (select id from revocations where expires_at <= $1 limit $2 for update skip locked)",
        ended_before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
