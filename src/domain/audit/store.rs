//! SQL of the audit trail.

use crate::base::error::Result;
use crate::base::id::{ApplicationId, AuditEventId, UserId};
use crate::domain::audit::model::{Actor, Event};
use crate::infra::db::Conn;
use time::OffsetDateTime;

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

/// The `earlier`-th but last time, counted from zero.
pub(super) async fn done_at(
    conn: &mut Conn,
    person: UserId,
    actions: &[String],
    earlier: i64,
) -> Result<Option<OffsetDateTime>> {
    let at = sqlx::query_scalar!(
        "select at from audit_events where actor_id = $1 and action = any($2) order by at desc offset $3 limit 1",
        person.0,
        actions,
        earlier,
    )
    .fetch_optional(conn)
    .await?;
    Ok(at)
}

/// An event that is none of the application's begins nowhere: nothing comes before it.
pub(super) async fn of_application(
    conn: &mut Conn,
    application: ApplicationId,
    before: Option<AuditEventId>,
    most: i64,
) -> Result<Vec<Event>> {
    let rows = sqlx::query!(
        r#"select id, at, actor_id, actor, action, subject, detail
           from audit_events
           where application_id = $1
             and ($2::uuid is null
                  or (at, id) < (select e.at, e.id from audit_events e where e.id = $2 and e.application_id = $1))
           order by at desc, id desc
           limit $3"#,
        application.0,
        before.map(|id| id.0),
        most,
    )
    .fetch_all(conn)
    .await?;
    let events = rows.into_iter().map(|row| Event {
        id: AuditEventId(row.id),
        at: row.at,
        actor: match (row.actor_id, row.actor) {
            (Some(id), email) => Actor::Member(UserId(id), email),
            (None, actor) if actor == COMMAND_LINE => Actor::CommandLine,
            (None, email) => Actor::Oneself(email),
        },
        action: row.action,
        application: Some(application),
        subject: row.subject,
        detail: row.detail,
    });
    Ok(events.collect())
}
