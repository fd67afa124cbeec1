//! What a plan, an API or an operation allows, ready for use.

use crate::base::id::ApiId;
use crate::base::policy::{self, Period};
use crate::base::quota::Subject;
use crate::gateway::limits::counters::{Counter, Counters};
use crate::gateway::limits::rate::Rate;
use crate::gateway::limits::standing::Label;
use crate::gateway::limits::take::Limited;
use crate::gateway::refusal::Refusal;
use std::sync::Arc;
use std::time::Duration;

/// Characters of an operation's name in headers.
const LONGEST_NAME: usize = 120;

/// A rate, and apart from it a quota; one of them at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Allowance {
    /// Whose they are.
    pub(super) holder: Holder,
    /// How fast.
    pub(super) rate: Option<Rate>,
    /// How many in all.
    pub(super) quota: Option<Quota>,
}

/// Who is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Holder {
    /// A subscription, by its plan.
    Subscription,
    /// All callers of an API together.
    Api,
    /// All callers of an operation together.
    Operation,
}

/// What all callers of an API or of an operation share.
pub(in crate::gateway) struct CommonLimit {
    /// What is allowed.
    pub(super) allowance: Allowance,
    /// What has been called.
    pub(super) counter: Arc<Counter>,
}

/// So many calls in a calendar day or month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Quota {
    /// How many.
    pub(super) count: u64,
    /// In what.
    pub(super) per: Period,
    /// What callers know it by.
    pub(super) label: Label,
}

impl Allowance {
    /// What callers know as `name`; nothing where nothing is limited.
    pub(in crate::gateway) fn new(holder: Holder, name: &str, limit: &policy::Limit) -> Option<Self> {
        let rate = limit.rate.and_then(|rate| {
            let unit = Duration::from_secs(rate.per.seconds());
            Rate::new(name, rate.count.into(), unit, rate.burst.into())
        });
        let quota = limit.quota.and_then(|quota| Quota::new(name, quota));
        (rate.is_some() || quota.is_some()).then_some(Self { holder, rate, quota })
    }

    /// Why a call is refused that the rate does not let through.
    pub(super) const fn too_fast(&self) -> Refusal {
        match self.holder {
            Holder::Subscription => Refusal::RateExceeded,
            Holder::Api => Refusal::ApiLimitExceeded,
            Holder::Operation => Refusal::OperationLimitExceeded,
        }
    }

    /// Why a call is refused when the quota is used up.
    pub(super) const fn too_many(&self) -> Refusal {
        match self.holder {
            Holder::Subscription => Refusal::QuotaExceeded,
            Holder::Api => Refusal::ApiLimitExceeded,
            Holder::Operation => Refusal::OperationLimitExceeded,
        }
    }
}

impl CommonLimit {
    /// Of an API; nothing where it has none.
    pub(in crate::gateway) fn of_api(api: ApiId, limit: &policy::Limit, counters: &Counters) -> Option<Self> {
        let allowance = Allowance::new(Holder::Api, "api", limit)?;
        Some(Self { allowance, counter: counters.of(Subject::Api(api)) })
    }

    /// Of an operation; nothing where it has none.
    pub(in crate::gateway) fn of_operation(
        api: ApiId,
        operation: &policy::OperationLimit,
        counters: &Counters,
    ) -> Option<Self> {
        let name = format!("{} {}", operation.method, operation.path);
        // Headers have to stay short.
        let shown: String = name.chars().take(LONGEST_NAME).collect();
        let allowance = Allowance::new(Holder::Operation, &shown, &operation.limit)?;
        Some(Self { allowance, counter: counters.of(Subject::Operation(api, name.into())) })
    }

    /// As it applies to a call.
    pub(in crate::gateway) fn limited(&self) -> Limited<'_, '_> {
        Limited { allowance: &self.allowance, counter: &self.counter }
    }
}

impl Quota {
    fn new(name: &str, quota: policy::Quota) -> Option<Self> {
        let window = match quota.per {
            Period::Day => Some(Duration::from_hours(24)),
            Period::Month => None,
        };
        let label = Label::new(&format!("{name}-{}", quota.per.as_str()), quota.count, window)?;
        Some(Self { count: quota.count, per: quota.per, label })
    }
}
