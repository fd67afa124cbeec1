//! SQL of the first steps. It only reads.

use crate::base::error::Result;
use crate::base::id::{ApplicationId, UserId};
use crate::domain::usage::first_steps::{FirstSteps, Recent};
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// Applications that are looked at: whoever has more needs no first steps.
const NEWEST: i64 = 50;

pub(super) async fn find(conn: &mut Conn, user: UserId) -> Result<FirstSteps> {
    let row = sqlx::query!(
        r#"select u.first_steps_hidden_at is not null as "is_hidden!",
               a.id as "id?: ApplicationId", a.name as "name?", a.created_at as "created_at?",
               s.title as "title?", s.major as "major?", s.plan as "plan?",
               (exists (select from api_keys k join applications o on o.id = k.application_id where o.owner_id = u.id)
                or exists (select from clients c join applications o on o.id = c.application_id where o.owner_id = u.id))
                   as "has_credential!",
               exists (
                   select
                   from (select a.id from applications a where a.owner_id = u.id order by a.created_at desc limit $2) o
                   where exists (select from usage_minutes m where m.application_id = o.id)) as "has_called!"
           from users u
           left join lateral (
               select a.id, a.name, a.created_at from applications a
               where a.owner_id = u.id and a.direct_api_id is null
               order by a.created_at desc limit 1) a on true
           left join lateral (
               select i.title, s.major, p.title as plan
               from (select a.id from applications a where a.owner_id = u.id order by a.created_at desc limit $2) o
               join subscriptions s on s.application_id = o.id
               join apis i on i.id = s.api_id
               join plans p on p.id = s.plan_id
               order by s.created_at desc limit 1) s on true
           where u.id = $1"#,
        user.0,
        NEWEST,
    )
    .fetch_one(conn)
    .await?;
    let application = row.id.zip(row.name).zip(row.created_at).map(|((id, name), at)| (id, name, at));
    let major = row.major.and_then(|major| u16::try_from(major).ok());
    let subscription = row.title.zip(major).zip(row.plan).map(|((title, major), plan)| (title, major, plan));
    Ok(FirstSteps {
        application,
        subscription,
        has_credential: row.has_credential,
        has_called: row.has_called,
        is_hidden: row.is_hidden,
    })
}

pub(super) async fn recent(conn: &mut Conn, user: UserId, since: OffsetDateTime) -> Result<Vec<Recent>> {
    let rows = sqlx::query_as!(
        Recent,
        r#"select a.id, a.name,
               (select count(*) from subscriptions s where s.application_id = a.id) as "subscriptions!",
               (select coalesce(sum(m.requests), 0)::bigint from usage_minutes m
                    where m.application_id = a.id and m.minute >= $2) as "calls!"
           from applications a
           where a.owner_id = $1 and a.direct_api_id is null
           order by a.created_at desc
           limit 6"#,
        user.0,
        since,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
