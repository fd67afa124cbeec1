//! SQL of refresh tokens.

use crate::base::error::Result;
use crate::base::id::GrantId;
use crate::base::secret::Digest;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// A refresh token: one generation of its grant.
pub(super) struct StoredToken {
    pub(super) grant: GrantId,
    pub(super) client: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
    pub(super) used_at: Option<OffsetDateTime>,
}

pub(super) async fn insert(
    conn: &mut Conn,
    digest: &Digest,
    (grant, generation): (GrantId, i32),
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into refresh_tokens (digest, grant_id, generation, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        digest.as_bytes(),
        grant.0,
        generation,
        created_at,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, digest: &Digest) -> Result<Option<StoredToken>> {
    let row = sqlx::query_as!(
        StoredToken,
        r#"select t.grant_id as "grant: GrantId", g.client_id as client, t.created_at, t.expires_at,
               t.used_at
           from refresh_tokens t
           join grants g on g.id = t.grant_id
           where t.digest = $1"#,
        digest.as_bytes(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Uses a token up and answers its generation: of any number of callers exactly one is told. The others wait for its
/// transaction to end.
pub(super) async fn consume(conn: &mut Conn, digest: &Digest, now: OffsetDateTime) -> Result<Option<i32>> {
    let generation = sqlx::query_scalar!(
        "update refresh_tokens set used_at = $2
         where digest = $1 and used_at is null and expires_at > $2
         returning generation",
        digest.as_bytes(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(generation)
}
