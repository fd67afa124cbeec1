//! The catalogue as a viewer sees it.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, EndpointId};
use crate::base::policy::Policies;
use crate::domain::Ctx;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::{Api, ApiVersion, Card, Definition, Document, MajorVersion, Operation, Scope};
use crate::domain::catalog::scope_store;
use crate::domain::catalog::search;
use crate::domain::catalog::store;
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many versions a search answers with at most.
const MOST: u16 = 100;

/// What is searched for. Empty fields ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// As it was typed; `terms.rs` says what it may hold.
    pub text: String,
    /// Only APIs with this tag.
    pub tag: Option<String>,
}

/// The first 100 major versions that the viewer may see, what fits best first. For a list with pages and for no more
/// than a card shows, see [`search::find`].
pub async fn search(ctx: &Ctx, viewer: &Viewer, search: &Search) -> Result<Vec<MajorVersion>> {
    let wanted = search::Search {
        text: search.text.clone(),
        tags: search.tag.iter().cloned().collect(),
        ..search::Search::default()
    };
    let cards = search::first(ctx, viewer, &wanted, MOST).await?;
    let conn = &mut *ctx.conn().await?;
    let ids: Vec<Uuid> = cards.iter().map(|card| card.api.0).collect();
    let apis = store::by_ids(&mut *conn, viewer, &ids).await?;
    let majors = with_versions(conn, apis).await?;
    let found = |card: &Card| majors.iter().find(|m| m.api.id == card.api && m.major == card.version.major).cloned();
    Ok(cards.iter().filter_map(found).collect())
}

/// The visible majors of one API, newest first; not found when there is none.
pub async fn majors(ctx: &Ctx, viewer: &Viewer, api: &str) -> Result<Vec<MajorVersion>> {
    named(&mut *ctx.conn().await?, viewer, api).await
}

/// One major version; not found when the viewer may not see it.
pub async fn major(conn: &mut Conn, viewer: &Viewer, api: &str, major: u16) -> Result<MajorVersion> {
    named(conn, viewer, api).await?.into_iter().find(|m| m.major == major).ok_or(Error::NotFound)
}

/// The documents of an API that the caller has found by [`majors`] or [`major`].
pub async fn documents(ctx: &Ctx, api: ApiId) -> Result<Vec<Document>> {
    store::documents(&mut *ctx.conn().await?, api).await
}

/// The scopes of an API that the caller has found by [`majors`] or [`major`], in order.
pub async fn scopes(ctx: &Ctx, api: ApiId) -> Result<Vec<Scope>> {
    scope_store::of_api(&mut *ctx.conn().await?, api).await
}

/// The policies of an API that the caller has found by [`majors`] or [`major`].
pub async fn policies(ctx: &Ctx, api: ApiId) -> Result<Policies> {
    store::policies(&mut *ctx.conn().await?, api).await?.ok_or(Error::NotFound)
}

/// The operations of an endpoint that the caller has found so, in the definition's order.
pub async fn operations(ctx: &Ctx, endpoint: EndpointId) -> Result<Vec<Operation>> {
    operations_in(&mut *ctx.conn().await?, endpoint).await
}

/// The same, inside a transaction.
pub async fn operations_in(conn: &mut Conn, endpoint: EndpointId) -> Result<Vec<Operation>> {
    store::operations(conn, endpoint).await
}

/// The definition of an endpoint that the caller has found so, as published.
pub async fn definition(ctx: &Ctx, endpoint: EndpointId) -> Result<Option<Definition>> {
    store::definition(&mut *ctx.conn().await?, endpoint).await
}

async fn named(conn: &mut Conn, viewer: &Viewer, api: &str) -> Result<Vec<MajorVersion>> {
    let api = store::by_name(&mut *conn, viewer, api).await?;
    let majors = with_versions(conn, api.into_iter().collect()).await?;
    if majors.is_empty() { Err(Error::NotFound) } else { Ok(majors) }
}

/// Two queries, however many APIs there are.
async fn with_versions(conn: &mut Conn, apis: Vec<Api>) -> Result<Vec<MajorVersion>> {
    let ids: Vec<_> = apis.iter().map(|api| api.id.0).collect();
    let mut versions: BTreeMap<ApiId, Vec<ApiVersion>> = BTreeMap::new();
    for (api, version) in store::versions(conn, &ids).await? {
        versions.entry(api).or_default().push(version);
    }
    Ok(apis
        .into_iter()
        .flat_map(|api| {
            let versions = versions.remove(&api.id).unwrap_or_default();
            by_major(&api, versions)
        })
        .collect())
}

/// Splits an API's versions, which come newest first, at each new major.
fn by_major(api: &Api, versions: Vec<ApiVersion>) -> Vec<MajorVersion> {
    let mut majors: Vec<MajorVersion> = Vec::new();
    for version in versions {
        match majors.last_mut() {
            Some(last) if last.major == version.version.major => last.versions.push(version),
            _ => {
                let major = version.version.major;
                majors.push(MajorVersion { api: api.clone(), major, versions: vec![version] });
            }
        }
    }
    majors
}
