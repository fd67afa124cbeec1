//! Refused calls: taken from the gateway, shown to the members of the application, removed after some days.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::refused_call::RefusedBatch;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::applications::model::Reached;
use crate::domain::usage::{found_store, refusal_store as store};
use crate::infra::db::Conn;
use time::{Duration, OffsetDateTime};

/// Refused calls that a page shows.
const SHOWN: i64 = 50;
/// Of every application together, on the page that finds one.
const LATEST: i64 = 10;
/// Longer ids are none of ours.
const LONGEST_ID: usize = 128;

/// A refused call, with the names of what it was about as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCall {
    /// Its id.
    pub request_id: String,
    /// When.
    pub at: OffsetDateTime,
    /// Which gateway.
    pub environment: String,
    /// The API's title; nothing if it named none, or one that is gone.
    pub api: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The name of the API key; nothing if it was a token, or a key that is gone.
    pub key: Option<String>,
    /// The client that the token was issued to, if it was a token.
    pub client: Option<String>,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The label of the reason.
    pub reason: String,
    /// What whoever rejected or blocked the subscription has said, where it still is so; may be empty.
    pub given: Option<String>,
}

/// What the members of an application see.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// The application.
    pub reached: Reached,
    /// The latest first, or those with the id that was asked for.
    pub calls: Vec<RefusedCall>,
    /// How many of the last day are not kept one by one.
    pub omitted: i64,
}

/// A refused call of one of a member's applications, with the way to what it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCall {
    /// The call.
    pub call: RefusedCall,
    /// Whose it was.
    pub application: ApplicationId,
    /// Its name.
    pub application_name: String,
    /// Whether the application only stands behind credentials that were generated on an API, and has no pages.
    pub is_direct: bool,
    /// The API's name in URLs; nothing if the call named none that there still is.
    pub api_name: Option<String>,
}

/// Adds a batch.
pub async fn batch(conn: &mut Conn, batch: &RefusedBatch) -> Result<()> {
    if !batch.calls.is_empty() {
        store::insert(conn, &batch.calls).await?;
    }
    if !batch.omitted.is_empty() {
        store::omit(conn, &batch.omitted).await?;
    }
    Ok(())
}

/// The refused calls of an application that the member reaches: the latest, or those with this request id.
pub async fn list(ctx: &Ctx, member: &Member, id: ApplicationId, request_id: Option<&str>) -> Result<Refusals> {
    let mut conn = ctx.conn().await?;
    let reached = manage::reach(&mut conn, member, id).await?;
    let calls = match request_id {
        Some(request_id) if request_id.len() > LONGEST_ID => Vec::new(),
        request_id => store::of_application(&mut conn, id, request_id, SHOWN).await?,
    };
    let omitted = store::omitted(&mut conn, id, ctx.clock.now() - Duration::DAY).await?;
    Ok(Refusals { reached, calls, omitted })
}

/// The refused calls with this request id among those of every application that the member reaches, and of credentials
/// that they have generated on APIs.
pub async fn find(ctx: &Ctx, member: &Member, request_id: &str) -> Result<Vec<FoundCall>> {
    if request_id.is_empty() || request_id.len() > LONGEST_ID {
        return Ok(Vec::new());
    }
    found_store::find(&mut *ctx.conn().await?, member, request_id, SHOWN).await
}

/// The latest of the same applications.
pub async fn latest(ctx: &Ctx, member: &Member) -> Result<Vec<FoundCall>> {
    found_store::latest(&mut *ctx.conn().await?, member, LATEST).await
}

/// Removes those that are older than so many days; answers how many.
pub async fn sweep(ctx: &Ctx, keep_days: u16) -> Result<u64> {
    store::sweep(&mut *ctx.conn().await?, ctx.clock.now() - Duration::days(keep_days.into())).await
}
