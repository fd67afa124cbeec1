//! Follows the gateway revision: hears of a change at once, and of a lost announcement within [`POLL`].
//!
//! `NOTIFY` is only a hint. The truth is a number that the triggers of migration 0001 move, read together with a log of
//! what changed. A lost listener, a lost notification or a silent partition can delay a change by [`POLL`]; whoever has
//! had no answer for [`STALE`] must not believe what it remembers.

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a lost announcement can delay a change.
pub const POLL: Duration = Duration::from_secs(2);
/// Without an answer for so long, what is remembered may be out of date.
pub const STALE: Duration = Duration::from_secs(6);
const CHANNEL: &str = "portico_gateway";
/// Pause after a failure.
const RETRY: Duration = Duration::from_millis(200);
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(2);

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When, as a revision.
    pub revision: i64,
    /// `catalog`, `application`, `signing_key` or `revocation`.
    pub subject: String,
    /// Which one, where there are several.
    pub subject_id: Option<Uuid>,
}

/// What to read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Everything: this is the first answer, or the log no longer reaches back far enough.
    All,
    /// These, in order; none: all that is remembered is confirmed.
    Listed(Vec<Change>),
}

/// An answer of the database.
#[derive(Clone, Debug)]
pub struct News {
    /// The revision at the time of asking.
    pub revision: i64,
    /// When it was asked for: what is remembered is confirmed up to then.
    pub asked_at: Instant,
    /// What has changed since the last news that was [`Follower::done`].
    pub changes: Changes,
}

/// Follows the revision.
pub struct Follower {
    pool: PgPool,
    listener: Option<PgListener>,
    /// The revision up to which everything was taken in.
    seen: Option<i64>,
    /// Whether the last news was not taken in: ask again soon.
    behind: bool,
}

impl Follower {
    /// Starts before the first revision: the first news is [`Changes::All`].
    pub fn new(pool: PgPool) -> Self {
        Self { pool, listener: None, seen: None, behind: true }
    }

    /// Waits for an announcement, at most [`POLL`], and then asks. An error means that the database gives no answer.
    pub async fn next(&mut self) -> Result<News, sqlx::Error> {
        match &mut self.listener {
            // LISTEN first, read second: nothing can slip between the two.
            None => self.listen().await,
            Some(_) if self.behind => tokio::time::sleep(RETRY).await,
            Some(listener) => match tokio::time::timeout(POLL, listener.try_recv()).await {
                Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
                // Connected anew, or nothing heard: the number decides.
                Ok(Ok(None)) | Err(_) => {}
                // The listener keeps a dead connection after some errors, so it is never used again.
                Ok(Err(_)) => self.listener = None,
            },
        }
        self.behind = true;
        let asked_at = Instant::now();
        let (revision, changes) =
            tokio::time::timeout(ANSWER, self.read()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        if changes == Changes::Listed(Vec::new()) {
            self.behind = false;
        }
        Ok(News { revision, asked_at, changes })
    }

    /// The news up to `revision` was taken in.
    pub fn done(&mut self, revision: i64) {
        self.seen = Some(revision);
        self.behind = false;
    }

    async fn listen(&mut self) {
        let options = (*self.pool.connect_options()).clone();
        let connect = async {
            // A pool of its own: this connection must neither be reaped when idle nor taken from the others.
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .acquire_timeout(CONNECT)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with(options)
                .await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match tokio::time::timeout(CONNECT, connect).await {
            Ok(Ok(listener)) => self.listener = Some(listener),
            Ok(Err(_)) | Err(_) => tokio::time::sleep(RETRY).await,
        }
    }

    async fn read(&self) -> Result<(i64, Changes), sqlx::Error> {
        let revision = revision(&self.pool).await?;
        let Some(seen) = self.seen.filter(|seen| *seen <= revision) else {
            return Ok((revision, Changes::All));
        };
        if seen == revision {
            return Ok((revision, Changes::Listed(Vec::new())));
        }
        let changes = sqlx::query_as!(
            Change,
            r#"select revision as "revision!", subject, subject_id
               from gateway_changes
               where revision > $1 and revision <= $2
               order by revision"#,
            seen,
            revision,
        )
        .fetch_all(&self.pool)
        .await?;
        // Each revision has one row. Where rows are missing, this node was away for longer than they are kept.
        let complete = i64::try_from(changes.len()) == Ok(revision - seen);
        Ok((revision, if complete { Changes::Listed(changes) } else { Changes::All }))
    }
}

/// When the database last confirmed what is remembered.
#[derive(Debug)]
pub struct Feed {
    born: Instant,
    /// Milliseconds since `born`, plus one; 0: never.
    confirmed: AtomicU64,
}

impl Feed {
    /// Nothing confirmed yet.
    pub fn new() -> Self {
        Self { born: Instant::now(), confirmed: AtomicU64::new(0) }
    }

    /// Confirmed for the last time so long ago.
    #[cfg(test)]
    pub(crate) fn confirmed(ago: Duration) -> Self {
        let feed = Self { born: Instant::now().checked_sub(ago).unwrap_or_else(Instant::now), ..Self::new() };
        feed.confirm(feed.born);
        feed
    }

    /// Everything up to `at` is known.
    pub fn confirm(&self, at: Instant) {
        let millis = at.saturating_duration_since(self.born).as_millis();
        self.confirmed.fetch_max(u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1, Ordering::Release);
    }

    /// How long ago the last confirmation was; nothing if there was none.
    pub fn age(&self) -> Option<Duration> {
        let confirmed = self.confirmed.load(Ordering::Acquire);
        let since_born = Duration::from_millis(confirmed.checked_sub(1)?);
        Some(self.born.elapsed().saturating_sub(since_born))
    }

    /// Whether the last confirmation is at most `bound` old.
    pub fn is_within(&self, bound: Duration) -> bool {
        let confirmed = self.confirmed.load(Ordering::Acquire);
        confirmed > 0 && self.born.elapsed() < Duration::from_millis(confirmed) + bound
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

/// The revision as it is committed now.
pub async fn revision(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("select revision from gateway_revision").fetch_one(pool).await
}

/// Removes change rows that every node has read long ago; answers how many.
pub async fn prune(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let done =
        sqlx::query!("delete from gateway_changes where changed_at < now() - interval '1 hour'").execute(pool).await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_confirmed_for_the_bound_is_believed_no_longer() {
        let Some(born) = Instant::now().checked_sub(Duration::from_mins(10)) else { return };
        let ago = |by: Duration| born + Duration::from_mins(10).saturating_sub(by);
        let (bound, second) = (Duration::from_mins(1), Duration::from_secs(1));
        let feed = Feed { born, confirmed: AtomicU64::new(0) };
        assert!(!feed.is_within(bound), "nothing was confirmed yet");
        feed.confirm(ago(bound + second));
        assert!(!feed.is_within(bound));
        feed.confirm(ago(STALE + second));
        assert!(feed.is_within(bound) && !feed.is_within(STALE));
        feed.confirm(Instant::now());
        assert!(feed.is_within(STALE));
        // An answer that was asked for earlier and comes later takes nothing back.
        feed.confirm(ago(bound * 2));
        assert!(feed.is_within(STALE));
    }
}
