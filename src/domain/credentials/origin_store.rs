//! SQL of the origins whose pages may read what the OAuth endpoints answer.

use crate::base::error::Result;
use crate::infra::db::Conn;

pub(super) async fn is_of_some_client(conn: &mut Conn, origin: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from clients where allowed_origins @> array[$1::text]) as "exists!""#,
        origin,
    )
    .fetch_one(conn)
    .await?)
}

pub(super) async fn is_of_client(conn: &mut Conn, origin: &str, client: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from clients where id = $2 and $1 = any(allowed_origins)) as "exists!""#,
        origin,
        client,
    )
    .fetch_one(conn)
    .await?)
}
