//! Takes batches of tallies from the gateway.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::tally::{Credential, Tally, TallyKey};
use crate::domain::usage::store::{self, Row};
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Adds a batch to the minutes, in one statement. The rows go in the order of the table's key, whatever order they came
/// in: two nodes that write the same minutes then wait for one another instead of deadlocking.
pub async fn batch(conn: &mut Conn, batch: &[(TallyKey, Tally)]) -> Result<()> {
    let mut rows: BTreeMap<Row, Tally> = BTreeMap::new();
    for (key, tally) in batch {
        rows.entry(row(key)).or_default().add(tally);
    }
    if rows.is_empty() {
        return Ok(());
    }
    store::add(conn, rows).await
}

fn row(key: &TallyKey) -> Row {
    Row {
        minute: key.minute,
        api: key.api,
        version: key.version.to_string(),
        application: key.application.unwrap_or(ApplicationId(Uuid::nil())),
        credential: match &key.credential {
            Credential::None => String::new(),
            Credential::ApiKey(id) => id.to_string(),
            Credential::Client(id) => id.to_string(),
        },
        environment: key.environment,
        status_class: key.status_class,
    }
}
