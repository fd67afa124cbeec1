//! SQL that writes usage by the hour; reports read it.

use crate::base::error::Result;
use crate::base::tally::Tally;
use crate::domain::usage::columns::{Columns, Row};
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

/// Adds tallies to their hours.
pub(super) async fn add(conn: &mut Conn, rows: BTreeMap<Row, Tally>) -> Result<()> {
    let n = Columns::new(rows);
    sqlx::query!(
        "insert into usage_hours as u
             (hour, api_id, version, application_id, credential, environment, status_class, operation,
              requests, request_bytes, response_bytes, duration_us, latency)
         select n.hour, n.api_id, n.version, n.application_id, n.credential, n.environment, n.status_class,
             n.operation, n.requests, n.request_bytes, n.response_bytes, n.duration_us, n.latency::bigint[]
         from unnest(
             $1::timestamptz[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::smallint[],
             $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[])
             as n(hour, api_id, version, application_id, credential, environment, status_class, operation,
                  requests, request_bytes, response_bytes, duration_us, latency)
         on conflict (hour, api_id, version, application_id, credential, environment, status_class, operation)
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

/// Removes at most so many rows of hours that were over before: those of which minutes are kept stay.
pub(super) async fn remove_before(conn: &mut Conn, before: OffsetDateTime, most: i64) -> Result<u64> {
    let gone = sqlx::query!(
        "delete from usage_hours where ctid = any (array(select ctid from usage_hours where hour <= $1 limit $2))",
        before - Duration::HOUR,
        most,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
