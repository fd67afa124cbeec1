//! SQL of client assertions that were used.

use crate::base::error::Result;
use crate::base::secret::Digest;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// Notes that the assertion was used. Whether it was the first time.
pub(super) async fn use_up(conn: &mut Conn, client: &str, jti: &Digest, expires_at: OffsetDateTime) -> Result<bool> {
    let done = sqlx::query!(
        "insert into client_assertions (client_id, jti, expires_at)
         values ($1, $2, $3)
         on conflict (client_id, jti) do nothing",
        client,
        jti.as_bytes(),
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
