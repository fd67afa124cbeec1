//! Credentials for trying an API out: they live for a quarter of an hour, and a member may make only so many.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::id::ApiKeyId;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::model::Application;
use crate::domain::audit;
use crate::domain::catalog::model::{Endpoint, MajorVersion};
use crate::domain::credentials::client_model::{ClientSettings, Legacy};
use crate::domain::credentials::model::{Limits, Purpose};
use crate::domain::credentials::{client_store, clients, settings, store};
use crate::infra::db::Conn;
use serde_json::json;
use time::{Duration, OffsetDateTime};

/// Seconds that a test credential lives.
pub const SECONDS: u32 = 900;
/// Test credentials that a member may make in an hour.
pub const MOST_IN_AN_HOUR: u32 = 60;
/// Audit: a test token was issued.
pub const TOKEN_ISSUED: &str = "test_token.issued";
/// Audit: an API key for testing was made.
const KEY_ISSUED: &str = "test_key.issued";

/// Lets one test credential of a member be made after the other, and refuses the member who has made enough. Holds until
/// the transaction ends.
pub async fn take_turn(conn: &mut Conn, ctx: &Ctx, member: &Member) -> Result<()> {
    store::take_turns(conn, member.id).await?;
    let first_of_many = audit::done_at(conn, member.id, &[TOKEN_ISSUED, KEY_ISSUED], MOST_IN_AN_HOUR - 1).await?;
    let wait = first_of_many.map_or(Duration::ZERO, |at| at + Duration::HOUR - ctx.clock.now());
    if wait.is_positive() { Err(Error::Busy(wait.unsigned_abs())) } else { Ok(()) }
}

/// Makes an API key of an application that the caller has reached for a change, and says when it ends. The caller has
/// also taken its turn, and asked who may hold credentials of the environment.
pub async fn key(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (application, environment): (&Application, Environment),
    (version, endpoint): (&MajorVersion, &Endpoint),
) -> Result<(Plain, OffsetDateTime)> {
    let now = ctx.clock.now();
    let ends = now + Duration::seconds(SECONDS.into());
    let secret = Plain::mint(Kind::ApiKey(environment), &ctx.random);
    let id = ApiKeyId(ctx.random.uuid(now));
    let row = store::NewKey {
        id,
        application: application.id,
        api: version.api.id,
        major: version.major,
        endpoint: &endpoint.name,
        environment,
        // Unique, as names of keys have to be; no list shows it.
        name: &format!("Try it {id}"),
        digest: secret.digest(),
        hint: secret.hint(),
        purpose: Purpose::Test,
        limits: &Limits { expires_at: Some(ends), ..Limits::default() },
        once: None,
        created_by: member.id,
        now,
    };
    store::insert(conn, &row).await?;
    let detail = json!({
        "api": version.api.name, "major": version.major, "environment": environment, "endpoint": endpoint.name,
    });
    audit::record(conn, ctx, &member.into(), (KEY_ISSUED, &id.to_string()), Some(application.id), detail).await?;
    Ok((secret, ends))
}

/// The consumer key of such an application in an environment. Where there is none it is made, with a secret that nobody
/// has seen: its owner can regenerate it.
pub async fn ensure_client(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (application, environment): (&Application, Environment),
) -> Result<String> {
    if let Some(client) = client_store::find(conn, application.id, environment).await? {
        return Ok(client.id);
    }
    let defaults = ClientSettings::default();
    let checked = settings::check(conn, application.id, Legacy::Forbidden, (&defaults, defaults.clone())).await?;
    Ok(clients::create(conn, ctx, member, (application, environment), &checked).await?.client.id)
}

/// Removes API keys for testing that have ended.
pub async fn sweep(ctx: &Ctx) -> Result<u64> {
    store::delete_ended_tests(&mut *ctx.conn().await?, ctx.clock.now()).await
}
