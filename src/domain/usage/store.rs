//! SQL of usage.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::tally::Tally;
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The key of `usage_minutes`, in the order of its columns.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) minute: OffsetDateTime,
    pub(super) api: ApiId,
    pub(super) version: String,
    pub(super) application: ApplicationId,
    pub(super) credential: String,
    pub(super) environment: Environment,
    pub(super) status_class: u8,
}

pub(super) async fn add(conn: &mut Conn, rows: BTreeMap<Row, Tally>) -> Result<()> {
    let (keys, tallies): (Vec<Row>, Vec<Tally>) = rows.into_iter().unzip();
    let minutes: Vec<_> = keys.iter().map(|key| key.minute).collect();
    let apis: Vec<_> = keys.iter().map(|key| key.api.0).collect();
    let versions: Vec<_> = keys.iter().map(|key| key.version.clone()).collect();
    let applications: Vec<_> = keys.iter().map(|key| key.application.0).collect();
    let credentials: Vec<_> = keys.iter().map(|key| key.credential.clone()).collect();
    let environments: Vec<_> = keys.iter().map(|key| key.environment.as_str().to_owned()).collect();
    let status_classes: Vec<_> = keys.iter().map(|key| i16::from(key.status_class)).collect();
    let sums = |of: fn(&Tally) -> u64| -> Vec<i64> {
        tallies.iter().map(|tally| i64::try_from(of(tally)).unwrap_or(i64::MAX)).collect()
    };
    sqlx::query!(
        "insert into usage_minutes as u
             (minute, api_id, version, application_id, credential, environment, status_class,
              requests, request_bytes, response_bytes, duration_us)
         select * from unnest(
             $1::timestamptz[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::smallint[],
             $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
         on conflict (minute, api_id, version, application_id, credential, environment, status_class) do update
         set requests = u.requests + excluded.requests,
             request_bytes = u.request_bytes + excluded.request_bytes,
             response_bytes = u.response_bytes + excluded.response_bytes,
             duration_us = u.duration_us + excluded.duration_us",
        &minutes,
        &apis,
        &versions,
        &applications,
        &credentials,
        &environments,
        &status_classes,
        &sums(|tally| tally.requests),
        &sums(|tally| tally.request_bytes),
        &sums(|tally| tally.response_bytes),
        &sums(|tally| tally.duration_us),
    )
    .execute(conn)
    .await?;
    Ok(())
}
