//! SQL of authorization codes.

use crate::base::error::Result;
use crate::base::id::GrantId;
use crate::base::secret::Digest;
use crate::domain::oauth::pkce::Challenge;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// What a code is bound to. None of it ever changes, so it may be read before the code is consumed.
pub(super) struct StoredCode {
    pub(super) grant: GrantId,
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
}

pub(super) async fn insert(
    conn: &mut Conn,
    digest: &Digest,
    (grant, redirect_uri): (GrantId, &str),
    (challenge, nonce): (Option<&Challenge>, Option<&str>),
    expires_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into authorization_codes (digest, grant_id, redirect_uri, challenge, challenge_method, nonce, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        digest.as_bytes(),
        grant.0,
        redirect_uri,
        challenge.map(Challenge::as_str),
        challenge.map(Challenge::method),
        nonce,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, digest: &Digest) -> Result<Option<StoredCode>> {
    let row = sqlx::query!(
        r#"select c.grant_id as "grant: GrantId", g.client_id, c.redirect_uri, c.challenge, c.challenge_method, c.nonce
           from authorization_codes c
           join grants g on g.id = c.grant_id
           where c.digest = $1"#,
        digest.as_bytes(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| StoredCode {
        grant: row.grant,
        client: row.client_id,
        redirect_uri: row.redirect_uri,
        challenge: Challenge::stored(row.challenge, row.challenge_method.as_deref()),
        nonce: row.nonce,
    }))
}

/// Uses a code up: of any number of callers exactly one is told true. The others wait for its transaction to end.
pub(super) async fn consume(conn: &mut Conn, digest: &Digest, now: OffsetDateTime) -> Result<bool> {
    let consumed = sqlx::query_scalar!(
        "update authorization_codes set used_at = $2
         where digest = $1 and used_at is null and expires_at > $2
         returning grant_id",
        digest.as_bytes(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(consumed.is_some())
}

pub(super) async fn is_used(conn: &mut Conn, digest: &Digest) -> Result<bool> {
    let used = sqlx::query_scalar!(
        r#"select used_at is not null as "used!" from authorization_codes where digest = $1"#,
        digest.as_bytes(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(used.unwrap_or(false))
}
