//! SQL of subscriptions.

use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId, PlanId, SubscriptionId};
use crate::domain::accounts::model::Member;
use crate::domain::subscriptions::model::{Approval, Change, ChangeState, State, Subscription};
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
    reason: String,
    change_name: Option<String>,
    change_title: Option<String>,
    change_state: Option<ChangeState>,
    change_reason: String,
    requested_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

impl From<Row> for Subscription {
    fn from(row: Row) -> Self {
        let change = row.change_name.zip(row.change_title).zip(row.change_state);
        let reason = row.change_reason;
        Self {
            change: change.map(|((plan_name, plan_title), state)| Change { plan_name, plan_title, state, reason }),
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
            reason: row.reason,
            requested_at: row.requested_at,
            created_at: row.created_at,
        }
    }
}

/// A plan that an API offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChosenPlan {
    pub(super) id: PlanId,
    pub(super) approval: Approval,
}

pub(super) async fn insert(
    conn: &mut Conn,
    (id, now): (SubscriptionId, OffsetDateTime),
    application: ApplicationId,
    (api, major): (ApiId, u16),
    plan: ChosenPlan,
) -> Result<()> {
    sqlx::query!(
        "insert into subscriptions (id, application_id, api_id, major, plan_id, created_at, state, requested_at)
         values ($1, $2, $3, $4, $5, $6, case when $7 then 'pending' else 'active' end, case when $7 then $6::timestamptz end)",
        id.0,
        application.0,
        api.0,
        i32::from(major),
        plan.id.0,
        now,
        plan.approval == Approval::Needed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn by_id(conn: &mut Conn, id: SubscriptionId) -> Result<Option<Subscription>> {
    let row = sqlx::query_as!(
        Row,
        r#"select s.id, s.application_id, a.name as application_name, s.api_id, i.name as api_name, i.title as api_title,
               s.major, p.name as plan_name, p.title as plan_title, s.state as "state: State", s.reason,
               c.name as "change_name?", c.title as "change_title?", s.change_state as "change_state: ChangeState",
               s.change_reason, s.requested_at, s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join apis i on i.id = s.api_id
           join plans p on p.id = s.plan_id
           left join plans c on c.id = s.change_plan_id
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
               s.major, p.name as plan_name, p.title as plan_title, s.state as "state: State", s.reason,
               c.name as "change_name?", c.title as "change_title?", s.change_state as "change_state: ChangeState",
               s.change_reason, s.requested_at, s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join apis i on i.id = s.api_id
           join plans p on p.id = s.plan_id
           left join plans c on c.id = s.change_plan_id
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
               s.major, p.name as plan_name, p.title as plan_title, s.state as "state: State", s.reason,
               c.name as "change_name?", c.title as "change_title?", s.change_state as "change_state: ChangeState",
               s.change_reason, s.requested_at, s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join apis i on i.id = s.api_id
           join plans p on p.id = s.plan_id
           left join plans c on c.id = s.change_plan_id
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
           where a.owner_id = $1 and s.api_id = $2 and s.major = $3 and s.state in ('active', 'production_blocked') and a.direct_api_id is null
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

/// Waits for whoever else changes or decides about it.
pub(super) async fn lock(conn: &mut Conn, id: SubscriptionId) -> Result<()> {
    sqlx::query!("select from subscriptions where id = $1 for update", id.0).fetch_optional(conn).await?;
    Ok(())
}

/// Another plan from now on; whatever other plan was asked for is not any more.
pub(super) async fn set_plan(conn: &mut Conn, id: SubscriptionId, plan: PlanId) -> Result<()> {
    sqlx::query!(
        "update subscriptions
         set plan_id = $2, change_plan_id = null, change_state = null, change_reason = '',
             requested_at = case when state = 'pending' then requested_at end
         where id = $1",
        id.0,
        plan.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// As if it were new, under a plan: it counts at once, or somebody has to approve it.
pub(super) async fn begin_anew(
    conn: &mut Conn,
    (id, now): (SubscriptionId, OffsetDateTime),
    plan: ChosenPlan,
) -> Result<()> {
    sqlx::query!(
        "update subscriptions
         set plan_id = $2, state = case when $3 then 'pending' else 'active' end, reason = '', change_plan_id = null,
             change_state = null, change_reason = '', requested_at = case when $3 then $4::timestamptz end
         where id = $1",
        id.0,
        plan.id.0,
        plan.approval == Approval::Needed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Another plan is asked for.
pub(super) async fn request_change(
    conn: &mut Conn,
    (id, now): (SubscriptionId, OffsetDateTime),
    plan: PlanId,
) -> Result<()> {
    sqlx::query!(
        "update subscriptions
         set change_plan_id = $2, change_state = 'requested', change_reason = '', requested_at = $3
         where id = $1",
        id.0,
        plan.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Another plan that was asked for is not any more.
pub(super) async fn drop_change(conn: &mut Conn, id: SubscriptionId) -> Result<()> {
    sqlx::query!(
        "update subscriptions
         set change_plan_id = null, change_state = null, change_reason = '',
             requested_at = case when state = 'pending' then requested_at end
         where id = $1",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, id: SubscriptionId) -> Result<()> {
    sqlx::query!("delete from subscriptions where id = $1", id.0).execute(conn).await?;
    Ok(())
}

pub(super) async fn plan_of_api(conn: &mut Conn, api: ApiId, name: &str) -> Result<Option<ChosenPlan>> {
    let row = sqlx::query!(
        "select p.id, p.needs_approval from plans p join api_plans a on a.plan_id = p.id
         where a.api_id = $1 and p.name = $2 and p.retired_at is null",
        api.0,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| ChosenPlan { id: PlanId(row.id), approval: Approval::when(row.needs_approval) }))
}
