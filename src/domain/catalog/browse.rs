//! The catalogue as a viewer sees it.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, EndpointId};
use crate::base::policy::Policies;
use crate::domain::Ctx;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::{Api, ApiVersion, Definition, Document, MajorVersion, Operation, Scope};
use crate::domain::catalog::scope_store;
use crate::domain::catalog::store::{self, Filter};
use crate::infra::db::Conn;
use std::collections::BTreeMap;

/// How many cards a catalogue page has at most.
const MOST: usize = 500;
/// How many words of a search count.
const MOST_WORDS: usize = 10;

/// What the catalogue page was asked for. Empty fields ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words to find in name, title, context, summary, description, tags, owner.
    pub text: String,
    /// Only APIs with this tag.
    pub tag: Option<String>,
}

/// Every major version that the viewer may see, by title, newest major first; at most 500.
pub async fn search(ctx: &Ctx, viewer: &Viewer, search: &Search) -> Result<Vec<MajorVersion>> {
    let patterns: Vec<String> = search.text.split_whitespace().take(MOST_WORDS).map(pattern).collect();
    let filter = Filter { name: None, tag: search.tag.as_deref(), patterns: &patterns };
    let mut majors = visible(&mut *ctx.conn().await?, viewer, &filter).await?;
    majors.truncate(MOST);
    Ok(majors)
}

/// The tags of what the viewer may see, with how many APIs have them.
pub async fn tags(ctx: &Ctx, viewer: &Viewer) -> Result<Vec<(String, i64)>> {
    store::tags(&mut *ctx.conn().await?, viewer).await
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
    store::operations(&mut *ctx.conn().await?, endpoint).await
}

/// The definition of an endpoint that the caller has found so, as published.
pub async fn definition(ctx: &Ctx, endpoint: EndpointId) -> Result<Option<Definition>> {
    store::definition(&mut *ctx.conn().await?, endpoint).await
}

async fn named(conn: &mut Conn, viewer: &Viewer, api: &str) -> Result<Vec<MajorVersion>> {
    let majors = visible(conn, viewer, &Filter { name: Some(api), ..Filter::default() }).await?;
    if majors.is_empty() { Err(Error::NotFound) } else { Ok(majors) }
}

/// Three queries, however many APIs there are.
async fn visible(conn: &mut Conn, viewer: &Viewer, filter: &Filter<'_>) -> Result<Vec<MajorVersion>> {
    let apis = store::visible(&mut *conn, viewer, filter).await?;
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

/// The `ilike` pattern that finds `word` anywhere, with what the pattern language means by `%` and `_` taken away.
fn pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn what_is_searched_for_is_never_a_pattern() {
        assert_eq!(pattern("pets"), "%pets%");
        assert_eq!(pattern("100%_\\"), "%100\\%\\_\\\\%");
    }
}
