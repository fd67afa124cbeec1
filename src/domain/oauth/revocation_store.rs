//! SQL of revocations.

use crate::base::error::Result;
use crate::base::jwt::AccessClaims;
use crate::infra::db::Conn;
use time::OffsetDateTime;
use uuid::Uuid;

/// Adds a token; nothing happens when it is there already.
pub(super) async fn insert_token(
    conn: &mut Conn,
    id: Uuid,
    claims: &AccessClaims,
    until: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into revocations (id, kind, subject, client_id, expires_at) values ($1, 'token', $2, $3, $4)
         on conflict (kind, subject) do nothing",
        id,
        claims.jti,
        claims.client_id,
        until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a client has `most` single tokens revoked that would still be alive at `now`.
pub(super) async fn has_as_many(conn: &mut Conn, client: &str, most: i64, now: OffsetDateTime) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from (select from revocations where client_id = $1 and kind = 'token' and expires_at > $2 limit $3) as live"#,
        client,
        now,
        most,
    )
    .fetch_one(conn)
    .await?;
    Ok(found >= most)
}

/// Revokes whatever the client got up to `not_before`. A second time moves it on, and never back.
pub(super) async fn upsert_client(
    conn: &mut Conn,
    id: Uuid,
    client: &str,
    not_before: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into revocations as r (id, kind, subject, client_id, not_before, expires_at)
         values ($1, 'client', $2, $2, $3, $4)
         on conflict (kind, subject) do update
         set not_before = greatest(r.not_before, excluded.not_before),
             expires_at = greatest(r.expires_at, excluded.expires_at)",
        id,
        client,
        not_before,
        until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the token opens nothing any more: by its own name, with its grant, its user, its client, or all that its client
/// got up to some time (whole seconds, as `iat` has them).
pub(super) async fn holds(conn: &mut Conn, claims: &AccessClaims) -> Result<bool> {
    let issued = OffsetDateTime::from_unix_timestamp(claims.iat).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Ok(sqlx::query_scalar!(
        r#"select exists (select from revocations where kind = 'token' and subject = $1)
               or exists (select from revocations where kind = 'client' and subject = $2 and not_before >= $3)
               or not exists (select from clients where id = $2)
               or ($4::uuid is not null and not exists (
                   select from grants g
                   join users u on u.id = g.user_id
                   where g.id = $4 and g.ended_at is null and u.disabled_at is null
               )) as "holds!""#,
        claims.jti,
        claims.client_id,
        issued,
        claims.gid.map(|id| id.0),
    )
    .fetch_one(conn)
    .await?)
}
