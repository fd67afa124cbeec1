//! The nouns, in the order in which they may know one another: audit → mail → accounts → catalog → applications →
//! subscriptions → credentials → oauth → usage → publishing. Inside each: `model.rs` (types and pure rules), `store.rs`
//! (its SQL, and the only writer of its tables), and one file an activity. An activity opens the transaction, checks
//! what the viewer may do, writes its audit event and commits.

pub mod accounts;
pub mod applications;
pub mod audit;
pub mod catalog;
pub mod credentials;
pub mod mail;
pub mod oauth;
pub mod publishing;
pub mod subscriptions;
pub mod usage;

use crate::base::clock::Clock;
use crate::base::error::Result;
use crate::base::random::Random;
use crate::infra::db::Db;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What every activity needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Postgres.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Permits for password hashing: each costs 19 MiB and a core for 15 ms, so only a few run at once.
    pub hashing: Arc<Semaphore>,
}

impl Ctx {
    /// How many passwords may be hashed at once.
    pub const HASHING_AT_ONCE: usize = 2;

    /// The context over a database.
    pub fn new(db: Db, clock: Clock, random: Random) -> Self {
        Self { db, clock, random, hashing: Arc::new(Semaphore::new(Self::HASHING_AT_ONCE)) }
    }

    /// A connection for reads and single statements.
    pub async fn conn(&self) -> Result<PoolConnection<Postgres>> {
        Ok(self.db.pool().acquire().await?)
    }
}
