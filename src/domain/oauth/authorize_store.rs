//! SQL of consents and of authorization requests that wait for their users.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::base::scope::Scopes;
use crate::base::secret::Digest;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// What the user has agreed to let the client do, if anything was.
pub(super) async fn consent(conn: &mut Conn, user: UserId, client: &str) -> Result<Option<Scopes>> {
    let scopes =
        sqlx::query_scalar!("select scopes from consents where user_id = $1 and client_id = $2", user.0, client)
            .fetch_optional(conn)
            .await?;
    Ok(scopes.map(Scopes::new))
}

/// Adds to what the user has agreed to.
pub(super) async fn add_consent(
    conn: &mut Conn,
    user: UserId,
    client: &str,
    scopes: &Scopes,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into consents as c (user_id, client_id, scopes, granted_at) values ($1, $2, $3, $4)
         on conflict (user_id, client_id) do update
         set scopes = c.scopes || array(select s from unnest(excluded.scopes) s where s <> all (c.scopes))",
        user.0,
        client,
        scopes.as_slice(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there was one.
pub(super) async fn delete_consent(conn: &mut Conn, user: UserId, client: &str) -> Result<bool> {
    let done = sqlx::query!("delete from consents where user_id = $1 and client_id = $2", user.0, client)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Clients that the user has let in, with what they may do and since when: a row a consent, and one a grant of which a
/// token still works or can still be got.
pub(super) async fn let_in(
    conn: &mut Conn,
    user: UserId,
    now: OffsetDateTime,
) -> Result<Vec<(String, Scopes, OffsetDateTime)>> {
    let rows = sqlx::query!(
        r#"select client_id as "client!", scopes as "scopes!", granted_at as "since!"
           from consents
           where user_id = $1
           union all
           select client_id, scopes, created_at
           from grants g
           where user_id = $1 and ended_at is null and expires_at > $2
               and (tokens_until > $2
                   or exists (select from refresh_tokens where grant_id = g.id and used_at is null and expires_at > $2))
           order by 3"#,
        user.0,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.client, Scopes::new(row.scopes), row.since)).collect())
}

/// How many requests of this network wait at `now`.
pub(super) async fn waiting(conn: &mut Conn, address: &str, now: OffsetDateTime) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from authorization_requests where address = $1 and expires_at > $2"#,
        address,
        now,
    )
    .fetch_one(conn)
    .await?)
}

pub(super) async fn insert_request(
    conn: &mut Conn,
    digest: &Digest,
    (client, parameters): (&str, &serde_json::Value),
    address: &str,
    (now, expires_at): (OffsetDateTime, OffsetDateTime),
) -> Result<()> {
    sqlx::query!(
        "insert into authorization_requests (digest, client_id, parameters, address, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        digest.as_bytes(),
        client,
        parameters,
        address,
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The parameters of a request that waits.
pub(super) async fn request(
    conn: &mut Conn,
    digest: &Digest,
    now: OffsetDateTime,
) -> Result<Option<serde_json::Value>> {
    Ok(sqlx::query_scalar!(
        "select parameters from authorization_requests where digest = $1 and expires_at > $2",
        digest.as_bytes(),
        now,
    )
    .fetch_optional(conn)
    .await?)
}

pub(super) async fn update_request(conn: &mut Conn, digest: &Digest, parameters: &serde_json::Value) -> Result<()> {
    sqlx::query!("update authorization_requests set parameters = $2 where digest = $1", digest.as_bytes(), parameters)
        .execute(conn)
        .await?;
    Ok(())
}

/// Uses a request up; whether it was still there: of several callers, one is told so.
pub(super) async fn use_request(conn: &mut Conn, digest: &Digest) -> Result<bool> {
    let done =
        sqlx::query!("delete from authorization_requests where digest = $1", digest.as_bytes()).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}
