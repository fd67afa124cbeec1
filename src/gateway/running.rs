//! A running gateway: its threads, its followers, and how it stops.

use crate::base::clock::Clock;
use crate::base::environment::Environment;
use crate::base::random::Random;
use crate::config::{self, Urls};
use crate::gateway::core::{Core, Settings};
use crate::gateway::limits::Counters;
use crate::gateway::listen::{self, stopped};
use crate::gateway::lookups::Lookups;
use crate::gateway::meter::{self, FLUSH_EVERY, Flusher};
use crate::gateway::metrics::Metrics;
use crate::gateway::revocations::Revocations;
use crate::gateway::sync::Sync;
use crate::gateway::tls::Tls;
use crate::infra::db::Db;
use crate::infra::watch::{Feed, STALE};
use std::io::Result;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

/// Connections that one thread serves at once.
const CONNECTIONS: usize = 8192;
/// How often idle connections to backends are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Resolving names takes a thread of its own; so many do it at once.
const BLOCKING_THREADS: usize = 4;
const BLOCKING_STACK: usize = 512 * 1024;
/// How often the last tallies are offered to a sink that fails.
const LAST_FLUSHES: u32 = 3;

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
    /// Where tallies go.
    pub sink: meter::Sink,
}

/// A running gateway.
pub struct Gateway {
    cores: Arc<[Arc<Core>]>,
    feed: Arc<Feed>,
    reached: watch::Receiver<i64>,
    stop: watch::Sender<bool>,
    drain: watch::Sender<Duration>,
    sync: JoinHandle<()>,
    /// Taken by whoever shuts the gateway down first.
    tail: Mutex<Option<Tail>>,
}

/// What must end in order: the threads, then the last flush of what they counted.
struct Tail {
    threads: Vec<oneshot::Receiver<()>>,
    finish: oneshot::Sender<()>,
    flusher: JoinHandle<()>,
}

impl Gateway {
    /// Starts its threads. Until the first route table is read it answers 503.
    pub fn start(parts: GatewayParts) -> Result<Self> {
        let GatewayParts { config, urls, db, clock, random, production, sandbox, sink } = parts;
        let runtime = Handle::current();
        let settings = Arc::new(Settings::new(&config, urls, clock.clone()));
        let feed = Arc::new(Feed::new());
        let lookups = Lookups::new(runtime.clone(), db.pool().clone(), Arc::clone(&feed));
        let revocations = Arc::new(Revocations::new());
        let counters = Arc::new(Counters::new(clock.clone()));
        let tls = Arc::new(Tls::default());
        let count = production.len().max(1);
        let capacity = (config.cached_credentials / count).max(100);
        let connect = Duration::from_secs(config.connect_seconds.max(1).into());

        let (stop, stopping) = watch::channel(false);
        let (drain, draining) = watch::channel(Duration::ZERO);
        let mut cores = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for (number, (production, sandbox)) in production.into_iter().zip(sandbox).enumerate() {
            let core = Arc::new(Core::new(
                Arc::clone(&settings),
                (lookups.clone(), Arc::clone(&revocations), Arc::clone(&counters)),
                Arc::clone(&tls),
                &random,
                (capacity, connect),
            ));
            cores.push(Arc::clone(&core));
            let listeners = [(Environment::Production, production), (Environment::Sandbox, sandbox)];
            let (ended, end) = oneshot::channel();
            threads.push(end);
            let thread = thread(core, listeners, stopping.clone(), draining.clone())?;
            std::thread::Builder::new().name(format!("gateway-{number}")).spawn(move || {
                thread();
                let _ = ended.send(());
            })?;
        }
        let cores: Arc<[Arc<Core>]> = cores.into();
        let (reach, reached) = watch::channel(-1);
        let sync = Sync { db, clock, cores: Arc::clone(&cores), revocations, feed: Arc::clone(&feed), reached: reach };
        let sync = runtime.spawn(sync.run());
        let (finish, finished) = oneshot::channel();
        let flusher = runtime.spawn(flush(Flusher::new(Arc::clone(&cores), sink), finished));
        let tail = Mutex::new(Some(Tail { threads, finish, flusher }));
        Ok(Self { cores, feed, reached, stop, drain, sync, tail })
    }

    /// Whether there is a route table.
    pub fn readiness(&self) -> Readiness {
        Readiness { reached: self.reached.clone(), feed: Arc::clone(&self.feed) }
    }

    /// Its metrics.
    pub fn metrics(&self) -> Metrics {
        Metrics::new(Arc::clone(&self.cores), self.reached.clone())
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
        let Some(Tail { threads, finish, flusher }) = tail else {
            return;
        };
        for thread in threads {
            let _ = thread.await;
        }
        self.sync.abort();
        let _ = finish.send(());
        let _ = flusher.await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.sync.abort();
    }
}

/// The body of one thread. What can fail is done before the thread starts.
fn thread(
    core: Arc<Core>,
    listeners: [(Environment, TcpListener); 2],
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
            .map(|(environment, listener)| {
                listener.set_nonblocking(true)?;
                Ok((environment, tokio::net::TcpListener::from_std(listener)?))
            })
            .collect::<Result<Vec<_>>>()?
    };
    Ok(move || {
        runtime.block_on(async {
            let places = Arc::new(Semaphore::new(CONNECTIONS));
            for (environment, listener) in listeners {
                let (core, stop, places) = (Arc::clone(&core), stop.clone(), Arc::clone(&places));
                tokio::spawn(listen::accept(core, environment, listener, stop, places));
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
            let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
            let limit = *drain.borrow();
            if tokio::time::timeout(limit, places.acquire_many(all)).await.is_err() && !limit.is_zero() {
                tracing::warn!("requests were still running when the time to drain was over");
            }
        });
        // Whatever still runs is broken off.
        runtime.shutdown_background();
    })
}

async fn flush(mut flusher: Flusher, mut finished: oneshot::Receiver<()>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FLUSH_EVERY) => {
                if let Err(error) = flusher.flush().await {
                    tracing::warn!(%error, "usage cannot be written; it is kept and offered again");
                }
            }
            _ = &mut finished => break,
        }
    }
    for _ in 0..LAST_FLUSHES {
        match flusher.flush().await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "the last usage cannot be written"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Tells whether there is a route table that can be relied on.
#[derive(Clone)]
pub struct Readiness {
    reached: watch::Receiver<i64>,
    feed: Arc<Feed>,
}

impl Readiness {
    /// Now: it was read, and the database has confirmed it lately.
    pub fn is_ready(&self) -> bool {
        *self.reached.borrow() >= 0 && self.feed.is_within(STALE)
    }

    /// Waits until it was read.
    pub async fn wait(&self) {
        let _ = self.reached.clone().wait_for(|reached| *reached >= 0).await;
    }
}
