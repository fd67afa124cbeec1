//! The clients, as the token endpoint needs them on every request: remembered, and forgotten when the change feed says so.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::domain::Ctx;
use crate::domain::accounts::throttle::KnownFailures;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::credentials::clients;
use crate::infra::db::Conn;
use crate::infra::watch::{Feed, STALE};
use quick_cache::sync::Cache;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Clients that are remembered, and pairs of client and network that have failed. Ids that nobody has are not
/// remembered: anybody can make up any number of them.
const CAPACITY: usize = 10_000;

/// Knows the clients.
#[derive(Debug)]
pub struct Registry {
    memory: Memory<RegisteredClient>,
    failures: KnownFailures,
}

/// What is no longer as it is remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Outdated {
    /// Any client.
    All,
    /// The clients of these applications.
    Of(Vec<ApplicationId>),
}

impl Registry {
    pub(super) fn new() -> Self {
        Self { memory: Memory::new(), failures: KnownFailures::new(CAPACITY) }
    }

    /// The client with this consumer key. What another node has changed counts within a second.
    pub(super) async fn client(&self, ctx: &Ctx, id: &str) -> Result<Option<Arc<RegisteredClient>>> {
        match self.remembered(id) {
            Some(client) => Ok(Some(client)),
            None => self.read(&mut *ctx.conn().await?, id).await,
        }
    }

    /// The client as it is remembered, if it is. Touches no table.
    pub(super) fn remembered(&self, id: &str) -> Option<Arc<RegisteredClient>> {
        self.memory.get(id)
    }

    /// The client as the database has it now.
    pub(super) async fn read(&self, conn: &mut Conn, id: &str) -> Result<Option<Arc<RegisteredClient>>> {
        let epoch = self.memory.epoch();
        let client = clients::registered(conn, id).await?.map(Arc::new);
        if let Some(client) = &client {
            self.memory.insert(epoch, (id, client.application), client);
        }
        Ok(client)
    }

    /// Which pairs of client and network are known to have failed.
    pub(super) fn failures(&self) -> &KnownFailures {
        &self.failures
    }

    /// Forgets what is outdated.
    pub(super) fn forget(&self, outdated: &Outdated) {
        self.memory.forget(outdated);
    }

    /// Every change up to `at` was taken in.
    pub(super) fn confirm(&self, at: Instant) {
        self.memory.feed.confirm(at);
    }
}

/// Records by consumer key.
///
/// What was read from the database is put away only if nothing was forgotten in the meantime: a client that was being
/// read while its secret was ended elsewhere must not be remembered as it was before. And what is remembered is believed
/// only as long as the database has confirmed lately that nothing has changed; after that it is asked every time.
#[derive(Debug)]
struct Memory<T> {
    records: Cache<Box<str>, (ApplicationId, Arc<T>)>,
    feed: Feed,
    /// How often something was forgotten.
    epoch: Mutex<u64>,
}

impl<T> Memory<T> {
    fn new() -> Self {
        Self { records: Cache::new(CAPACITY), feed: Feed::new(), epoch: Mutex::new(0) }
    }

    fn get(&self, id: &str) -> Option<Arc<T>> {
        let (_application, record) = self.records.get(id).filter(|_| self.feed.is_within(STALE))?;
        Some(record)
    }

    fn epoch(&self) -> u64 {
        *self.lock()
    }

    /// Puts away what was read since `epoch`.
    fn insert(&self, epoch: u64, (id, application): (&str, ApplicationId), record: &Arc<T>) {
        // Held until the record is put away, so that nothing can be forgotten in between.
        let now = self.lock();
        if *now == epoch {
            self.records.insert(id.into(), (application, Arc::clone(record)));
        }
    }

    fn forget(&self, outdated: &Outdated) {
        let mut epoch = self.lock();
        *epoch += 1;
        match outdated {
            Outdated::All => self.records.clear(),
            Outdated::Of(applications) => self.records.retain(|_id, (owner, _)| !applications.contains(owner)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ONE: ApplicationId = ApplicationId(Uuid::from_u128(1));
    const OTHER: ApplicationId = ApplicationId(Uuid::from_u128(2));

    fn confirmed() -> Memory<()> {
        let memory = Memory::new();
        memory.feed.confirm(Instant::now());
        memory
    }

    #[test]
    fn what_was_read_before_something_was_forgotten_is_not_put_away() {
        let memory = confirmed();
        let before = memory.epoch();
        memory.forget(&Outdated::Of(vec![OTHER]));
        memory.insert(before, ("a", ONE), &Arc::new(()));
        assert!(memory.get("a").is_none());
        memory.insert(memory.epoch(), ("a", ONE), &Arc::new(()));
        assert!(memory.get("a").is_some());
    }

    #[test]
    fn a_change_of_one_application_leaves_the_others_and_a_change_of_all_leaves_none() {
        let memory = confirmed();
        for (id, application) in [("a", ONE), ("b", ONE), ("c", OTHER)] {
            memory.insert(memory.epoch(), (id, application), &Arc::new(()));
        }
        memory.forget(&Outdated::Of(vec![ONE]));
        assert_eq!(["a", "b", "c"].map(|id| memory.get(id).is_some()), [false, false, true]);
        memory.forget(&Outdated::All);
        assert!(memory.get("c").is_none());
    }

    #[test]
    fn what_the_database_has_not_confirmed_is_not_believed() {
        let memory = Memory::new();
        memory.insert(memory.epoch(), ("a", ONE), &Arc::new(()));
        assert!(memory.get("a").is_none());
        memory.feed.confirm(Instant::now());
        assert!(memory.get("a").is_some());
    }
}
