//! From a credential to its record: a bounded memory for each thread, with misses remembered too.
//!
//! A record carries the revision of the database at which it was read. When the change feed says that an application was
//! touched at revision N, every record of that application read before N is void; a record that was being read at that
//! very moment is void as well, for it carries the revision it was read at, not the one at which it arrived. So no order
//! of look-up and change leaves an outdated record behind.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId, PlanId, SubscriptionId};
use crate::base::secret::Digest;
use crate::gateway::bearer::Verified;
use crate::gateway::limits::{Counter, Counters};
use crate::gateway::lookups::{Lookups, TRUST};
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::KeysMark;
use crate::gateway::store::{self, ApiKeyRow, ClientRow};
use http::HeaderValue;
use quick_cache::unsync::Cache;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;

/// Touched applications that are told apart; beyond that everything is forgotten once.
const TOUCHED: usize = 4096;
/// Texts that are shared by tokens; beyond that they are gathered anew.
const TEXTS: usize = 1024;

/// An application's subscription to one major version.
pub(super) struct Subscription {
    /// To which API.
    pub(super) api: ApiId,
    /// Which major version of it.
    pub(super) major: u16,
    /// Under which plan.
    pub(super) plan: PlanId,
    /// Whether its calls pass.
    pub(super) state: State,
    /// Its id, for the backend.
    pub(super) id: HeaderValue,
    /// How fast it has called; all its credentials share it.
    pub(super) counter: Arc<Counter>,
}

/// Whether calls under a subscription pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// They do.
    Active,
    /// The publisher has stopped them.
    Blocked,
}

/// An API key's record.
pub(super) struct KeyRecord {
    /// Its id.
    pub(super) id: ApiKeyId,
    /// Whose it is.
    pub(super) application: ApplicationId,
    /// The same, for the backend.
    pub(super) application_header: HeaderValue,
    /// What it opens.
    pub(super) api: ApiId,
    /// Which major version of it.
    pub(super) major: u16,
    /// Which endpoint of that.
    pub(super) endpoint: Box<str>,
    /// Where.
    pub(super) environment: Environment,
    /// For a key that was replaced: it works strictly before this.
    pub(super) until: Option<OffsetDateTime>,
    /// The application's subscription to that major version.
    pub(super) subscription: Option<Subscription>,
}

/// An OAuth client's record.
pub(super) struct ClientRecord {
    /// The consumer key.
    pub(super) id: Arc<str>,
    /// Whose it is.
    pub(super) application: ApplicationId,
    /// The same, for the backend.
    pub(super) application_header: HeaderValue,
    /// Where its tokens work.
    pub(super) environment: Environment,
    /// All that the application is subscribed to.
    pub(super) subscriptions: Vec<Subscription>,
}

/// What one thread remembers.
pub(super) struct Keyring {
    memory: Mutex<Memory>,
    counters: Arc<Counters>,
}

struct Memory {
    keys: Cache<Digest, Remembered<KeyRecord>>,
    clients: Cache<Arc<str>, Remembered<ClientRecord>>,
    tokens: Cache<Digest, Arc<Verified>>,
    /// Texts that many tokens have.
    texts: HashSet<Arc<str>>,
    /// The revision at which each application was last touched.
    touched: HashMap<ApplicationId, i64>,
    /// Whatever was read before this revision is void.
    floor: i64,
    /// The revision at which any application was last touched: misses from before are void.
    latest: i64,
}

/// A record, or that there is none, with the revision at which that was so.
struct Remembered<T> {
    revision: i64,
    record: Option<(ApplicationId, Arc<T>)>,
}

impl<T> Clone for Remembered<T> {
    fn clone(&self) -> Self {
        Self { revision: self.revision, record: self.record.clone() }
    }
}

impl Memory {
    fn is_valid<T>(&self, remembered: &Remembered<T>) -> bool {
        let touched = match &remembered.record {
            Some((application, _)) => self.touched.get(application).copied(),
            None => Some(self.latest),
        };
        remembered.revision >= self.floor && touched.is_none_or(|revision| remembered.revision >= revision)
    }

    fn forget(&mut self, void: Void) {
        match void {
            Void::All(revision) => {
                // Not only the floor: a database that was restored from a backup goes on with a smaller number.
                self.keys.clear();
                self.clients.clear();
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
            keys: Cache::new(capacity),
            clients: Cache::new(capacity),
            tokens: Cache::new(capacity),
            texts: HashSet::new(),
            touched: HashMap::new(),
            floor: i64::MIN,
            latest: i64::MIN,
        };
        Self { memory: Mutex::new(memory), counters }
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
        [memory.keys.len(), memory.clients.len(), memory.tokens.len()]
    }

    /// The record of an API key. The refusal means that it cannot be told.
    pub(super) async fn key(&self, lookups: &Lookups, digest: Digest) -> Result<Option<Arc<KeyRecord>>, Refusal> {
        let known = {
            let memory = self.memory();
            memory.keys.get(&digest).filter(|found| memory.is_valid(found)).cloned()
        };
        if let Some(known) = known {
            lookups.check(TRUST)?;
            return Ok(known.record.map(|(_, record)| record));
        }
        let row = Box::pin(lookups.run(move |pool| async move { store::api_key(&pool, &digest).await })).await?;
        let revision = row.revision;
        let record = KeyRecord::from_row(row, &self.counters).map(|record| (record.application, Arc::new(record)));
        let remembered = Remembered { revision, record };
        self.memory().keys.insert(digest, remembered.clone());
        Ok(remembered.record.map(|(_, record)| record))
    }

    /// The record of a client. The refusal means that it cannot be told.
    pub(super) async fn client(&self, lookups: &Lookups, id: Arc<str>) -> Result<Option<Arc<ClientRecord>>, Refusal> {
        let known = {
            let memory = self.memory();
            memory.clients.get(&id).filter(|found| memory.is_valid(found)).cloned()
        };
        if let Some(known) = known {
            lookups.check(TRUST)?;
            return Ok(known.record.map(|(_, record)| record));
        }
        let asked = Arc::clone(&id);
        let rows = Box::pin(lookups.run(move |pool| async move { store::client(&pool, &asked).await })).await?;
        let revision = rows.first().map_or(i64::MIN, |row| row.revision);
        let record = ClientRecord::from_rows(Arc::clone(&id), &rows, &self.counters)
            .map(|record| (record.application, Arc::new(record)));
        let remembered = Remembered { revision, record };
        self.memory().clients.insert(id, remembered.clone());
        Ok(remembered.record.map(|(_, record)| record))
    }

    /// A token that was checked against these keys before.
    pub(super) fn token(&self, digest: &Digest, keys: KeysMark) -> Option<Arc<Verified>> {
        self.memory().tokens.get(digest).filter(|verified| verified.keys == keys).cloned()
    }

    /// The text, kept once for all tokens that have it.
    pub(super) fn share(&self, text: &str) -> Arc<str> {
        let mut memory = self.memory();
        if let Some(known) = memory.texts.get(text) {
            return Arc::clone(known);
        }
        if memory.texts.len() >= TEXTS {
            memory.texts.clear();
        }
        let text: Arc<str> = text.into();
        memory.texts.insert(Arc::clone(&text));
        text
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

impl Subscription {
    fn new(
        id: Option<SubscriptionId>,
        (api, major): (Option<ApiId>, Option<i32>),
        plan: Option<PlanId>,
        state: Option<&str>,
        counters: &Counters,
    ) -> Option<Self> {
        let id = id?;
        Some(Self {
            api: api?,
            major: u16::try_from(major?).ok()?,
            plan: plan?,
            // Whatever is not known to be open is closed.
            state: if state? == "active" { State::Active } else { State::Blocked },
            id: HeaderValue::try_from(id.to_string()).ok()?,
            counter: counters.of(id),
        })
    }
}

impl KeyRecord {
    fn from_row(row: ApiKeyRow, counters: &Counters) -> Option<Self> {
        let application = row.application_id?;
        let subscription = Subscription::new(
            row.subscription_id,
            (row.api_id, row.major),
            row.plan_id,
            row.state.as_deref(),
            counters,
        );
        Some(Self {
            id: row.id?,
            application,
            application_header: HeaderValue::try_from(application.to_string()).ok()?,
            api: row.api_id?,
            major: u16::try_from(row.major?).ok()?,
            endpoint: row.endpoint?.into(),
            environment: row.environment?,
            until: if row.is_current? { None } else { Some(row.previous_expires_at?) },
            subscription,
        })
    }
}

impl ClientRecord {
    fn from_rows(id: Arc<str>, rows: &[ClientRow], counters: &Counters) -> Option<Self> {
        let first = rows.first()?;
        let (application, environment) = (first.application_id?, first.environment?);
        let subscription = |row: &ClientRow| {
            let served = (row.api_id, row.major);
            Subscription::new(row.subscription_id, served, row.plan_id, row.state.as_deref(), counters)
        };
        Some(Self {
            id,
            application,
            application_header: HeaderValue::try_from(application.to_string()).ok()?,
            environment,
            subscriptions: rows.iter().filter_map(subscription).collect(),
        })
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

    fn read_at(revision: i64, application: Option<ApplicationId>) -> Remembered<()> {
        Remembered { revision, record: application.map(|id| (id, Arc::new(()))) }
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
