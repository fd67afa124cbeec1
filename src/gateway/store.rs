//! SQL of the gateway: reads only, and across the nouns, because what crosses from the domain crosses as data.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId, PlanId, SubscriptionId};
use crate::base::policy::{Period, RateUnit};
use crate::base::secret::Digest;
use crate::base::version::VersionState;
use sqlx::{PgConnection, PgPool};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// Everything that can be called, as it is stored.
pub(super) struct Catalogue {
    pub(super) routes: Vec<RouteRow>,
    /// In the order of each API.
    pub(super) scopes: Vec<ScopeRow>,
    pub(super) plans: Vec<PlanRow>,
}

/// One backend of one endpoint of one version; endpoint and backend may be missing.
#[expect(clippy::struct_excessive_bools, reason = "columns, as they are stored")]
pub(super) struct RouteRow {
    pub(super) api_id: ApiId,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) is_public: bool,
    pub(super) context: String,
    pub(super) takes_api_key: bool,
    pub(super) takes_bearer: bool,
    pub(super) api_key_header: String,
    pub(super) bearer_header: String,
    /// Whether it has scopes at all.
    pub(super) has_scopes: bool,
    /// [`Policies`](crate::base::policy::Policies).
    pub(super) policies: serde_json::Value,
    pub(super) major: i32,
    pub(super) minor: i32,
    pub(super) state: VersionState,
    /// Only while it is deprecated.
    pub(super) deprecated_at: Option<OffsetDateTime>,
    pub(super) sunset_on: Option<Date>,
    pub(super) endpoint: Option<String>,
    pub(super) path: Option<String>,
    /// What tells the endpoint's operations from all others; none: it has no definition.
    pub(super) definition: Option<Uuid>,
    pub(super) environment: Option<Environment>,
    pub(super) url: Option<String>,
}

/// An operation and the alternatives of scopes that it needs.
pub(super) struct OperationRow {
    /// As in [`RouteRow`].
    pub(super) definition: Uuid,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) scopes: Vec<String>,
}

/// A scope of an API.
pub(super) struct ScopeRow {
    pub(super) api_id: ApiId,
    pub(super) name: String,
}

/// A plan and its rate, if it has one.
pub(super) struct PlanRow {
    pub(super) id: PlanId,
    pub(super) name: String,
    pub(super) rate_count: Option<i32>,
    pub(super) rate_unit: Option<RateUnit>,
    pub(super) burst: Option<i32>,
    pub(super) quota_count: Option<i64>,
    pub(super) quota_unit: Option<Period>,
}

/// A public key and when it ends.
pub(super) struct KeyRow {
    pub(super) public_jwk: serde_json::Value,
    pub(super) gone_at: Option<OffsetDateTime>,
}

/// What no longer opens anything.
pub(super) struct RevocationRow {
    /// `token`, `grant` or `client`.
    pub(super) kind: String,
    /// Its `jti`, its `gid`, or the client's id.
    pub(super) subject: String,
    /// For a client: what it got up to then.
    pub(super) not_before: Option<OffsetDateTime>,
    /// When the last token concerned has expired.
    pub(super) expires_at: OffsetDateTime,
}

/// What an API key opens. `state` and `plan_id` are those of the subscription, if there is one.
pub(super) struct ApiKeyRow {
    pub(super) revision: i64,
    pub(super) id: Option<ApiKeyId>,
    pub(super) application_id: Option<ApplicationId>,
    pub(super) api_id: Option<ApiId>,
    pub(super) major: Option<i32>,
    pub(super) endpoint: Option<String>,
    pub(super) environment: Option<Environment>,
    pub(super) is_current: Option<bool>,
    pub(super) previous_expires_at: Option<OffsetDateTime>,
    pub(super) expires_at: Option<OffsetDateTime>,
    /// Networks.
    pub(super) addresses: Option<Vec<String>>,
    /// Methods and path templates below the endpoint.
    pub(super) operations: Option<Vec<String>>,
    pub(super) subscription_id: Option<SubscriptionId>,
    pub(super) plan_id: Option<PlanId>,
    pub(super) state: Option<String>,
}

/// A client with one of its application's subscriptions, if there are any.
pub(super) struct ClientRow {
    pub(super) revision: i64,
    pub(super) application_id: Option<ApplicationId>,
    pub(super) environment: Option<Environment>,
    pub(super) subscription_id: Option<SubscriptionId>,
    pub(super) api_id: Option<ApiId>,
    pub(super) major: Option<i32>,
    pub(super) plan_id: Option<PlanId>,
    pub(super) state: Option<String>,
}

/// The revision that the connection's transaction sees.
pub(super) async fn revision(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!("select revision from gateway_revision").fetch_one(conn).await?)
}

/// Everything that can be called.
pub(super) async fn catalogue(conn: &mut PgConnection) -> Result<Catalogue> {
    Ok(Catalogue { routes: routes(&mut *conn).await?, scopes: scopes(&mut *conn).await?, plans: plans(conn).await? })
}

/// The operations of these definitions.
pub(super) async fn operations(conn: &mut PgConnection, definitions: &[Uuid]) -> Result<Vec<OperationRow>> {
    let rows = sqlx::query_as!(
        OperationRow,
        "select d.mark as definition, o.method, o.path, o.scopes
         from api_definitions d
         join api_operations o on o.endpoint_id = d.endpoint_id
         where d.mark = any($1)",
        definitions,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

async fn scopes(conn: &mut PgConnection) -> Result<Vec<ScopeRow>> {
    let rows = sqlx::query_as!(
        ScopeRow,
        r#"select api_id as "api_id: ApiId", name from api_scopes order by api_id, position"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

async fn routes(conn: &mut PgConnection) -> Result<Vec<RouteRow>> {
    let rows = sqlx::query_as!(
        RouteRow,
        r#"select a.id as "api_id: ApiId", a.name, a.title, a.visibility = 'public' as "is_public!", a.context,
               a.takes_api_key, a.takes_bearer, a.api_key_header, a.bearer_header, a.has_scopes, a.policies, v.major, v.minor,
               v.state as "state: VersionState", v.deprecated_at, v.sunset_on,
               e.name as "endpoint?", e.path as "path?", d.mark as "definition?",
               b.environment as "environment?: Environment", b.url as "url?"
           from apis a
           join api_versions v on v.api_id = a.id
           left join endpoints e on e.api_version_id = v.id
           left join api_definitions d on d.endpoint_id = e.id
           left join endpoint_backends b on b.endpoint_id = e.id
           where v.state in ('published', 'deprecated', 'blocked')"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Every plan, retired ones too: subscriptions may still be under them.
async fn plans(conn: &mut PgConnection) -> Result<Vec<PlanRow>> {
    let rows = sqlx::query_as!(
        PlanRow,
        r#"select id as "id: PlanId", name, rate_count, rate_unit as "rate_unit: RateUnit", burst, quota_count,
               quota_unit as "quota_unit: Period"
           from plans"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The public keys that are believed at `now`.
pub(super) async fn keys(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Vec<KeyRow>> {
    let rows = sqlx::query_as!(
        KeyRow,
        "select public_jwk, gone_at from signing_keys where gone_at is null or gone_at > $1",
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// All that is revoked and would not have expired at `now`.
pub(super) async fn revocations(pool: &PgPool, now: OffsetDateTime) -> Result<Vec<RevocationRow>> {
    let rows = sqlx::query_as!(
        RevocationRow,
        "select kind, subject, not_before, expires_at from revocations where expires_at > $1",
        now,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows)
}

/// These revocations; one that is gone by now has expired.
pub(super) async fn revocations_of(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<RevocationRow>> {
    let rows = sqlx::query_as!(
        RevocationRow,
        "select kind, subject, not_before, expires_at from revocations where id = any($1)",
        ids,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows)
}

/// The key with this digest, current or previous, and the revision at which that was so.
pub(super) async fn api_key(pool: &PgPool, digest: &Digest) -> Result<ApiKeyRow> {
    let row = sqlx::query_as!(
        ApiKeyRow,
        r#"select r.revision, k.id as "id?: ApiKeyId", k.application_id as "application_id?: ApplicationId",
               k.api_id as "api_id?: ApiId", k.major as "major?", k.endpoint as "endpoint?",
               k.environment as "environment?: Environment", k.digest = $1 as is_current, k.previous_expires_at,
               k.expires_at as "expires_at?", k.addresses::text[] as "addresses?", k.operations as "operations?",
               s.id as "subscription_id?: SubscriptionId", s.plan_id as "plan_id?: PlanId", s.state as "state?"
           from gateway_revision r
           left join api_keys k on k.digest = $1 or k.previous_digest = $1
           left join subscriptions s
               on s.application_id = k.application_id and s.api_id = k.api_id and s.major = k.major"#,
        digest.as_bytes(),
    )
    .fetch_one(pool)
    .await?;
    Ok(row)
}

/// The client with this id and what its application is subscribed to: one row at least.
pub(super) async fn client(pool: &PgPool, id: &str) -> Result<Vec<ClientRow>> {
    let rows = sqlx::query_as!(
        ClientRow,
        r#"select r.revision, c.application_id as "application_id?: ApplicationId",
               c.environment as "environment?: Environment", s.id as "subscription_id?: SubscriptionId",
               s.api_id as "api_id?: ApiId", s.major as "major?", s.plan_id as "plan_id?: PlanId", s.state as "state?"
           from gateway_revision r
           left join clients c on c.id = $1
           left join subscriptions s on s.application_id = c.application_id"#,
        id,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows)
}
