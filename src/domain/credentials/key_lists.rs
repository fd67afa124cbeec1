//! Lists of API keys: of an API for its owners, of an API for those who call it, of an application.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::domain::Ctx;
use crate::domain::accounts::model::{ADMIN, Member};
use crate::domain::applications::manage;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::credentials::list_store::{self, Part};
use crate::domain::credentials::model::ApiKey;
use crate::domain::credentials::store;
use crate::infra::db::Conn;
use uuid::Uuid;

/// Keys on one page of a list.
const ON_PAGE: u16 = 50;
/// Pages that are turned at most; beyond that a search finds keys.
const MOST_PAGES: u16 = 200;
/// Characters of a search that count.
const LONGEST: usize = 70;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// A part of the name of the key, or of what it belongs to; empty: all.
    pub text: String,
    /// The page, from 1.
    pub page: u16,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { text: String::new(), page: 1 }
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Keys {
    /// In order of their names.
    pub keys: Vec<ApiKey>,
    /// Which page it is, from 1.
    pub page: u16,
    /// Whether another one follows.
    pub has_more: bool,
    /// Whose keys these are.
    pub whose: Whose,
}

/// Whose keys stand in the list of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of every application: the viewer owns the API or is an administrator.
    Everybody,
    /// Those of applications that the viewer reaches.
    Viewer,
}

/// The keys for a major version in an environment: all of them for the API's owners and for administrators, for others those
/// of applications that they own or that are shared with them.
pub async fn of_api(
    ctx: &Ctx,
    member: &Member,
    version: &MajorVersion,
    environment: Environment,
    wanted: &Wanted,
) -> Result<Keys> {
    let mut conn = ctx.conn().await?;
    let on = (version.api.id, version.major);
    let whose = if member.has(ADMIN) || list_store::owns_api(&mut conn, member, on.0).await? {
        Whose::Everybody
    } else {
        Whose::Viewer
    };
    let pattern = pattern(&wanted.text);
    let (page, part) = part(wanted, &pattern);
    let ids = match whose {
        Whose::Everybody => list_store::of_api(&mut conn, on, environment, part).await?,
        Whose::Viewer => list_store::of_member(&mut conn, member, on, environment, part).await?,
    };
    read(&mut conn, member, ids, page, whose).await
}

/// The keys of an application that the member reaches, in an environment.
pub async fn of_application(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
    wanted: &Wanted,
) -> Result<Keys> {
    let mut conn = ctx.conn().await?;
    manage::reach(&mut conn, member, application).await?;
    let pattern = pattern(&wanted.text);
    let (page, part) = part(wanted, &pattern);
    let ids = list_store::of_application(&mut conn, application, environment, part).await?;
    read(&mut conn, member, ids, page, Whose::Viewer).await
}

fn part<'a>(wanted: &Wanted, pattern: &'a str) -> (u16, Part<'a>) {
    let page = wanted.page.clamp(1, MOST_PAGES);
    let size = i64::from(ON_PAGE);
    // One more tells whether another page follows.
    (page, Part { pattern, skip: (i64::from(page) - 1) * size, most: size + 1 })
}

async fn read(conn: &mut Conn, member: &Member, mut ids: Vec<Uuid>, page: u16, whose: Whose) -> Result<Keys> {
    let has_more = ids.len() > usize::from(ON_PAGE) && page < MOST_PAGES;
    ids.truncate(usize::from(ON_PAGE));
    let keys = store::by_ids(conn, &ids, member).await?;
    Ok(Keys { keys, page, has_more, whose })
}

/// The `ilike` pattern that finds the text anywhere.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.trim().chars().take(LONGEST) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
