//! SQL of signing keys.

use crate::base::error::Result;
use crate::base::jwt::Algorithm;
use crate::domain::oauth::keys::{State, StoredKey};
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// The advisory lock under which keys are made and rotated; any number that nothing else uses.
const LOCK: i64 = 0x706f_7274_6b65_7973;

/// Waits until no other node is changing the keys; held until the transaction ends.
pub(super) async fn lock_signing_keys(conn: &mut Conn) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(conn).await?;
    Ok(())
}

/// All of them, newest first.
pub(super) async fn signing_keys(conn: &mut Conn) -> Result<Vec<StoredKey>> {
    let rows = sqlx::query!(
        r#"select kid, algorithm as "algorithm: Algorithm", public_jwk, private_key, created_at, current_since, gone_at
           from signing_keys
           order by created_at desc, kid"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredKey {
            kid: row.kid,
            algorithm: row.algorithm,
            // The table's checks tie `state` to the two times.
            state: match (row.gone_at, row.current_since) {
                (Some(gone_at), _) => State::Retired { gone_at },
                (None, Some(since)) => State::Current { since },
                (None, None) => State::Next,
            },
            public_jwk: row.public_jwk,
            private_key: row.private_key,
            published_at: row.created_at,
        })
        .collect())
}

pub(super) async fn insert_signing_key(conn: &mut Conn, key: &StoredKey) -> Result<()> {
    let (state, current_since, gone_at) = match key.state {
        State::Next => ("next", None, None),
        State::Current { since } => ("current", Some(since), None),
        State::Retired { gone_at } => ("retired", Some(key.published_at), Some(gone_at)),
    };
    sqlx::query!(
        "insert into signing_keys
             (kid, algorithm, state, public_jwk, private_key, created_at, current_since, gone_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        key.kid,
        key.algorithm.as_str(),
        state,
        key.public_jwk,
        key.private_key,
        key.published_at,
        current_since,
        gone_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn promote_signing_key(conn: &mut Conn, kid: &str, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update signing_keys set state = 'current', current_since = $2 where kid = $1 and state = 'next'",
        kid,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn retire_signing_key(conn: &mut Conn, kid: &str, gone_at: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update signing_keys set state = 'retired', gone_at = $2 where kid = $1 and state = 'current'",
        kid,
        gone_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn remove_signing_key(conn: &mut Conn, kid: &str) -> Result<()> {
    sqlx::query!("delete from signing_keys where kid = $1", kid).execute(conn).await?;
    Ok(())
}
