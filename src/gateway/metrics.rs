//! The gateway's numbers as Prometheus text: the sum over its threads, read when they are asked for.

use crate::base::environment::Environment;
use crate::gateway::api_counts::ApiCounts;
use crate::gateway::core::Core;
use crate::gateway::flusher::Backlog;
use crate::gateway::limits::Limits;
use crate::gateway::meter::{BUCKETS, row};
use crate::gateway::refusal::Refusal;
use crate::gateway::waits;
use crate::infra::process::Process;
use crate::infra::watch::Feed;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// The gateway's metrics, and those of the process that it runs in.
#[derive(Clone)]
pub struct Metrics {
    registries: Arc<[Registry; 3]>,
}

impl Metrics {
    /// Over these numbers.
    pub(super) fn new(numbers: Numbers, limits: Limits) -> Self {
        let mut gateway = Registry::with_prefix("portico_gateway");
        // All threads share it.
        let expiry = numbers.cores.first().map(|core| core.tls.expiry());
        gateway.register_collector(Box::new(numbers));
        gateway.register_collector(Box::new(limits));
        let mut tls = Registry::with_prefix("portico_tls");
        if let Some(expiry) = expiry {
            tls.register_collector(Box::new(expiry));
        }
        // These names are the same for every program (Prometheus' client libraries write them).
        let mut process = Registry::with_prefix("process");
        process.register_collector(Box::new(ThisProcess));
        Self { registries: Arc::new([gateway, tls, process]) }
    }

    /// As `OpenMetrics` text.
    pub fn render(&self) -> String {
        let mut page = String::new();
        // Writing to a string cannot fail; half a page would still be readable.
        for registry in &*self.registries {
            let _ = text::encode_registry(&mut page, registry);
        }
        let _ = text::encode_eof(&mut page);
        page
    }
}

/// Where the gateway's numbers are.
pub(super) struct Numbers {
    /// Those of each thread.
    pub(super) cores: Arc<[Arc<Core>]>,
    /// Those of each API.
    pub(super) counts: Arc<ApiCounts>,
    /// How usage fares.
    pub(super) backlog: Arc<Backlog>,
    /// When the database was last heard.
    pub(super) feed: Arc<Feed>,
    /// The revision that counts.
    pub(super) reached: watch::Receiver<i64>,
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Numbers")
    }
}

type Labels = [(&'static str, &'static str); 2];
const CLASSES: [&str; 6] = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Numbers {
    fn sum<'a>(&'a self, counter: impl Fn(&'a Core) -> Option<&'a AtomicU64>) -> u64 {
        self.cores.iter().filter_map(|core| counter(core)).map(|counter| counter.load(Ordering::Relaxed)).sum()
    }
}

impl Numbers {
    fn backlog(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let Backlog { rows, merged, failures } = &*self.backlog;
        let rows = i64::try_from(rows.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        gauge(encoder, "usage_backlog", "Rows of usage that are not written yet", rows)?;
        let counters = [
            ("usage_merged", "Calls and rows of usage that were counted less exactly to bound memory", merged),
            ("usage_failures", "Batches of usage that could not be written when they were offered", failures),
        ];
        for (name, help, counter) in counters {
            let mut counted = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            counted.encode_counter::<NoLabelSet, _, u64>(&counter.load(Ordering::Relaxed), None)?;
        }
        Ok(())
    }
}

impl Collector for Numbers {
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
        self.backlog(&mut encoder)?;
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

        if let Some(age) = self.feed.age() {
            let help = "Seconds since the database last confirmed what the gateway knows";
            encode(&mut encoder, "confirmation_age_seconds", help, &ConstGauge::new(age.as_secs_f64()))?;
        }
        self.encode_credentials(&mut encoder)?;
        self.encode_left_behind(&mut encoder)?;
        self.encode_apis(&mut encoder)?;

        let help = "Seconds from a request's head to the end of its answer";
        self.histogram(
            &mut encoder,
            ("duration_seconds", help),
            &BUCKETS,
            |core, place| core.meter.durations.get(place),
            |core| &core.meter.duration_us,
        )?;
        let help = "Seconds from sending a request to a backend to the head of its answer, or until it was given up";
        self.histogram(
            &mut encoder,
            ("backend_first_byte_seconds", help),
            &waits::BUCKETS,
            |core, place| core.waits.buckets.get(place),
            |core| &core.waits.sum_us,
        )
    }
}

impl Numbers {
    fn encode_credentials(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let (mut hits, mut misses) = (0, 0);
        for recall in self.cores.iter().map(|core| core.keyring.recall()) {
            hits += recall.hits;
            misses += recall.misses;
        }
        let help = "Look-ups of API keys and clients: answered from memory, or asked of the database";
        let mut family = encoder.encode_descriptor("credential_lookups", help, None, MetricType::Counter)?;
        for (answer, count) in [("memory", hits), ("database", misses)] {
            family.encode_family(&[("from", answer)])?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    /// What calls leave behind, where that can fail.
    fn encode_left_behind(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let [written, dropped] = [0, 1].map(|place| self.sum(|core| core.lines.counts().get(place).copied()));
        let omitted = self.sum(|core| Some(core.refused.omitted()));
        for (name, help, count) in [
            ("access_log_lines", "Lines of the access log that were written", written),
            ("access_log_dropped_lines", "Lines of the access log that were lost: too many, or not writable", dropped),
            ("refusals_only_counted", "Refused calls of applications that cannot be looked up one by one", omitted),
        ] {
            encode(encoder, name, help, &ConstCounter::new(count))?;
        }
        Ok(())
    }

    fn encode_apis(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Requests for each API, by the first digit of the status, up to the last flush of usage";
        let mut family = encoder.encode_descriptor("api_requests", help, None, MetricType::Counter)?;
        for (api, by_status) in self.counts.all() {
            for (class, count) in CLASSES.into_iter().zip(by_status).filter(|(_, count)| *count > 0) {
                let labels = [("api", &*api), ("status", class)];
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        Ok(())
    }

    fn histogram(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        bounds: &[u64],
        bucket: impl Fn(&Core, usize) -> Option<&AtomicU64>,
        sum_us: impl Fn(&Core) -> &AtomicU64,
    ) -> Result<(), Error> {
        let mut buckets = Vec::with_capacity(bounds.len() + 1);
        for (place, bound) in bounds.iter().copied().map(seconds).chain([f64::MAX]).enumerate() {
            buckets.push((bound, self.sum(|core| bucket(core, place))));
        }
        let sum = seconds(self.sum(|core| Some(sum_us(core))));
        let total = buckets.iter().map(|(_, count)| count).sum();
        encoder
            .encode_descriptor(name, help, None, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(sum, total, &buckets, None)
    }
}

/// The process, looked at when it is asked for.
#[derive(Debug)]
struct ThisProcess;

impl Collector for ThisProcess {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let process = Process::look();
        if let Some(cpu) = process.cpu {
            let help = "Time on a processor, in user mode and in the kernel, in seconds";
            encode(&mut encoder, "cpu_seconds", help, &ConstCounter::new(cpu.as_secs_f64()))?;
        }
        for (name, help, value) in [
            ("resident_memory_bytes", "Memory in use", process.resident_bytes),
            ("virtual_memory_bytes", "Address space", process.virtual_bytes),
            ("open_fds", "Files and sockets that are open", process.open_files),
            ("max_fds", "Files and sockets that may be open", process.max_files),
            ("threads", "Threads", process.threads),
            ("start_time_seconds", "When the process was started, since the epoch", process.started_at),
        ] {
            if let Some(value) = value {
                gauge(&mut encoder, name, help, i64::try_from(value).unwrap_or(i64::MAX))?;
            }
        }
        Ok(())
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
    encode(encoder, name, help, &ConstGauge::new(value))
}

fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> Result<(), Error> {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}
