//! SQL of the calls of one API key.

use crate::base::error::Result;
use crate::base::id::{ApiKeyId, ApplicationId};
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// The calls of an application's key since then.
pub(super) async fn since(
    conn: &mut Conn,
    (application, key): (ApplicationId, ApiKeyId),
    since: OffsetDateTime,
) -> Result<i64> {
    let calls = sqlx::query_scalar!(
        r#"select coalesce(sum(requests), 0)::bigint as "calls!"
           from usage_minutes
           where application_id = $1 and minute >= $2 and credential = $3"#,
        application.0,
        since,
        key.to_string(),
    );
    Ok(calls.fetch_one(conn).await?)
}
