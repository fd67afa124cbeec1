//! The viewer's subscriptions to an API, as its page lists them.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::subscriptions::model::Subscription;
use crate::domain::subscriptions::subscribe;
use crate::domain::usage::quotas::{self, Standing};
use crate::web::subscriptions::chip::Chip;
use crate::web::{urls, words};
use time::OffsetDateTime;

/// One of them.
pub(super) struct Row {
    pub(super) application: String,
    pub(super) application_url: String,
    pub(super) major: u16,
    pub(super) chip: Chip,
    pub(super) plan: String,
    pub(super) created_at: OffsetDateTime,
    /// How much of its quota is used, if it has one.
    pub(super) quota: Option<Quota>,
}

/// A quota as a bar.
pub(super) struct Quota {
    /// In hundredths, for the bar.
    pub(super) used: u64,
    /// The bar's colour.
    pub(super) tone: &'static str,
    /// The same in words.
    pub(super) text: String,
    /// When the next period begins.
    pub(super) resets_at: OffsetDateTime,
}

impl Quota {
    fn new(standing: &Standing) -> Self {
        let used = standing.used.saturating_mul(100).checked_div(standing.quota.count).unwrap_or(100).min(100);
        let tone = if used >= 80 { "is-warn" } else { "" };
        Self { used, tone, text: words::quota_left(standing), resets_at: standing.resets_at }
    }
}

/// Those to any major of the API, the newest first.
pub(super) async fn of_member(ctx: &Ctx, member: &Member, version: &MajorVersion) -> Result<Vec<Row>> {
    let subscriptions = subscribe::of_member_for_api(ctx, member, version.api.id).await?;
    let standings = quotas::of_subscriptions(ctx, &subscriptions).await?;
    let row = |subscription: Subscription| Row {
        chip: Chip::from(&subscription),
        quota: standings.get(&subscription.id).map(Quota::new),
        application_url: urls::subscriptions(subscription.application),
        application: subscription.application_name,
        major: subscription.major,
        plan: subscription.plan_title,
        created_at: subscription.created_at,
    };
    Ok(subscriptions.into_iter().map(row).collect())
}
