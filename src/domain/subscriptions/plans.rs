//! Plans: what an API offers, and defining them.

use crate::base::error::Result;
use crate::base::id::{ApiId, PlanId};
use crate::domain::Ctx;
use crate::domain::subscriptions::model::{Approval, Plan, PlanState};
use crate::domain::subscriptions::plan_store as store;
use crate::infra::db::Conn;
use std::collections::BTreeMap;

/// The plans that an API offers for new subscriptions, in the manifest's order.
pub async fn of_api(ctx: &Ctx, api: ApiId) -> Result<Vec<Plan>> {
    store::of_api(&mut *ctx.conn().await?, api).await
}

/// The plan that an API lists first of those that count at once, if it has any.
pub async fn first_of_api(conn: &mut Conn, api: ApiId) -> Result<Option<Plan>> {
    Ok(store::of_api(conn, api).await?.into_iter().find(|plan| plan.approval == Approval::NotNeeded))
}

/// The same of several APIs at once; one that offers none is left out.
pub async fn of_apis(ctx: &Ctx, apis: &[ApiId]) -> Result<BTreeMap<ApiId, Vec<Plan>>> {
    store::of_apis(&mut *ctx.conn().await?, apis).await
}

/// Every plan with its state, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<(Plan, PlanState)>> {
    store::all(conn).await
}

/// Which plans each API offers: names of plans by name of API, in order. Retired plans are left out.
pub async fn offers(conn: &mut Conn) -> Result<BTreeMap<String, Vec<String>>> {
    store::offers(conn).await
}

/// Defines a plan, or changes the one of that name. Its subscriptions stay.
pub async fn define(conn: &mut Conn, ctx: &Ctx, plan: &Plan, state: PlanState) -> Result<()> {
    let now = ctx.clock.now();
    store::upsert(conn, (PlanId(ctx.random.uuid(now)), now), plan, state).await
}

/// Makes these the plans that an API offers. Subscriptions under a plan it no longer offers keep it.
pub async fn offer(conn: &mut Conn, api: ApiId, plans: &[String]) -> Result<()> {
    store::set_offer(conn, api, plans).await
}
