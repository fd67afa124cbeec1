//! SQL of quotas: what was handed out of each, by subject and period.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::policy::Period;
use crate::base::quota::{self, Ask, Lease, Unused};
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::Date;
use uuid::Uuid;

/// A subscription with a quota, and what is used of it.
pub(super) struct Row {
    pub(super) subscription: Uuid,
    pub(super) count: i64,
    pub(super) per: Period,
    pub(super) used: i64,
}

/// Hands out calls; nothing where the period has no row yet.
///
/// The row is locked before it is read, so askers take turns and each sees what the one before it has taken. Near the
/// end of a quota the shares become small: what one process has in hand, no other can use.
pub(super) async fn lease(conn: &mut Conn, ask: &Ask) -> Result<Option<Lease>> {
    let row = sqlx::query!(
        r#"with before as (
               select used
               from quota_periods
               where subject = $1 and period = $2
               for update
           ), left_over as (
               select least(greatest(used - $4, 0) + $5, greatest($3, used - $4)) as used
               from before
           ), share as (
               select used, greatest(least($6, greatest(($3 - used) / 4, 1), $3 - used), 0) as calls
               from left_over
           )
           update quota_periods q
           set used = share.used + share.calls
           from share
           where q.subject = $1 and q.period = $2
           returning q.used, share.calls as "calls!""#,
        quota::key(&ask.subject, ask.per),
        ask.first,
        column(ask.limit),
        column(ask.back),
        column(ask.spent),
        column(ask.calls),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Lease { calls: number(row.calls), used: number(row.used) }))
}

/// Begins a period; another process may have done so.
pub(super) async fn begin(conn: &mut Conn, ask: &Ask) -> Result<()> {
    sqlx::query!(
        "insert into quota_periods (subject, period, used) values ($1, $2, 0) on conflict (subject, period) do nothing",
        quota::key(&ask.subject, ask.per),
        ask.first,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes calls back, in the order of the table's key, so that two processes never wait for one another.
pub(super) async fn give_back(conn: &mut Conn, unused: &[Unused]) -> Result<()> {
    let mut sums: BTreeMap<(String, Date), i64> = BTreeMap::new();
    for Unused { subject, per, first, calls } in unused {
        let sum = sums.entry((quota::key(subject, *per), *first)).or_default();
        *sum = sum.saturating_add(column(*calls));
    }
    let (keys, calls): (Vec<_>, Vec<i64>) = sums.into_iter().unzip();
    let (subjects, periods): (Vec<String>, Vec<Date>) = keys.into_iter().unzip();
    sqlx::query!(
        "with returned as (
             select q.subject, q.period, b.calls
             from quota_periods q
             join unnest($1::text[], $2::date[], $3::bigint[]) as b(subject, period, calls)
                 on b.subject = q.subject and b.period = q.period
             order by q.subject, q.period
             for update of q
         )
         update quota_periods q
         set used = greatest(q.used - returned.calls, 0)
         from returned
         where q.subject = returned.subject and q.period = returned.period",
        &subjects,
        &periods,
        &calls,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes days before `day` and months before `month`.
pub(super) async fn remove_before(conn: &mut Conn, day: Date, month: Date) -> Result<u64> {
    let removed = sqlx::query!(
        "delete from quota_periods where period < $2 or (period < $1 and subject like '%:day')",
        day,
        month,
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected())
}

/// The subscriptions of an application that have a quota; `day` and `month` are the first days of the periods that
/// are running.
pub(super) async fn of_application(
    conn: &mut Conn,
    application: ApplicationId,
    (day, month): (Date, Date),
) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id as subscription, p.quota_count as "count!", p.quota_unit as "per!: Period",
               coalesce(q.used, 0) as "used!"
           from subscriptions s
           join plans p on p.id = s.plan_id
           left join quota_periods q
               on q.subject = 'subscription:' || s.id || ':' || p.quota_unit
               and q.period = case p.quota_unit when 'day' then $2::date else $3::date end
           where s.application_id = $1 and p.quota_count is not null
           limit 1000"#,
        application.0,
        day,
        month,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The same of these subscriptions.
pub(super) async fn of_subscriptions(conn: &mut Conn, ids: &[Uuid], (day, month): (Date, Date)) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id as subscription, p.quota_count as "count!", p.quota_unit as "per!: Period",
               coalesce(q.used, 0) as "used!"
           from subscriptions s
           join plans p on p.id = s.plan_id
           left join quota_periods q
               on q.subject = 'subscription:' || s.id || ':' || p.quota_unit
               and q.period = case p.quota_unit when 'day' then $2::date else $3::date end
           where s.id = any ($1) and p.quota_count is not null"#,
        ids,
        day,
        month,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn number(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}
