//! Who did what, when: one event an act, written in the act's own transaction.

pub mod model;
mod store;

use crate::base::error::Result;
use crate::base::id::{ApplicationId, AuditEventId, UserId};
use crate::domain::Ctx;
use crate::domain::audit::model::{Actor, Event};
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// Writes an event. `action` is `noun.verb`, in the past; `subject` the id or name of what was acted on.
pub async fn record(
    conn: &mut Conn,
    ctx: &Ctx,
    actor: &Actor,
    (action, subject): (&str, &str),
    application: Option<ApplicationId>,
    detail: serde_json::Value,
) -> Result<()> {
    let at = ctx.clock.now();
    let event = Event {
        id: AuditEventId(ctx.random.uuid(at)),
        at,
        actor: actor.clone(),
        action: action.to_owned(),
        application,
        subject: subject.to_owned(),
        detail,
    };
    store::insert(conn, &event).await
}

/// When a person did one of `actions` for the last time but `earlier`; nothing if they did not do it as often. For limits
/// on how often something may be done.
pub async fn done_at(
    conn: &mut Conn,
    person: UserId,
    actions: &[&str],
    earlier: u32,
) -> Result<Option<OffsetDateTime>> {
    let actions: Vec<String> = actions.iter().map(|&action| action.to_owned()).collect();
    store::done_at(conn, person, &actions, earlier.into()).await
}

/// What was done to an application before an event, or before now; the latest first, at most so many.
pub async fn of_application(
    conn: &mut Conn,
    application: ApplicationId,
    before: Option<AuditEventId>,
    most: i64,
) -> Result<Vec<Event>> {
    store::of_application(conn, application, before, most).await
}
