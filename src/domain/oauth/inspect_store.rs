//! SQL of looking at a token: the APIs of a member's applications, as far as tokens are concerned.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::scope::Scopes;
use crate::base::version::VersionState;
use crate::domain::accounts::model::Member;
use crate::domain::oauth::inspect::Holder;
use crate::domain::subscriptions::model::State;
use crate::infra::db::Conn;
use uuid::Uuid;

/// A major version that some application of the member's is subscribed to.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) context: String,
    pub(super) major: i32,
    pub(super) takes_bearer: bool,
    /// The subscription of the token's application; none: it has none.
    pub(super) subscription: Option<State>,
    /// The minor that answers for the major, if one does.
    pub(super) version_id: Option<Uuid>,
    pub(super) version_state: Option<VersionState>,
    /// Whether some endpoint has a backend in the environment.
    pub(super) is_served: bool,
}

/// An operation that needs scopes.
pub(super) struct Guarded {
    pub(super) version_id: Uuid,
    endpoint: String,
    pub(super) method: String,
    path: String,
    /// Alternatives, each a set separated by spaces.
    pub(super) scopes: Vec<String>,
}

impl Guarded {
    /// Whether a token with these scopes is not enough.
    pub(super) fn lacks(&self, has: &Scopes) -> bool {
        !self.scopes.iter().any(|set| set.split(' ').all(|scope| has.contains(scope)))
    }

    /// The path below the version.
    pub(super) fn full_path(&self) -> String {
        let slash = if self.endpoint.is_empty() { "" } else { "/" };
        format!("{slash}{}{}", self.endpoint, self.path)
    }
}

/// The application of a consumer key where the member reaches it.
pub(super) async fn holder(conn: &mut Conn, client: &str, member: &Member) -> Result<Option<Holder>> {
    Ok(sqlx::query_as!(
        Holder,
        r#"select a.id, a.name, a.direct_api_id is null as "is_listed!"
           from clients c
           join applications a on a.id = c.application_id
           where c.id = $1
             and (a.owner_id = $2
                  or exists (select from application_shares s where s.application_id = a.id and s.email = $3))"#,
        client,
        member.id.0,
        member.email.as_str(),
    )
    .fetch_optional(conn)
    .await?)
}

/// At most 200: those of the token's application first.
pub(super) async fn majors(
    conn: &mut Conn,
    member: &Member,
    (holder, environment): (ApplicationId, Environment),
) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"with mine as (
               select s.api_id, s.major, max(s.state) filter (where s.application_id = $3) as subscription
               from subscriptions s
               join applications a on a.id = s.application_id
               where a.id = $3
                  or a.owner_id = $1
                  or exists (select from application_shares h where h.application_id = a.id and h.email = $2)
               group by s.api_id, s.major
           )
           select i.name, i.title, i.context, m.major as "major!", i.takes_bearer,
               m.subscription as "subscription: State", v.id as "version_id?", v.state as "version_state?: VersionState",
               exists (
                   select from endpoints e
                   join endpoint_backends b on b.endpoint_id = e.id and b.environment = $4
                   where e.api_version_id = v.id
               ) as "is_served!"
           from mine m
           join apis i on i.id = m.api_id
           left join lateral (
               select n.id, n.state
               from api_versions n
               where n.api_id = m.api_id and n.major = m.major and n.state in ('published', 'deprecated', 'blocked')
               order by array_position(array['published', 'deprecated', 'blocked'], n.state), n.minor desc
               limit 1
           ) v on true
           order by m.subscription is null, lower(i.title), i.name, m.major desc
           limit 200"#,
        member.id.0,
        member.email.as_str(),
        holder.0,
        environment.as_str(),
    )
    .fetch_all(conn)
    .await?)
}

/// The operations of these versions that need scopes, in the order of their files; at most 5,000.
pub(super) async fn guarded(conn: &mut Conn, versions: &[Uuid], environment: Environment) -> Result<Vec<Guarded>> {
    Ok(sqlx::query_as!(
        Guarded,
        "select e.api_version_id as version_id, e.path as endpoint, o.method, o.path, o.scopes
         from api_operations o
         join endpoints e on e.id = o.endpoint_id
         join endpoint_backends b on b.endpoint_id = e.id and b.environment = $2
         where e.api_version_id = any($1) and o.scopes <> '{}'
         order by e.position, o.position
         limit 5000",
        versions,
        environment.as_str(),
    )
    .fetch_all(conn)
    .await?)
}
