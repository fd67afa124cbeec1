//! SQL of the applications that a form offers.

use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::accounts::model::Member;
use crate::domain::subscriptions::candidates::Candidate;
use crate::domain::subscriptions::model::State;
use crate::infra::db::Conn;

pub(super) async fn listed(
    conn: &mut Conn,
    member: &Member,
    (api, major): (ApiId, u16),
    chosen: Option<ApplicationId>,
    most: i64,
) -> Result<Vec<Candidate>> {
    let candidates = sqlx::query_as!(
        Candidate,
        r#"with offered as (
               (select a.id, a.name
                from subscriptions s
                join applications a on a.id = s.application_id
                where s.api_id = $2 and s.major = $3 and a.owner_id = $1 and a.direct_api_id is null
                order by lower(a.name)
                limit $5)
               union
               (select a.id, a.name
                from applications a
                where a.owner_id = $1 and a.direct_api_id is null
                order by a.created_at desc
                limit $5)
               union
               select a.id, a.name
               from applications a
               where a.id = $4 and a.owner_id = $1 and a.direct_api_id is null
           )
           select o.id as "id!: ApplicationId", o.name as "name!", s.state as "state?: State"
           from offered o
           left join subscriptions s on s.application_id = o.id and s.api_id = $2 and s.major = $3
           order by coalesce(s.state = 'active', false) desc, s.state is not null desc, lower(o.name), o.id"#,
        member.id.0,
        api.0,
        i32::from(major),
        chosen.map(|id| id.0),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(candidates)
}

/// Whether the member owns more than so many.
pub(super) async fn has_more(conn: &mut Conn, member: &Member, than: i64) -> Result<bool> {
    let more = sqlx::query_scalar!(
        r#"select exists (
               select from applications a where a.owner_id = $1 and a.direct_api_id is null offset $2) as "more!""#,
        member.id.0,
        than,
    )
    .fetch_one(conn)
    .await?;
    Ok(more)
}

pub(super) async fn named(conn: &mut Conn, member: &Member, name: &str) -> Result<Option<ApplicationId>> {
    let id = sqlx::query_scalar!(
        r#"select a.id as "id: ApplicationId"
           from applications a
           where a.owner_id = $1 and a.direct_api_id is null and lower(a.name) = lower($2)"#,
        member.id.0,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}
