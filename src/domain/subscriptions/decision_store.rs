//! SQL of what whoever looks after an API decides about subscriptions to it.

use crate::base::error::Result;
use crate::base::id::{ApplicationId, SubscriptionId};
use crate::base::text::Email;
use crate::domain::subscriptions::model::State;
use crate::infra::db::Conn;

/// Whom to write to about an application.
pub(super) struct Contact {
    pub(super) owner: Email,
    /// Whether it only stands behind credentials on an API, and has no pages.
    pub(super) is_direct: bool,
}

pub(super) async fn contact(conn: &mut Conn, application: ApplicationId) -> Result<Option<Contact>> {
    let row = sqlx::query!(
        r#"select u.email, a.direct_api_id is not null as "is_direct!"
           from applications a
           join users u on u.id = a.owner_id
           where a.id = $1"#,
        application.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| Some(Contact { owner: Email::parse(&row.email)?, is_direct: row.is_direct })))
}

/// What was asked for is in force: the subscription, or the change of its plan.
pub(super) async fn approve(conn: &mut Conn, id: SubscriptionId) -> Result<()> {
    sqlx::query!(
        "update subscriptions
         set state = case when state = 'pending' then 'active' else state end,
             plan_id = case when change_state = 'requested' then change_plan_id else plan_id end,
             change_plan_id = null, change_state = null, change_reason = '', requested_at = null
         where id = $1",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was asked for is not granted: the subscription, or the change of its plan.
pub(super) async fn reject(conn: &mut Conn, id: SubscriptionId, reason: &str) -> Result<()> {
    sqlx::query!(
        "update subscriptions
         set reason = case when state = 'pending' then $2 else reason end,
             state = case when state = 'pending' then 'rejected' else state end,
             change_reason = case when change_state = 'requested' then $2 else '' end,
             change_state = case when change_state = 'requested' then 'rejected' else change_state end,
             requested_at = null
         where id = $1",
        id.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stops calls, or lets them pass again.
pub(super) async fn set_state(conn: &mut Conn, id: SubscriptionId, (state, reason): (State, &str)) -> Result<()> {
    sqlx::query!("update subscriptions set state = $2, reason = $3 where id = $1", id.0, state.as_str(), reason)
        .execute(conn)
        .await?;
    Ok(())
}
