//! From a credential to its record: a bounded memory for each thread, with misses remembered too.
//!
//! A record carries the revision of the database at which it was read. When the change feed says that an application was
//! touched at revision N, every record of that application read before N is void; a record that was being read at that
//! very moment is void as well, for it carries the revision it was read at, not the one at which it arrived. So no order
//! of look-up and change leaves an outdated record behind.

use crate::base::id::ApplicationId;
use crate::base::secret::Digest;
use crate::gateway::bearer::Verified;
use crate::gateway::limits::Counters;
use crate::gateway::lookups::{Lookups, TRUST};
use crate::gateway::records::{ClientRecord, KeyRecord, Shared};
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::KeysMark;
use crate::gateway::store;
use http::HeaderValue;
use quick_cache::unsync::Cache;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Touched applications that are told apart; beyond that everything is forgotten once.
const TOUCHED: usize = 4096;
/// Texts that are shared by tokens; beyond that they are gathered anew.
const TEXTS: usize = 1024;

/// What one thread remembers.
pub(super) struct Keyring {
    memory: Mutex<Memory>,
}

/// How look-ups of API keys and clients went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Recall {
    /// Answered from memory.
    pub(super) hits: u64,
    /// Asked of the database.
    pub(super) misses: u64,
}

impl Recall {
    fn count(&mut self, is_known: bool) {
        let number = if is_known { &mut self.hits } else { &mut self.misses };
        *number += 1;
    }
}

struct Memory {
    lookups: Recall,
    keys: Shelf<Digest, KeyRecord>,
    clients: Shelf<Arc<str>, ClientRecord>,
    shared: Shared,
    tokens: Cache<Digest, Arc<Verified>>,
    /// Texts that many tokens have.
    texts: HashMap<Arc<str>, HeaderValue>,
    /// The revision at which each application was last touched.
    touched: HashMap<ApplicationId, i64>,
    /// Whatever was read before this revision is void.
    floor: i64,
    /// The revision at which any application was last touched: misses from before are void.
    latest: i64,
}

/// Records of one kind, and look-ups that are under way: whoever asks for the same meanwhile waits for the same answer.
struct Shelf<K, T> {
    known: Cache<K, Remembered<T>>,
    flights: HashMap<K, Flight<T>>,
}

type Flight<T> = Arc<OnceCell<Result<Remembered<T>, Refusal>>>;

impl<K: Clone + Eq + Hash, T> Shelf<K, T> {
    fn new(capacity: usize) -> Self {
        Self { known: Cache::new(capacity), flights: HashMap::new() }
    }

    /// The answer of a look-up has come: it is under way no more.
    fn land(&mut self, key: &K, flight: &Flight<T>, answer: &Result<Remembered<T>, Refusal>) {
        if self.flights.get(key).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            self.flights.remove(key);
            if let Ok(remembered) = answer {
                self.known.insert(key.clone(), remembered.clone());
            }
        }
    }
}

/// Somebody who waits for a look-up. The last one who goes away before the answer comes takes it out of the list.
struct Waiting<'k, K: Clone + Eq + Hash, T> {
    keyring: &'k Keyring,
    place: fn(&mut Memory) -> &mut Shelf<K, T>,
    key: &'k K,
    flight: Flight<T>,
}

impl<K: Clone + Eq + Hash, T> Drop for Waiting<'_, K, T> {
    fn drop(&mut self) {
        let mut memory = self.keyring.memory();
        let flights = &mut (self.place)(&mut memory).flights;
        // The list has one, and this is the other.
        if Arc::strong_count(&self.flight) == 2 && flights.get(self.key).is_some_and(|f| Arc::ptr_eq(f, &self.flight)) {
            flights.remove(self.key);
        }
    }
}

/// A record that belongs to an application.
trait Owned {
    fn application(&self) -> ApplicationId;
}

impl Owned for KeyRecord {
    fn application(&self) -> ApplicationId {
        self.application
    }
}

impl Owned for ClientRecord {
    fn application(&self) -> ApplicationId {
        self.application
    }
}

/// A record, or that there is none, with the revision at which that was so.
struct Remembered<T> {
    revision: i64,
    record: Option<Arc<T>>,
}

impl<T> Clone for Remembered<T> {
    fn clone(&self) -> Self {
        Self { revision: self.revision, record: self.record.clone() }
    }
}

impl Memory {
    fn is_valid<T: Owned>(&self, remembered: &Remembered<T>) -> bool {
        let touched = match &remembered.record {
            Some(record) => self.touched.get(&record.application()).copied(),
            None => Some(self.latest),
        };
        remembered.revision >= self.floor && touched.is_none_or(|revision| remembered.revision >= revision)
    }

    fn forget(&mut self, void: Void) {
        match void {
            Void::All(revision) => {
                // Not only the floor: a database that was restored from a backup goes on with a smaller number.
                self.keys.known.clear();
                self.clients.known.clear();
                self.touched.clear();
                self.floor = revision;
                self.latest = revision;
            }
            Void::Application(application, revision) => {
                self.latest = self.latest.max(revision);
                self.touched.insert(application, revision);
                if self.touched.len() > TOUCHED {
                    self.touched.clear();
                    self.floor = self.floor.max(revision);
                }
            }
        }
    }
}

/// What of an application or of everything is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Void {
    /// Everything read before the revision.
    All(i64),
    /// What belongs to this application and was read before the revision.
    Application(ApplicationId, i64),
}

impl Keyring {
    /// Remembers at most `capacity` keys, and as many clients and tokens; `counters` are those of all threads.
    pub(super) fn new(capacity: usize, counters: Arc<Counters>) -> Self {
        let memory = Memory {
            lookups: Recall::default(),
            keys: Shelf::new(capacity),
            clients: Shelf::new(capacity),
            shared: Shared::new(counters),
            tokens: Cache::new(capacity),
            texts: HashMap::new(),
            touched: HashMap::new(),
            floor: i64::MIN,
            latest: i64::MIN,
        };
        Self { memory: Mutex::new(memory) }
    }

    /// Forgets.
    pub(super) fn forget(&self, void: &[Void]) {
        let mut memory = self.memory();
        for void in void {
            memory.forget(*void);
        }
    }

    /// How many keys, clients and tokens are remembered.
    pub(super) fn sizes(&self) -> [usize; 3] {
        let memory = self.memory();
        [memory.keys.known.len(), memory.clients.known.len(), memory.tokens.len()]
    }

    /// How look-ups went so far.
    pub(super) fn recall(&self) -> Recall {
        self.memory().lookups
    }

    /// The record of an API key. The refusal means that it cannot be told.
    pub(super) async fn key(&self, lookups: &Lookups, digest: Digest) -> Result<Option<Arc<KeyRecord>>, Refusal> {
        let ask = || async {
            let row = lookups.run(move |pool| async move { store::api_key(&pool, &digest).await }).await?;
            Ok(Remembered { revision: row.revision, record: self.memory().shared.key(row).map(Arc::new) })
        };
        self.find(lookups, |memory| &mut memory.keys, digest, ask).await
    }

    /// The record of a client. The refusal means that it cannot be told.
    pub(super) async fn client(&self, lookups: &Lookups, id: Arc<str>) -> Result<Option<Arc<ClientRecord>>, Refusal> {
        let ask = || async {
            let asked = Arc::clone(&id);
            let rows = lookups.run(move |pool| async move { store::client(&pool, &asked).await }).await?;
            let revision = rows.first().map_or(i64::MIN, |row| row.revision);
            Ok(Remembered { revision, record: self.memory().shared.client(Arc::clone(&id), &rows).map(Arc::new) })
        };
        self.find(lookups, |memory| &mut memory.clients, Arc::clone(&id), ask).await
    }

    async fn find<K: Clone + Eq + Hash, T: Owned, F: Future<Output = Result<Remembered<T>, Refusal>>>(
        &self,
        lookups: &Lookups,
        place: fn(&mut Memory) -> &mut Shelf<K, T>,
        key: K,
        ask: impl Fn() -> F,
    ) -> Result<Option<Arc<T>>, Refusal> {
        let mut is_first = true;
        loop {
            let waiting = {
                let mut memory = self.memory();
                let known = place(&mut memory).known.get(&key).cloned().filter(|found| memory.is_valid(found));
                if is_first {
                    memory.lookups.count(known.is_some());
                }
                if let Some(known) = known {
                    lookups.check(TRUST)?;
                    return Ok(known.record);
                }
                let flight = Arc::clone(place(&mut memory).flights.entry(key.clone()).or_default());
                Waiting { keyring: self, place, key: &key, flight }
            };
            let answer = waiting.flight.get_or_init(|| Box::pin(ask())).await;
            let mut memory = self.memory();
            place(&mut memory).land(&key, &waiting.flight, answer);
            // A look-up that was under way before this call may have been read before a change that counts for it.
            match answer {
                Ok(found) if is_first && !memory.is_valid(found) => is_first = false,
                Ok(found) => return Ok(found.record.clone()),
                Err(refusal) => return Err(*refusal),
            }
        }
    }

    /// A token that was checked against these keys before.
    pub(super) fn token(&self, digest: &Digest, keys: KeysMark) -> Option<Arc<Verified>> {
        self.memory().tokens.get(digest).filter(|verified| verified.keys == keys).cloned()
    }

    /// The text, and the same as a header, kept once for all tokens that have it. Nothing that cannot stand in a header.
    pub(super) fn share(&self, text: &str) -> Option<(Arc<str>, HeaderValue)> {
        let mut memory = self.memory();
        if let Some((text, header)) = memory.texts.get_key_value(text) {
            return Some((Arc::clone(text), header.clone()));
        }
        let header = HeaderValue::try_from(text).ok()?;
        if memory.texts.len() >= TEXTS {
            memory.texts.clear();
        }
        let text: Arc<str> = text.into();
        memory.texts.insert(Arc::clone(&text), header.clone());
        Some((text, header))
    }

    /// Remembers a token that was checked.
    pub(super) fn remember_token(&self, digest: Digest, verified: Arc<Verified>) {
        self.memory().tokens.insert(digest, verified);
    }

    // One thread serves, another one forgets now and then: the lock is nearly always free, and never held over an await.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use uuid::Uuid;

    fn memory() -> Memory {
        Keyring::new(10, Arc::new(Counters::new(Clock::System))).memory.into_inner().unwrap()
    }

    impl Owned for ApplicationId {
        fn application(&self) -> ApplicationId {
            *self
        }
    }

    fn read_at(revision: i64, application: Option<ApplicationId>) -> Remembered<ApplicationId> {
        Remembered { revision, record: application.map(Arc::new) }
    }

    #[test]
    fn a_record_is_void_once_its_application_was_touched_after_it_was_read() {
        let (one, other) = (ApplicationId(Uuid::from_u128(1)), ApplicationId(Uuid::from_u128(2)));
        let mut memory = memory();
        // It may be put away after the change was heard: what counts is when it was read.
        memory.forget(Void::Application(one, 7));
        assert!(!memory.is_valid(&read_at(6, Some(one))));
        assert!(memory.is_valid(&read_at(7, Some(one))));
        assert!(memory.is_valid(&read_at(6, Some(other))));
        // Any application may have got the credential that was missing.
        assert!(!memory.is_valid(&read_at(6, None)));
        assert!(memory.is_valid(&read_at(7, None)));
    }

    #[test]
    fn forgetting_everything_and_forgetting_too_many_leave_nothing_behind() {
        let application = |n: usize| ApplicationId(Uuid::from_u128(u128::try_from(n).unwrap()));
        let mut memory = memory();
        memory.forget(Void::All(5));
        assert!(!memory.is_valid(&read_at(4, Some(application(0)))));
        assert!(memory.is_valid(&read_at(5, Some(application(0)))));
        for n in 0..=TOUCHED {
            memory.forget(Void::Application(application(n), 10));
        }
        assert!(memory.touched.is_empty());
        assert!(!memory.is_valid(&read_at(9, Some(application(TOUCHED + 1)))));
        assert!(memory.is_valid(&read_at(10, Some(application(0)))));
    }
}
