//! Takes batches of tallies from the gateway, each once.
//!
//! A process that writes usage has a row of its own, with the number of its last batch, and writes it in the transaction
//! that writes the batch. So a batch that comes again, because the answer to its commit was lost, is known, and one that
//! is still being written elsewhere is waited for. Should the row have gone, the process takes another: only a batch whose
//! fate was unknown for longer than [`FORGOTTEN`](super::retention::FORGOTTEN) could count twice.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiKeyId, ApplicationId};
use crate::base::tally::{Batch, Credential, Tally, TallyKey};
use crate::domain::credentials::KeyUse;
use crate::domain::usage::columns::{self, Row};
use crate::domain::usage::hour_store;
use crate::domain::usage::store::{self, Standing};
use crate::domain::{Ctx, credentials};
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use time::OffsetDateTime;
use uuid::Uuid;

/// A process that writes usage. It writes one batch at a time.
#[derive(Debug, Default)]
pub struct Writer {
    /// Its row; 0 before it has one.
    id: AtomicI64,
}

impl Writer {
    /// Writes a batch and when each credential in it was last called with, unless that was done before.
    pub async fn write(&self, ctx: &Ctx, batch: &Batch) -> Result<()> {
        let number = i64::try_from(batch.number).map_err(Error::internal)?;
        for _ in 0..2 {
            let now = ctx.clock.now();
            let mut id = self.id.load(Ordering::Relaxed);
            if id == 0 {
                // Not in the transaction of the batch: if the answer is lost, nothing but an unused row is left.
                id = store::register(&mut *ctx.conn().await?, now).await?;
                self.id.store(id, Ordering::Relaxed);
            }
            let mut tx = ctx.db.begin().await?;
            store::limit_time(&mut tx).await?;
            match store::claim(&mut tx, id, number, now).await? {
                Standing::New => {
                    add(&mut tx, &batch.rows).await?;
                    touch(&mut tx, &batch.rows).await?;
                    tx.commit().await?;
                    return Ok(());
                }
                Standing::Written => return Ok(()),
                Standing::Gone => self.id.store(0, Ordering::Relaxed),
            }
        }
        Err(Error::internal("the row of a writer of usage goes as soon as it is made"))
    }
}

/// Adds to the minutes and to their hours, a statement each. The rows go in the order of the table's key, whatever order
/// they came in: two nodes that write the same minutes then wait for one another instead of deadlocking.
async fn add(conn: &mut Conn, batch: &[(TallyKey, Tally)]) -> Result<()> {
    let mut rows: BTreeMap<Row, Tally> = BTreeMap::new();
    for (key, tally) in batch {
        rows.entry(row(key)).or_default().add(tally);
    }
    if rows.is_empty() {
        return Ok(());
    }
    // Always minutes first, so that two nodes wait for one another in the same order.
    let hours = columns::by_hour(&rows);
    store::add(conn, rows).await?;
    hour_store::add(conn, hours).await
}

async fn touch(conn: &mut Conn, batch: &[(TallyKey, Tally)]) -> Result<()> {
    let mut keys: BTreeMap<ApiKeyId, KeyUse> = BTreeMap::new();
    let mut clients: BTreeMap<String, OffsetDateTime> = BTreeMap::new();
    for (key, tally) in batch {
        match &key.credential {
            Credential::None => {}
            Credential::ApiKey(id) | Credential::OldApiKey(id) => {
                let unused = KeyUse { calls: 0, last: key.minute, old_calls: 0, old_last: None };
                let used = keys.entry(*id).or_insert(unused);
                used.calls = used.calls.saturating_add(tally.requests);
                used.last = used.last.max(key.minute);
                if matches!(key.credential, Credential::OldApiKey(_)) {
                    used.old_calls = used.old_calls.saturating_add(tally.requests);
                    used.old_last = used.old_last.max(Some(key.minute));
                }
            }
            Credential::Client(id) => {
                let last = clients.entry(id.to_string()).or_insert(key.minute);
                *last = key.minute.max(*last);
            }
        }
    }
    let (keys, clients): (Vec<_>, Vec<_>) = (keys.into_iter().collect(), clients.into_iter().collect());
    credentials::touch(conn, &keys, &clients).await
}

fn row(key: &TallyKey) -> Row {
    Row {
        minute: key.minute,
        api: key.api,
        version: key.version.to_string(),
        application: key.application.unwrap_or(ApplicationId(Uuid::nil())),
        credential: match &key.credential {
            Credential::None => String::new(),
            Credential::ApiKey(id) | Credential::OldApiKey(id) => id.to_string(),
            Credential::Client(id) => id.to_string(),
        },
        environment: key.environment,
        status_class: key.status_class,
        operation: key.operation.to_string(),
    }
}
