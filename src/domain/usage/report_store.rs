//! SQL of the usage of an application. It reads hours, so that a month is a few hundred rows for each thing that was called.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::latency::Latency;
use crate::domain::usage::report::{Asked, Choice, ChoiceKind, Line, Named, Of, Part};
use crate::domain::usage::sums::{Point, Refused, Sums, interval, number};
use crate::domain::usage::window::Stretch;
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Hours and days with a call in them.
pub(super) async fn counted(
    conn: &mut Conn,
    application: ApplicationId,
    asked: &Asked,
    stretch: Stretch,
) -> Result<BTreeMap<OffsetDateTime, Point>> {
    let rows = sqlx::query!(
        r#"with picked as (
             select date_bin($4, hour, $2) as at, status_class, requests, latency
             from usage_hours
             where application_id = $1 and hour >= $2 and hour < $3 and ($5::uuid is null or api_id = $5)
               and ($6::text is null or environment = $6) and ($7::text is null or credential = $7)
           ), counted as (
             select at, sum(requests)::bigint as requests,
                 sum(requests) filter (where status_class = 4)::bigint as client_errors,
                 sum(requests) filter (where status_class = 5)::bigint as server_errors
             from picked
             group by at
           ), timed as (
             select at, array_agg(256 * calls + bucket) as latency
             from (
               select p.at, e & 255 as bucket, sum(e >> 8)::bigint as calls
               from picked p, unnest(p.latency) as e
               group by p.at, bucket
             ) s
             group by at
           )
           select c.at as "at!", c.requests as "requests!", c.client_errors, c.server_errors, t.latency as "latency?"
           from counted c
           left join timed t using (at)"#,
        application.0,
        stretch.from,
        stretch.until,
        interval(stretch),
        asked.api.map(|api| api.0),
        asked.environment.map(Environment::as_str),
        asked.credential.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    let points = rows.into_iter().map(|row| {
        let sums = Sums::from_columns(row.requests, row.client_errors, row.server_errors);
        let latency = Latency::from_column(&row.latency.unwrap_or_default());
        (row.at, Point { at: row.at, sums, latency })
    });
    Ok(points.collect())
}

/// All calls together.
pub(super) async fn sums(conn: &mut Conn, application: ApplicationId, asked: &Asked, stretch: Stretch) -> Result<Sums> {
    let row = sqlx::query!(
        r#"select coalesce(sum(requests), 0)::bigint as "requests!",
               sum(requests) filter (where status_class = 4)::bigint as client_errors,
               sum(requests) filter (where status_class = 5)::bigint as server_errors
           from usage_hours
           where application_id = $1 and hour >= $2 and hour < $3 and ($4::uuid is null or api_id = $4)
             and ($5::text is null or environment = $5) and ($6::text is null or credential = $6)"#,
        application.0,
        stretch.from,
        stretch.until,
        asked.api.map(|api| api.0),
        asked.environment.map(Environment::as_str),
        asked.credential.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Sums::from_columns(row.requests, row.client_errors, row.server_errors))
}

/// The busiest APIs, credentials and operations: one pass over the hours.
pub(super) async fn parts(
    conn: &mut Conn,
    application: ApplicationId,
    asked: &Asked,
    stretch: Stretch,
    most: i64,
) -> Result<Vec<Part>> {
    let rows = sqlx::query!(
        r#"with grouped as (
             select grouping(u.credential, u.operation) as kind, u.api_id, split_part(u.version, '.', 1) as major,
                 u.credential, u.environment, u.operation, sum(u.requests)::bigint as requests,
                 sum(u.requests) filter (where u.status_class = 4)::bigint as client_errors,
                 sum(u.requests) filter (where u.status_class = 5)::bigint as server_errors
             from usage_hours u
             where u.application_id = $1 and u.hour >= $2 and u.hour < $3 and ($4::uuid is null or u.api_id = $4)
               and ($5::text is null or u.environment = $5) and ($6::text is null or u.credential = $6)
             group by grouping sets (
                 (u.api_id, split_part(u.version, '.', 1)),
                 (u.credential, u.environment),
                 (u.api_id, split_part(u.version, '.', 1), u.operation))
           ), ranked as (
             select g.*, row_number() over (partition by g.kind order by g.requests desc, g.api_id, g.major,
                 g.operation, g.credential) as place
             from grouped g
           )
           select r.kind as "kind!", r.major as "major?", r.environment as "environment?: Environment",
               r.operation as "operation?", r.requests as "requests!", r.client_errors as "client_errors?",
               r.server_errors as "server_errors?", a.title as "title?", k.name as "key?", c.id as "client?"
           from ranked r
           left join apis a on a.id = r.api_id
           left join api_keys k on k.id::text = r.credential and k.application_id = $1
           left join clients c on c.id = r.credential and c.application_id = $1
           where r.place <= $7
           order by r.kind, r.place"#,
        application.0,
        stretch.from,
        stretch.until,
        asked.api.map(|api| api.0),
        asked.environment.map(Environment::as_str),
        asked.credential.as_deref(),
        most,
    )
    .fetch_all(conn)
    .await?;
    let parts = rows.into_iter().map(|row| {
        let sums = Sums::from_columns(row.requests, row.client_errors, row.server_errors);
        let major = row.major.unwrap_or_default();
        // A bit for each of the two columns that the set left out.
        let of = match (row.kind, row.environment) {
            (1, Some(environment)) => Of::Credential(match (row.key, row.client) {
                (Some(name), _) => Named::Key(name, environment),
                (None, Some(_)) => Named::Tokens(environment),
                (None, None) => Named::Gone(environment),
            }),
            (2, _) => Of::Operation { title: row.title, major, name: row.operation.unwrap_or_default() },
            _ => Of::Api { title: row.title, major },
        };
        Part { of, sums }
    });
    Ok(parts.collect())
}

/// Refused calls that are kept one by one, by reason.
pub(super) async fn refused(
    conn: &mut Conn,
    application: ApplicationId,
    asked: &Asked,
    stretch: Stretch,
) -> Result<Vec<Refused>> {
    let rows = sqlx::query!(
        r#"select reason, count(*) as "calls!"
           from refusals
           where application_id = $1 and at >= $2 and at < $3 and ($4::uuid is null or api_id = $4)
             and ($5::text is null or environment = $5) and ($6::text is null or credential = $6)
           group by reason
           order by count(*) desc, reason
           limit 10"#,
        application.0,
        stretch.from,
        stretch.until,
        asked.api.map(|api| api.0),
        asked.environment.map(Environment::as_str),
        asked.credential.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Refused { reason: row.reason, calls: number(row.calls) }).collect())
}

/// The APIs that the application is subscribed to, and its credentials.
pub(super) async fn choices(conn: &mut Conn, application: ApplicationId) -> Result<Vec<Choice>> {
    let choices = sqlx::query_as!(
        Choice,
        r#"select kind as "kind!: ChoiceKind", value as "value!", label as "label!"
           from (
             select 'api' as kind, a.id::text as value, a.title as label
             from apis a
             where exists (select from subscriptions s where s.application_id = $1 and s.api_id = a.id)
             union all
             select 'credential', k.id::text, k.name || ' (' || a.title || ', ' || k.environment || ')'
             from api_keys k join apis a on a.id = k.api_id
             where k.application_id = $1
             union all
             select 'credential', c.id, 'Access tokens (' || c.environment || ')'
             from clients c
             where c.application_id = $1
           ) c
           order by kind, lower(label), value
           limit 1000"#,
        application.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(choices)
}

/// Rows for a file, the latest first.
pub(super) async fn lines(
    conn: &mut Conn,
    application: ApplicationId,
    asked: &Asked,
    stretch: Stretch,
    most: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query!(
        r#"select u.at as "at!", a.name as "api?", u.version, u.environment as "environment: Environment",
               coalesce(k.name, u.credential) as "credential!", u.requests as "requests!", u.client_errors,
               u.server_errors, u.request_bytes as "request_bytes!", u.response_bytes as "response_bytes!"
           from (
             select date_bin($4, hour, $2) as at, api_id, version, environment, credential,
                 sum(requests)::bigint as requests,
                 sum(requests) filter (where status_class = 4)::bigint as client_errors,
                 sum(requests) filter (where status_class = 5)::bigint as server_errors,
                 sum(request_bytes)::bigint as request_bytes, sum(response_bytes)::bigint as response_bytes
             from usage_hours
             where application_id = $1 and hour >= $2 and hour < $3 and ($5::uuid is null or api_id = $5)
               and ($6::text is null or environment = $6) and ($7::text is null or credential = $7)
             group by 1, 2, 3, 4, 5
             order by 1 desc, 2, 3, 4, 5
             limit $8
           ) u
           left join apis a on a.id = u.api_id
           left join api_keys k on k.id::text = u.credential and k.application_id = $1
           order by u.at desc, a.name, u.version, u.environment, u.credential"#,
        application.0,
        stretch.from,
        stretch.until,
        interval(stretch),
        asked.api.map(|api| api.0),
        asked.environment.map(Environment::as_str),
        asked.credential.as_deref(),
        most,
    )
    .fetch_all(conn)
    .await?;
    let lines = rows.into_iter().map(|row| Line {
        at: row.at,
        api: row.api.unwrap_or_default(),
        version: row.version,
        environment: row.environment,
        credential: row.credential,
        sums: Sums::from_columns(row.requests, row.client_errors, row.server_errors),
        request_bytes: number(row.request_bytes),
        response_bytes: number(row.response_bytes),
    });
    Ok(lines.collect())
}
