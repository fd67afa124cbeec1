//! SQL of who looks after an API.

use crate::base::error::Result;
use crate::base::id::ApiId;
use crate::base::text::Email;
use crate::infra::db::Conn;

/// Whether the person with this address is one of the API's owners.
pub(super) async fn is_owner(conn: &mut Conn, api: ApiId, email: &Email) -> Result<bool> {
    let is_owner = sqlx::query_scalar!(
        r#"select exists (select from api_owners where api_id = $1 and email = $2) as "is_owner!""#,
        api.0,
        email.as_str(),
    )
    .fetch_one(conn)
    .await?;
    Ok(is_owner)
}

pub(super) async fn owners(conn: &mut Conn, api: ApiId, most: i64) -> Result<Vec<Email>> {
    let emails =
        sqlx::query_scalar!("select email from api_owners where api_id = $1 order by email limit $2", api.0, most);
    Ok(emails.fetch_all(conn).await?.iter().filter_map(|email| Email::parse(email)).collect())
}

/// Whether the person with this address is an owner of some API.
pub(super) async fn owns_any(conn: &mut Conn, email: &Email) -> Result<bool> {
    let owns =
        sqlx::query_scalar!(r#"select exists (select from api_owners where email = $1) as "owns!""#, email.as_str(),);
    Ok(owns.fetch_one(conn).await?)
}
