//! What one thread has counted since it was last asked: written by that thread alone, handed over whole.
//!
//! Each thread has one of its own, so counting takes no lock, and nothing is allocated for a call whose like was counted
//! since: see [`record`]. Whoever collects sends an empty table and gets the full one back: see [`exchange`].

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::latency;
use crate::base::tally::Credential;
use crate::base::version::Version;
use crate::gateway::listing::OperationId;
use crate::gateway::mixed::Mixing;
use crate::gateway::sketch::Sketch;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// Rows that one thread keeps apart until it is asked; then it no longer tells operations and credentials apart, and
/// after as many more applications. What is left is bounded by the versions that there are.
const ROWS: usize = 8192;

/// Calls that agree in everything but their size and duration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Key {
    /// Start of the minute, seconds since the epoch.
    pub(super) minute: i64,
    /// The API that was called.
    pub(super) api: ApiId,
    /// The version that answered.
    pub(super) version: Version,
    /// The operation, if it is listed.
    pub(super) operation: Option<OperationId>,
    /// Whose credential it was.
    pub(super) application: Option<ApplicationId>,
    /// Which credential.
    pub(super) credential: Credential,
    /// Production or sandbox.
    pub(super) environment: Environment,
    /// First digit of the status.
    pub(super) status_class: u8,
}

/// How large a call was and how long it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// Bytes of the request's body.
    pub(super) request_bytes: u64,
    /// Bytes of the answer's body.
    pub(super) response_bytes: u64,
    /// From the request's head to the end of the answer.
    pub(super) duration_us: u64,
}

/// Sums over the calls of one key.
pub(super) struct Row {
    /// How many.
    pub(super) requests: u64,
    /// Sums of their measures.
    pub(super) sum: Measure,
    /// How long they took.
    pub(super) latency: Sketch,
}

/// What was counted.
#[derive(Default)]
pub(super) struct Tallies {
    places: HashMap<Key, usize, Mixing>,
    rows: Vec<Row>,
    merged: u64,
}

thread_local! {
    // A thread-local, because only that gives a thread a place of its own behind a `Core` that others can see as well,
    // without a lock and without unsafe code.
    static OPEN: RefCell<Tallies> = RefCell::default();
}

/// Counts a call in the table of this thread.
pub(super) fn record(key: Key, measure: Measure) {
    // While the thread ends there may be no table any more, and nobody who would ask for it.
    let _ = OPEN.try_with(|open| open.borrow_mut().add(key, measure));
}

/// Takes what this thread has counted, and leaves `empty` in its place.
pub(super) fn exchange(empty: Tallies) -> Tallies {
    OPEN.try_with(|open| open.replace(empty)).unwrap_or_default()
}

impl Tallies {
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes out what was counted, row by row, and how many calls were counted less exactly than others; leaves the
    /// memory for the next time.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Key, &Row)) -> u64 {
        for (key, place) in self.places.drain() {
            if let Some(row) = self.rows.get(place) {
                each(key, row);
            }
        }
        self.rows.clear();
        std::mem::take(&mut self.merged)
    }

    fn add(&mut self, mut key: Key, measure: Measure) {
        let mut place = self.places.get(&key).copied();
        for limit in [ROWS, 2 * ROWS] {
            if place.is_some() || self.rows.len() < limit {
                break;
            }
            if limit == ROWS {
                self.merged += 1;
                key.operation = None;
                key.credential = Credential::None;
            } else {
                key.application = None;
            }
            place = self.places.get(&key).copied();
        }
        let place = place.unwrap_or_else(|| {
            self.places.insert(key, self.rows.len());
            self.rows.push(Row::default());
            self.rows.len() - 1
        });
        if let Some(row) = self.rows.get_mut(place) {
            row.add(measure);
        }
    }
}

impl Row {
    fn add(&mut self, measure: Measure) {
        self.requests += 1;
        self.sum.request_bytes = self.sum.request_bytes.saturating_add(measure.request_bytes);
        self.sum.response_bytes = self.sum.response_bytes.saturating_add(measure.response_bytes);
        self.sum.duration_us = self.sum.duration_us.saturating_add(measure.duration_us);
        self.latency.count(latency::bucket(measure.duration_us));
    }
}

impl Default for Row {
    fn default() -> Self {
        let sum = Measure { request_bytes: 0, response_bytes: 0, duration_us: 0 };
        Self { requests: 0, sum, latency: Sketch::default() }
    }
}

impl Hash for Key {
    // All parts are numbers that nobody outside chooses, and most of them random: mixing is enough.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_i64(self.minute);
        state.write_u128(self.api.0.as_u128());
        if let Some(application) = self.application {
            state.write_u128(application.0.as_u128());
        }
        match &self.credential {
            Credential::None => {}
            Credential::ApiKey(id) => state.write_u128(id.0.as_u128()),
            Credential::OldApiKey(id) => state.write_u128(!id.0.as_u128()),
            Credential::Client(id) => state.write(id.as_bytes()),
        }
        let version = u64::from(self.version.major) << 16 | u64::from(self.version.minor);
        let environment = u64::from(self.environment == Environment::Sandbox);
        state.write_u64(version << 16 | u64::from(self.status_class) << 1 | environment);
        if let Some(OperationId { listing, place }) = self.operation {
            state.write_u64(u64::from(listing) << 32 | u64::from(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::ApiKeyId;
    use uuid::Uuid;

    const ONE: Measure = Measure { request_bytes: 1, response_bytes: 10, duration_us: 100 };

    fn key(application: u128, credential: u128) -> Key {
        Key {
            minute: 60,
            api: ApiId(Uuid::from_u128(1)),
            version: Version { major: 1, minor: 0 },
            operation: Some(OperationId { listing: 1, place: 2 }),
            application: Some(ApplicationId(Uuid::from_u128(application))),
            credential: Credential::ApiKey(ApiKeyId(Uuid::from_u128(credential))),
            environment: Environment::Production,
            status_class: 2,
        }
    }

    fn drained(tallies: &mut Tallies) -> (Vec<(Key, u64, u64)>, u64) {
        let mut rows = Vec::new();
        let merged = tallies.drain(|key, row| {
            assert_eq!(row.requests, row.latency.latency().calls());
            rows.push((key, row.requests, row.sum.response_bytes));
        });
        (rows, merged)
    }

    #[test]
    fn calls_that_agree_share_a_row() {
        let mut tallies = Tallies::default();
        for _ in 0..3 {
            tallies.add(key(1, 1), ONE);
            tallies.add(Key { status_class: 4, ..key(1, 1) }, ONE);
        }
        let (mut rows, merged) = drained(&mut tallies);
        rows.sort_by_key(|(key, ..)| key.status_class);
        assert_eq!(rows, [(key(1, 1), 3, 30), (Key { status_class: 4, ..key(1, 1) }, 3, 30)]);
        assert_eq!(merged, 0);
        assert!(tallies.is_empty());
    }

    #[test]
    fn a_flood_of_keys_is_merged_and_no_call_is_lost() {
        let mut tallies = Tallies::default();
        let calls = u128::try_from(ROWS).unwrap();
        for n in 0..calls {
            tallies.add(key(n, n), ONE);
        }
        // What is known already stays exact.
        tallies.add(key(0, 0), ONE);
        for n in 0..2 * calls {
            tallies.add(key(n, n + calls), ONE);
        }
        let (rows, merged) = drained(&mut tallies);
        assert_eq!(rows.len(), 2 * ROWS + 1);
        assert_eq!(rows.iter().map(|(_, requests, _)| requests).sum::<u64>(), 1 + 3 * u64::try_from(calls).unwrap());
        assert_eq!(merged, 2 * u64::try_from(calls).unwrap());
        assert!(rows.iter().any(|(k, requests, _)| *k == key(0, 0) && *requests == 2));
        let coarse = Key { application: None, credential: Credential::None, operation: None, ..key(0, 0) };
        assert!(rows.iter().any(|(k, ..)| *k == coarse));
        tallies.add(key(5, 5), ONE);
        assert_eq!(drained(&mut tallies).0, [(key(5, 5), 1, 10)]);
    }

    #[test]
    fn each_thread_counts_for_itself() {
        record(key(1, 1), ONE);
        std::thread::spawn(|| assert!(exchange(Tallies::default()).is_empty())).join().unwrap();
        let mut taken = exchange(Tallies::default());
        assert_eq!(drained(&mut taken).0.len(), 1);
        assert!(exchange(taken).is_empty());
    }
}
