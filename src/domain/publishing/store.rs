//! SQL of publishing: the record of manifests, one publisher at a time, and what hangs on an endpoint.

use crate::base::error::Result;
use crate::base::id::ManifestId;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// API keys bound to one endpoint of a major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BoundKeys {
    pub(super) api: String,
    pub(super) major: u16,
    pub(super) endpoint: String,
    pub(super) keys: i64,
}

/// Waits until nobody else publishes; holds until the transaction ends.
pub(super) async fn lock(conn: &mut Conn) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('portico.publishing'))").execute(conn).await?;
    Ok(())
}

pub(super) async fn insert(
    conn: &mut Conn,
    (id, now): (ManifestId, OffsetDateTime),
    applied_by: &str,
    changes: &[String],
) -> Result<()> {
    sqlx::query!(
        "insert into manifests (id, applied_at, applied_by, changes) values ($1, $2, $3, to_jsonb($4::text[]))",
        id.0,
        now,
        applied_by,
        changes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn bound_keys(conn: &mut Conn) -> Result<Vec<BoundKeys>> {
    let rows = sqlx::query!(
        r#"select a.name as api, k.major, k.endpoint, count(*) as "keys!"
           from api_keys k join apis a on a.id = k.api_id
           group by a.name, k.major, k.endpoint
           order by a.name, k.major, k.endpoint"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BoundKeys {
            api: row.api,
            major: u16::try_from(row.major).unwrap_or(0),
            endpoint: row.endpoint,
            keys: row.keys,
        })
        .collect())
}
