//! Application Overview.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::applications::manage;
use crate::domain::subscriptions::model::Subscription;
use crate::domain::subscriptions::subscribe;
use crate::domain::usage::quotas::{self, Standing};
use crate::web::applications::frame::{self, Frame, Tab};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::subscriptions::chip::Chip;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::State;
use std::cmp::Reverse;
use time::OffsetDateTime;

/// Bars on the page at most, those that are fullest.
const BARS: usize = 10;
/// Share of a quota, in percent, from which its bar warns.
const WARNS: u64 = 80;

#[derive(Template)]
#[template(path = "applications/overview.html")]
struct Overview {
    shell: Shell,
    frame: Frame,
    token_type: String,
    status: String,
    status_tone: &'static str,
    shared_with: Vec<String>,
    created_at: OffsetDateTime,
    quotas: Vec<Bar>,
    subscriptions: Vec<Subscribed>,
    /// How many subscriptions there are beyond those.
    further: String,
}

/// How much of a quota is used.
struct Bar {
    api: String,
    left: String,
    percent: u64,
    tone: &'static str,
    resets: String,
    label: String,
}

/// A subscription in short.
struct Subscribed {
    api: String,
    url: String,
    plan: String,
    /// Its state; none for an active one, and for one whose plan shall not change.
    chip: Option<Chip>,
    created_at: OffsetDateTime,
}

/// Subscriptions on the page at most; Subscription Management has all.
const SUBSCRIPTIONS: usize = 5;

impl Bar {
    fn new(subscription: &Subscription, standing: &Standing, now: OffsetDateTime) -> Self {
        let all = standing.quota.count.max(1);
        let percent = standing.used.min(all).saturating_mul(100) / all;
        let api = format!("{} v{}", subscription.api_title, subscription.major);
        let resets = words::resets(now, standing.resets_at);
        Self {
            label: format!("{api}: {percent}% of the quota used"),
            left: words::quota_left(standing),
            tone: if percent >= WARNS { "is-warn" } else { "" },
            api,
            percent,
            resets,
        }
    }
}

impl From<&Subscription> for Subscribed {
    fn from(subscription: &Subscription) -> Self {
        Self {
            api: format!("{} v{}", subscription.api_title, subscription.major),
            url: urls::api(&subscription.api_name, subscription.major),
            plan: subscription.plan_title.clone(),
            chip: Some(Chip::from(subscription)).filter(|chip| chip.tone != "is-ok" || !chip.notes.is_empty()),
            created_at: subscription.created_at,
        }
    }
}

/// Its facts.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    let reached = manage::get(&state.ctx, &member, id).await?;
    let subscriptions = subscribe::of_application(&state.ctx, &member, id).await?;
    let standings = quotas::of_application(&state.ctx, &member, id).await?;
    let bar = |subscription: &Subscription| Some(Bar::new(subscription, standings.get(&subscription.id)?, shell.now));
    let mut quotas: Vec<Bar> = subscriptions.iter().filter_map(bar).collect();
    quotas.sort_by_key(|bar| Reverse(bar.percent));
    quotas.truncate(BARS);
    let (status, status_tone) = frame::status(&reached.application.status);
    let further = subscriptions.len().saturating_sub(SUBSCRIPTIONS);
    show(&Overview {
        shell,
        frame: Frame::new(&reached, Tab::Overview),
        token_type: reached.application.token_type,
        status,
        status_tone,
        shared_with: reached.application.shared_with,
        created_at: reached.application.created_at,
        quotas,
        subscriptions: subscriptions.iter().take(SUBSCRIPTIONS).map(Subscribed::from).collect(),
        further: if further > 0 {
            words::counted(i64::try_from(further).unwrap_or(i64::MAX), "more API")
        } else {
            String::new()
        },
    })
}
