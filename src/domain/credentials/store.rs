//! SQL of API keys.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId, UserId};
use crate::base::secret::Digest;
use crate::domain::accounts::model::Member;
use crate::domain::credentials::model::ApiKey;
use crate::infra::db::Conn;
use time::OffsetDateTime;
use uuid::Uuid;

pub(super) struct NewKey<'a> {
    pub(super) id: ApiKeyId,
    pub(super) application: ApplicationId,
    pub(super) api: ApiId,
    pub(super) major: u16,
    pub(super) endpoint: &'a str,
    pub(super) environment: Environment,
    pub(super) name: &'a str,
    pub(super) digest: Digest,
    pub(super) hint: &'a str,
    pub(super) once: Option<Uuid>,
    pub(super) created_by: UserId,
    pub(super) now: OffsetDateTime,
}

struct Row {
    id: ApiKeyId,
    name: String,
    application_id: ApplicationId,
    application_name: String,
    owner_id: UserId,
    api_id: ApiId,
    api_name: String,
    api_title: String,
    major: i32,
    endpoint: String,
    environment: Environment,
    hint: String,
    previous_expires_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
}

impl Row {
    fn key(self, member: &Member) -> ApiKey {
        ApiKey {
            id: self.id,
            name: self.name,
            application: self.application_id,
            application_name: self.application_name,
            api: self.api_id,
            api_name: self.api_name,
            api_title: self.api_title,
            major: u16::try_from(self.major).unwrap_or(0),
            endpoint: self.endpoint,
            environment: self.environment,
            hint: self.hint,
            previous_expires_at: self.previous_expires_at,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            is_own: self.owner_id == member.id,
        }
    }
}

pub(super) async fn insert(conn: &mut Conn, key: &NewKey<'_>) -> Result<()> {
    sqlx::query!(
        "insert into api_keys
             (id, application_id, api_id, major, endpoint, environment, name, digest, hint, once, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        key.id.0,
        key.application.0,
        key.api.0,
        i32::from(key.major),
        key.endpoint,
        key.environment.as_str(),
        key.name,
        key.digest.as_bytes(),
        key.hint,
        key.once,
        key.created_by.0,
        key.now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The name of the key that a form made before. Holds the form until the transaction ends, so that a double click waits
/// for the first.
pub(super) async fn made_from(conn: &mut Conn, once: Uuid) -> Result<Option<String>> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1::text, 0))", once.to_string())
        .execute(&mut *conn)
        .await?;
    Ok(sqlx::query_scalar!("select name from api_keys where once = $1", once).fetch_optional(conn).await?)
}

pub(super) async fn by_id(conn: &mut Conn, id: ApiKeyId, member: &Member) -> Result<Option<ApiKey>> {
    let row = sqlx::query_as!(
        Row,
        r#"select k.id, k.name, k.application_id, a.name as application_name, a.owner_id, k.api_id, i.name as api_name,
               i.title as api_title, k.major, k.endpoint, k.environment as "environment: Environment", k.hint,
               k.previous_expires_at, k.created_at, k.last_used_at
           from api_keys k
           join applications a on a.id = k.application_id
           join apis i on i.id = k.api_id
           where k.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.key(member)))
}

pub(super) async fn of_api(
    conn: &mut Conn,
    member: &Member,
    (api, major): (ApiId, u16),
    environment: Environment,
) -> Result<Vec<ApiKey>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select k.id, k.name, k.application_id, a.name as application_name, a.owner_id, k.api_id, i.name as api_name,
               i.title as api_title, k.major, k.endpoint, k.environment as "environment: Environment", k.hint,
               k.previous_expires_at, k.created_at, k.last_used_at
           from api_keys k
           join applications a on a.id = k.application_id
           join apis i on i.id = k.api_id
           where k.api_id = $3 and k.major = $4 and k.environment = $5
             and (a.owner_id = $1
                  or exists (select from application_shares s where s.application_id = a.id and s.email = $2))
           order by lower(k.name), k.id
           limit 1000"#,
        member.id.0,
        member.email.as_str(),
        api.0,
        i32::from(major),
        environment.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.key(member)).collect())
}

pub(super) async fn of_application(
    conn: &mut Conn,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<Vec<ApiKey>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select k.id, k.name, k.application_id, a.name as application_name, a.owner_id, k.api_id, i.name as api_name,
               i.title as api_title, k.major, k.endpoint, k.environment as "environment: Environment", k.hint,
               k.previous_expires_at, k.created_at, k.last_used_at
           from api_keys k
           join applications a on a.id = k.application_id
           join apis i on i.id = k.api_id
           where k.application_id = $1 and k.environment = $2
           order by lower(k.name), k.id
           limit 1000"#,
        application.0,
        environment.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.key(member)).collect())
}

pub(super) async fn regenerate(
    conn: &mut Conn,
    id: ApiKeyId,
    (digest, hint): (&Digest, &str),
    now: OffsetDateTime,
    previous_expires_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update api_keys
         set previous_digest = digest, previous_expires_at = $5, digest = $2, hint = $3, regenerated_at = $4
         where id = $1",
        id.0,
        digest.as_bytes(),
        hint,
        now,
        previous_expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn end_previous(conn: &mut Conn, id: ApiKeyId) -> Result<()> {
    sqlx::query!("update api_keys set previous_digest = null, previous_expires_at = null where id = $1", id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, id: ApiKeyId) -> Result<()> {
    sqlx::query!("delete from api_keys where id = $1", id.0).execute(conn).await?;
    Ok(())
}

/// Notes when keys were last called with; both slices have the same length. An earlier note never replaces a later one.
pub(super) async fn touch(conn: &mut Conn, ids: &[Uuid], at: &[OffsetDateTime]) -> Result<()> {
    sqlx::query!(
        "with due as (
             select k.id, u.at
             from unnest($1::uuid[], $2::timestamptz[]) as u(id, at)
             join api_keys k on k.id = u.id
             where k.last_used_at is null or k.last_used_at < u.at
             order by k.id
             for no key update of k
         )
         update api_keys k set last_used_at = due.at
         from due
         where k.id = due.id and (k.last_used_at is null or k.last_used_at < due.at)",
        ids,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
