//! What whoever looks after an API decides about subscriptions to it: approving, rejecting, blocking, unblocking.

use crate::base::error::{Error, Result};
use crate::base::id::SubscriptionId;
use crate::base::text;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::catalog::oversight;
use crate::domain::mail::model::Decision;
use crate::domain::subscriptions::model::{ChangeState, State, Subscription};
use crate::domain::subscriptions::subscribe::record;
use crate::domain::subscriptions::{decision_store, letters, store};
use crate::infra::db::Conn;
use serde_json::json;

/// Characters of a reason, at most.
pub const LONGEST_REASON: usize = 500;

/// Which calls a block stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Those of production.
    Production,
    /// All.
    All,
}

impl Extent {
    /// As in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::All => "all",
        }
    }

    /// From a form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Production, Self::All].into_iter().find(|extent| extent.as_str() == text)
    }
}

/// What waits for a decision about a subscription: the plan that was asked for, with its name and its title.
pub fn requested(subscription: &Subscription) -> Option<(&str, &str)> {
    if subscription.state == State::Pending {
        return Some((&subscription.plan_name, &subscription.plan_title));
    }
    let change = subscription.change.as_ref().filter(|change| change.state == ChangeState::Requested)?;
    Some((&change.plan_name, &change.plan_title))
}

/// A subscription to an API that the member looks after; not found for everybody else.
pub async fn get(ctx: &Ctx, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    overseen(&mut *ctx.conn().await?, member, id).await
}

/// Approves what was asked for, as long as that is the plan of this name.
pub async fn approve(ctx: &Ctx, member: &Member, id: SubscriptionId, plan: &str) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let before = for_decision(&mut tx, member, id).await?;
    let (name, title) = waiting(&before, plan)?;
    decision_store::approve(&mut tx, id).await?;
    let action = if before.state == State::Pending { "subscription.approved" } else { "subscription.plan_approved" };
    record(&mut tx, ctx, member, (action, &before), json!({ "plan": name })).await?;
    letters::decided(&mut tx, ctx, member, (&before, title), (Decision::Approved, "")).await?;
    let subscription = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(subscription)
}

/// Rejects the same. A plan that is in force stays so.
pub async fn reject(
    ctx: &Ctx,
    member: &Member,
    id: SubscriptionId,
    (plan, reason): (&str, &str),
) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let before = for_decision(&mut tx, member, id).await?;
    let reason = parsed(reason)?;
    let (name, title) = waiting(&before, plan)?;
    decision_store::reject(&mut tx, id, &reason).await?;
    let action = if before.state == State::Pending { "subscription.rejected" } else { "subscription.plan_rejected" };
    record(&mut tx, ctx, member, (action, &before), json!({ "plan": name, "reason": reason })).await?;
    letters::decided(&mut tx, ctx, member, (&before, title), (Decision::Rejected, &reason)).await?;
    let subscription = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(subscription)
}

/// Stops calls under a subscription, or changes what is stopped and why.
pub async fn block(
    ctx: &Ctx,
    member: &Member,
    id: SubscriptionId,
    (extent, reason): (Extent, &str),
) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let before = for_decision(&mut tx, member, id).await?;
    let reason = parsed(reason)?;
    if matches!(before.state, State::Pending | State::Rejected) {
        let what = "Nothing can be called under it yet, so there is nothing to block.";
        return Err(Error::Conflict(what.to_owned()));
    }
    let (state, decision) = match extent {
        Extent::All => (State::Blocked, Decision::Blocked),
        Extent::Production => (State::ProductionBlocked, Decision::BlockedInProduction),
    };
    if (before.state, &before.reason) == (state, &reason) {
        return Ok(before);
    }
    decision_store::set_state(&mut tx, id, (state, &reason)).await?;
    let detail = json!({ "calls": extent.as_str(), "reason": reason });
    record(&mut tx, ctx, member, ("subscription.blocked", &before), detail).await?;
    letters::decided(&mut tx, ctx, member, (&before, &before.plan_title), (decision, &reason)).await?;
    let subscription = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(subscription)
}

/// Lets calls pass again.
pub async fn unblock(ctx: &Ctx, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let before = for_decision(&mut tx, member, id).await?;
    if !before.state.is_blocked() {
        return Ok(before);
    }
    decision_store::set_state(&mut tx, id, (State::Active, "")).await?;
    record(&mut tx, ctx, member, ("subscription.unblocked", &before), json!({})).await?;
    letters::decided(&mut tx, ctx, member, (&before, &before.plan_title), (Decision::Unblocked, "")).await?;
    let subscription = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(subscription)
}

fn parsed(reason: &str) -> Result<String> {
    text::prose("reason", "the reason", reason, LONGEST_REASON).map_err(|error| Error::Invalid(vec![error]))
}

async fn overseen(conn: &mut Conn, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    let subscription = store::by_id(conn, id).await?.ok_or(Error::NotFound)?;
    oversight::version(conn, member, &subscription.api_name, subscription.major).await?;
    Ok(subscription)
}

async fn for_decision(conn: &mut Conn, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    overseen(conn, member, id).await?;
    // As it is once nobody else changes it any more.
    store::lock(conn, id).await?;
    store::by_id(conn, id).await?.ok_or(Error::NotFound)
}

/// The plan that waits. It may have changed since the page was read, and then nobody has decided about that one.
fn waiting<'a>(subscription: &'a Subscription, plan: &str) -> Result<(&'a str, &'a str)> {
    requested(subscription).filter(|(name, _)| *name == plan).ok_or_else(|| {
        Error::Conflict("This request was decided, changed or withdrawn meanwhile. Nothing was done.".to_owned())
    })
}
