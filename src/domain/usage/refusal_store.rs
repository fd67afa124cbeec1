//! SQL of refused calls.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::refused_call::{self, Omitted};
use crate::base::tally::Credential;
use crate::domain::usage::refusals::RefusedCall;
use crate::infra::db::Conn;
use time::OffsetDateTime;
use uuid::Uuid;

/// Rows that one statement of the sweep removes.
const SWEPT: i64 = 10_000;

/// Those of applications that are gone by now are left out.
pub(super) async fn insert(conn: &mut Conn, calls: &[refused_call::RefusedCall]) -> Result<()> {
    let text = |of: fn(&refused_call::RefusedCall) -> String| calls.iter().map(of).collect::<Vec<String>>();
    let at: Vec<_> = calls.iter().map(|call| call.at).collect();
    let applications: Vec<_> = calls.iter().map(|call| call.application.0).collect();
    let apis: Vec<_> = calls.iter().map(|call| call.target.map_or(Uuid::nil(), |(api, _)| api.0)).collect();
    sqlx::query!(
        "insert into refusals
             (request_id, at, application_id, credential, environment, api_id, version, method, path, reason)
         select c.request_id, c.at, a.id, c.credential, c.environment,
             nullif(c.api_id, $11), nullif(c.version, ''), c.method, c.path, c.reason
         from unnest(
             $1::text[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[],
             $8::text[], $9::text[], $10::text[])
             as c (request_id, at, application_id, credential, environment, api_id, version, method, path, reason)
         join applications a on a.id = c.application_id",
        &text(|call| call.request_id.clone()),
        &at,
        &applications,
        &text(|call| match &call.credential {
            Credential::None => String::new(),
            Credential::ApiKey(id) | Credential::OldApiKey(id) => id.to_string(),
            Credential::Client(id) => id.to_string(),
        }),
        &text(|call| call.environment.as_str().to_owned()),
        &apis,
        &text(|call| call.target.map_or_else(String::new, |(_, version)| version.to_string())),
        &text(|call| call.method.clone()),
        &text(|call| call.path.clone()),
        &text(|call| call.reason.to_owned()),
        Uuid::nil(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// In the order of the key, so that two nodes do not lock one another out.
pub(super) async fn omit(conn: &mut Conn, omitted: &[Omitted]) -> Result<()> {
    let applications: Vec<_> = omitted.iter().map(|one| one.application.0).collect();
    let hours: Vec<_> = omitted.iter().map(|one| one.hour).collect();
    let calls: Vec<_> = omitted.iter().map(|one| i64::try_from(one.calls).unwrap_or(i64::MAX)).collect();
    sqlx::query!(
        "insert into omitted_refusals as o (application_id, hour, calls)
         select a.id, c.hour, c.calls
         from unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) as c (application_id, hour, calls)
         join applications a on a.id = c.application_id
         order by a.id, c.hour
         on conflict (application_id, hour) do update
         set calls = o.calls + excluded.calls",
        &applications,
        &hours,
        &calls,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The latest first.
pub(super) async fn of_application(
    conn: &mut Conn,
    id: ApplicationId,
    request_id: Option<&str>,
    most: i64,
) -> Result<Vec<RefusedCall>> {
    let calls = sqlx::query_as!(
        RefusedCall,
        r#"select r.request_id, r.at, r.environment, a.title as "api?", r.version, k.name as "key?", c.id as "client?",
               r.method, r.path, r.reason, s.reason as "given?"
           from refusals r
           left join apis a on a.id = r.api_id
           left join api_keys k on k.id::text = r.credential and k.application_id = r.application_id
           left join clients c on c.id = r.credential and c.application_id = r.application_id
           left join subscriptions s
               on s.application_id = r.application_id and s.api_id = r.api_id
               and s.major::text = split_part(r.version, '.', 1)
               and r.reason in ('subscription_rejected', 'subscription_blocked', 'subscription_blocked_in_production')
           where r.application_id = $1 and ($2::text is null or r.request_id = $2)
           order by r.at desc, r.id desc
           limit $3"#,
        id.0,
        request_id,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(calls)
}

/// How many were only counted, in the hours from `since` on.
pub(super) async fn omitted(conn: &mut Conn, id: ApplicationId, since: OffsetDateTime) -> Result<i64> {
    let calls = sqlx::query_scalar!(
        r#"select coalesce(sum(calls), 0)::bigint as "calls!" from omitted_refusals where application_id = $1 and hour > $2"#,
        id.0,
        since,
    )
    .fetch_one(conn)
    .await?;
    Ok(calls)
}

/// Removes what is older; in pieces, so that no statement holds many rows for long.
pub(super) async fn sweep(conn: &mut Conn, before: OffsetDateTime) -> Result<u64> {
    let mut removed =
        sqlx::query!("delete from omitted_refusals where hour < $1", before).execute(&mut *conn).await?.rows_affected();
    loop {
        let rows = sqlx::query!(
            "delete from refusals where id in (select id from refusals where at < $1 order by at limit $2)",
            before,
            SWEPT,
        )
        .execute(&mut *conn)
        .await?
        .rows_affected();
        removed += rows;
        if rows == 0 {
            return Ok(removed);
        }
    }
}
