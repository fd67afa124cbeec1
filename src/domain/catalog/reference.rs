//! The reference of an API, a page at a time. Whoever asks has found the endpoint by [`crate::domain::catalog::browse`],
//! and so may see it.

use crate::base::error::{Error, Result};
use crate::base::id::EndpointId;
use crate::domain::Ctx;
use crate::domain::catalog::model::{DefinitionFormat, Operation};
use crate::domain::catalog::reference_model::{About, OperationPage, Schema};
use crate::domain::catalog::reference_store::{self as store, Wanted};
use crate::domain::catalog::search;

/// How many operations a page lists.
pub const PAGE: i64 = 100;
/// How many operations of one tag are known to each of them as its neighbours.
const MOST_NEIGHBOURS: i64 = 3000;
/// How many words of a search count.
const MOST_WORDS: usize = 10;
/// How many changed operations and schemas are compared.
const MOST_CHANGED: i64 = 500;

/// What stands for a whole definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// `info.title`.
    pub title: String,
    /// Such as `3.1.0`.
    pub openapi_version: String,
    /// How the file was published.
    pub format: DefinitionFormat,
    /// What else it says of itself.
    pub about: About,
}

/// A first tag of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name; empty for the operations without one.
    pub name: String,
    /// How many operations it has.
    pub operations: i64,
}

/// An operation in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// In upper case.
    pub method: String,
    /// The path template.
    pub path: String,
    /// One line; may be empty.
    pub summary: String,
    /// Its first tag; may be empty.
    pub tag: String,
    /// Whether it is on its way out.
    pub deprecated: bool,
    /// What it is called in URLs.
    pub slug: String,
}

/// An operation with its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As listed.
    pub operation: Operation,
    /// What else there is to say.
    pub page: OperationPage,
}

/// A schema that both of two definitions have, but not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T> {
    /// Its name.
    pub name: String,
    /// In the older one.
    pub before: T,
    /// In the newer one.
    pub after: T,
}

/// An operation that is not the same in two definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// In upper case.
    pub method: String,
    /// The path template, of the newer one if it has one.
    pub path: String,
    /// One line; may be empty.
    pub summary: String,
    /// What it is called in URLs of the newer one.
    pub slug: Option<String>,
    /// In the older one; none: it was added.
    pub before: Option<Side>,
    /// In the newer one; none: it was removed.
    pub after: Option<Side>,
}

/// An operation in one of two definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its page.
    pub page: OperationPage,
    /// Whether it is on its way out.
    pub deprecated: bool,
    /// The scopes that a token needs.
    pub scopes: Vec<String>,
}

/// Which operations are wanted. The default is: the first page of all.
#[derive(Clone, Debug, Default)]
pub struct Search<'a> {
    /// Words that all must be in method, path, name, summary or tags.
    pub text: &'a str,
    /// Only those with this first tag; an empty one: those without any.
    pub tag: Option<&'a str>,
    /// The page, from 0.
    pub page: u32,
}

/// What stands for the whole definition of an endpoint; not found when there is none.
pub async fn described(ctx: &Ctx, endpoint: EndpointId) -> Result<Described> {
    store::described(&mut *ctx.conn().await?, endpoint).await?.ok_or(Error::NotFound)
}

/// The first tags of its operations, in the order of the file; those without one last.
pub async fn tags(ctx: &Ctx, endpoint: EndpointId) -> Result<Vec<Tag>> {
    store::tags(&mut *ctx.conn().await?, endpoint).await
}

/// A page of its operations in the order of the file, and how many were found in all.
pub async fn operations(ctx: &Ctx, endpoint: EndpointId, search: &Search<'_>) -> Result<(Vec<Listed>, i64)> {
    let patterns: Vec<String> = search.text.split_whitespace().take(MOST_WORDS).map(search::pattern).collect();
    let skip = i64::from(search.page) * PAGE;
    let wanted = Wanted { tag: search.tag, patterns: &patterns, skip, most: PAGE };
    store::listed(&mut *ctx.conn().await?, endpoint, &wanted).await
}

/// The operations that stand beside each other below a first tag, in the order of the file; at most 3,000.
pub async fn neighbours(ctx: &Ctx, endpoint: EndpointId, tag: &str) -> Result<Vec<Listed>> {
    let wanted = Wanted { tag: Some(tag), patterns: &[], skip: 0, most: MOST_NEIGHBOURS };
    Ok(store::listed(&mut *ctx.conn().await?, endpoint, &wanted).await?.0)
}

/// An operation by what it is called in URLs; not found when there is none.
pub async fn operation(ctx: &Ctx, endpoint: EndpointId, slug: &str) -> Result<Found> {
    store::operation(&mut *ctx.conn().await?, endpoint, slug).await?.ok_or(Error::NotFound)
}

/// The names of its schemas, in the order of the file.
pub async fn schemas(ctx: &Ctx, endpoint: EndpointId) -> Result<Vec<String>> {
    store::schemas(&mut *ctx.conn().await?, endpoint).await
}

/// A schema by its name; not found when there is none.
pub async fn schema(ctx: &Ctx, endpoint: EndpointId, name: &str) -> Result<Schema> {
    store::schema(&mut *ctx.conn().await?, endpoint, name).await?.ok_or(Error::NotFound)
}

/// The definition without its servers; not found when there is none.
pub async fn served(ctx: &Ctx, endpoint: EndpointId, format: DefinitionFormat) -> Result<String> {
    let text = store::served(&mut *ctx.conn().await?, endpoint, format).await?;
    text.filter(|text| !text.is_empty()).ok_or(Error::NotFound)
}

/// What is not the same in two definitions, older and newer; at most 500 operations and 500 schemas.
pub async fn changes(
    ctx: &Ctx,
    (before, after): (EndpointId, EndpointId),
) -> Result<(Vec<Changed>, Vec<Named<Schema>>)> {
    let mut conn = ctx.conn().await?;
    let operations = store::changed_operations(&mut conn, (before, after), MOST_CHANGED).await?;
    let schemas = store::changed_schemas(&mut conn, (before, after), MOST_CHANGED).await?;
    Ok((operations, schemas))
}
