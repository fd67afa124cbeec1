//! The applications that a form offers which subscribes one, or generates a key for one.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::subscriptions::candidate_store as store;
use crate::domain::subscriptions::model::State;

/// How many are listed of those that are subscribed, and of the newest; the others are asked for by name.
pub const LISTED: i64 = 50;
/// Names are no longer.
const LONGEST: usize = 70;

/// An application of the member's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub id: ApplicationId,
    /// Its name.
    pub name: String,
    /// The state of its subscription to the version, if it has one.
    pub state: Option<State>,
}

/// Those that are offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Those with an active subscription first, then those with another one, each group by name.
    pub listed: Vec<Candidate>,
    /// Whether the member has more.
    pub has_more: bool,
}

/// Those for a major version; `chosen` is among them if it is the member's own.
pub async fn of_major(
    ctx: &Ctx,
    member: &Member,
    on: (ApiId, u16),
    chosen: Option<ApplicationId>,
) -> Result<Candidates> {
    let mut conn = ctx.conn().await?;
    let listed = store::listed(&mut conn, member, on, chosen, LISTED).await?;
    let has_more = store::has_more(&mut conn, member, i64::try_from(listed.len()).unwrap_or(i64::MAX)).await?;
    Ok(Candidates { listed, has_more })
}

/// The member's own application of this name, whatever the size of its letters.
pub async fn named(ctx: &Ctx, member: &Member, name: &str) -> Result<ApplicationId> {
    let name: String = name.trim().chars().take(LONGEST).collect();
    if name.is_empty() {
        return Err(Error::field("application_other", "Enter the name of the application."));
    }
    let found = store::named(&mut *ctx.conn().await?, member, &name).await?;
    found.ok_or_else(|| {
        let what = format!("You own no application named {name}. Its name is on the page Applications.");
        Error::field("application_other", &what)
    })
}
