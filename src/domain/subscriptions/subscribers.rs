//! Who has subscribed to an API, and who asks to, for whoever looks after it.

use crate::base::error::Result;
use crate::base::id::SubscriptionId;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::catalog::oversight::{self, Overseen};
use crate::domain::subscriptions::approvals::{self, Request};
use crate::domain::subscriptions::model::{Change, State};
use crate::domain::subscriptions::{approval_store, subscriber_store as store};
use time::OffsetDateTime;

/// Rows of a page.
pub const PAGE: i64 = 50;
/// Pages that can be asked for: an offset costs what it skips.
const MOST_PAGES: i64 = 10_000;
/// Characters of a search that count.
const LONGEST_SEARCH: usize = 100;

/// An application that is subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The subscription.
    pub id: SubscriptionId,
    /// The application's name.
    pub application: String,
    /// What it is; may be empty.
    pub description: String,
    /// Whom to write to about it.
    pub owner_email: String,
    /// Whether it only stands behind credentials that somebody generated on the API itself, for testing.
    pub is_direct: bool,
    /// The plan, for people.
    pub plan: String,
    /// Whether its calls pass.
    pub state: State,
    /// Why not, as whoever decided says; may be empty.
    pub reason: String,
    /// A plan that was asked for instead.
    pub change: Option<Change>,
    /// Since when.
    pub created_at: OffsetDateTime,
}

/// A page of them.
#[derive(Clone, Debug)]
pub struct Subscribers {
    /// The version, which the member looks after.
    pub of: Overseen,
    /// What waits for a decision: the oldest first, [`approvals::PAGE`] at most.
    pub requests: Vec<Request>,
    /// Whatever does not wait to begin: the latest first.
    pub rows: Vec<Subscriber>,
    /// How many there are that match.
    pub total: i64,
    /// Which page it is, from 1 on.
    pub page: i64,
}

/// Those whose name or owner holds the text, the latest first. Not found for whoever does not look after the API.
pub async fn of_version(
    ctx: &Ctx,
    member: &Member,
    (api, major): (&str, u16),
    text: &str,
    page: i64,
) -> Result<Subscribers> {
    let mut conn = ctx.conn().await?;
    let of = oversight::version(&mut conn, member, api, major).await?;
    let text: String = text.trim().chars().take(LONGEST_SEARCH).collect();
    let on = (of.version().api.id, major);
    let total = store::count(&mut conn, on, &text).await?;
    let page = page.clamp(1, MOST_PAGES.min((total + PAGE - 1) / PAGE).max(1));
    let rows = store::page(&mut conn, on, &text, (PAGE, (page - 1) * PAGE)).await?;
    let requests = approval_store::of_version(&mut conn, on, approvals::PAGE).await?;
    Ok(Subscribers { of, requests, rows, total, page })
}
