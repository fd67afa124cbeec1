//! Subscribing an application to an API, changing the plan, ending the subscription.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, ApplicationId, SubscriptionId};
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::applications::model::Application;
use crate::domain::audit;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::subscriptions::letters;
use crate::domain::subscriptions::model::{Approval, Change, ChangeState, State, Subscription};
use crate::domain::subscriptions::store::{self, ChosenPlan};
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::{Value, json};

/// One API to subscribe to: its name in URLs, its major version, and the name of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The API's name in URLs.
    pub api: String,
    /// The major version.
    pub major: u16,
    /// The plan's name.
    pub plan: String,
}

/// APIs that are added at once, at most.
pub const MOST_AT_ONCE: usize = 100;

/// Subscribes an application of the member's. Subscribing twice is an error that says so.
pub async fn add(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    (api, major): (&str, u16),
    plan: &str,
) -> Result<Subscription> {
    let wanted = Wanted { api: api.to_owned(), major, plan: plan.to_owned() };
    add_all(ctx, member, application, &[wanted]).await?.pop().ok_or(Error::NotFound)
}

/// The same for several APIs: all of them or none.
pub async fn add_all(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    wanted: &[Wanted],
) -> Result<Vec<Subscription>> {
    let mut tx = ctx.db.begin().await?;
    let application = manage::reach(&mut tx, member, application).await?.for_change()?;
    match wanted.len() {
        0 => return Err(Error::Conflict("Choose an API to add.".to_owned())),
        1..=MOST_AT_ONCE => {}
        _ => return Err(Error::Conflict(format!("Add {MOST_AT_ONCE} APIs at once at most."))),
    }
    let viewer = Viewer::Member(member.clone());
    let mut added = Vec::with_capacity(wanted.len());
    for Wanted { api, major, plan } in wanted {
        let version = browse::major(&mut tx, &viewer, api, *major).await?;
        if find(&mut tx, application.id, version.api.id, *major).await?.is_some() {
            let what = format!("{} is subscribed to {} v{major} already.", application.name, version.api.title);
            return Err(Error::Conflict(what));
        }
        added.push(ensure(&mut tx, ctx, member, (&application, &version), Some(plan)).await?);
    }
    tx.commit().await?;
    Ok(added)
}

/// Who shall subscribe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscriber {
    /// An application that is there.
    Existing(ApplicationId),
    /// One that is made on the way, by its name.
    New(String),
}

/// The same as [`add`], for an application that may have to be made: both happen, or neither.
pub async fn begin(
    ctx: &Ctx,
    member: &Member,
    subscriber: Subscriber,
    (api, major): (&str, u16),
    plan: &str,
) -> Result<Subscription> {
    let name = match subscriber {
        Subscriber::Existing(id) => return add(ctx, member, id, (api, major), plan).await,
        Subscriber::New(name) => name,
    };
    let mut tx = ctx.db.begin().await?;
    let version = browse::major(&mut tx, &Viewer::Member(member.clone()), api, major).await?;
    let application = manage::create_in(&mut tx, ctx, member, &name, "")
        .await
        .map_err(|error| error.renamed("name", "application_name"))?;
    let subscription = ensure(&mut tx, ctx, member, (&application, &version), Some(plan)).await?;
    tx.commit().await?;
    Ok(subscription)
}

/// The subscription of an application of the member's to a version the member sees: the one there is, or a new one
/// under `plan`.
pub async fn ensure(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (application, version): (&Application, &MajorVersion),
    plan: Option<&str>,
) -> Result<Subscription> {
    if let Some(there) = find(conn, application.id, version.api.id, version.major).await? {
        return Ok(there);
    }
    if !version.takes_subscriptions() {
        let what = format!("{} v{} is closed to new subscriptions.", version.api.title, version.major);
        return Err(Error::Conflict(what));
    }
    let plan = chosen_plan(conn, version.api.id, plan).await?;
    let now = ctx.clock.now();
    let id = SubscriptionId(ctx.random.uuid(now));
    store::insert(conn, (id, now), application.id, (version.api.id, version.major), plan)
        .await
        .on_constraint("subscriptions_once_key", || {
            Error::Conflict(format!("{} has just been subscribed to this API. Load the page again.", application.name))
        })?;
    let subscription = store::by_id(conn, id).await?.ok_or(Error::NotFound)?;
    let is_pending = subscription.state == State::Pending;
    let action = if is_pending { "subscription.requested" } else { "subscription.added" };
    record(conn, ctx, member, (action, &subscription), json!({ "plan": subscription.plan_name })).await?;
    if is_pending {
        letters::requested(conn, ctx, member, (&subscription, &subscription.plan_title)).await?;
    }
    Ok(subscription)
}

/// What became of a wish for another plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is in force.
    Now(Subscription),
    /// Somebody has to approve it first.
    Requested(Subscription),
}

/// Moves a subscription to another plan of its API. Where the plan needs approval this asks for it, and the plan there is
/// stays in force. A subscription that was rejected, or still waits, is asked for anew under the plan.
pub async fn change_plan(ctx: &Ctx, member: &Member, id: SubscriptionId, plan: &str) -> Result<Changed> {
    let mut tx = ctx.db.begin().await?;
    let before = changeable(&mut tx, member, id).await?;
    let chosen = chosen_plan(&mut tx, before.api, Some(plan)).await?;
    let (is_same, on) = (plan == before.plan_name, (id, ctx.clock.now()));
    let detail = json!({ "from": before.plan_name, "to": plan });
    let asked_for = |change: &Change| change.plan_name == plan && change.state == ChangeState::Requested;
    let action = match (before.state, chosen.approval) {
        (State::Blocked, _) => {
            let what = "Its publisher has blocked this subscription. Its plan can be changed once it is unblocked.";
            return Err(Error::Conflict(what.to_owned()));
        }
        // Sent twice: it waits already.
        (State::Pending, Approval::Needed) if is_same => return Ok(Changed::Requested(before)),
        (State::Pending | State::Rejected, approval) => {
            store::begin_anew(&mut tx, on, chosen).await?;
            if approval == Approval::Needed { "subscription.requested" } else { "subscription.added" }
        }
        (State::Active | State::ProductionBlocked, _) if is_same => {
            if before.change.is_none() {
                return Ok(Changed::Now(before));
            }
            store::drop_change(&mut tx, id).await?;
            "subscription.request_withdrawn"
        }
        (State::Active | State::ProductionBlocked, Approval::Needed) => {
            if before.change.as_ref().is_some_and(asked_for) {
                return Ok(Changed::Requested(before));
            }
            store::request_change(&mut tx, on, chosen.id).await?;
            "subscription.plan_requested"
        }
        (State::Active | State::ProductionBlocked, Approval::NotNeeded) => {
            store::set_plan(&mut tx, id, chosen.id).await?;
            "subscription.plan_changed"
        }
    };
    let subscription = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound)?;
    record(&mut tx, ctx, member, (action, &subscription), detail).await?;
    let asked = match &subscription.change {
        _ if subscription.state == State::Pending => Some(&subscription.plan_title),
        Some(Change { plan_title, state: ChangeState::Requested, .. }) => Some(plan_title),
        _ => None,
    };
    if let Some(plan) = asked {
        letters::requested(&mut tx, ctx, member, (&subscription, plan)).await?;
    }
    let is_asked = asked.is_some();
    tx.commit().await?;
    Ok(if is_asked { Changed::Requested(subscription) } else { Changed::Now(subscription) })
}

/// Takes back the wish for another plan, or what is told of its rejection.
pub async fn withdraw_change(ctx: &Ctx, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let before = changeable(&mut tx, member, id).await?;
    let Some(change) = &before.change else { return Ok(before) };
    store::drop_change(&mut tx, id).await?;
    let detail = json!({ "plan": change.plan_name });
    record(&mut tx, ctx, member, ("subscription.request_withdrawn", &before), detail).await?;
    let subscription = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(subscription)
}

/// Ends a subscription, or takes back the request for one. Its API keys and the application's tokens stop opening the API
/// at once. One that its publisher has blocked stays: subscribing again would lift the block.
pub async fn remove(ctx: &Ctx, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let subscription = changeable(&mut tx, member, id).await?;
    let action = match subscription.state {
        State::Blocked | State::ProductionBlocked => {
            let what = "Its publisher has blocked this subscription, so it cannot be removed. Ask them, or delete the application.";
            return Err(Error::Conflict(what.to_owned()));
        }
        State::Pending => "subscription.request_withdrawn",
        State::Active | State::Rejected => "subscription.removed",
    };
    store::delete(&mut tx, id).await?;
    record(&mut tx, ctx, member, (action, &subscription), json!({})).await?;
    tx.commit().await?;
    Ok(subscription)
}

/// One subscription of an application the member reaches.
pub async fn get(ctx: &Ctx, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    let mut conn = ctx.conn().await?;
    let subscription = store::by_id(&mut conn, id).await?.ok_or(Error::NotFound)?;
    manage::reach(&mut conn, member, subscription.application).await?;
    Ok(subscription)
}

/// The subscriptions of an application the member reaches, by API and major.
pub async fn of_application(ctx: &Ctx, member: &Member, application: ApplicationId) -> Result<Vec<Subscription>> {
    let mut conn = ctx.conn().await?;
    manage::reach(&mut conn, member, application).await?;
    store::of_application(&mut conn, application).await
}

/// The subscriptions to one API that the member's applications (own and shared) have, newest major first.
pub async fn of_member_for_api(ctx: &Ctx, member: &Member, api: ApiId) -> Result<Vec<Subscription>> {
    store::of_member_for_api(&mut *ctx.conn().await?, member, api).await
}

/// The applications of the member's own that are subscribed to a major version: id and name.
pub async fn own_for_major(ctx: &Ctx, member: &Member, on: (ApiId, u16)) -> Result<Vec<(ApplicationId, String)>> {
    store::own_for_major(&mut *ctx.conn().await?, member, on).await
}

/// The subscription of an application to a major version, if there is one.
pub async fn find(conn: &mut Conn, application: ApplicationId, api: ApiId, major: u16) -> Result<Option<Subscription>> {
    store::find(conn, application, api, major).await
}

async fn changeable(conn: &mut Conn, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    let subscription = store::by_id(conn, id).await?.ok_or(Error::NotFound)?;
    manage::reach(conn, member, subscription.application).await?.for_change()?;
    // Now that the member may know of it: as it is once nobody else decides about it any more.
    store::lock(conn, id).await?;
    store::by_id(conn, id).await?.ok_or(Error::NotFound)
}

/// Writes the event of an act: which API it was about, and more.
pub(super) async fn record(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (action, subscription): (&str, &Subscription),
    more: Value,
) -> Result<()> {
    let mut detail = json!({ "api": subscription.api_name, "major": subscription.major });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    let what = (action, &*subscription.id.to_string());
    audit::record(conn, ctx, &member.into(), what, Some(subscription.application), detail).await
}

async fn chosen_plan(conn: &mut Conn, api: ApiId, name: Option<&str>) -> Result<ChosenPlan> {
    let name = name.filter(|n| !n.is_empty()).ok_or_else(|| Error::field("plan", "Choose a subscription policy."))?;
    store::plan_of_api(conn, api, name)
        .await?
        .ok_or_else(|| Error::field("plan", "This API does not offer that policy. Choose one from the list."))
}
