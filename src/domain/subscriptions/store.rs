//! SQL of subscriptions.

use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId, PlanId, SubscriptionId};
use crate::domain::accounts::model::Member;
use crate::domain::subscriptions::model::{State, Subscription};
use crate::infra::db::Conn;
use time::OffsetDateTime;

struct Row {
    id: SubscriptionId,
    application_id: ApplicationId,
    application_name: String,
    api_id: ApiId,
    api_name: String,
    api_title: String,
    major: i32,
    plan_name: String,
    plan_title: String,
    state: State,
    created_at: OffsetDateTime,
}

impl From<Row> for Subscription {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            application: row.application_id,
            application_name: row.application_name,
            api: row.api_id,
            api_name: row.api_name,
            api_title: row.api_title,
            major: u16::try_from(row.major).unwrap_or(0),
            plan_name: row.plan_name,
            plan_title: row.plan_title,
            state: row.state,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn insert(
    conn: &mut Conn,
    (id, now): (SubscriptionId, OffsetDateTime),
    application: ApplicationId,
    (api, major): (ApiId, u16),
    plan: PlanId,
) -> Result<()> {
    sqlx::query!(
        "insert into subscriptions (id, application_id, api_id, major, plan_id, created_at) values ($1, $2, $3, $4, $5, $6)",
        id.0,
        application.0,
        api.0,
        i32::from(major),
        plan.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn by_id(conn: &mut Conn, id: SubscriptionId) -> Result<Option<Subscription>> {
    let row = sqlx::query_as!(
        Row,
        r#"select s.id, s.application_id, a.name as application_name, s.api_id, i.name as api_name, i.title as api_title,
               s.major, p.name as plan_name, p.title as plan_title, s.state as "state: State", s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join apis i on i.id = s.api_id
           join plans p on p.id = s.plan_id
           where s.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn find(
    conn: &mut Conn,
    application: ApplicationId,
    api: ApiId,
    major: u16,
) -> Result<Option<Subscription>> {
    let id = sqlx::query_scalar!(
        "select id from subscriptions where application_id = $1 and api_id = $2 and major = $3",
        application.0,
        api.0,
        i32::from(major),
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        Some(id) => by_id(conn, SubscriptionId(id)).await,
        None => Ok(None),
    }
}

pub(super) async fn of_application(conn: &mut Conn, application: ApplicationId) -> Result<Vec<Subscription>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.application_id, a.name as application_name, s.api_id, i.name as api_name, i.title as api_title,
               s.major, p.name as plan_name, p.title as plan_title, s.state as "state: State", s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join apis i on i.id = s.api_id
           join plans p on p.id = s.plan_id
           where s.application_id = $1
           order by lower(i.title), s.major desc
           limit 1000"#,
        application.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn of_member_for_api(conn: &mut Conn, member: &Member, api: ApiId) -> Result<Vec<Subscription>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.application_id, a.name as application_name, s.api_id, i.name as api_name, i.title as api_title,
               s.major, p.name as plan_name, p.title as plan_title, s.state as "state: State", s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join apis i on i.id = s.api_id
           join plans p on p.id = s.plan_id
           where s.api_id = $3 and a.direct_api_id is null
             and (a.owner_id = $1
                  or exists (select from application_shares h where h.application_id = a.id and h.email = $2))
           order by s.major desc, lower(a.name)
           limit 1000"#,
        member.id.0,
        member.email.as_str(),
        api.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The member's own applications with an active subscription to a major version, by name; at most 100.
pub(super) async fn own_for_major(
    conn: &mut Conn,
    member: &Member,
    (api, major): (ApiId, u16),
) -> Result<Vec<(ApplicationId, String)>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: ApplicationId", a.name
           from subscriptions s
           join applications a on a.id = s.application_id
           where a.owner_id = $1 and s.api_id = $2 and s.major = $3 and s.state = 'active' and a.direct_api_id is null
           order by lower(a.name)
           limit 100"#,
        member.id.0,
        api.0,
        i32::from(major),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

pub(super) async fn set_plan(conn: &mut Conn, id: SubscriptionId, plan: PlanId) -> Result<()> {
    sqlx::query!("update subscriptions set plan_id = $2 where id = $1", id.0, plan.0).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, id: SubscriptionId) -> Result<()> {
    sqlx::query!("delete from subscriptions where id = $1", id.0).execute(conn).await?;
    Ok(())
}

pub(super) async fn plan_of_api(conn: &mut Conn, api: ApiId, name: &str) -> Result<Option<PlanId>> {
    let id = sqlx::query_scalar!(
        "select p.id from plans p join api_plans a on a.plan_id = p.id
         where a.api_id = $1 and p.name = $2 and p.retired_at is null",
        api.0,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(PlanId))
}
