//! SQL of plans and of which API offers which.

use crate::base::error::Result;
use crate::base::id::{ApiId, PlanId};
use crate::base::policy::{Period, Quota, Rate, RateUnit};
use crate::domain::subscriptions::model::{Approval, Plan, PlanState};
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The three columns of a rate; the schema has all or none of them.
fn rate(count: Option<i32>, unit: Option<RateUnit>, burst: Option<i32>) -> Option<Rate> {
    let positive = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok());
    Some(Rate { count: positive(count)?, per: unit?, burst: positive(burst)? })
}

/// The two columns of a quota; the schema has both or none of them.
fn quota(count: Option<i64>, unit: Option<Period>) -> Option<Quota> {
    Some(Quota { count: count.and_then(|n| u64::try_from(n).ok())?, per: unit? })
}

pub(super) async fn of_api(conn: &mut Conn, api: ApiId) -> Result<Vec<Plan>> {
    let rows = sqlx::query!(
        r#"select p.name, p.title, p.description, p.rate_count, p.rate_unit as "rate_unit: RateUnit", p.burst,
               p.quota_count, p.quota_unit as "quota_unit: Period", p.needs_approval
           from api_plans a join plans p on p.id = a.plan_id
           where a.api_id = $1 and p.retired_at is null
           order by a.position, p.name"#,
        api.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Plan {
            name: row.name,
            title: row.title,
            description: row.description,
            rate: rate(row.rate_count, row.rate_unit, row.burst),
            quota: quota(row.quota_count, row.quota_unit),
            approval: Approval::when(row.needs_approval),
        })
        .collect())
}

pub(super) async fn of_apis(conn: &mut Conn, apis: &[ApiId]) -> Result<BTreeMap<ApiId, Vec<Plan>>> {
    let apis: Vec<_> = apis.iter().map(|api| api.0).collect();
    let rows = sqlx::query!(
        r#"select a.api_id as "api_id: ApiId", p.name, p.title, p.description, p.rate_count,
               p.rate_unit as "rate_unit: RateUnit", p.burst, p.quota_count, p.quota_unit as "quota_unit: Period", p.needs_approval
           from api_plans a join plans p on p.id = a.plan_id
           where a.api_id = any ($1) and p.retired_at is null
           order by a.api_id, a.position, p.name"#,
        &apis,
    )
    .fetch_all(conn)
    .await?;
    let mut plans: BTreeMap<ApiId, Vec<Plan>> = BTreeMap::new();
    for row in rows {
        plans.entry(row.api_id).or_default().push(Plan {
            name: row.name,
            title: row.title,
            description: row.description,
            rate: rate(row.rate_count, row.rate_unit, row.burst),
            quota: quota(row.quota_count, row.quota_unit),
            approval: Approval::when(row.needs_approval),
        });
    }
    Ok(plans)
}

pub(super) async fn all(conn: &mut Conn) -> Result<Vec<(Plan, PlanState)>> {
    let rows = sqlx::query!(
        r#"select name, title, description, rate_count, rate_unit as "rate_unit: RateUnit", burst,
               quota_count, quota_unit as "quota_unit: Period", needs_approval, retired_at
           from plans
           order by name"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let plan = Plan {
                name: row.name,
                title: row.title,
                description: row.description,
                rate: rate(row.rate_count, row.rate_unit, row.burst),
                quota: quota(row.quota_count, row.quota_unit),
                approval: Approval::when(row.needs_approval),
            };
            (plan, if row.retired_at.is_some() { PlanState::Retired } else { PlanState::Offered })
        })
        .collect())
}

pub(super) async fn offers(conn: &mut Conn) -> Result<BTreeMap<String, Vec<String>>> {
    let rows = sqlx::query!(
        "select i.name as api, p.name as plan
         from api_plans a
         join apis i on i.id = a.api_id
         join plans p on p.id = a.plan_id
         where p.retired_at is null
         order by i.name, a.position, p.name",
    )
    .fetch_all(conn)
    .await?;
    let mut offers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        offers.entry(row.api).or_default().push(row.plan);
    }
    Ok(offers)
}

pub(super) async fn upsert(
    conn: &mut Conn,
    (id, now): (PlanId, OffsetDateTime),
    plan: &Plan,
    state: PlanState,
) -> Result<()> {
    let column = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into plans (id, name, title, description, rate_count, rate_unit, burst, retired_at, created_at,
             quota_count, quota_unit, needs_approval)
         values ($1, $2, $3, $4, $5, $6, $7, case when $8 then $9::timestamptz end, $9, $10, $11, $12)
         on conflict (name) do update
         set title = excluded.title, description = excluded.description, rate_count = excluded.rate_count,
             rate_unit = excluded.rate_unit, burst = excluded.burst, quota_count = excluded.quota_count,
             quota_unit = excluded.quota_unit, needs_approval = excluded.needs_approval,
             retired_at = case when $8 then coalesce(plans.retired_at, excluded.retired_at) end",
        id.0,
        plan.name,
        plan.title,
        plan.description,
        plan.rate.map(|r| column(r.count)),
        plan.rate.map(|r| r.per.as_str()),
        plan.rate.map(|r| column(r.burst)),
        state == PlanState::Retired,
        now,
        plan.quota.map(|q| i64::try_from(q.count).unwrap_or(i64::MAX)),
        plan.quota.map(|q| q.per.as_str()),
        plan.approval == Approval::Needed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn set_offer(conn: &mut Conn, api: ApiId, plans: &[String]) -> Result<()> {
    sqlx::query!(
        "delete from api_plans a using plans p where p.id = a.plan_id and a.api_id = $1 and p.name <> all ($2)",
        api.0,
        plans,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into api_plans (api_id, plan_id, position)
         select $1, p.id, o.position::integer
         from unnest($2::text[]) with ordinality as o(name, position) join plans p on p.name = o.name
         on conflict (api_id, plan_id) do update set position = excluded.position",
        api.0,
        plans,
    )
    .execute(conn)
    .await?;
    Ok(())
}
