//! SQL of the audit trail.

use crate::base::error::Result;
use crate::domain::audit::model::{Actor, Event};
use crate::infra::db::Conn;

const COMMAND_LINE: &str = "command line";

pub(super) async fn insert(conn: &mut Conn, event: &Event) -> Result<()> {
    let (actor_id, actor) = match &event.actor {
        Actor::CommandLine => (None, COMMAND_LINE),
        Actor::Oneself(email) => (None, email.as_str()),
        Actor::Member(id, email) => (Some(id.0), email.as_str()),
    };
    sqlx::query!(
        "insert into audit_events (id, at, actor_id, actor, action, application_id, subject, detail)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        event.id.0,
        event.at,
        actor_id,
        actor,
        event.action,
        event.application.map(|a| a.0),
        event.subject,
        event.detail,
    )
    .execute(conn)
    .await?;
    Ok(())
}
