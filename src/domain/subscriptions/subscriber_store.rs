//! SQL of who has subscribed to an API.

use crate::base::error::Result;
use crate::base::id::ApiId;
use crate::domain::subscriptions::model::State;
use crate::domain::subscriptions::subscribers::Subscriber;
use crate::infra::db::Conn;

/// How many subscriptions to a major match; an empty text matches all.
pub(super) async fn count(conn: &mut Conn, (api, major): (ApiId, u16), text: &str) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from subscriptions s
           join applications a on a.id = s.application_id
           join users u on u.id = a.owner_id
           where s.api_id = $1 and s.major = $2
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
    let rows = sqlx::query_as!(
        Subscriber,
        r#"select a.name as application, a.description, u.email as owner_email,
               a.direct_api_id is not null as "is_direct!", p.title as plan, s.state as "state: State", s.created_at
           from subscriptions s
           join applications a on a.id = s.application_id
           join users u on u.id = a.owner_id
           join plans p on p.id = s.plan_id
           where s.api_id = $1 and s.major = $2
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
    Ok(rows)
}
