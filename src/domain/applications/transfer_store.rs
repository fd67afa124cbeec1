//! SQL of transferring applications.

use crate::base::error::{Error, Result};
use crate::base::id::{ApplicationId, UserId};
use crate::domain::applications::model::Application;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// Makes other changes of its owner wait. One that stands behind credentials on an API is none of those that can be given.
pub(super) async fn lock(conn: &mut Conn, id: ApplicationId) -> Result<()> {
    let locked = sqlx::query_scalar!(
        "select id from applications where id = $1 and direct_api_id is null for no key update",
        id.0
    )
    .fetch_optional(conn)
    .await?;
    locked.map(|_| ()).ok_or(Error::NotFound)
}

/// Whoever owns it.
pub(super) async fn any(conn: &mut Conn, id: ApplicationId) -> Result<Option<Application>> {
    let application = sqlx::query_as!(
        Application,
        r#"select a.id, a.owner_id as owner, u.email as owner_email, a.name, a.description, a.token_type, a.status,
               a.created_at,
               array(select s.email from application_shares s where s.application_id = a.id order by s.email) as "shared_with!",
               (select count(*) from subscriptions s where s.application_id = a.id) as "subscriptions!"
           from applications a join users u on u.id = a.owner_id
           where a.id = $1 and a.direct_api_id is null"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(application)
}

/// By name.
pub(super) async fn of_owner(conn: &mut Conn, owner: UserId, most: i64) -> Result<Vec<Application>> {
    let applications = sqlx::query_as!(
        Application,
        r#"select a.id, a.owner_id as owner, u.email as owner_email, a.name, a.description, a.token_type, a.status,
               a.created_at,
               array(select s.email from application_shares s where s.application_id = a.id order by s.email) as "shared_with!",
               (select count(*) from subscriptions s where s.application_id = a.id) as "subscriptions!"
           from applications a join users u on u.id = a.owner_id
           where a.owner_id = $1 and a.direct_api_id is null
           order by lower(a.name), a.id
           limit $2"#,
        owner.0,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(applications)
}

/// Whether the person has one of that name.
pub(super) async fn has_name(conn: &mut Conn, owner: UserId, name: &str) -> Result<bool> {
    let has = sqlx::query_scalar!(
        r#"select exists (
             select from applications where owner_id = $1 and lower(name) = lower($2) and direct_api_id is null
           ) as "has!""#,
        owner.0,
        name,
    );
    Ok(has.fetch_one(conn).await?)
}

pub(super) async fn set_owner(conn: &mut Conn, id: ApplicationId, owner: UserId, now: OffsetDateTime) -> Result<()> {
    sqlx::query!("update applications set owner_id = $2, updated_at = $3 where id = $1", id.0, owner.0, now)
        .execute(conn)
        .await?;
    Ok(())
}
