//! The limits of a process: what its threads share, how it starts and stops, and its numbers for operators.

use crate::base::clock::Clock;
use crate::config;
use crate::gateway::limits::counters::Counters;
use crate::gateway::limits::health::Health;
use crate::gateway::limits::link::{Link, SharedCounter};
use crate::gateway::limits::quotas::{QuotaLedger, Quotas};
use crate::gateway::limits::take::Limiter;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::io::{Error, Result};
use std::sync::Arc;
use tokio::runtime::Handle;

/// What all threads share.
#[derive(Clone)]
pub(in crate::gateway) struct Limits {
    clock: Clock,
    /// What has been called.
    pub(in crate::gateway) counters: Arc<Counters>,
    quotas: Arc<Quotas>,
    /// The counter that all processes share, if there is one.
    shared: Option<Arc<SharedCounter>>,
}

impl Limits {
    /// With quotas from this ledger, which is asked on `runtime`.
    pub(in crate::gateway) fn new(
        config: &config::Gateway,
        ledger: QuotaLedger,
        clock: Clock,
        runtime: Handle,
    ) -> Result<Self> {
        let counters = Arc::new(Counters::new(clock.clone()));
        let quotas = Arc::new(Quotas::new(ledger, runtime, config.quota_on_failure));
        let shared = SharedCounter::new(&config.counter).map_err(Error::other)?;
        Ok(Self { clock, counters, quotas, shared })
    }

    /// For tests in which no quota is asked for.
    #[cfg(test)]
    pub(in crate::gateway) fn without_database(clock: Clock) -> Self {
        let nothing = || Err(crate::base::error::Error::internal("there is no ledger"));
        let ledger = QuotaLedger {
            lease: Arc::new(move |_| Box::pin(async move { nothing() })),
            give_back: Arc::new(|_| Box::pin(async { Ok(()) })),
        };
        Self::new(&config::Gateway::default(), ledger, clock, Handle::current()).unwrap()
    }

    /// What one thread takes limits with.
    pub(in crate::gateway) fn limiter(&self) -> Limiter {
        let link = self.shared.as_ref().map(|shared| Arc::new(Link::new(Arc::clone(shared))));
        Limiter::new(self.clock.clone(), Arc::clone(&self.quotas), link)
    }

    /// Gives back what is idle, until it is dropped.
    pub(in crate::gateway) async fn run(self) {
        self.quotas.run().await;
    }

    /// Gives back everything. No call may come after this.
    pub(in crate::gateway) async fn close(&self) {
        self.quotas.close().await;
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits")
    }
}

impl Collector for Limits {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::result::Result<(), fmt::Error> {
        let unused = Health::default();
        let shared = self.shared.as_ref().map_or(&unused, |shared| &shared.health);
        let help = "1 while the counter that processes share gives no answer";
        gauge(&mut encoder, "shared_counter_away", help, shared)?;
        let help = "Calls that the shared counter could not count, by what became of them";
        fallbacks(&mut encoder, "shared_counter_fallbacks", help, shared)?;
        let quotas = &self.quotas.health;
        gauge(&mut encoder, "quota_ledger_away", "1 while the database hands out no calls of quotas", quotas)?;
        let help = "Calls for which no quota could be leased, by what became of them";
        fallbacks(&mut encoder, "quota_fallbacks", help, quotas)
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    health: &Health,
) -> std::result::Result<(), fmt::Error> {
    let value = i64::from(health.is_away());
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn fallbacks(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    health: &Health,
) -> std::result::Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    let (estimated, refused) = health.calls();
    for (outcome, count) in [("estimated", estimated), ("refused", refused)] {
        family.encode_family(&[("outcome", outcome)])?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
    }
    Ok(())
}
