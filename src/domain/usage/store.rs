//! SQL of usage.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::latency::Latency;
use crate::base::tally::Tally;
use crate::domain::usage::columns::{Columns, Row};
use crate::domain::usage::totals::DayTotal;
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// How a batch stands.
pub(super) enum Standing {
    /// It is to be written, in the same transaction.
    New,
    /// It was written before.
    Written,
    /// The writer's row is gone.
    Gone,
}

/// How long one statement of a transaction may take, so that none waits for a lock after its client has given up.
const STATEMENT: &str = "25s";

/// Limits the time of each statement of this transaction.
pub(super) async fn limit_time(conn: &mut Conn) -> Result<()> {
    sqlx::query_scalar!("select set_config('statement_timeout', $1, true)", STATEMENT).fetch_one(conn).await?;
    Ok(())
}

/// A row for a process that writes.
pub(super) async fn register(conn: &mut Conn, now: OffsetDateTime) -> Result<i64> {
    let id = sqlx::query_scalar!("insert into usage_writers (written_at) values ($1) returning id", now);
    Ok(id.fetch_one(conn).await?)
}

/// Says that the batch is the writer's last, if it was not written before.
pub(super) async fn claim(conn: &mut Conn, id: i64, batch: i64, now: OffsetDateTime) -> Result<Standing> {
    let claimed = sqlx::query!(
        "update usage_writers set batch = $2, written_at = $3 where id = $1 and batch < $2",
        id,
        batch,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if claimed.rows_affected() > 0 {
        return Ok(Standing::New);
    }
    let known = sqlx::query_scalar!("select batch from usage_writers where id = $1", id).fetch_optional(conn).await?;
    Ok(if known.is_some() { Standing::Written } else { Standing::Gone })
}

/// Forgets the writers that have not written since.
pub(super) async fn forget_writers(conn: &mut Conn, since: OffsetDateTime) -> Result<u64> {
    let gone = sqlx::query!("delete from usage_writers where written_at < $1", since).execute(conn).await?;
    Ok(gone.rows_affected())
}

/// Removes at most so many rows from before.
pub(super) async fn remove_before(conn: &mut Conn, before: OffsetDateTime, most: i64) -> Result<u64> {
    let gone = sqlx::query!(
        "delete from usage_minutes
         where ctid = any (array(select ctid from usage_minutes where minute < $1 limit $2))",
        before,
        most,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Adds tallies to their minutes.
pub(super) async fn add(conn: &mut Conn, rows: BTreeMap<Row, Tally>) -> Result<()> {
    let n = Columns::new(rows);
    sqlx::query!(
        "insert into usage_minutes as u
             (minute, api_id, version, application_id, credential, environment, status_class, operation,
              requests, request_bytes, response_bytes, duration_us, latency)
         select n.minute, n.api_id, n.version, n.application_id, n.credential, n.environment, n.status_class,
             n.operation, n.requests, n.request_bytes, n.response_bytes, n.duration_us, n.latency::bigint[]
         from unnest(
             $1::timestamptz[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::smallint[],
             $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[])
             as n(minute, api_id, version, application_id, credential, environment, status_class, operation,
                  requests, request_bytes, response_bytes, duration_us, latency)
         on conflict (minute, api_id, version, application_id, credential, environment, status_class, operation)
         do update
         set requests = u.requests + excluded.requests,
             request_bytes = u.request_bytes + excluded.request_bytes,
             response_bytes = u.response_bytes + excluded.response_bytes,
             duration_us = u.duration_us + excluded.duration_us,
             latency = latency_sum(u.latency, excluded.latency)",
        &n.times,
        &n.apis,
        &n.versions,
        &n.applications,
        &n.credentials,
        &n.environments,
        &n.status_classes,
        &n.operations,
        &n.requests,
        &n.request_bytes,
        &n.response_bytes,
        &n.durations,
        &n.latencies,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The totals of an application by day, API and environment; at most so many, the latest days first.
pub(super) async fn totals(
    conn: &mut Conn,
    application: ApplicationId,
    (from, until): (OffsetDateTime, OffsetDateTime),
    most: i64,
) -> Result<Vec<DayTotal>> {
    let rows = sqlx::query!(
        r#"with picked as (
             select api_id, environment, (minute at time zone 'UTC')::date as day, status_class, requests,
                 request_bytes, response_bytes, latency
             from usage_minutes
             where application_id = $1 and minute >= $2 and minute < $3
           ), counted as (
             select api_id, environment, day, sum(requests)::bigint as requests,
                 sum(requests) filter (where status_class = 4)::bigint as client_errors,
                 sum(requests) filter (where status_class = 5)::bigint as server_errors,
                 sum(request_bytes)::bigint as request_bytes, sum(response_bytes)::bigint as response_bytes
             from picked
             group by api_id, environment, day
             order by day desc, api_id, environment
             limit $4
           ), timed as (
             select api_id, environment, day, array_agg(256 * calls + bucket) as latency
             from (
               select p.api_id, p.environment, p.day, e & 255 as bucket, sum(e >> 8)::bigint as calls
               from picked p, unnest(p.latency) as e
               group by p.api_id, p.environment, p.day, bucket
             ) s
             group by api_id, environment, day
           )
           select c.api_id as "api: ApiId", c.environment as "environment: Environment", c.day as "day!",
               c.requests as "requests!", c.client_errors, c.server_errors, c.request_bytes as "request_bytes!",
               c.response_bytes as "response_bytes!", t.latency as "latency?"
           from counted c
           left join timed t using (api_id, environment, day)
           order by c.day desc, c.api_id, c.environment"#,
        application.0,
        from,
        until,
        most,
    )
    .fetch_all(conn)
    .await?;
    let number = |value: i64| u64::try_from(value).unwrap_or(0);
    let total = rows.into_iter().map(|row| DayTotal {
        api: row.api,
        environment: row.environment,
        day: row.day,
        requests: number(row.requests),
        client_errors: number(row.client_errors.unwrap_or(0)),
        server_errors: number(row.server_errors.unwrap_or(0)),
        request_bytes: number(row.request_bytes),
        response_bytes: number(row.response_bytes),
        latency: Latency::from_column(&row.latency.unwrap_or_default()),
    });
    Ok(total.collect())
}
