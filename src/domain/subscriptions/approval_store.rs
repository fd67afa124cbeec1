//! SQL of what waits for a decision.

use crate::base::error::Result;
use crate::base::id::{ApiId, SubscriptionId};
use crate::domain::accounts::model::Member;
use crate::domain::catalog::oversight;
use crate::domain::subscriptions::approvals::Request;
use crate::infra::db::Conn;
use time::OffsetDateTime;

struct Row {
    id: SubscriptionId,
    application: String,
    description: String,
    is_direct: bool,
    owner_email: String,
    api: String,
    title: String,
    major: i32,
    plan_name: String,
    plan: String,
    instead_of: Option<String>,
    requested_at: OffsetDateTime,
}

impl From<Row> for Request {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            application: row.application,
            description: row.description,
            is_direct: row.is_direct,
            owner_email: row.owner_email,
            api: row.api,
            title: row.title,
            major: u16::try_from(row.major).unwrap_or(0),
            plan_name: row.plan_name,
            plan: row.plan,
            instead_of: row.instead_of,
            requested_at: row.requested_at,
        }
    }
}

/// How many wait for the member; counted up to `most`.
pub(super) async fn count(conn: &mut Conn, member: &Member, most: i64) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from (
               select
               from subscriptions s
               join apis i on i.id = s.api_id
               where s.requested_at is not null and api_visible(i, true, $1)
                 and ($2 or exists (select from api_owners o where o.api_id = i.id and o.email = $3))
                 and exists (
                     select from api_versions v
                     where v.api_id = i.id and v.major = s.major and v.state in ('published', 'deprecated', 'blocked'))
               limit $4
           ) w"#,
        &member.roles,
        oversight::oversees_all(member),
        member.email.as_str(),
        most,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// A page of them, the oldest first.
pub(super) async fn page(conn: &mut Conn, member: &Member, (limit, offset): (i64, i64)) -> Result<Vec<Request>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, a.name as application, a.description, a.direct_api_id is not null as "is_direct!",
               u.email as owner_email, i.name as api, i.title, s.major, coalesce(c.name, p.name) as "plan_name!",
               coalesce(c.title, p.title) as "plan!", case when c.id is not null then p.title end as instead_of,
               s.requested_at as "requested_at!"
           from subscriptions s
           join apis i on i.id = s.api_id
           join applications a on a.id = s.application_id
           join users u on u.id = a.owner_id
           join plans p on p.id = s.plan_id
           left join plans c on c.id = s.change_plan_id and s.change_state = 'requested'
           where s.requested_at is not null and api_visible(i, true, $1)
             and ($2 or exists (select from api_owners o where o.api_id = i.id and o.email = $3))
             and exists (
                 select from api_versions v
                 where v.api_id = i.id and v.major = s.major and v.state in ('published', 'deprecated', 'blocked'))
           order by s.requested_at, s.id
           limit $4 offset $5"#,
        &member.roles,
        oversight::oversees_all(member),
        member.email.as_str(),
        limit,
        offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The oldest that wait for a decision about one major version.
pub(super) async fn of_version(conn: &mut Conn, (api, major): (ApiId, u16), limit: i64) -> Result<Vec<Request>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, a.name as application, a.description, a.direct_api_id is not null as "is_direct!",
               u.email as owner_email, i.name as api, i.title, s.major, coalesce(c.name, p.name) as "plan_name!",
               coalesce(c.title, p.title) as "plan!", case when c.id is not null then p.title end as instead_of,
               s.requested_at as "requested_at!"
           from subscriptions s
           join apis i on i.id = s.api_id
           join applications a on a.id = s.application_id
           join users u on u.id = a.owner_id
           join plans p on p.id = s.plan_id
           left join plans c on c.id = s.change_plan_id and s.change_state = 'requested'
           where s.requested_at is not null and s.api_id = $1 and s.major = $2
           order by s.requested_at, s.id
           limit $3"#,
        api.0,
        i32::from(major),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
