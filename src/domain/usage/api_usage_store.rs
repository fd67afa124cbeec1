//! SQL of the usage of an API. It reads hours, so that a month is a few hundred rows for each thing that was called.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::latency::Latency;
use crate::domain::usage::api_usage::{ApplicationUse, CsvRow, OperationUse};
use crate::domain::usage::sums::{Point, Refused, Sums, interval, number};
use crate::domain::usage::window::Stretch;
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// Which calls are added up.
#[derive(Clone, Copy)]
pub(super) struct Picked {
    pub(super) api: ApiId,
    pub(super) major: u16,
    pub(super) stretch: Stretch,
    pub(super) environment: Option<Environment>,
    pub(super) application: Option<ApplicationId>,
}

/// Hours and days with a call in them.
pub(super) async fn counted(conn: &mut Conn, picked: &Picked) -> Result<BTreeMap<OffsetDateTime, Point>> {
    let rows = sqlx::query!(
        r#"with picked as (
             select date_bin($7, hour, $3) as at, status_class, requests, latency
             from usage_hours
             where api_id = $1 and split_part(version, '.', 1) = $2 and hour >= $3 and hour < $4
               and ($5::text is null or environment = $5) and ($6::uuid is null or application_id = $6)
           ), counted as (
             select at, sum(requests)::bigint as requests,
                 sum(requests) filter (where status_class = 4)::bigint as client_errors,
                 sum(requests) filter (where status_class = 5)::bigint as server_errors
             from picked
             group by at
           ), timed as (
             select at, array_agg(256 * calls + bucket) as latency
             from (
               select p.at, e & 255 as bucket, sum(e >> 8)::bigint as calls
               from picked p, unnest(p.latency) as e
               group by p.at, bucket
             ) s
             group by at
           )
           select c.at as "at!", c.requests as "requests!", c.client_errors, c.server_errors, t.latency as "latency?"
           from counted c
           left join timed t using (at)"#,
        picked.api.0,
        picked.major.to_string(),
        picked.stretch.from,
        picked.stretch.until,
        picked.environment.map(Environment::as_str),
        picked.application.map(|id| id.0),
        interval(picked.stretch),
    )
    .fetch_all(conn)
    .await?;
    let points = rows.into_iter().map(|row| {
        let sums = Sums::from_columns(row.requests, row.client_errors, row.server_errors);
        let latency = Latency::from_column(&row.latency.unwrap_or_default());
        (row.at, Point { at: row.at, sums, latency })
    });
    Ok(points.collect())
}

/// How many calls there were.
pub(super) async fn requests(conn: &mut Conn, picked: &Picked) -> Result<u64> {
    let requests = sqlx::query_scalar!(
        r#"select coalesce(sum(requests), 0)::bigint as "requests!"
           from usage_hours
           where api_id = $1 and split_part(version, '.', 1) = $2 and hour >= $3 and hour < $4
             and ($5::text is null or environment = $5) and ($6::uuid is null or application_id = $6)"#,
        picked.api.0,
        picked.major.to_string(),
        picked.stretch.from,
        picked.stretch.until,
        picked.environment.map(Environment::as_str),
        picked.application.map(|id| id.0),
    )
    .fetch_one(conn)
    .await?;
    Ok(number(requests))
}

/// The applications that called most, and what calls without a credential made together.
pub(super) async fn applications(conn: &mut Conn, picked: &Picked, most: i64) -> Result<Vec<ApplicationUse>> {
    let rows = sqlx::query!(
        r#"with counted as (
             select application_id, sum(requests)::bigint as requests,
                 sum(requests) filter (where status_class = 4)::bigint as client_errors,
                 sum(requests) filter (where status_class = 5)::bigint as server_errors
             from usage_hours
             where api_id = $1 and split_part(version, '.', 1) = $2 and hour >= $3 and hour < $4
               and ($5::text is null or environment = $5) and ($6::uuid is null or application_id = $6)
             group by application_id
             order by sum(requests) desc, application_id
             limit $7
           )
           select c.application_id as "application_id!", a.name as "name?", u.email as "owner?", c.requests as "requests!",
               c.client_errors, c.server_errors
           from counted c
           left join applications a on a.id = c.application_id
           left join users u on u.id = a.owner_id
           order by c.requests desc, c.application_id"#,
        picked.api.0,
        picked.major.to_string(),
        picked.stretch.from,
        picked.stretch.until,
        picked.environment.map(Environment::as_str),
        picked.application.map(|id| id.0),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ApplicationUse {
            application: (row.application_id != Uuid::nil()).then_some(ApplicationId(row.application_id)),
            name: row.name,
            owner: row.owner,
            sums: Sums::from_columns(row.requests, row.client_errors, row.server_errors),
        })
        .collect())
}

/// The operations that were called most.
pub(super) async fn operations(conn: &mut Conn, picked: &Picked, most: i64) -> Result<Vec<OperationUse>> {
    let rows = sqlx::query!(
        r#"with picked as (
             select operation, status_class, requests, latency
             from usage_hours
             where api_id = $1 and split_part(version, '.', 1) = $2 and hour >= $3 and hour < $4
               and ($5::text is null or environment = $5) and ($6::uuid is null or application_id = $6)
           ), counted as (
             select operation, sum(requests)::bigint as requests,
                 sum(requests) filter (where status_class = 4)::bigint as client_errors,
                 sum(requests) filter (where status_class = 5)::bigint as server_errors
             from picked
             group by operation
             order by sum(requests) desc, operation
             limit $7
           ), timed as (
             select operation, array_agg(256 * calls + bucket) as latency
             from (
               select p.operation, e & 255 as bucket, sum(e >> 8)::bigint as calls
               from picked p join counted c using (operation), unnest(p.latency) as e
               group by p.operation, bucket
             ) s
             group by operation
           )
           select c.operation as "operation!", c.requests as "requests!", c.client_errors, c.server_errors,
               t.latency as "latency?"
           from counted c
           left join timed t using (operation)
           order by c.requests desc, c.operation"#,
        picked.api.0,
        picked.major.to_string(),
        picked.stretch.from,
        picked.stretch.until,
        picked.environment.map(Environment::as_str),
        picked.application.map(|id| id.0),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OperationUse {
            operation: row.operation,
            sums: Sums::from_columns(row.requests, row.client_errors, row.server_errors),
            latency: Latency::from_column(&row.latency.unwrap_or_default()),
        })
        .collect())
}

/// Why calls were refused, of those refusals that were kept.
pub(super) async fn refused(conn: &mut Conn, picked: &Picked, most: i64) -> Result<Vec<Refused>> {
    let rows = sqlx::query!(
        r#"select reason, count(*) as "calls!"
           from refusals
           where api_id = $1 and split_part(version, '.', 1) = $2 and at >= $3 and at < $4
             and ($5::text is null or environment = $5) and ($6::uuid is null or application_id = $6)
           group by reason
           order by count(*) desc, reason
           limit $7"#,
        picked.api.0,
        picked.major.to_string(),
        picked.stretch.from,
        picked.stretch.until,
        picked.environment.map(Environment::as_str),
        picked.application.map(|id| id.0),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Refused { reason: row.reason, calls: number(row.calls) }).collect())
}

/// By hour or day, environment, application and operation; the latest first.
pub(super) async fn rows(conn: &mut Conn, picked: &Picked, most: i64) -> Result<Vec<CsvRow>> {
    let rows = sqlx::query!(
        r#"with counted as (
             select date_bin($7, hour, $3) as slot, environment, application_id, operation,
                 sum(requests)::bigint as requests,
                 sum(requests) filter (where status_class = 4)::bigint as client_errors,
                 sum(requests) filter (where status_class = 5)::bigint as server_errors
             from usage_hours
             where api_id = $1 and split_part(version, '.', 1) = $2 and hour >= $3 and hour < $4
               and ($5::text is null or environment = $5) and ($6::uuid is null or application_id = $6)
             group by 1, 2, 3, 4
             order by 1 desc, 2, 3, 4
             limit $8
           )
           select c.slot as "slot!", c.environment as "environment!: Environment", a.name as "application?",
               c.operation as "operation!", c.requests as "requests!", c.client_errors, c.server_errors
           from counted c
           left join applications a on a.id = c.application_id
           order by c.slot desc, c.environment, c.application_id, c.operation"#,
        picked.api.0,
        picked.major.to_string(),
        picked.stretch.from,
        picked.stretch.until,
        picked.environment.map(Environment::as_str),
        picked.application.map(|id| id.0),
        interval(picked.stretch),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CsvRow {
            at: row.slot,
            environment: row.environment,
            application: row.application,
            operation: row.operation,
            sums: Sums::from_columns(row.requests, row.client_errors, row.server_errors),
        })
        .collect())
}
