//! Quotas: hands out calls to the processes of the gateway, and tells how much of a quota is used.

use crate::base::error::{Error, Result};
use crate::base::id::{ApplicationId, SubscriptionId};
use crate::base::policy::{Period, Quota};
use crate::base::quota::{Ask, Lease, Span, Unused};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::subscriptions::model::Subscription;
use crate::domain::usage::quota_store as store;
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How much of a subscription's quota is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The plan's quota.
    pub quota: Quota,
    /// Calls made in this period, with those that gateways have in hand at the moment.
    pub used: u64,
    /// When the next period begins.
    pub resets_at: OffsetDateTime,
}

impl Standing {
    /// Calls that are left.
    pub fn remaining(&self) -> u64 {
        self.quota.count.saturating_sub(self.used)
    }
}

/// How long a day that is over is kept.
const KEPT: Duration = Duration::days(2);

/// Hands out calls of a quota, at most as many as are left of it.
pub async fn lease(conn: &mut Conn, ask: &Ask) -> Result<Lease> {
    if let Some(lease) = store::lease(conn, ask).await? {
        return Ok(lease);
    }
    store::begin(conn, ask).await?;
    store::lease(conn, ask).await?.ok_or_else(|| Error::internal("a quota's period is gone while it runs"))
}

/// Takes back calls that were handed out and not made.
pub async fn give_back(conn: &mut Conn, unused: &[Unused]) -> Result<()> {
    store::give_back(conn, unused).await
}

/// Where the subscriptions of an application the member reaches stand with the quotas of their plans; those without a
/// quota are left out.
pub async fn of_application(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
) -> Result<BTreeMap<SubscriptionId, Standing>> {
    let mut conn = ctx.conn().await?;
    manage::reach(&mut conn, member, application).await?;
    let now = ctx.clock.now();
    let (day, month) = (Span::of(Period::Day, now), Span::of(Period::Month, now));
    let rows = store::of_application(&mut conn, application, (day.first, month.first)).await?;
    Ok(rows.into_iter().map(|row| standing(&row, now)).collect())
}

fn standing(row: &store::Row, now: OffsetDateTime) -> (SubscriptionId, Standing) {
    let quota = Quota { count: store::number(row.count), per: row.per };
    let resets_at = Span::of(row.per, now).end;
    (SubscriptionId(row.subscription), Standing { quota, used: store::number(row.used), resets_at })
}

/// Where these subscriptions stand with the quotas of their plans; those without a quota are left out. The caller has
/// found them for somebody who may see them.
pub async fn of_subscriptions(ctx: &Ctx, subscriptions: &[Subscription]) -> Result<BTreeMap<SubscriptionId, Standing>> {
    if subscriptions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = subscriptions.iter().map(|subscription| subscription.id.0).collect();
    let now = ctx.clock.now();
    let (day, month) = (Span::of(Period::Day, now), Span::of(Period::Month, now));
    let rows = store::of_subscriptions(&mut *ctx.conn().await?, &ids, (day.first, month.first)).await?;
    Ok(rows.into_iter().map(|row| standing(&row, now)).collect())
}

/// Removes periods that are over: days after two days, months with the next but one.
pub async fn sweep(ctx: &Ctx) -> Result<u64> {
    let yesterday = Span::of(Period::Day, ctx.clock.now() - KEPT);
    let last_month = Span::of(Period::Month, Span::of(Period::Month, ctx.clock.now()).start() - Duration::DAY);
    store::remove_before(&mut *ctx.conn().await?, yesterday.first, last_month.first).await
}
