//! What waits for a decision of whoever looks after APIs.

use crate::base::error::Result;
use crate::base::id::SubscriptionId;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::catalog::oversight;
use crate::domain::subscriptions::approval_store as store;
use time::OffsetDateTime;

/// Rows of a page.
pub const PAGE: i64 = 50;
/// Pages that can be asked for: an offset costs what it skips.
const MOST_PAGES: i64 = 10_000;
/// Beyond this nobody counts.
pub const MOST_COUNTED: i64 = 100;

/// A subscription that is asked for, or another plan for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The subscription.
    pub id: SubscriptionId,
    /// The application's name.
    pub application: String,
    /// What it is; may be empty.
    pub description: String,
    /// Whether it only stands behind credentials on an API, for testing.
    pub is_direct: bool,
    /// Whose it is.
    pub owner_email: String,
    /// The API's name in URLs.
    pub api: String,
    /// Its name for people.
    pub title: String,
    /// The major version.
    pub major: u16,
    /// The name of the plan that is asked for.
    pub plan_name: String,
    /// The same for people.
    pub plan: String,
    /// The plan in force, for people; none: there is no subscription yet.
    pub instead_of: Option<String>,
    /// Since when.
    pub requested_at: OffsetDateTime,
}

/// A page of them.
#[derive(Clone, Debug)]
pub struct Requests {
    /// The oldest first.
    pub rows: Vec<Request>,
    /// How many there are.
    pub total: i64,
    /// Which page it is, from 1 on.
    pub page: i64,
}

/// Whether somebody has decisions to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// They look after nothing.
    None,
    /// They look after APIs, and so much waits for them; at most [`MOST_COUNTED`].
    Decides(i64),
}

/// What waits for the member over all of their APIs.
pub async fn list(ctx: &Ctx, member: &Member, page: i64) -> Result<Requests> {
    let mut conn = ctx.conn().await?;
    let total = store::count(&mut conn, member, i64::MAX).await?;
    let page = page.clamp(1, MOST_PAGES.min((total + PAGE - 1) / PAGE).max(1));
    let rows = store::page(&mut conn, member, (PAGE, (page - 1) * PAGE)).await?;
    Ok(Requests { rows, total, page })
}

/// What the member has to decide, for every page's menu.
pub async fn duty(ctx: &Ctx, member: &Member) -> Result<Duty> {
    let mut conn = ctx.conn().await?;
    if !oversight::oversees_all(member) && !oversight::owns_any(&mut conn, member).await? {
        return Ok(Duty::None);
    }
    Ok(Duty::Decides(store::count(&mut conn, member, MOST_COUNTED).await?))
}
