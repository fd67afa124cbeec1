//! What was done to an application, for its owner.

use crate::base::error::{Error, Result};
use crate::base::id::{ApplicationId, AuditEventId};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::applications::model::{Access, Reached};
use crate::domain::audit;
use crate::domain::audit::model::Event;

/// Events of one page.
pub const SHOWN: usize = 50;

/// A page of the trail.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The application.
    pub reached: Reached,
    /// The latest first.
    pub events: Vec<Event>,
    /// The event after which the next page begins, if there is one.
    pub next: Option<AuditEventId>,
}

/// The trail of an application of the member's, from right before an event, or from now.
pub async fn trail(ctx: &Ctx, member: &Member, id: ApplicationId, before: Option<AuditEventId>) -> Result<Trail> {
    let mut conn = ctx.conn().await?;
    let reached = manage::reach(&mut conn, member, id).await?;
    if reached.access != Access::Owner {
        let what = format!("Only {} sees what was done to it.", reached.application.owner_email);
        return Err(Error::Forbidden(what));
    }
    let most = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
    let mut events = audit::of_application(&mut conn, id, before, most).await?;
    let more = events.len() > SHOWN;
    events.truncate(SHOWN);
    let next = events.last().map(|event| event.id).filter(|_| more);
    Ok(Trail { reached, events, next })
}
