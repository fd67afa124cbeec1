//! Tallies as columns, for statements that write many rows at once.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::latency::Latency;
use crate::base::tally::Tally;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// The key of `usage_minutes` and, with an hour for the minute, of `usage_hours`; in the order of their columns.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) minute: OffsetDateTime,
    pub(super) api: ApiId,
    pub(super) version: String,
    pub(super) application: ApplicationId,
    pub(super) credential: String,
    pub(super) environment: Environment,
    pub(super) status_class: u8,
    pub(super) operation: String,
}

/// A column each, in the order of the rows.
pub(super) struct Columns {
    pub(super) times: Vec<OffsetDateTime>,
    pub(super) apis: Vec<Uuid>,
    pub(super) versions: Vec<String>,
    pub(super) applications: Vec<Uuid>,
    pub(super) credentials: Vec<String>,
    pub(super) environments: Vec<String>,
    pub(super) status_classes: Vec<i16>,
    pub(super) operations: Vec<String>,
    pub(super) requests: Vec<i64>,
    pub(super) request_bytes: Vec<i64>,
    pub(super) response_bytes: Vec<i64>,
    pub(super) durations: Vec<i64>,
    /// As literals: Postgres knows no array of arrays of different lengths.
    pub(super) latencies: Vec<String>,
}

impl Columns {
    /// Of these rows.
    pub(super) fn new(rows: BTreeMap<Row, Tally>) -> Self {
        let (keys, tallies): (Vec<Row>, Vec<Tally>) = rows.into_iter().unzip();
        let sums = |of: fn(&Tally) -> u64| -> Vec<i64> {
            tallies.iter().map(|tally| i64::try_from(of(tally)).unwrap_or(i64::MAX)).collect()
        };
        Self {
            times: keys.iter().map(|key| key.minute).collect(),
            apis: keys.iter().map(|key| key.api.0).collect(),
            versions: keys.iter().map(|key| key.version.clone()).collect(),
            applications: keys.iter().map(|key| key.application.0).collect(),
            credentials: keys.iter().map(|key| key.credential.clone()).collect(),
            environments: keys.iter().map(|key| key.environment.as_str().to_owned()).collect(),
            status_classes: keys.iter().map(|key| i16::from(key.status_class)).collect(),
            operations: keys.iter().map(|key| key.operation.clone()).collect(),
            requests: sums(|tally| tally.requests),
            request_bytes: sums(|tally| tally.request_bytes),
            response_bytes: sums(|tally| tally.response_bytes),
            durations: sums(|tally| tally.duration_us),
            latencies: tallies.iter().map(|tally| literal(&tally.latency)).collect(),
        }
    }
}

/// The rows of minutes added up by the hour.
pub(super) fn by_hour(rows: &BTreeMap<Row, Tally>) -> BTreeMap<Row, Tally> {
    let mut hours: BTreeMap<Row, Tally> = BTreeMap::new();
    for (row, tally) in rows {
        let hour = row.minute.truncate_to_hour();
        hours.entry(Row { minute: hour, ..row.clone() }).or_default().add(tally);
    }
    hours
}

fn literal(latency: &Latency) -> String {
    let elements: Vec<String> = latency.to_column().iter().map(i64::to_string).collect();
    format!("{{{}}}", elements.join(","))
}
