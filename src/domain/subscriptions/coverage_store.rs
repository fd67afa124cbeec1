//! SQL of what a member's applications are subscribed to.

use crate::base::error::Result;
use crate::base::id::ApiId;
use crate::domain::accounts::model::Member;
use crate::infra::db::Conn;
use uuid::Uuid;

pub(super) async fn versions(conn: &mut Conn, member: &Member) -> Result<Vec<(ApiId, u16)>> {
    let rows = sqlx::query!(
        "with mine as materialized (
             select a.id from applications a where a.owner_id = $1 and a.direct_api_id is null
             union
             select h.application_id from application_shares h where h.email = $2
         )
         select distinct s.api_id, s.major
         from mine m
         join subscriptions s on s.application_id = m.id and s.state not in ('pending', 'rejected')
         limit 2000",
        member.id.0,
        member.email.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (ApiId(row.api_id), u16::try_from(row.major).unwrap_or(0))).collect())
}

pub(super) async fn applications(
    conn: &mut Conn,
    member: &Member,
    apis: &[ApiId],
) -> Result<Vec<(ApiId, u16, String)>> {
    let apis: Vec<Uuid> = apis.iter().map(|api| api.0).collect();
    let rows = sqlx::query!(
        r#"with mine as materialized (
               select a.id, a.name from applications a where a.owner_id = $1 and a.direct_api_id is null
               union
               select a.id, a.name
               from application_shares h
               join applications a on a.id = h.application_id
               where h.email = $2
           )
           select s.api_id, s.major, m.name as "name!"
           from mine m
           join subscriptions s on s.application_id = m.id
           where s.api_id = any ($3) and s.state not in ('pending', 'rejected')
           order by lower(m.name)
           limit 500"#,
        member.id.0,
        member.email.as_str(),
        &apis,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (ApiId(row.api_id), u16::try_from(row.major).unwrap_or(0), row.name)).collect())
}
