//! Who did what, when: one event an act, written in the act's own transaction.

pub mod model;
mod store;

use crate::base::error::Result;
use crate::base::id::{ApplicationId, AuditEventId};
use crate::domain::Ctx;
use crate::domain::audit::model::{Actor, Event};
use crate::infra::db::Conn;

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
