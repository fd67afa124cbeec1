//! Asks the database about credentials, within bounds, and knows how long ago it answered.

use crate::base::error::{Error, Result};
use crate::gateway::refusal::Refusal;
use crate::infra::watch::{self, Feed};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// For so long after the last answer of the database, what is remembered still opens APIs.
pub(super) const TRUST: Duration = Duration::from_mins(1);
/// Look-ups that may be at the database at once, of all threads together: guessed credentials must not take every
/// connection from the portal.
const LOOKUPS_AT_ONCE: usize = 4;
/// How long a look-up may take, waiting for its turn included.
const LOOKUP: Duration = Duration::from_secs(2);
/// Asks the database, on the runtime that owns its connections.
#[derive(Clone)]
pub(super) struct Lookups {
    runtime: Handle,
    pool: PgPool,
    places: Arc<Semaphore>,
    /// When what is remembered was last confirmed.
    feed: Arc<Feed>,
}

impl Lookups {
    /// Asks over `pool`, on `runtime`.
    pub(super) fn new(runtime: Handle, pool: PgPool, feed: Arc<Feed>) -> Self {
        Self { runtime, pool, places: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)), feed }
    }

    /// Unless the last confirmation is at most `bound` old, nothing that is remembered may be believed.
    pub(super) fn check(&self, bound: Duration) -> Result<(), Refusal> {
        if self.feed.is_within(bound) { Ok(()) } else { Err(Refusal::Unavailable) }
    }

    /// Asks one question.
    ///
    /// A connection belongs to the runtime that opened it, and the gateway's own runtimes end before the pool does:
    /// so the work is done over there, and a client that goes away does not break off a statement.
    pub(super) async fn run<T, F>(&self, ask: impl FnOnce(PgPool) -> F + Send + 'static) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        // What is read while no changes are heard could not be forgotten in time.
        self.check(watch::STALE)?;
        let (pool, places) = (self.pool.clone(), Arc::clone(&self.places));
        let answer = self.runtime.spawn(tokio::time::timeout(LOOKUP, async move {
            let _place = places.acquire_owned().await.map_err(Error::internal)?;
            ask(pool).await
        }));
        match answer.await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "cannot look up a credential");
                Err(Refusal::Unavailable)
            }
            Ok(Err(_)) | Err(_) => Err(Refusal::Unavailable),
        }
    }
}
