//! SQL of a member's refused calls, whichever application they were of.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Member;
use crate::domain::usage::refusals::{FoundCall, RefusedCall};
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// Applications whose latest calls are looked through; whoever has more looks at each one's own page.
const APPLICATIONS: i64 = 200;

struct Row {
    request_id: String,
    at: OffsetDateTime,
    environment: String,
    api: Option<String>,
    api_name: Option<String>,
    version: Option<String>,
    key: Option<String>,
    client: Option<String>,
    method: String,
    path: String,
    reason: String,
    given: Option<String>,
    application_id: ApplicationId,
    application_name: String,
    is_direct: bool,
}

impl From<Row> for FoundCall {
    fn from(row: Row) -> Self {
        Self {
            call: RefusedCall {
                request_id: row.request_id,
                at: row.at,
                environment: row.environment,
                api: row.api,
                version: row.version,
                key: row.key,
                client: row.client,
                method: row.method,
                path: row.path,
                reason: row.reason,
                given: row.given,
            },
            application: row.application_id,
            application_name: row.application_name,
            is_direct: row.is_direct,
            api_name: row.api_name,
        }
    }
}

/// Those with this request id, the latest first.
pub(super) async fn find(conn: &mut Conn, member: &Member, request_id: &str, most: i64) -> Result<Vec<FoundCall>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select r.request_id, r.at, r.environment, i.title as "api?", i.name as "api_name?", r.version,
               k.name as "key?", c.id as "client?", r.method, r.path, r.reason,
               s.reason as "given?",
               a.id as "application_id: ApplicationId", a.name as application_name,
               a.direct_api_id is not null as "is_direct!"
           from refusals r
           join applications a on a.id = r.application_id
           left join apis i on i.id = r.api_id
           left join api_keys k on k.id::text = r.credential and k.application_id = r.application_id
           left join clients c on c.id = r.credential and c.application_id = r.application_id
           left join subscriptions s
               on s.application_id = r.application_id and s.api_id = r.api_id
               and s.major::text = split_part(r.version, '.', 1)
               and r.reason in ('subscription_rejected', 'subscription_blocked', 'subscription_blocked_in_production')
           where r.request_id = $1
             and (a.owner_id = $2
                  or (a.direct_api_id is null
                      and exists (select from application_shares h where h.application_id = a.id and h.email = $3)))
           order by r.at desc, r.id desc
           limit $4"#,
        request_id,
        member.id.0,
        member.email.as_str(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The latest. Each application gives its own latest by an index, and the latest of those are kept.
pub(super) async fn latest(conn: &mut Conn, member: &Member, most: i64) -> Result<Vec<FoundCall>> {
    let rows = sqlx::query_as!(
        Row,
        r#"with mine as (
             select id from applications where owner_id = $1
             union
             select h.application_id
             from application_shares h join applications s on s.id = h.application_id
             where h.email = $2 and s.direct_api_id is null
             limit $3
           ), picked as (
             select l.*
             from mine m
             cross join lateral (
                 select * from refusals r where r.application_id = m.id order by r.at desc, r.id desc limit $4) l
             order by l.at desc, l.id desc
             limit $4
           )
           select r.request_id, r.at, r.environment, i.title as "api?", i.name as "api_name?", r.version,
               k.name as "key?", c.id as "client?", r.method, r.path, r.reason,
               s.reason as "given?",
               a.id as "application_id: ApplicationId", a.name as application_name,
               a.direct_api_id is not null as "is_direct!"
           from picked r
           join applications a on a.id = r.application_id
           left join apis i on i.id = r.api_id
           left join api_keys k on k.id::text = r.credential and k.application_id = r.application_id
           left join clients c on c.id = r.credential and c.application_id = r.application_id
           left join subscriptions s
               on s.application_id = r.application_id and s.api_id = r.api_id
               and s.major::text = split_part(r.version, '.', 1)
               and r.reason in ('subscription_rejected', 'subscription_blocked', 'subscription_blocked_in_production')
           order by r.at desc, r.id desc"#,
        member.id.0,
        member.email.as_str(),
        APPLICATIONS,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
