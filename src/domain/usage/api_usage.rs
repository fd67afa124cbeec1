//! What was called of an API, for whoever looks after it.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::latency::Latency;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::catalog::oversight::{self, Overseen};
use crate::domain::usage::api_usage_store::{self as store, Picked};
use crate::domain::usage::sums::{self, Point, Refused, Sums};
use crate::domain::usage::window::{Stretch, Window};
use time::OffsetDateTime;

/// Applications, operations and reasons that are listed at most: those with the most calls.
const MOST: i64 = 20;
/// Rows of a download at most.
const MOST_ROWS: i64 = 50_000;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// How far back.
    pub window: Window,
    /// Where; none: everywhere.
    pub environment: Option<Environment>,
    /// Whose calls; none: everybody's.
    pub application: Option<ApplicationId>,
}

/// The calls of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationUse {
    /// Which; none: calls without a credential.
    pub application: Option<ApplicationId>,
    /// Its name; none once it is gone.
    pub name: Option<String>,
    /// Whom to write to about it.
    pub owner: Option<String>,
    /// How many.
    pub sums: Sums,
}

/// The calls of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationUse {
    /// Method and path template; empty: calls outside of the `OpenAPI` file.
    pub operation: String,
    /// How many.
    pub sums: Sums,
    /// How long they took.
    pub latency: Latency,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct ApiUsage {
    /// The version, which the member looks after.
    pub of: Overseen,
    /// When.
    pub stretch: Stretch,
    /// Every hour or day, those without a call too.
    pub points: Vec<Point>,
    /// The sum of them.
    pub sums: Sums,
    /// How long all calls took.
    pub latency: Latency,
    /// Calls in the stretch before.
    pub before: u64,
    /// The applications that called most.
    pub applications: Vec<ApplicationUse>,
    /// The operations that were called most.
    pub operations: Vec<OperationUse>,
    /// By reason, the most frequent first.
    pub refused: Vec<Refused>,
}

/// A row for a spreadsheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvRow {
    /// When the hour or day begins, UTC.
    pub at: OffsetDateTime,
    /// Where.
    pub environment: Environment,
    /// The application's name; none: it is gone, or there was no credential.
    pub application: Option<String>,
    /// Method and path template; may be empty.
    pub operation: String,
    /// How many.
    pub sums: Sums,
}

/// What was called of a version. Not found for whoever does not look after it.
pub async fn of_version(ctx: &Ctx, member: &Member, (api, major): (&str, u16), view: View) -> Result<ApiUsage> {
    let mut conn = ctx.conn().await?;
    let of = oversight::version(&mut conn, member, api, major).await?;
    let picked = picked(&of, view, ctx.clock.now());
    let points = sums::every(picked.stretch, store::counted(&mut conn, &picked).await?);
    let (sums, latency) = sums::together(&points);
    let earlier = Picked { stretch: picked.stretch.before(), ..picked };
    Ok(ApiUsage {
        of,
        stretch: picked.stretch,
        points,
        sums,
        latency,
        before: store::requests(&mut conn, &earlier).await?,
        applications: store::applications(&mut conn, &picked, MOST).await?,
        operations: store::operations(&mut conn, &picked, MOST).await?,
        refused: store::refused(&mut conn, &picked, MOST).await?,
    })
}

/// The same, by application and operation; at most 50,000 rows, the latest.
pub async fn rows(ctx: &Ctx, member: &Member, (api, major): (&str, u16), view: View) -> Result<Vec<CsvRow>> {
    let mut conn = ctx.conn().await?;
    let of = oversight::version(&mut conn, member, api, major).await?;
    store::rows(&mut conn, &picked(&of, view, ctx.clock.now()), MOST_ROWS).await
}

fn picked(of: &Overseen, view: View, now: OffsetDateTime) -> Picked {
    Picked {
        api: of.version().api.id,
        major: of.version().major,
        stretch: view.window.at(now),
        environment: view.environment,
        application: view.application,
    }
}
