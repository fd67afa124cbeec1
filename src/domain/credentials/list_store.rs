//! SQL of lists of API keys: which keys stand in them, in which order. Test keys stand in none.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::accounts::model::Member;
use crate::infra::db::Conn;
use uuid::Uuid;

/// Part of a list, in order of the names.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    /// An `ilike` pattern for the names of key and application.
    pub(super) pattern: &'a str,
    /// Keys that are passed over.
    pub(super) skip: i64,
    /// How many at most.
    pub(super) most: i64,
}

/// Whether the member is among the owners of the API.
pub(super) async fn owns_api(conn: &mut Conn, member: &Member, api: ApiId) -> Result<bool> {
    let owns = sqlx::query_scalar!(
        r#"select exists (select from api_owners where api_id = $1 and email = $2) as "owns!""#,
        api.0,
        member.email.as_str(),
    );
    Ok(owns.fetch_one(conn).await?)
}

/// Every key of a major version.
pub(super) async fn of_api(
    conn: &mut Conn,
    (api, major): (ApiId, u16),
    environment: Environment,
    part: Part<'_>,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select k.id
         from api_keys k
         join applications a on a.id = k.application_id
         where k.api_id = $1 and k.major = $2 and k.environment = $3 and k.purpose = 'key'
           and (k.name ilike $4 or a.name ilike $4)
         order by lower(k.name), k.id
         offset $5
         limit $6",
        api.0,
        i32::from(major),
        environment.as_str(),
        part.pattern,
        part.skip,
        part.most,
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Those of the member's applications, own and shared.
pub(super) async fn of_member(
    conn: &mut Conn,
    member: &Member,
    (api, major): (ApiId, u16),
    environment: Environment,
    part: Part<'_>,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "with reached as (
             select id, name from applications where owner_id = $1
             union
             select a.id, a.name
             from application_shares s
             join applications a on a.id = s.application_id
             where s.email = $2
         )
         select k.id
         from reached a
         join api_keys k on k.application_id = a.id
         where k.api_id = $3 and k.major = $4 and k.environment = $5 and k.purpose = 'key'
           and (k.name ilike $6 or a.name ilike $6)
         order by lower(k.name), k.id
         offset $7
         limit $8",
        member.id.0,
        member.email.as_str(),
        api.0,
        i32::from(major),
        environment.as_str(),
        part.pattern,
        part.skip,
        part.most,
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Those of an application.
pub(super) async fn of_application(
    conn: &mut Conn,
    application: ApplicationId,
    environment: Environment,
    part: Part<'_>,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select k.id
         from api_keys k
         join apis i on i.id = k.api_id
         where k.application_id = $1 and k.environment = $2 and k.purpose = 'key'
           and (k.name ilike $3 or i.title ilike $3)
         order by lower(k.name), k.id
         offset $4
         limit $5",
        application.0,
        environment.as_str(),
        part.pattern,
        part.skip,
        part.most,
    );
    Ok(ids.fetch_all(conn).await?)
}
