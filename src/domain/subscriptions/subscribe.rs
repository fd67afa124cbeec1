//! Subscribing an application to an API, changing the plan, ending the subscription.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, ApplicationId, PlanId, SubscriptionId};
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::applications::model::Application;
use crate::domain::audit;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::subscriptions::model::Subscription;
use crate::domain::subscriptions::store;
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::json;

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
    let application = manage::create_in(&mut tx, ctx, member, &name, "").await?;
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
    let what = ("subscription.added", &*subscription.id.to_string());
    let detail = json!({ "api": version.api.name, "major": version.major, "plan": subscription.plan_name });
    audit::record(conn, ctx, &member.into(), what, Some(application.id), detail).await?;
    Ok(subscription)
}

/// Moves a subscription to another plan of its API.
pub async fn change_plan(ctx: &Ctx, member: &Member, id: SubscriptionId, plan: &str) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let subscription = changeable(&mut tx, member, id).await?;
    let plan_id = chosen_plan(&mut tx, subscription.api, Some(plan)).await?;
    store::set_plan(&mut tx, id, plan_id).await?;
    let detail = json!({ "from": subscription.plan_name, "to": plan });
    let what = ("subscription.plan_changed", &*id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(subscription.application), detail).await?;
    let subscription = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(subscription)
}

/// Ends a subscription. Its API keys and the application's tokens stop opening the API at once.
pub async fn remove(ctx: &Ctx, member: &Member, id: SubscriptionId) -> Result<Subscription> {
    let mut tx = ctx.db.begin().await?;
    let subscription = changeable(&mut tx, member, id).await?;
    store::delete(&mut tx, id).await?;
    let detail = json!({ "api": subscription.api_name, "major": subscription.major });
    let what = ("subscription.removed", &*id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(subscription.application), detail).await?;
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
    Ok(subscription)
}

async fn chosen_plan(conn: &mut Conn, api: ApiId, name: Option<&str>) -> Result<PlanId> {
    let name = name.filter(|n| !n.is_empty()).ok_or_else(|| Error::field("plan", "Choose a subscription policy."))?;
    store::plan_of_api(conn, api, name)
        .await?
        .ok_or_else(|| Error::field("plan", "This API does not offer that policy. Choose one from the list."))
}
