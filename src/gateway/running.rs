//! A running gateway: its threads, its followers, and how it stops.

use crate::base::clock::Clock;
use crate::base::environment::Environment;
use crate::base::random::Random;
use crate::config::{self, Urls};
use crate::gateway::access_log_writer::{Handle as Writer, Target};
use crate::gateway::api_counts::ApiCounts;
use crate::gateway::assertion;
use crate::gateway::core::{Core, Settings};
use crate::gateway::definitions::Definitions;
use crate::gateway::flusher::{self, Backlog, FLUSH_EVERY, Flusher, Heard, Teller, Tellers};
use crate::gateway::limits::{Limits, QuotaLedger};
use crate::gateway::listen::{self, stopped};
use crate::gateway::lookups::Lookups;
use crate::gateway::meter;
use crate::gateway::metrics::{Metrics, Numbers};
use crate::gateway::refused_calls::{self, Relay};
use crate::gateway::revocations::Revocations;
use crate::gateway::sync::Sync;
use crate::gateway::tls::Tls;
use crate::infra::db::Db;
use crate::infra::tls::instance;
use crate::infra::tls::server::Server;
use crate::infra::watch::{Feed, STALE};
use std::io::Result;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

/// How often idle connections to backends are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Resolving names takes a thread of its own; so many do it at once.
const BLOCKING_THREADS: usize = 4;
const BLOCKING_STACK: usize = 512 * 1024;

/// What a gateway is made of.
pub struct GatewayParts {
    /// Its settings.
    pub config: config::Gateway,
    /// The public base URLs.
    pub urls: Urls,
    /// Postgres.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Listeners of production, one a thread.
    pub production: Vec<TcpListener>,
    /// Listeners of the sandbox, one a thread.
    pub sandbox: Vec<TcpListener>,
    /// Certificates of the listeners, and what backends are spoken to with.
    pub tls: Arc<instance::Tls>,
    /// Signs statements about callers, for backends.
    pub signer: assertion::Signer,
    /// Where tallies go.
    pub sink: meter::Sink,
    /// What quotas are taken from.
    pub ledger: QuotaLedger,
    /// Where refused calls go.
    pub refused: refused_calls::Sink,
}

/// A running gateway.
pub struct Gateway {
    cores: Arc<[Arc<Core>]>,
    limits: Limits,
    backlog: Arc<Backlog>,
    counts: Arc<ApiCounts>,
    feed: Arc<Feed>,
    reached: watch::Receiver<i64>,
    is_withdrawn: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    drain: watch::Sender<Duration>,
    sync: JoinHandle<()>,
    /// Gives back what quotas have in hand and nobody uses.
    keeper: JoinHandle<()>,
    /// Taken by whoever shuts the gateway down first.
    tail: Mutex<Option<Tail>>,
}

/// What must end in order: the threads, then the last flush of what they counted.
struct Tail {
    threads: Vec<oneshot::Receiver<()>>,
    finish: oneshot::Sender<()>,
    flusher: JoinHandle<()>,
    log: Option<Writer>,
}

impl Gateway {
    /// Starts its threads. Until the first route table is read it answers 503.
    pub fn start(parts: GatewayParts) -> Result<Self> {
        let GatewayParts { config, urls, db, clock, random, production, sandbox, tls, signer, sink, ledger, refused } =
            parts;
        let target = match config.access_log.file().filter(|_| config.access_log.enabled) {
            Some(file) => Target::open(file).map_err(|error| explain(&config, &error))?,
            None => Target::Stdout,
        };
        let runtime = Handle::current();
        let settings = Arc::new(Settings::new(&config, urls, clock.clone()));
        let bounds = settings.bounds;
        let feed = Arc::new(Feed::new());
        let lookups = Lookups::new(runtime.clone(), db.pool().clone(), Arc::clone(&feed));
        let revocations = Arc::new(Revocations::new());
        let limits = Limits::new(&config, ledger, clock.clone(), runtime.clone())?;
        let instance_tls = Arc::clone(&tls);
        let tls = Arc::new(Tls::new(tls));
        let count = production.len().max(1);
        let capacity = (config.cached_credentials / count).max(100);

        let (stop, stopping) = watch::channel(false);
        let (drain, draining) = watch::channel(Duration::ZERO);
        let (definitions, backlog) = (Arc::new(Definitions::default()), Arc::new(Backlog::default()));
        let mut tellers = Tellers::default();
        let mut cores = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for (number, (production, sandbox)) in production.into_iter().zip(sandbox).enumerate() {
            let core = Arc::new(Core::new(
                Arc::clone(&settings),
                (lookups.clone(), Arc::clone(&revocations)),
                &limits,
                (Arc::clone(&tls), Arc::clone(&signer)),
                &random,
                (capacity, config.refusals.each_minute),
            ));
            cores.push(Arc::clone(&core));
            let tls_of = |environment| instance_tls.gateway(environment).cloned();
            let listeners = [
                (Environment::Production, tls_of(Environment::Production), production),
                (Environment::Sandbox, tls_of(Environment::Sandbox), sandbox),
            ];
            let (ended, end) = oneshot::channel();
            threads.push(end);
            let (teller, last) = tellers.add();
            let thread = thread(core, (listeners, teller), stopping.clone(), draining.clone())?;
            std::thread::Builder::new().name(format!("gateway-{number}")).spawn(move || {
                thread();
                flusher::last(&last);
                let _ = ended.send(());
            })?;
        }
        let cores: Arc<[Arc<Core>]> = cores.into();
        let (reach, reached) = watch::channel(-1);
        let sync = Sync {
            db,
            clock,
            bounds,
            counters: Arc::clone(&limits.counters),
            cores: Arc::clone(&cores),
            definitions: Arc::clone(&definitions),
            revocations,
            feed: Arc::clone(&feed),
            reached: reach,
        };
        let sync = runtime.spawn(sync.run());
        let keeper = runtime.spawn(limits.clone().run());
        let counts = Arc::new(ApiCounts::default());
        let (finish, finished) = oneshot::channel();
        let relay = Relay::new(Arc::clone(&cores), refused, config.refusals.each_minute);
        let heard = Heard { cores: Arc::clone(&cores), definitions, counts: Arc::clone(&counts) };
        let flusher = Flusher::new(tellers, heard, sink, Arc::clone(&backlog));
        let flusher = runtime.spawn(hand_on(flusher, relay, finished));
        let log = if config.access_log.enabled { Some(Writer::start(&cores, target)?) } else { None };
        let tail = Mutex::new(Some(Tail { threads, finish, flusher, log }));
        let is_withdrawn = Arc::default();
        Ok(Self { cores, limits, backlog, counts, feed, reached, is_withdrawn, stop, drain, sync, keeper, tail })
    }

    /// Whether requests may be sent here.
    pub fn readiness(&self) -> Readiness {
        Readiness {
            reached: self.reached.clone(),
            feed: Arc::clone(&self.feed),
            is_withdrawn: Arc::clone(&self.is_withdrawn),
        }
    }

    /// Is not ready any more, and serves on.
    pub fn withdraw(&self) {
        self.is_withdrawn.store(true, Ordering::Release);
    }

    /// Its metrics.
    pub fn metrics(&self) -> Metrics {
        let numbers = Numbers {
            cores: Arc::clone(&self.cores),
            backlog: Arc::clone(&self.backlog),
            counts: Arc::clone(&self.counts),
            feed: Arc::clone(&self.feed),
            reached: self.reached.clone(),
        };
        Metrics::new(numbers, self.limits.clone())
    }

    /// Waits until every change up to `revision` counts.
    pub async fn reached(&self, revision: i64) {
        // An error means that the follower is gone, as after a shutdown: nothing will change any more.
        let _ = self.reached.clone().wait_for(|reached| *reached >= revision).await;
    }

    /// Closes the listeners, lets requests in flight finish for up to `drain`, writes the tallies.
    pub async fn shutdown(&self, drain: Duration) {
        self.drain.send_replace(drain);
        self.stop.send_replace(true);
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Tail { threads, finish, flusher, log }) = tail else {
            return;
        };
        for thread in threads {
            let _ = thread.await;
        }
        self.sync.abort();
        self.keeper.abort();
        self.limits.close().await;
        let _ = finish.send(());
        let _ = flusher.await;
        if let Some(log) = log {
            log.finish().await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.keeper.abort();
        self.sync.abort();
    }
}

/// A listener, its environment, and its certificate if it speaks TLS.
type Listening = (Environment, Option<Arc<Server>>, TcpListener);

/// The body of one thread. What can fail is done before the thread starts.
fn thread(
    core: Arc<Core>,
    (listeners, teller): ([Listening; 2], Teller),
    mut stop: watch::Receiver<bool>,
    drain: watch::Receiver<Duration>,
) -> Result<impl FnOnce() + Send + 'static> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(BLOCKING_STACK)
        .build()?;
    let listeners = {
        let _inside = runtime.enter();
        listeners
            .into_iter()
            .map(|(environment, tls, listener)| {
                listener.set_nonblocking(true)?;
                Ok((environment, tls, tokio::net::TcpListener::from_std(listener)?))
            })
            .collect::<Result<Vec<_>>>()?
    };
    Ok(move || {
        runtime.block_on(async {
            if let Some(link) = core.limiter.link() {
                tokio::spawn(Arc::clone(link).run());
            }
            tokio::spawn(teller.run());
            let most = core.settings.max_connections;
            let places = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS)));
            for (environment, tls, listener) in listeners {
                let (core, stop, places) = (Arc::clone(&core), stop.clone(), Arc::clone(&places));
                tokio::spawn(listen::accept(core, (environment, tls), listener, stop, places));
            }
            let mut sweep = tokio::time::interval(SWEEP_EVERY);
            loop {
                tokio::select! {
                    _ = sweep.tick() => core.pool.sweep(),
                    // An error means that the gateway was dropped.
                    () = stopped(&mut stop) => break,
                }
            }
            // Every connection holds a place until its last request is answered.
            let limit = *drain.borrow();
            if tokio::time::timeout(limit, places.acquire_many(most)).await.is_err() && !limit.is_zero() {
                tracing::warn!("requests were still running when the time to drain was over");
            }
        });
        // Whatever still runs is broken off.
        runtime.shutdown_background();
    })
}

/// Hands on usage and refused calls until `finished`, and then the last of them. Neither waits for the other.
async fn hand_on(flusher: Flusher, mut relay: Relay, mut finished: oneshot::Receiver<()>) {
    let (finish, ends) = oneshot::channel();
    let relay = async {
        loop {
            tokio::select! {
                () = tokio::time::sleep(FLUSH_EVERY) => {
                    if let Err(error) = relay.flush().await {
                        tracing::warn!(%error, "refused calls cannot be written; they are kept and offered again");
                    }
                }
                _ = &mut finished => break,
            }
        }
        let _ = finish.send(());
        if let Err(error) = relay.flush().await {
            tracing::warn!(%error, "the last refused calls cannot be written");
        }
    };
    tokio::join!(flusher.run(ends), relay);
}

/// Which setting a file of the access log that cannot be opened comes from.
fn explain(config: &config::Gateway, error: &std::io::Error) -> std::io::Error {
    std::io::Error::other(format!("gateway.access_log.to: cannot open {}: {error}", config.access_log.to))
}

/// Tells whether requests may be sent here.
#[derive(Clone)]
pub struct Readiness {
    reached: watch::Receiver<i64>,
    feed: Arc<Feed>,
    is_withdrawn: Arc<AtomicBool>,
}

impl Readiness {
    /// Now, or why not: there is a route table, the database has confirmed it lately, and nobody has asked for a stop.
    pub fn now(&self) -> std::result::Result<(), &'static str> {
        if self.is_withdrawn.load(Ordering::Acquire) {
            Err("stopping")
        } else if *self.reached.borrow() < 0 {
            Err("the gateway has no route table yet")
        } else if !self.feed.is_within(STALE) {
            Err("the database does not confirm the gateway's route table")
        } else {
            Ok(())
        }
    }

    /// Waits until there is a route table.
    pub async fn wait(&self) {
        let _ = self.reached.clone().wait_for(|reached| *reached >= 0).await;
    }
}
