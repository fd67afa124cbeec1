//! SQL of API keys.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId, UserId};
use crate::base::secret::Digest;
use crate::domain::accounts::model::{ADMIN, Member};
use crate::domain::credentials::KeyUse;
use crate::domain::credentials::model::{ApiKey, KeyAccess, Limits, Previous, Purpose};
use crate::domain::subscriptions::model::State as SubscriptionState;
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
    pub(super) purpose: Purpose,
    pub(super) limits: &'a Limits,
    pub(super) once: Option<Uuid>,
    pub(super) created_by: UserId,
    pub(super) now: OffsetDateTime,
}

struct Row {
    id: ApiKeyId,
    name: String,
    application_id: ApplicationId,
    application_name: String,
    application_owner: String,
    owner_id: UserId,
    api_id: ApiId,
    api_name: String,
    api_title: String,
    owns_api: bool,
    major: i32,
    endpoint: String,
    environment: Environment,
    hint: String,
    previous_hint: Option<String>,
    previous_expires_at: Option<OffsetDateTime>,
    previous_calls: i64,
    previous_used_at: Option<OffsetDateTime>,
    expires_at: Option<OffsetDateTime>,
    addresses: Vec<String>,
    operations: Vec<String>,
    created_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
    calls: i64,
    subscription: Option<SubscriptionState>,
}

impl Row {
    fn key(self, member: &Member) -> ApiKey {
        let count = |calls| u64::try_from(calls).unwrap_or(0);
        let previous = self.previous_expires_at.map(|expires_at| Previous {
            hint: self.previous_hint.unwrap_or_default(),
            expires_at,
            calls: count(self.previous_calls),
            last_used_at: self.previous_used_at,
        });
        ApiKey {
            id: self.id,
            name: self.name,
            application: self.application_id,
            application_name: self.application_name,
            application_owner: self.application_owner,
            api: self.api_id,
            api_name: self.api_name,
            api_title: self.api_title,
            major: u16::try_from(self.major).unwrap_or(0),
            endpoint: self.endpoint,
            environment: self.environment,
            hint: self.hint,
            previous,
            limits: Limits {
                expires_at: self.expires_at,
                addresses: self.addresses.iter().filter_map(|text| text.parse().ok()).collect(),
                operations: self.operations,
            },
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            calls: count(self.calls),
            subscription: self.subscription,
            access: if self.owner_id == member.id {
                KeyAccess::Owner
            } else if self.owns_api || member.has(ADMIN) {
                KeyAccess::ApiOwner
            } else {
                KeyAccess::Reader
            },
        }
    }
}

pub(super) async fn insert(conn: &mut Conn, key: &NewKey<'_>) -> Result<()> {
    let addresses: Vec<String> = key.limits.addresses.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into api_keys
             (id, application_id, api_id, major, endpoint, environment, name, digest, hint, once, created_by, created_at,
              purpose, expires_at, addresses, operations)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::text[]::cidr[], $16)",
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
        key.purpose.as_str(),
        key.limits.expires_at,
        &addresses,
        &key.limits.operations,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes keys for testing that have ended.
pub(super) async fn delete_ended_tests(conn: &mut Conn, now: OffsetDateTime) -> Result<u64> {
    let done =
        sqlx::query!("delete from api_keys where purpose = 'test' and expires_at <= $1", now).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Lets one transaction of a member after the other make test credentials.
pub(super) async fn take_turns(conn: &mut Conn, member: UserId) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('test ' || $1::text, 0))", member.to_string())
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

/// One key; no test key.
pub(super) async fn by_id(conn: &mut Conn, id: ApiKeyId, member: &Member) -> Result<Option<ApiKey>> {
    Ok(by_ids(conn, &[id.0], member).await?.pop())
}

/// The keys with these ids, in that order.
pub(super) async fn by_ids(conn: &mut Conn, ids: &[Uuid], member: &Member) -> Result<Vec<ApiKey>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select k.id, k.name, k.application_id, a.name as application_name,
               u.name as application_owner, a.owner_id, k.api_id, i.name as api_name,
               i.title as api_title,
               exists (select from api_owners o where o.api_id = k.api_id and o.email = $2) as "owns_api!",
               k.major, k.endpoint, k.environment as "environment: Environment", k.hint, k.previous_hint,
               k.previous_expires_at, k.previous_calls, k.previous_used_at, k.expires_at,
               k.addresses::text[] as "addresses!", k.operations, k.created_at, k.last_used_at, k.calls,
               s.state as "subscription?: SubscriptionState"
           from unnest($1::uuid[]) with ordinality as wanted(id, place)
           join api_keys k on k.id = wanted.id
           join applications a on a.id = k.application_id
           join users u on u.id = a.owner_id
           join apis i on i.id = k.api_id
           left join subscriptions s
               on s.application_id = k.application_id and s.api_id = k.api_id and s.major = k.major
           where k.purpose = 'key'
           order by wanted.place"#,
        ids,
        member.email.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.key(member)).collect())
}

/// Puts another secret in place of the one there is, which works until `previous_expires_at`, or no longer.
pub(super) async fn regenerate(
    conn: &mut Conn,
    id: ApiKeyId,
    (digest, hint): (&Digest, &str),
    now: OffsetDateTime,
    previous_expires_at: Option<OffsetDateTime>,
) -> Result<()> {
    sqlx::query!(
        "update api_keys
         set previous_digest = case when $5::timestamptz is null then null else digest end, previous_expires_at = $5,
             previous_hint = hint, previous_calls = 0, previous_used_at = null, digest = $2, hint = $3,
             regenerated_at = $4
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

/// Adds calls to their keys, and notes when keys were last called with; an earlier note never replaces a later one.
pub(super) async fn touch(conn: &mut Conn, uses: &[(ApiKeyId, KeyUse)]) -> Result<()> {
    let number = |calls: u64| i64::try_from(calls).unwrap_or(i64::MAX);
    let ids: Vec<Uuid> = uses.iter().map(|(id, _)| id.0).collect();
    let at: Vec<OffsetDateTime> = uses.iter().map(|(_, used)| used.last).collect();
    let calls: Vec<i64> = uses.iter().map(|(_, used)| number(used.calls)).collect();
    let old_at: Vec<Option<OffsetDateTime>> = uses.iter().map(|(_, used)| used.old_last).collect();
    let old_calls: Vec<i64> = uses.iter().map(|(_, used)| number(used.old_calls)).collect();
    sqlx::query!(
        "with due as (
             select k.id, u.at, u.calls, u.old_at, u.old_calls
             from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::timestamptz[], $5::bigint[])
                 as u(id, at, calls, old_at, old_calls)
             join api_keys k on k.id = u.id
             order by k.id
             for no key update of k
         )
         update api_keys k
         set last_used_at = greatest(k.last_used_at, due.at), calls = k.calls + due.calls,
             previous_used_at = greatest(k.previous_used_at, due.old_at),
             previous_calls = k.previous_calls + due.old_calls
         from due
         where k.id = due.id",
        &ids,
        &at,
        &calls,
        &old_at as _,
        &old_calls,
    )
    .execute(conn)
    .await?;
    Ok(())
}
