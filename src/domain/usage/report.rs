//! What an application has called in a stretch of time, by hour or day, by API, by credential, by operation.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::latency::Latency;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::applications::model::Reached;
use crate::domain::usage::report_store as store;
use crate::domain::usage::sums::{self, Point, Refused, Sums};
use crate::domain::usage::window::{Stretch, Window};
use time::{Duration, OffsetDateTime};

/// What is asked for; what is left open counts all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// How far back.
    pub window: Window,
    /// Calls of this API only.
    pub api: Option<ApiId>,
    /// Calls in this environment only.
    pub environment: Option<Environment>,
    /// Calls with this API key (its id) or client (its consumer key) only.
    pub credential: Option<String>,
}

/// The calls of one API, credential or operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub of: Of,
    /// Its calls.
    pub sums: Sums,
}

/// What the calls of a part have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// The major version of an API. The title is missing when the API is gone.
    Api {
        /// Its title.
        title: Option<String>,
        /// The major version.
        major: String,
    },
    /// An API key or a client.
    Credential(Named),
    /// An operation; an empty one is a call outside of the definition.
    Operation {
        /// The API's title.
        title: Option<String>,
        /// The major version.
        major: String,
        /// Method and path template.
        name: String,
    },
}

/// A credential as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// An API key by its name.
    Key(String, Environment),
    /// Access tokens of a client.
    Tokens(Environment),
    /// One that was deleted since.
    Gone(Environment),
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The application.
    pub reached: Reached,
    /// When.
    pub stretch: Stretch,
    /// Every hour or day, those without a call too.
    pub points: Vec<Point>,
    /// The sum of them.
    pub sums: Sums,
    /// The sum of the stretch before.
    pub before: Sums,
    /// How long all calls took.
    pub latency: Latency,
    /// By API, credential and operation, the busiest first.
    pub parts: Vec<Part>,
    /// By reason, the most frequent first.
    pub refused: Vec<Refused>,
    /// What the report can be narrowed to.
    pub choices: Vec<Choice>,
}

/// Something that a report can be narrowed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which kind.
    pub kind: ChoiceKind,
    /// For the question.
    pub value: String,
    /// For people.
    pub label: String,
}

/// Kinds of [`Choice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum ChoiceKind {
    /// An API.
    Api,
    /// A credential.
    Credential,
}

/// A row of the file: one hour or day, API, version, credential and environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The first moment of the hour or day.
    pub at: OffsetDateTime,
    /// The API's name in URLs; empty when it is gone.
    pub api: String,
    /// `major.minor`.
    pub version: String,
    /// Where.
    pub environment: Environment,
    /// The name of the API key, or the consumer key.
    pub credential: String,
    /// The calls.
    pub sums: Sums,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
}

/// Parts of each kind that are told at most.
const PARTS: i64 = 10;
/// Rows of a file at most.
pub const MOST_LINES: i64 = 50_000;

/// The report about an application that the member reaches.
pub async fn of_application(ctx: &Ctx, member: &Member, id: ApplicationId, asked: &Asked) -> Result<Report> {
    let mut conn = ctx.conn().await?;
    let reached = manage::reach(&mut conn, member, id).await?;
    let stretch = asked.window.at(ctx.clock.now());
    let points = sums::every(stretch, store::counted(&mut conn, id, asked, stretch).await?);
    let (sums, latency) = sums::together(&points);
    Ok(Report {
        reached,
        stretch,
        points,
        sums,
        latency,
        before: store::sums(&mut conn, id, asked, stretch.before()).await?,
        parts: store::parts(&mut conn, id, asked, stretch, PARTS).await?,
        refused: store::refused(&mut conn, id, asked, stretch).await?,
        choices: store::choices(&mut conn, id).await?,
    })
}

/// The same as rows for a file.
pub async fn lines(ctx: &Ctx, member: &Member, id: ApplicationId, asked: &Asked) -> Result<(Reached, Vec<Line>)> {
    let mut conn = ctx.conn().await?;
    let reached = manage::reach(&mut conn, member, id).await?;
    let stretch = asked.window.at(ctx.clock.now());
    Ok((reached, store::lines(&mut conn, id, asked, stretch, MOST_LINES).await?))
}

/// How many calls an application that the member reaches made in the last 24 hours.
pub async fn of_last_day(ctx: &Ctx, member: &Member, id: ApplicationId) -> Result<u64> {
    let mut conn = ctx.conn().await?;
    manage::reach(&mut conn, member, id).await?;
    let now = ctx.clock.now();
    let stretch = Stretch { from: now - Duration::DAY, until: now + Duration::HOUR, step: Duration::HOUR };
    Ok(store::sums(&mut conn, id, &Asked::default(), stretch).await?.requests)
}
