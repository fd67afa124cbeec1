//! Asks the database about credentials, within bounds, and knows how long ago it answered.

use crate::base::error::{Error, Result};
use crate::gateway::refusal::Refusal;
use crate::infra::watch;
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
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
    pub(super) feed: Arc<Feed>,
}

impl Lookups {
    /// Asks over `pool`, on `runtime`.
    pub(super) fn new(runtime: Handle, pool: PgPool, feed: Arc<Feed>) -> Self {
        Self { runtime, pool, places: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)), feed }
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
        self.feed.check(watch::STALE)?;
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

/// When the database last confirmed what is remembered.
pub(super) struct Feed {
    born: Instant,
    /// Milliseconds since `born`, plus one; 0: never.
    confirmed: AtomicU64,
}

impl Feed {
    /// Nothing confirmed yet.
    pub(super) fn new() -> Self {
        Self { born: Instant::now(), confirmed: AtomicU64::new(0) }
    }

    /// Everything up to `at` is known.
    pub(super) fn confirm(&self, at: Instant) {
        let millis = at.saturating_duration_since(self.born).as_millis();
        self.confirmed.fetch_max(u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1, Ordering::Release);
    }

    /// Whether the last confirmation is at most `bound` old.
    pub(super) fn is_within(&self, bound: Duration) -> bool {
        let confirmed = self.confirmed.load(Ordering::Acquire);
        confirmed > 0 && self.born.elapsed() < Duration::from_millis(confirmed) + bound
    }

    /// Unless the last confirmation is at most `bound` old, nothing that is remembered may be believed.
    pub(super) fn check(&self, bound: Duration) -> Result<(), Refusal> {
        if self.is_within(bound) { Ok(()) } else { Err(Refusal::Unavailable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_confirmed_for_the_bound_is_believed_no_longer() {
        let Some(born) = Instant::now().checked_sub(Duration::from_mins(10)) else { return };
        let ago = |by: Duration| born + Duration::from_mins(10).saturating_sub(by);
        let feed = Feed { born, confirmed: AtomicU64::new(0) };
        assert!(!feed.is_within(TRUST), "nothing was confirmed yet");
        feed.confirm(ago(TRUST + Duration::from_secs(1)));
        assert_eq!(feed.check(TRUST), Err(Refusal::Unavailable));
        feed.confirm(ago(watch::STALE + Duration::from_secs(1)));
        assert_eq!((feed.check(TRUST), feed.check(watch::STALE)), (Ok(()), Err(Refusal::Unavailable)));
        feed.confirm(Instant::now());
        assert_eq!(feed.check(watch::STALE), Ok(()));
        // An answer that was asked for earlier and comes later takes nothing back.
        feed.confirm(ago(TRUST * 2));
        assert_eq!(feed.check(watch::STALE), Ok(()));
    }
}
