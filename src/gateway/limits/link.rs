//! The counter that several processes share: Redis or Valkey, asked once for each call, over one connection a thread.
//!
//! All rates of a call are one script, so a call passes all of them and pays each, or pays none; the time is the
//! server's, so the clocks of the processes do not matter. A connection that does not answer in time is given up at
//! once, and tried again behind the back of the calls: they never wait for a server that is known to be away.

use crate::base::quota::Subject;
use crate::config::{self, OnFailure};
use crate::gateway::limits::health::{Health, Turn};
use crate::gateway::limits::rate::Rate;
use crate::gateway::limits::standing::Standing;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Script};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(200);
/// How often it is looked whether the server is still there.
const GREET_EVERY: Duration = Duration::from_secs(1);
/// Connecting takes more steps than a question, so it gets so many times as long.
const CONNECT: u32 = 5;
/// What keys begin with.
const PREFIX: &str = "portico:rate:";
const SCRIPT: &str = include_str!("gcra.lua");

/// How the shared counter is asked; one for all threads.
pub(in crate::gateway) struct SharedCounter {
    client: Client,
    script: Script,
    timeout: Duration,
    /// What becomes of calls while it is away.
    pub(super) on_failure: OnFailure,
    /// Whether it answers: each thread watches for itself.
    pub(super) health: Health,
}

impl SharedCounter {
    /// From the configuration; nothing if there is none. The error names no part of the URL.
    pub(in crate::gateway) fn new(config: &config::Counter) -> Result<Option<Arc<Self>>, String> {
        let Some(url) = &config.url else { return Ok(None) };
        let client = Client::open(url.as_str()).map_err(|_secret| "gateway.counter.url: not a Redis URL".to_owned())?;
        Ok(Some(Arc::new(Self {
            client,
            script: Script::new(SCRIPT),
            timeout: Duration::from_millis(config.timeout_milliseconds.max(1).into()),
            on_failure: config.on_failure,
            health: Health::default(),
        })))
    }

    async fn connect(&self) -> Result<MultiplexedConnection, Missing> {
        let limit = self.timeout * CONNECT;
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(Some(self.timeout));
        let connected = tokio::time::timeout(limit, async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            // A server that is frozen takes connections; one that is just starting refuses to answer.
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            Ok(connection)
        });
        connected.await.map_err(|_elapsed| Missing::Late)?.map_err(Missing::Error)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Missing {
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// It said no, or the connection broke.
    #[error("{0}")]
    Error(RedisError),
}

/// The counter is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Away;

/// What the counter said of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Whether it passes.
    pub(super) passes: bool,
    /// For each rate, in order, where the caller stands, and what is owed.
    pub(super) standings: Vec<(Standing, Duration)>,
}

/// One thread's connection.
pub(in crate::gateway) struct Link {
    /// How it is asked.
    pub(super) counter: Arc<SharedCounter>,
    state: watch::Sender<State>,
    broken: Notify,
}

#[derive(Clone)]
enum State {
    /// It is being connected to, and was not known to be away before.
    Connecting,
    /// It answers.
    There(MultiplexedConnection),
    /// It does not.
    Away,
}

impl Link {
    /// Not connected until it is run.
    pub(in crate::gateway) fn new(counter: Arc<SharedCounter>) -> Self {
        Self { counter, state: watch::Sender::new(State::Connecting), broken: Notify::new() }
    }

    /// Connects, and again whenever the connection is lost, until it is dropped. The runtime that this runs on owns the
    /// connection.
    pub(in crate::gateway) async fn run(self: Arc<Self>) {
        loop {
            match self.counter.connect().await {
                Ok(connection) => {
                    self.turn(State::There(connection.clone()), None);
                    self.watch(connection).await;
                }
                Err(missing) => {
                    self.turn(State::Away, Some(&missing));
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Returns when the connection is lost: calls say so, and if there are none, the server is greeted now and then.
    async fn watch(&self, mut connection: MultiplexedConnection) {
        loop {
            tokio::select! {
                () = self.broken.notified() => return,
                () = tokio::time::sleep(GREET_EVERY) => {}
            }
            let ping = redis::cmd("PING");
            let missing =
                match tokio::time::timeout(self.counter.timeout, ping.query_async::<()>(&mut connection)).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => Missing::Error(error),
                    Err(_elapsed) => Missing::Late,
                };
            self.turn(State::Away, Some(&missing));
            return;
        }
    }

    /// Asks whether a call passes all these rates, and pays them if so.
    pub(super) async fn take(&self, rates: &[(&Subject, &Rate)]) -> Result<Said, Away> {
        let mut connection = self.connection().await?;
        let mut call = self.counter.script.prepare_invoke();
        for (subject, rate) in rates {
            call.key(format!("{PREFIX}{subject}"));
            for time in [rate.period(), rate.most()] {
                call.arg(time.as_secs()).arg(time.subsec_nanos());
            }
        }
        let asked = tokio::time::timeout(self.counter.timeout, call.invoke_async::<Vec<i64>>(&mut connection));
        let missing = match asked.await {
            Ok(Ok(answer)) => return Said::read(&answer, rates).ok_or(Away),
            Ok(Err(error)) => Missing::Error(error),
            Err(_elapsed) => Missing::Late,
        };
        self.turn(State::Away, Some(&missing));
        self.broken.notify_one();
        Err(Away)
    }

    /// The connection, once the first attempt has ended.
    async fn connection(&self) -> Result<MultiplexedConnection, Away> {
        if let State::There(connection) = &*self.state.borrow() {
            return Ok(connection.clone());
        }
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Connecting)).await.map_err(|_closed| Away)?;
        match &*state {
            State::There(connection) => Ok(connection.clone()),
            State::Connecting | State::Away => Err(Away),
        }
    }

    fn turn(&self, next: State, why: Option<&Missing>) {
        let was_away = matches!(*self.state.borrow(), State::Away);
        let is_away = matches!(next, State::Away);
        self.state.send_replace(next);
        let turn = match (was_away, is_away) {
            (false, true) => self.counter.health.leave(),
            (true, false) => self.counter.health.come_back(),
            _ => None,
        };
        match (turn, self.counter.on_failure) {
            (Some(Turn::Away), OnFailure::Estimate) => {
                let error = why.map(tracing::field::display);
                tracing::error!(error, "the shared counter is away: this process counts for itself");
            }
            (Some(Turn::Away), OnFailure::Refuse) => {
                let error = why.map(tracing::field::display);
                tracing::error!(error, "the shared counter is away: calls under a rate are refused");
            }
            (Some(Turn::Back), _) => tracing::info!("the shared counter is back"),
            (None, _) => {}
        }
    }
}

impl Said {
    fn read(answer: &[i64], rates: &[(&Subject, &Rate)]) -> Option<Self> {
        let (passes, numbers) = answer.split_first()?;
        let time =
            |seconds: i64, nanos: i64| Some(Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?));
        let standing = |((_, rate), numbers): (&(&Subject, &Rate), &[i64])| {
            let [owed_s, owed_n, wait_s, wait_n] = *numbers else { return None };
            let (owed, wait) = (time(owed_s, owed_n)?, time(wait_s, wait_n)?);
            Some((rate.standing(owed, Some(wait).filter(|wait| !wait.is_zero())), owed))
        };
        let standings = rates.iter().zip(numbers.chunks(4)).map(standing).collect::<Option<Vec<_>>>()?;
        (standings.len() == rates.len()).then_some(Self { passes: *passes == 1, standings })
    }
}
