//! What one thread owns. Threads share the settings, the route table and nothing that is written per request.

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::{self, Urls};
use crate::gateway::headers::RequestIds;
use crate::gateway::keyring::Keyring;
use crate::gateway::limits::Counters;
use crate::gateway::lookups::Lookups;
use crate::gateway::meter::Meter;
use crate::gateway::pool::Pool;
use crate::gateway::revocations::Revocations;
use crate::gateway::snapshot::Snapshot;
use crate::gateway::tls::Tls;
use arc_swap::ArcSwapOption;
use ipnet::IpNet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the operator chose, ready for use.
pub(super) struct Settings {
    /// The public base URLs.
    pub(super) urls: Urls,
    /// The portal's origin, whose pages may call every API.
    pub(super) portal_origin: String,
    /// The time.
    pub(super) clock: Clock,
    /// Proxies whose word counts.
    pub(super) trusted_proxies: Vec<IpNet>,
    /// Until the backend's first byte.
    pub(super) first_byte: Duration,
    /// Without a byte in a body.
    pub(super) idle: Duration,
    /// For a request head.
    pub(super) head: Duration,
    /// Of a request.
    pub(super) max_body_bytes: u64,
    /// What connection times are counted from.
    pub(super) born: Instant,
}

impl Settings {
    /// From the configuration.
    pub(super) fn new(config: &config::Gateway, urls: Urls, clock: Clock) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(seconds.max(1).into());
        let portal_origin = urls
            .portal
            .parse::<url::Url>()
            .map_or_else(|_| urls.portal.clone(), |url| url.origin().ascii_serialization());
        Self {
            portal_origin,
            urls,
            clock,
            trusted_proxies: config.trusted_proxies.clone(),
            first_byte: seconds(config.first_byte_seconds),
            idle: seconds(config.idle_seconds),
            head: seconds(config.head_seconds),
            max_body_bytes: config.max_body_bytes,
            born: Instant::now(),
        }
    }
}

/// One thread's own.
pub(super) struct Core {
    /// Shared, never written.
    pub(super) settings: Arc<Settings>,
    /// The route table, behind a count of this thread's own: counting on a shared one would make the cores wait.
    pub(super) table: ArcSwapOption<Arc<Snapshot>>,
    /// Credentials seen before.
    pub(super) keyring: Keyring,
    /// Asks about others.
    pub(super) lookups: Lookups,
    /// Tokens that were revoked; shared, and written only when there are more.
    pub(super) revocations: Arc<Revocations>,
    /// Connections to backends.
    pub(super) pool: Arc<Pool>,
    /// What was counted.
    pub(super) meter: Meter,
    /// Names requests.
    pub(super) ids: RequestIds,
}

impl Core {
    /// Remembers at most `capacity` credentials.
    pub(super) fn new(
        settings: Arc<Settings>,
        (lookups, revocations, counters): (Lookups, Arc<Revocations>, Arc<Counters>),
        tls: Arc<Tls>,
        random: &Random,
        (capacity, connect): (usize, Duration),
    ) -> Self {
        Self {
            settings,
            table: ArcSwapOption::empty(),
            keyring: Keyring::new(capacity, counters),
            lookups,
            revocations,
            pool: Arc::new(Pool::new(tls, connect)),
            meter: Meter::default(),
            ids: RequestIds::new(random),
        }
    }
}
