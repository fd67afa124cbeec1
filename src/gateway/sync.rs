//! Hears of a revision, reads what changed, and makes every thread know it.

use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::id::ApplicationId;
use crate::gateway::core::Core;
use crate::gateway::definitions::Definitions;
use crate::gateway::keyring::Void;
use crate::gateway::limits::Counters;
use crate::gateway::policy::Bounds;
use crate::gateway::revocations::Revocations;
use crate::gateway::snapshot::{Snapshot, TrustedKeys};
use crate::gateway::store;
use crate::infra::db::Db;
use crate::infra::watch::{Changes, Feed, Follower, News};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use uuid::Uuid;

/// How long reading the route table may take.
const READ: Duration = Duration::from_secs(10);

/// Follows the database for all threads.
pub(super) struct Sync {
    /// Postgres.
    pub(super) db: Db,
    /// The time.
    pub(super) clock: Clock,
    /// What the operator allows every API.
    pub(super) bounds: Bounds,
    /// What has been called.
    pub(super) counters: Arc<Counters>,
    /// Who must know.
    pub(super) cores: Arc<[Arc<Core>]>,
    /// What `OpenAPI` files list.
    pub(super) definitions: Arc<Definitions>,
    /// What is revoked.
    pub(super) revocations: Arc<Revocations>,
    /// When what is remembered was last confirmed.
    pub(super) feed: Arc<Feed>,
    /// The revision up to which all changes count; below zero before the first.
    pub(super) reached: watch::Sender<i64>,
}

/// What to read again.
#[derive(Default)]
struct Work {
    routes: bool,
    keys: bool,
    revocations: Reread,
    void: Vec<Void>,
}

impl Work {
    fn everything(revision: i64) -> Self {
        Self { routes: true, keys: true, revocations: Reread::All, void: vec![Void::All(revision)] }
    }
}

/// Which revocations to read.
enum Reread {
    /// Those that are new; there may be none.
    These(Vec<Uuid>),
    /// All.
    All,
}

impl Default for Reread {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl Sync {
    /// Runs until it is dropped.
    pub(super) async fn run(self) {
        let mut follower = Follower::new(self.db.pool().clone());
        let mut table: Option<Arc<Snapshot>> = None;
        let mut is_well = true;
        loop {
            let taken = match follower.next().await {
                Ok(news) => match tokio::time::timeout(READ, self.take(&mut table, &news)).await {
                    Ok(taken) => taken.map(|()| news),
                    Err(_) => Err(Error::internal("reading the route table takes too long")),
                },
                Err(error) => Err(error.into()),
            };
            match taken {
                Ok(news) => {
                    follower.done(news.revision);
                    self.feed.confirm(news.asked_at);
                    self.reached.send_replace(news.revision);
                    is_well = true;
                }
                Err(error) if is_well => {
                    tracing::error!(%error, "the gateway gets no answer from the database and goes on with what it knows");
                    is_well = false;
                }
                Err(_) => {}
            }
        }
    }

    async fn take(&self, table: &mut Option<Arc<Snapshot>>, news: &News) -> Result<()> {
        let work = self.work(table.as_deref(), news);
        // Before the first table: nothing is let through while it is not known what is revoked.
        self.read_revocations(&work.revocations).await?;
        if work.routes || work.keys {
            let next = Arc::new(self.read(table.as_deref(), &work).await?);
            if work.routes {
                self.complain_of_profiles(&next);
            }
            for core in &*self.cores {
                core.table.store(Some(Arc::new(Arc::clone(&next))));
            }
            *table = Some(next);
        }
        if !work.void.is_empty() {
            for core in &*self.cores {
                core.keyring.forget(&work.void);
            }
        }
        Ok(())
    }

    /// Says which APIs ask for certificates that the configuration lacks: calls of theirs are refused.
    fn complain_of_profiles(&self, table: &Snapshot) {
        let Some(core) = self.cores.first() else { return };
        for (profile, api) in table.tls_profiles().into_iter().filter(|(profile, _)| !core.tls.has(Some(profile))) {
            tracing::error!(
                api,
                profile,
                "the policies of {api} name [gateway.backend_tls.{profile}], which the configuration lacks: calls to its https backends are refused"
            );
        }
    }

    fn work(&self, table: Option<&Snapshot>, news: &News) -> Work {
        let mut work = Work::default();
        match &news.changes {
            Changes::All => work = Work::everything(news.revision),
            Changes::Listed(changes) => {
                for change in changes {
                    match (&*change.subject, change.subject_id) {
                        ("catalog", _) => work.routes = true,
                        ("signing_key", _) => work.keys = true,
                        ("application", Some(id)) => {
                            work.void.push(Void::Application(ApplicationId(id), change.revision));
                        }
                        ("revocation", Some(id)) => {
                            if let Reread::These(ids) = &mut work.revocations {
                                ids.push(id);
                            }
                        }
                        // A newer release may announce more. Forgetting too much is only slow.
                        _ => work = Work::everything(change.revision),
                    }
                }
            }
        }
        // A retired key ends without anybody announcing it.
        let ended = table.is_some_and(|table| table.keys.have_ended(self.clock.now()));
        Work { keys: work.keys || ended, ..work }
    }

    async fn read_revocations(&self, which: &Reread) -> Result<()> {
        let (pool, now) = (self.db.pool(), self.clock.now());
        match which {
            Reread::These(ids) if ids.is_empty() => {}
            Reread::These(ids) => self.revocations.add(store::revocations_of(pool, ids).await?),
            Reread::All => self.revocations.replace(store::revocations(pool, now).await?, now.unix_timestamp()),
        }
        self.revocations.prune(now.unix_timestamp());
        Ok(())
    }

    /// Reads in one transaction, so that the table is one state of the database.
    async fn read(&self, known: Option<&Snapshot>, work: &Work) -> Result<Snapshot> {
        let mut tx = self.db.pool().begin_with("begin isolation level repeatable read read only").await?;
        let revision = store::revision(&mut tx).await?;
        let keys = match known {
            Some(known) if !work.keys => Arc::clone(&known.keys),
            _ => {
                let rows = store::keys(&mut tx, self.clock.now()).await?;
                Arc::new(TrustedKeys::new(revision, &rows).map_err(Error::internal)?)
            }
        };
        let snapshot = match known {
            Some(known) if !work.routes => known.with_keys(keys),
            _ => {
                let catalogue = store::catalogue(&mut tx).await?;
                let unknown = self.definitions.unknown(&catalogue.routes);
                let operations =
                    if unknown.is_empty() { Vec::new() } else { store::operations(&mut tx, &unknown).await? };
                self.definitions.learn(&catalogue.routes, operations, Instant::now());
                Snapshot::build(catalogue, keys, &self.definitions, &self.bounds, &self.counters)
            }
        };
        tx.commit().await?;
        Ok(snapshot)
    }
}
