//! SQL of applications.

use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId, UserId};
use crate::domain::accounts::model::Member;
use crate::domain::applications::model::{Access, Application, Consequences, Reached};
use crate::infra::db::Conn;
use time::OffsetDateTime;

struct Row {
    id: ApplicationId,
    owner_id: UserId,
    owner_email: String,
    name: String,
    description: String,
    token_type: String,
    status: String,
    created_at: OffsetDateTime,
    shared_with: Vec<String>,
    subscriptions: i64,
}

impl Row {
    fn reached(self, member: &Member) -> Reached {
        Reached {
            access: if self.owner_id == member.id { Access::Owner } else { Access::Reader },
            application: Application {
                id: self.id,
                owner: self.owner_id,
                owner_email: self.owner_email,
                name: self.name,
                description: self.description,
                token_type: self.token_type,
                status: self.status,
                created_at: self.created_at,
                shared_with: self.shared_with,
                subscriptions: self.subscriptions,
            },
        }
    }
}

pub(super) async fn of_member(conn: &mut Conn, member: &Member) -> Result<Vec<Reached>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select a.id, a.owner_id, u.email as owner_email, a.name, a.description, a.token_type, a.status, a.created_at,
               array(select s.email from application_shares s where s.application_id = a.id order by s.email) as "shared_with!",
               (select count(*) from subscriptions s where s.application_id = a.id) as "subscriptions!"
           from applications a join users u on u.id = a.owner_id
           where a.direct_api_id is null
             and (a.owner_id = $1
                  or exists (select from application_shares s where s.application_id = a.id and s.email = $2))
           order by lower(a.name), a.id
           limit 1000"#,
        member.id.0,
        member.email.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.reached(member)).collect())
}

/// Applications that the member reaches, a page of them, and how many there are in all.
pub(super) async fn search(
    conn: &mut Conn,
    member: &Member,
    pattern: &str,
    sort: &str,
    (skip, most): (i64, i64),
) -> Result<(Vec<Reached>, i64)> {
    let found = sqlx::query_scalar!(
        r#"select count(*) as "found!"
           from (
             select a.id from applications a
             where a.owner_id = $1 and a.direct_api_id is null and lower(a.name) like $3
             union
             select a.id from application_shares s join applications a on a.id = s.application_id
             where s.email = $2 and a.direct_api_id is null and lower(a.name) like $3
           ) mine"#,
        member.id.0,
        member.email.as_str(),
        pattern,
    )
    .fetch_one(&mut *conn)
    .await?;
    let rows = sqlx::query_as!(
        Row,
        r#"with mine as (
             select a.id from applications a
             where a.owner_id = $1 and a.direct_api_id is null and lower(a.name) like $3
             union
             select a.id from application_shares s join applications a on a.id = s.application_id
             where s.email = $2 and a.direct_api_id is null and lower(a.name) like $3
           ), picked as (
             select a.id, a.owner_id, a.name, a.description, a.token_type, a.status, a.created_at
             from mine join applications a using (id)
             order by
                 case when $4 = 'newest' then a.created_at end desc,
                 case when $4 = 'oldest' then a.created_at end,
                 case when $4 = 'subscriptions'
                     then (select count(*) from subscriptions s where s.application_id = a.id) end desc,
                 lower(a.name), a.id
             offset $5 limit $6
           )
           select a.id, a.owner_id, u.email as owner_email, a.name, a.description, a.token_type, a.status, a.created_at,
               array(select s.email from application_shares s where s.application_id = a.id order by s.email) as "shared_with!",
               (select count(*) from subscriptions s where s.application_id = a.id) as "subscriptions!"
           from picked a join users u on u.id = a.owner_id
           order by
               case when $4 = 'newest' then a.created_at end desc,
               case when $4 = 'oldest' then a.created_at end,
               case when $4 = 'subscriptions'
                   then (select count(*) from subscriptions s where s.application_id = a.id) end desc,
               lower(a.name), a.id"#,
        member.id.0,
        member.email.as_str(),
        pattern,
        sort,
        skip,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok((rows.into_iter().map(|row| row.reached(member)).collect(), found))
}

pub(super) async fn reach(conn: &mut Conn, member: &Member, id: ApplicationId) -> Result<Option<Reached>> {
    let row = sqlx::query_as!(
        Row,
        r#"select a.id, a.owner_id, u.email as owner_email, a.name, a.description, a.token_type, a.status, a.created_at,
               array(select s.email from application_shares s where s.application_id = a.id order by s.email) as "shared_with!",
               (select count(*) from subscriptions s where s.application_id = a.id) as "subscriptions!"
           from applications a join users u on u.id = a.owner_id
           where a.id = $3 and a.direct_api_id is null
             and (a.owner_id = $1
                  or exists (select from application_shares s where s.application_id = a.id and s.email = $2))"#,
        member.id.0,
        member.email.as_str(),
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.reached(member)))
}

/// The member's application behind the credentials that were generated on a major version.
pub(super) async fn direct(
    conn: &mut Conn,
    member: &Member,
    (api, major): (ApiId, u16),
) -> Result<Option<Application>> {
    let row = sqlx::query_as!(
        Row,
        r#"select a.id, a.owner_id, u.email as owner_email, a.name, a.description, a.token_type, a.status, a.created_at,
               array[]::text[] as "shared_with!",
               (select count(*) from subscriptions s where s.application_id = a.id) as "subscriptions!"
           from applications a join users u on u.id = a.owner_id
           where a.owner_id = $1 and a.direct_api_id = $2 and a.direct_major = $3"#,
        member.id.0,
        api.0,
        i32::from(major),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.reached(member).application))
}

pub(super) async fn insert_direct(
    conn: &mut Conn,
    id: ApplicationId,
    (owner, name): (UserId, &str),
    (api, major): (ApiId, u16),
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into applications (id, owner_id, name, direct_api_id, direct_major, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
        id.0,
        owner.0,
        name,
        api.0,
        i32::from(major),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// From now on it is an ordinary one.
pub(super) async fn convert_direct(conn: &mut Conn, id: ApplicationId, name: &str, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update applications set name = $2, direct_api_id = null, direct_major = null, updated_at = $3 where id = $1",
        id.0,
        name,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert(
    conn: &mut Conn,
    id: ApplicationId,
    owner: UserId,
    (name, description): (&str, &str),
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into applications (id, owner_id, name, description, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        id.0,
        owner.0,
        name,
        description,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn update(
    conn: &mut Conn,
    id: ApplicationId,
    (name, description): (&str, &str),
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update applications set name = $2, description = $3, updated_at = $4 where id = $1",
        id.0,
        name,
        description,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, id: ApplicationId) -> Result<()> {
    sqlx::query!("delete from applications where id = $1", id.0).execute(conn).await?;
    Ok(())
}

pub(super) async fn consequences(conn: &mut Conn, id: ApplicationId) -> Result<Consequences> {
    let row = sqlx::query_as!(
        Consequences,
        r#"select (select count(*) from subscriptions where application_id = $1) as "subscriptions!",
               (select count(*) from api_keys where application_id = $1) as "api_keys!",
               (select count(*) from clients where application_id = $1) as "clients!""#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(row)
}
