//! What one thread owns. Threads share the settings, the route table and nothing that is written per request.

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::{self, Urls};
use crate::gateway::access_log::{self, Lines};
use crate::gateway::assertion::{Assertions, Signer};
use crate::gateway::date::Dates;
use crate::gateway::headers::RequestIds;
use crate::gateway::keyring::Keyring;
use crate::gateway::limits::{Limiter, Limits};
use crate::gateway::lookups::Lookups;
use crate::gateway::meter::Meter;
use crate::gateway::policy::Bounds;
use crate::gateway::pool::Pool;
use crate::gateway::refused_calls::RefusedCalls;
use crate::gateway::revocations::Revocations;
use crate::gateway::snapshot::Snapshot;
use crate::gateway::tls::Tls;
use crate::gateway::trace;
use crate::gateway::waits::Waits;
use crate::gateway::wire::head;
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
    /// Without a byte in a body.
    pub(super) idle: Duration,
    /// For a request head.
    pub(super) head: Duration,
    /// The same for the rules of APIs, which may ask for less.
    pub(super) bounds: Bounds,
    /// Connections that a thread serves at once.
    pub(super) max_connections: u32,
    /// Of a request's head.
    pub(super) head_bounds: head::Bounds,
    /// What connection times are counted from.
    pub(super) born: Instant,
    /// What is written of calls, if anything is.
    pub(super) access_log: Option<access_log::Style>,
    /// Which traces go on.
    pub(super) trace: trace::Rules,
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
            idle: seconds(config.idle_seconds),
            head: seconds(config.head_seconds),
            bounds: Bounds {
                connect: seconds(config.connect_seconds),
                first_byte: seconds(config.first_byte_seconds),
                idle: seconds(config.idle_seconds),
                max_body: config.max_body_bytes,
            },
            max_connections: config.max_connections,
            head_bounds: head::Bounds {
                head: config.max_head_bytes,
                target: config.max_target_bytes,
                lines: config.max_headers,
            },
            born: Instant::now(),
            access_log: access_log::Style::new(&config.access_log),
            trace: trace::Rules::new(&config.trace),
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
    /// What limits are taken with.
    pub(super) limiter: Limiter,
    /// Asks about others.
    pub(super) lookups: Lookups,
    /// Tokens that were revoked; shared, and written only when there are more.
    pub(super) revocations: Arc<Revocations>,
    /// Certificates of the listeners, and what backends are spoken to with.
    pub(super) tls: Arc<Tls>,
    /// Connections to backends.
    pub(super) pool: Arc<Pool>,
    /// Statements about callers.
    pub(super) assertions: Assertions,
    /// What was counted.
    pub(super) meter: Meter,
    /// When answers were made that do not say so.
    pub(super) dates: Dates,
    /// Names requests.
    pub(super) ids: RequestIds,
    /// How long backends took.
    pub(super) waits: Waits,
    /// Refused calls that wait to be handed on.
    pub(super) refused: RefusedCalls,
    /// Lines of the access log that wait for its writer.
    pub(super) lines: Lines,
}

impl Core {
    /// Remembers at most `capacity` credentials.
    pub(super) fn new(
        settings: Arc<Settings>,
        (lookups, revocations): (Lookups, Arc<Revocations>),
        limits: &Limits,
        (tls, signer): (Arc<Tls>, Signer),
        random: &Random,
        (capacity, each_minute): (usize, u32),
    ) -> Self {
        Self {
            settings,
            table: ArcSwapOption::empty(),
            keyring: Keyring::new(capacity, Arc::clone(&limits.counters)),
            limiter: limits.limiter(),
            lookups,
            revocations,
            pool: Arc::new(Pool::new(Arc::clone(&tls))),
            tls,
            assertions: Assertions::new(signer),
            meter: Meter::default(),
            dates: Dates::default(),
            ids: RequestIds::new(random),
            waits: Waits::default(),
            refused: RefusedCalls::new(each_minute),
            lines: Lines::default(),
        }
    }
}
