//! SQL of who has subscribed to an API.

use crate::base::error::Result;
use crate::base::id::{ApiId, SubscriptionId};
use crate::domain::subscriptions::model::{Change, ChangeState, State};
use crate::domain::subscriptions::subscribers::Subscriber;
use crate::infra::db::Conn;

/// How many subscriptions to a major match; an empty text matches all.
pub(super) async fn count(conn: &mut Conn, (api, major): (ApiId, u16), text: &str) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from subscriptions s
           join applications a on a.id = s.application_id
           join users u on u.id = a.owner_id
           where s.api_id = $1 and s.major = $2 and s.state <> 'pending'
             and ($3 = '' or strpos(lower(a.name), lower($3)) > 0 or strpos(u.email, lower($3)) > 0)"#,
        api.0,
        i32::from(major),
        text,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// A page of them, the latest first.
pub(super) async fn page(
    conn: &mut Conn,
    (api, major): (ApiId, u16),
    text: &str,
    (limit, offset): (i64, i64),
) -> Result<Vec<Subscriber>> {
    let rows = sqlx::query!(
        r#"select s.id as "id: SubscriptionId", a.name as application, a.description, u.email as owner_email,
               a.direct_api_id is not null as "is_direct!", p.title as plan, s.state as "state: State", s.reason,
               c.name as "change_name?", c.title as "change_title?", s.change_state as "change_state: ChangeState",
               s.change_reason, s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join users u on u.id = a.owner_id
           join plans p on p.id = s.plan_id
           left join plans c on c.id = s.change_plan_id
           where s.api_id = $1 and s.major = $2 and s.state <> 'pending'
             and ($3 = '' or strpos(lower(a.name), lower($3)) > 0 or strpos(u.email, lower($3)) > 0)
           order by s.created_at desc, s.id desc
           limit $4 offset $5"#,
        api.0,
        i32::from(major),
        text,
        limit,
        offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let change = row.change_name.zip(row.change_title).zip(row.change_state);
            let reason = row.change_reason;
            Subscriber {
                id: row.id,
                application: row.application,
                description: row.description,
                owner_email: row.owner_email,
                is_direct: row.is_direct,
                plan: row.plan,
                state: row.state,
                reason: row.reason,
                change: change.map(|((plan_name, plan_title), state)| Change { plan_name, plan_title, state, reason }),
                created_at: row.created_at,
            }
        })
        .collect())
}
