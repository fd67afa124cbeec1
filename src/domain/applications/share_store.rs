//! SQL of sharing.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::domain::applications::sharing::Reader;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// By address, with the names of those who have an account.
pub(super) async fn readers(conn: &mut Conn, id: ApplicationId) -> Result<Vec<Reader>> {
    let readers = sqlx::query_as!(
        Reader,
        r#"select s.email, u.name as "name?", s.shared_at
           from application_shares s
           left join users u on u.email = s.email
           where s.application_id = $1
           order by s.email"#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(readers)
}

/// Makes others that want to share the application wait.
pub(super) async fn lock(conn: &mut Conn, id: ApplicationId) -> Result<()> {
    sqlx::query_scalar!("select id from applications where id = $1 for no key update", id.0).fetch_one(conn).await?;
    Ok(())
}

/// Adds those that are missing, and answers them.
pub(super) async fn insert(
    conn: &mut Conn,
    id: ApplicationId,
    emails: &[String],
    now: OffsetDateTime,
) -> Result<Vec<String>> {
    let added = sqlx::query_scalar!(
        "insert into application_shares (application_id, email, shared_at)
         select $1, e, $3 from unnest($2::text[]) as e
         on conflict (application_id, email) do nothing
         returning email",
        id.0,
        emails,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(added)
}

pub(super) async fn count(conn: &mut Conn, id: ApplicationId) -> Result<i64> {
    let count =
        sqlx::query_scalar!(r#"select count(*) as "count!" from application_shares where application_id = $1"#, id.0);
    Ok(count.fetch_one(conn).await?)
}

/// Whether it was shared with them.
pub(super) async fn delete(conn: &mut Conn, id: ApplicationId, email: &str) -> Result<bool> {
    let gone = sqlx::query!("delete from application_shares where application_id = $1 and email = $2", id.0, email)
        .execute(conn)
        .await?;
    Ok(gone.rows_affected() > 0)
}
