//! Carries out a manifest in one transaction.

use crate::base::error::{Error, Result};
use crate::base::id::ManifestId;
use crate::domain::Ctx;
use crate::domain::accounts::users;
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::domain::catalog::publish;
use crate::domain::catalog::spec::ApiSpec;
use crate::domain::publishing::check::check;
use crate::domain::publishing::files::Input;
use crate::domain::publishing::live::{self, Offer};
use crate::domain::publishing::manifest::{self, Manifest};
use crate::domain::publishing::plan::{self, Change};
use crate::domain::publishing::store;
use crate::domain::subscriptions::plans;
use crate::infra::db::Conn;
use serde_json::json;
use std::path::Path;

pub use crate::domain::publishing::plan::Silence;
pub use crate::domain::publishing::problem::{Problem, Problems};

/// What was, or would be, changed: one line each. Empty: everything is so already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub Vec<String>);

/// Whether to do it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Do it.
    #[default]
    Apply,
    /// Only say what would be done.
    DryRun,
}

/// Reads the file or directory and makes the catalogue so, in one transaction. Anything wrong: nothing is changed.
pub async fn apply_path(ctx: &Ctx, path: &Path) -> Result<Changes, Vec<Problem>> {
    let path = path.to_owned();
    let input = blocking(move || Input::from_path(&path)).await?;
    apply(ctx, input, Mode::Apply, Silence::Keep, |_| ()).await
}

/// The same for files in memory: `(path relative to the manifests, bytes)`.
pub async fn apply_documents(ctx: &Ctx, files: &[(&str, &[u8])]) -> Result<Changes, Vec<Problem>> {
    let input = Input::from_memory(files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())))?;
    apply(ctx, input, Mode::Apply, Silence::Keep, |_| ()).await
}

/// Applies manifests. `show` is called with the changes before the first of them is made.
pub async fn apply(
    ctx: &Ctx,
    input: Input,
    mode: Mode,
    silence: Silence,
    show: impl FnOnce(&Changes),
) -> Result<Changes, Vec<Problem>> {
    // Files are read and parsed before the transaction begins, so that it is short.
    let (manifest, problems) = blocking(move || {
        let mut problems = Problems::default();
        let manifest = manifest::read(&input, &mut problems);
        Ok((manifest, problems))
    })
    .await?;
    let mut tx = ctx.db.begin().await.map_err(|error| failed(&error.into()))?;
    store::lock(&mut tx).await.map_err(|error| failed(&error))?;
    let live = live::read(&mut tx, &manifest.limits_operations()).await.map_err(|error| failed(&error))?;
    let (after, problems) = judge(&live, &manifest, silence, problems);
    problems.none_or(())?;
    let changes = plan::changes(&live, &after);
    let lines = Changes(changes.iter().flat_map(Change::lines).collect());
    show(&lines);
    if mode == Mode::DryRun || changes.is_empty() {
        return Ok(lines);
    }
    carry_out(&mut tx, ctx, &changes, &lines).await.map_err(|error| failed(&error))?;
    tx.commit().await.map_err(|error| failed(&error.into()))?;
    Ok(lines)
}

fn judge(live: &live::Live, manifest: &Manifest, silence: Silence, mut problems: Problems) -> (plan::After, Problems) {
    let after = plan::after(live, manifest, silence);
    check(live, manifest, &after, &mut problems);
    (after, problems)
}

/// Reading files and parsing megabytes would hold up whoever shares the thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Vec<Problem>> + Send + 'static,
) -> Result<T, Vec<Problem>> {
    tokio::task::spawn_blocking(work).await.map_err(|error| vec![Problem::nowhere(error)])?
}

fn failed(error: &Error) -> Vec<Problem> {
    vec![Problem::nowhere(format!("nothing was changed: {error}"))]
}

async fn carry_out(conn: &mut Conn, ctx: &Ctx, changes: &[Change<'_>], lines: &Changes) -> Result<()> {
    let now = ctx.clock.now();
    let id = ManifestId(ctx.random.uuid(now));
    for change in changes {
        match change {
            Change::Role { after, .. } => _ = users::define_role(conn, ctx, &after.name, &after.title).await?,
            Change::Plan { after, .. } => plans::define(conn, ctx, &after.0, after.1).await?,
            Change::Api { before, after } => api(conn, ctx, *before, after).await?,
        }
        let detail = json!({ "manifest": id, "changes": change.lines() });
        audit::record(conn, ctx, &Actor::CommandLine, change.event(), None, detail).await?;
    }
    store::insert(conn, (id, now), "command line", &lines.0).await
}

/// Writes what differs of an API and nothing else: the gateway hears of every row that is written.
async fn api(conn: &mut Conn, ctx: &Ctx, before: Option<&Offer>, after: &Offer) -> Result<()> {
    let name = &after.spec.name;
    let id = match before {
        None => publish::add_api(conn, ctx, name, &after.spec.attributes).await?,
        Some(before) => {
            if before.spec.attributes != after.spec.attributes {
                publish::change_api(conn, ctx, name, &after.spec.attributes).await?;
            }
            publish::api_id(conn, name).await?
        }
    };
    if before.map(|b| &b.spec.roles) != Some(&after.spec.roles) {
        publish::set_roles(conn, id, &after.spec.roles).await?;
    }
    if before.map_or(&[][..], |b| &b.spec.owners) != after.spec.owners {
        publish::set_owners(conn, id, &after.spec.owners).await?;
    }
    if before.map(|b| &b.spec.documents) != Some(&after.spec.documents) {
        publish::set_documents(conn, ctx, id, &after.spec.documents).await?;
    }
    let scopes = |spec: &ApiSpec| (spec.scopes.clone(), spec.scopes_in_force());
    if before.map(|b| scopes(&b.spec)) != Some(scopes(&after.spec)) {
        publish::set_scopes(conn, id, &after.spec).await?;
    }
    if before.map_or(&[][..], |b| &b.spec.resource_servers) != after.spec.resource_servers {
        publish::set_resource_servers(conn, id, &after.spec.resource_servers).await?;
    }
    if before.map(|b| &b.plans) != Some(&after.plans) {
        plans::offer(conn, id, &after.plans).await?;
    }
    for (version, spec) in &after.spec.versions {
        match before.and_then(|b| b.spec.versions.get(version)) {
            None => _ = publish::add_version(conn, ctx, id, *version, spec).await?,
            Some(old) if old != spec => publish::change_version(conn, ctx, (id, *version), old, spec).await?,
            Some(_) => {}
        }
    }
    Ok(())
}
