//! SQL of the reference: writing what was read from a file, and reading a page of it.

use crate::base::error::Result;
use crate::base::id::EndpointId;
use crate::domain::catalog::model::{DefinitionFormat, Operation};
use crate::domain::catalog::reference::{Changed, Described, Found, Listed, Named, Side, Tag};
use crate::domain::catalog::reference_model::{About, OperationPage, READING, Schema};
use crate::domain::catalog::spec::Reading;
use crate::infra::db::Conn;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::types::Json;

/// Replaces what the reference shows of a definition. Its rows of `api_operations` are there already.
pub(super) async fn put(conn: &mut Conn, endpoint: EndpointId, reading: &Reading) -> Result<()> {
    sqlx::query!(
        "update api_definitions
         set reading = $2, about = $3, as_json = $4, as_yaml = $5
         where endpoint_id = $1",
        endpoint.0,
        READING,
        Json(&reading.about) as _,
        reading.as_json,
        reading.as_yaml,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from api_operation_pages where endpoint_id = $1", endpoint.0).execute(&mut *conn).await?;
    let pages = Rows::new(reading.operations.iter().map(|(slug, page)| (slug, page)));
    sqlx::query!(
        "insert into api_operation_pages (endpoint_id, position, slug, page, digest)
         select $1, p.position - 1, p.slug, p.page::json, p.digest
         from unnest($2::text[], $3::text[], $4::bytea[]) with ordinality as p(slug, page, digest, position)
         where exists (select from api_operations o where o.endpoint_id = $1 and o.position = p.position - 1)",
        endpoint.0,
        &pages.names,
        &pages.pages,
        &pages.digests,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from api_schemas where endpoint_id = $1", endpoint.0).execute(&mut *conn).await?;
    let schemas = Rows::new(reading.schemas.iter().map(|(name, schema)| (name, schema)));
    sqlx::query!(
        "insert into api_schemas (endpoint_id, name, position, page, digest)
         select $1, s.name, s.position, s.page::json, s.digest
         from unnest($2::text[], $3::text[], $4::bytea[]) with ordinality as s(name, page, digest, position)",
        endpoint.0,
        &schemas.names,
        &schemas.pages,
        &schemas.digests,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Columns of rows to insert.
struct Rows {
    names: Vec<String>,
    pages: Vec<String>,
    digests: Vec<Vec<u8>>,
}

impl Rows {
    fn new<'a, T: Serialize + 'a>(rows: impl Iterator<Item = (&'a String, &'a T)>) -> Self {
        let (mut names, mut pages, mut digests) = (Vec::new(), Vec::new(), Vec::new());
        for (name, page) in rows {
            let page = serde_json::to_string(page).unwrap_or_default();
            names.push(name.clone());
            digests.push(Sha256::digest(page.as_bytes()).to_vec());
            pages.push(page);
        }
        Self { names, pages, digests }
    }
}

/// A definition that another release has read otherwise, with its source.
pub(super) async fn read_otherwise(conn: &mut Conn) -> Result<Option<(EndpointId, String)>> {
    let row = sqlx::query!(
        "select endpoint_id, source
         from api_definitions
         where reading < $1
         limit 1",
        READING,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (EndpointId(row.endpoint_id), row.source)))
}

/// What stands for a whole definition; nothing when there is none.
pub(super) async fn described(conn: &mut Conn, endpoint: EndpointId) -> Result<Option<Described>> {
    let row = sqlx::query!(
        r#"select title, openapi_version, format as "format: DefinitionFormat", about as "about: Json<About>"
           from api_definitions
           where endpoint_id = $1"#,
        endpoint.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Described {
        title: row.title,
        openapi_version: row.openapi_version,
        format: row.format,
        about: row.about.0,
    }))
}

/// The first tags of the operations, in the order of the file; those without one last, under an empty name.
pub(super) async fn tags(conn: &mut Conn, endpoint: EndpointId) -> Result<Vec<Tag>> {
    let tags = sqlx::query_as!(
        Tag,
        r#"select coalesce(o.tags[1], '') as "name!", count(*) as "operations!"
           from api_operations o
           where o.endpoint_id = $1
           group by 1
           order by coalesce(o.tags[1], '') = '', min(o.position)"#,
        endpoint.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(tags)
}

/// Which operations are wanted.
pub(super) struct Wanted<'a> {
    /// With this first tag; none: with any.
    pub(super) tag: Option<&'a str>,
    /// `ilike` patterns, all of which must be found.
    pub(super) patterns: &'a [String],
    /// How many are skipped.
    pub(super) skip: i64,
    /// How many at most.
    pub(super) most: i64,
}

/// Operations in the order of the file, and how many there are in all.
pub(super) async fn listed(conn: &mut Conn, endpoint: EndpointId, wanted: &Wanted<'_>) -> Result<(Vec<Listed>, i64)> {
    let rows = sqlx::query!(
        r#"select o.method, o.path, o.summary, coalesce(o.tags[1], '') as "tag!", o.deprecated, p.slug,
               count(*) over () as "all!"
           from api_operations o
           join api_operation_pages p on p.endpoint_id = o.endpoint_id and p.position = o.position
           where o.endpoint_id = $1
             and ($2::text is null or coalesce(o.tags[1], '') = $2)
             and not exists (
                 select from unnest($3::text[]) as w(pattern)
                 where not concat_ws(' ', o.method, o.path, o.operation_id, o.summary, array_to_string(o.tags, ' '))
                     ilike w.pattern)
           order by o.position
           offset $4 limit $5"#,
        endpoint.0,
        wanted.tag,
        wanted.patterns,
        wanted.skip,
        wanted.most,
    )
    .fetch_all(conn)
    .await?;
    let all = rows.first().map_or(0, |row| row.all);
    let listed = rows.into_iter().map(|row| Listed {
        method: row.method,
        path: row.path,
        summary: row.summary,
        tag: row.tag,
        deprecated: row.deprecated,
        slug: row.slug,
    });
    Ok((listed.collect(), all))
}

/// An operation with its page.
pub(super) async fn operation(conn: &mut Conn, endpoint: EndpointId, slug: &str) -> Result<Option<Found>> {
    let row = sqlx::query!(
        r#"select o.method, o.path, o.operation_id, o.summary, o.tags, o.deprecated,
               case when a.takes_bearer and a.has_scopes then o.scopes else '{}' end as "scopes!",
               p.page as "page: Json<OperationPage>"
           from api_operation_pages p
           join api_operations o on o.endpoint_id = p.endpoint_id and o.position = p.position
           join endpoints e on e.id = p.endpoint_id
           join api_versions v on v.id = e.api_version_id
           join apis a on a.id = v.api_id
           where p.endpoint_id = $1 and p.slug = $2"#,
        endpoint.0,
        slug,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Found {
        operation: Operation {
            method: row.method,
            path: row.path,
            operation_id: row.operation_id,
            summary: row.summary,
            tags: row.tags,
            deprecated: row.deprecated,
            scopes: row.scopes,
        },
        page: row.page.0,
    }))
}

/// The names of the schemas, in the order of the file.
pub(super) async fn schemas(conn: &mut Conn, endpoint: EndpointId) -> Result<Vec<String>> {
    let names =
        sqlx::query_scalar!("select name from api_schemas where endpoint_id = $1 order by position", endpoint.0)
            .fetch_all(conn)
            .await?;
    Ok(names)
}

/// A schema by its name.
pub(super) async fn schema(conn: &mut Conn, endpoint: EndpointId, name: &str) -> Result<Option<Schema>> {
    let schema = sqlx::query_scalar!(
        r#"select page as "page: Json<Schema>" from api_schemas where endpoint_id = $1 and name = $2"#,
        endpoint.0,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(schema.map(|Json(schema)| schema))
}

/// The file without its servers; nothing when there is none.
pub(super) async fn served(conn: &mut Conn, endpoint: EndpointId, format: DefinitionFormat) -> Result<Option<String>> {
    let text = sqlx::query_scalar!(
        r#"select case when $2 then as_json else as_yaml end as "text!" from api_definitions where endpoint_id = $1"#,
        endpoint.0,
        format == DefinitionFormat::Json,
    )
    .fetch_optional(conn)
    .await?;
    Ok(text)
}

/// The schemas of both that are not the same, by name: before, after.
pub(super) async fn changed_schemas(
    conn: &mut Conn,
    (before, after): (EndpointId, EndpointId),
    most: i64,
) -> Result<Vec<Named<Schema>>> {
    let rows = sqlx::query!(
        r#"select b.name, b.page as "before: Json<Schema>", a.page as "after: Json<Schema>"
           from api_schemas b
           join api_schemas a on a.endpoint_id = $2 and a.name = b.name
           where b.endpoint_id = $1 and b.digest <> a.digest
           order by a.position
           limit $3"#,
        before.0,
        after.0,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Named { name: row.name, before: row.before.0, after: row.after.0 }).collect())
}

/// The operations of both that are not the same, those of `after` in their order first. Paths are the same if they are so
/// but for the names of their parameters.
pub(super) async fn changed_operations(
    conn: &mut Conn,
    (before, after): (EndpointId, EndpointId),
    most: i64,
) -> Result<Vec<Changed>> {
    let rows = sqlx::query!(
        r#"with side as (
               select o.endpoint_id, o.position, o.method, o.path, o.summary, o.deprecated, o.scopes, p.slug, p.page, p.digest,
                   regexp_replace(o.path, '\{[^}]*\}', '{}', 'g') as shape
               from api_operations o
               join api_operation_pages p on p.endpoint_id = o.endpoint_id and p.position = o.position
               where o.endpoint_id in ($1, $2))
           select coalesce(a.method, b.method) as "method!", coalesce(a.path, b.path) as "path!",
               coalesce(a.summary, b.summary) as "summary!", a.slug as "slug?",
               b.page as "before_page?: Json<OperationPage>", a.page as "after_page?: Json<OperationPage>",
               coalesce(b.deprecated, false) as "was_deprecated!", coalesce(a.deprecated, false) as "is_deprecated!",
               coalesce(b.scopes, '{}') as "before_scopes!", coalesce(a.scopes, '{}') as "after_scopes!"
           from (select * from side where endpoint_id = $1) b
           full join (select * from side where endpoint_id = $2) a on a.method = b.method and a.shape = b.shape
           where a.digest is distinct from b.digest or a.scopes is distinct from b.scopes
              or a.deprecated is distinct from b.deprecated
           order by a.position nulls last, b.position
           limit $3"#,
        before.0,
        after.0,
        most,
    )
    .fetch_all(conn)
    .await?;
    let changed = rows.into_iter().map(|row| Changed {
        method: row.method,
        path: row.path,
        summary: row.summary,
        slug: row.slug,
        before: row.before_page.map(|Json(page)| Side {
            page,
            deprecated: row.was_deprecated,
            scopes: row.before_scopes,
        }),
        after: row.after_page.map(|Json(page)| Side { page, deprecated: row.is_deprecated, scopes: row.after_scopes }),
    });
    Ok(changed.collect())
}
