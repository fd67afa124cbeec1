//! The gateway's numbers as Prometheus text: the sum over its threads, read when they are asked for.

use crate::base::environment::Environment;
use crate::gateway::core::Core;
use crate::gateway::meter::{BUCKETS, row};
use crate::gateway::refusal::Refusal;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// The gateway's metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
}

impl Metrics {
    /// Over these threads.
    pub(super) fn new(cores: Arc<[Arc<Core>]>, reached: watch::Receiver<i64>) -> Self {
        let mut registry = Registry::with_prefix("portico_gateway");
        registry.register_collector(Box::new(Threads { cores, reached }));
        Self { registry: Arc::new(registry) }
    }

    /// As Prometheus text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail; half a page would still be readable.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

struct Threads {
    cores: Arc<[Arc<Core>]>,
    reached: watch::Receiver<i64>,
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Threads")
    }
}

type Labels = [(&'static str, &'static str); 2];
const CLASSES: [&str; 6] = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Threads {
    fn sum<'a>(&'a self, counter: impl Fn(&'a Core) -> Option<&'a AtomicU64>) -> u64 {
        self.cores.iter().filter_map(|core| counter(core)).map(|counter| counter.load(Ordering::Relaxed)).sum()
    }
}

impl Collector for Threads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut requests = Vec::new();
        let mut refusals = Vec::new();
        for environment in Environment::ALL {
            for (place, class) in CLASSES.into_iter().enumerate() {
                let count = self.sum(|core| core.meter.requests.get(row(environment))?.get(place));
                requests.push(([("environment", environment.as_str()), ("status", class)], count));
            }
            for (place, refusal) in Refusal::ALL.iter().enumerate() {
                let count = self.sum(|core| core.meter.refusals.get(row(environment))?.get(place));
                refusals.push(([("environment", environment.as_str()), ("reason", refusal.label())], count));
            }
        }
        counters(&mut encoder, "requests", "Requests answered, by the first digit of the status", &requests)?;
        counters(&mut encoder, "refusals", "Requests that the gateway itself refused, by reason", &refusals)?;

        let count = |sum: usize| i64::try_from(sum).unwrap_or(i64::MAX);
        let in_flight = self.cores.iter().map(|core| core.meter.in_flight.load(Ordering::Relaxed)).sum();
        gauge(&mut encoder, "in_flight", "Requests being answered", in_flight)?;
        let idle = self.cores.iter().map(|core| core.pool.idle()).sum();
        gauge(&mut encoder, "idle_backend_connections", "Connections kept for later requests", count(idle))?;
        let revision = *self.reached.borrow();
        gauge(&mut encoder, "revision", "Revision up to which all changes count", revision)?;
        // All threads share them.
        let revocations = self.cores.first().map_or(0, |core| core.revocations.len());
        gauge(&mut encoder, "revocations", "Revoked tokens, grants and clients known", count(revocations))?;
        let sizes: Vec<[usize; 3]> = self.cores.iter().map(|core| core.keyring.sizes()).collect();
        let what = [
            ("cached_api_keys", "API keys remembered"),
            ("cached_clients", "OAuth clients remembered"),
            ("cached_tokens", "Verified access tokens remembered"),
        ];
        for (place, (name, help)) in what.into_iter().enumerate() {
            gauge(&mut encoder, name, help, count(sizes.iter().filter_map(|sizes| sizes.get(place)).sum()))?;
        }

        let mut buckets = Vec::with_capacity(BUCKETS.len() + 1);
        for (place, bound) in BUCKETS.iter().copied().map(seconds).chain([f64::MAX]).enumerate() {
            buckets.push((bound, self.sum(|core| core.meter.durations.get(place))));
        }
        let sum = seconds(self.sum(|core| Some(&core.meter.duration_us)));
        let total = buckets.iter().map(|(_, count)| count).sum();
        let help = "Seconds from a request's head to the end of its answer";
        encoder
            .encode_descriptor("duration_seconds", help, None, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(sum, total, &buckets, None)
    }
}

fn counters(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, all: &[(Labels, u64)]) -> Result<(), Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in all {
        family.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(count, None)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> Result<(), Error> {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}
