//! What is remembered of credentials, kept small: there may be a million. What many have in common they share.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId, PlanId, SubscriptionId};
use crate::base::quota::Subject;
use crate::gateway::key_limits::KeyLimits;
use crate::gateway::limits::Counters;
use crate::gateway::store::{ApiKeyRow, ClientRow};
use crate::gateway::subscription::{State, Subscription};
use bytes::Bytes;
use http::HeaderValue;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use time::OffsetDateTime;

/// Targets that are shared by keys; beyond that they are gathered anew.
const TARGETS: usize = 4096;

/// An API key's record.
pub(super) struct KeyRecord {
    /// Its id.
    pub(super) id: ApiKeyId,
    /// Whose it is.
    pub(super) application: ApplicationId,
    /// What it opens.
    pub(super) target: Arc<Target>,
    /// What narrows it; nothing for most keys.
    narrowed: Option<Box<Narrowed>>,
    /// The application's subscription to that major version.
    pub(super) subscription: Option<Arc<Subscription>>,
}

/// What a key opens, shared by all keys that open the same.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Target {
    /// The API.
    pub(super) api: ApiId,
    /// Which major version of it.
    pub(super) major: u16,
    /// Which endpoint of that.
    pub(super) endpoint: Box<str>,
    /// Where.
    pub(super) environment: Environment,
}

/// What few keys have.
struct Narrowed {
    until: Option<OffsetDateTime>,
    limits: Option<Box<KeyLimits>>,
}

impl KeyRecord {
    /// For a key that was replaced: it works strictly before this.
    pub(super) fn until(&self) -> Option<OffsetDateTime> {
        self.narrowed.as_ref()?.until
    }

    /// What its owner has narrowed it to; nothing for most keys.
    pub(super) fn limits(&self) -> Option<&KeyLimits> {
        self.narrowed.as_ref()?.limits.as_deref()
    }
}

/// An OAuth client's record.
pub(super) struct ClientRecord {
    /// The consumer key.
    pub(super) id: Arc<str>,
    /// Whose it is.
    pub(super) application: ApplicationId,
    /// Where its tokens work.
    pub(super) environment: Environment,
    /// All that the application is subscribed to.
    pub(super) subscriptions: Vec<Arc<Subscription>>,
}

/// The columns of a subscription, some of which are missing where there is none.
struct SubscriptionRow<'a> {
    id: Option<SubscriptionId>,
    api: Option<ApiId>,
    major: Option<i32>,
    plan: Option<PlanId>,
    state: Option<&'a str>,
}

/// What records share. It makes them.
pub(super) struct Shared {
    /// Those that some record has.
    subscriptions: HashMap<SubscriptionId, Weak<Subscription>>,
    targets: HashSet<Arc<Target>>,
    counters: Arc<Counters>,
}

impl Shared {
    /// Nothing yet; `counters` are those of all threads.
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { subscriptions: HashMap::new(), targets: HashSet::new(), counters }
    }

    /// The record of a key; nothing where there is none, or one that cannot be read.
    pub(super) fn key(&mut self, row: ApiKeyRow) -> Option<KeyRecord> {
        let (application, api) = (row.application_id?, row.api_id?);
        let limits = KeyLimits::read(&row)?;
        let until = if row.is_current? { None } else { Some(row.previous_expires_at?) };
        let subscription = SubscriptionRow {
            id: row.subscription_id,
            api: Some(api),
            major: row.major,
            plan: row.plan_id,
            state: row.state.as_deref(),
        };
        let subscription = self.subscription(application, &subscription);
        let major = u16::try_from(row.major?).ok()?;
        let target = Target { api, major, endpoint: row.endpoint?.into(), environment: row.environment? };
        Some(KeyRecord {
            id: row.id?,
            application,
            target: self.target(target),
            narrowed: (until.is_some() || limits.is_some()).then(|| Box::new(Narrowed { until, limits })),
            subscription,
        })
    }

    /// The record of a client.
    pub(super) fn client(&mut self, id: Arc<str>, rows: &[ClientRow]) -> Option<ClientRecord> {
        let first = rows.first()?;
        let (application, environment) = (first.application_id?, first.environment?);
        let mut subscription = |row: &ClientRow| {
            let row = SubscriptionRow {
                id: row.subscription_id,
                api: row.api_id,
                major: row.major,
                plan: row.plan_id,
                state: row.state.as_deref(),
            };
            self.subscription(application, &row)
        };
        let subscriptions = rows.iter().filter_map(&mut subscription).collect();
        Some(ClientRecord { id, application, environment, subscriptions })
    }

    /// One for all keys that have it.
    fn target(&mut self, target: Target) -> Arc<Target> {
        if let Some(known) = self.targets.get(&target) {
            return Arc::clone(known);
        }
        if self.targets.len() >= TARGETS {
            self.targets.clear();
        }
        let target = Arc::new(target);
        self.targets.insert(Arc::clone(&target));
        target
    }

    /// The subscription of an application, and one for all records that have it.
    fn subscription(&mut self, application: ApplicationId, row: &SubscriptionRow<'_>) -> Option<Arc<Subscription>> {
        let id = row.id?;
        let (api, major, plan) = (row.api?, u16::try_from(row.major?).ok()?, row.plan?);
        let state = State::parse(row.state?);
        let known = self.subscriptions.get(&id).and_then(Weak::upgrade);
        if let Some(known) = known.filter(|k| (k.api, k.major, k.plan, k.state) == (api, major, plan, state)) {
            return Some(known);
        }
        // Both ids in one piece of memory.
        let application = application.to_string();
        let both = Bytes::from(format!("{application}{id}").into_boxed_str().into_boxed_bytes());
        let (application, id_header) = (both.slice(..application.len()), both.slice(application.len()..));
        let subscription = Arc::new(Subscription {
            application: HeaderValue::from_maybe_shared(application).ok()?,
            api,
            major,
            plan,
            state,
            id: HeaderValue::from_maybe_shared(id_header).ok()?,
            counter: self.counters.of(Subject::Subscription(id)),
        });
        if self.subscriptions.len() == self.subscriptions.capacity() {
            self.subscriptions.retain(|_, known| known.strong_count() > 0);
        }
        self.subscriptions.insert(id, Arc::downgrade(&subscription));
        Some(subscription)
    }
}
