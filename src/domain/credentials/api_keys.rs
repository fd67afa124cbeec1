//! Generating, listing, regenerating and deleting API keys.

use crate::base::environment::Environment;
use crate::base::error::{Error, FieldError, Result};
use crate::base::id::ApiKeyId;
use crate::base::secret::{Kind, Plain};
use crate::base::text;
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::audit;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{Endpoint, MajorVersion};
use crate::domain::credentials::model::{ApiKey, ChosenApplication, Grace, IssuedKey, KeyAccess, NewApiKey, Purpose};
use crate::domain::credentials::{access, limits, store};
use crate::domain::subscriptions::subscribe;
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::json;

/// Makes a key, and with it the application and the subscription where they are missing.
pub async fn generate(ctx: &Ctx, member: &Member, new: NewApiKey) -> Result<IssuedKey> {
    let mut tx = ctx.db.begin().await?;
    // Before anything else is written: a new application's name would clash first and hide that the key is there.
    if let Some(once) = new.once
        && let Some(name) = store::made_from(&mut tx, once).await?
    {
        return Err(made_already(&name));
    }
    let version = browse::major(&mut tx, &Viewer::Member(member.clone()), &new.api, new.major).await?;
    if !version.api.takes_api_key {
        return Err(Error::Conflict(format!("{} takes no API keys. Use an access token.", version.api.title)));
    }
    access::check(member, new.environment)?;
    let name = text::line("name", "a key name", &new.name, 70);
    let endpoint = endpoint(&version, new.environment, new.endpoint.as_deref())?;
    let operations = match &endpoint {
        Ok(endpoint) if !new.limits.operations.is_empty() => operations(&mut tx, endpoint).await?,
        _ => Vec::new(),
    };
    let now = ctx.clock.now();
    let limits = limits::parse(&new.limits, &operations, now);
    let (name, endpoint, limits) = match (name, endpoint, limits) {
        (Ok(name), Ok(endpoint), Ok(limits)) => (name, endpoint, limits),
        (name, endpoint, limits) => {
            // Which operations there are is not known without an endpoint.
            let is_known = endpoint.is_ok();
            let limits = limits.err().unwrap_or_default();
            let limits = limits.into_iter().filter(|e| is_known || e.field != "operations");
            return Err(Error::Invalid([name.err(), endpoint.err()].into_iter().flatten().chain(limits).collect()));
        }
    };
    let application = match &new.application {
        ChosenApplication::Existing(id) => manage::reach(&mut tx, member, *id).await?.for_change()?,
        ChosenApplication::New(name) => manage::create_in(&mut tx, ctx, member, name, "")
            .await
            .map_err(|error| error.renamed("name", "application_name"))?,
    };
    subscribe::ensure(&mut tx, ctx, member, (&application, &version), new.plan.as_deref()).await?;

    let secret = Plain::mint(Kind::ApiKey(new.environment), &ctx.random);
    let row = store::NewKey {
        id: ApiKeyId(ctx.random.uuid(now)),
        application: application.id,
        api: version.api.id,
        major: version.major,
        endpoint: &endpoint.name,
        environment: new.environment,
        name: &name,
        digest: secret.digest(),
        hint: secret.hint(),
        purpose: Purpose::Key,
        limits: &limits,
        once: new.once,
        created_by: member.id,
        now,
    };
    store::insert(&mut tx, &row)
        .await
        .on_constraint("api_keys_once_key", || made_already(&name))
        .on_constraint("api_keys_name_key", || {
            Error::field("name", format!("{} has a key named {name} for this API already.", application.name))
        })?;
    let key = store::by_id(&mut tx, row.id, member).await?.ok_or(Error::NotFound)?;
    let detail = json!({
        "name": key.name, "api": key.api_name, "major": key.major,
        "environment": key.environment, "endpoint": key.endpoint, "expires_at": key.limits.expires_at.map(time::OffsetDateTime::unix_timestamp),
        "addresses": key.limits.addresses, "operations": key.limits.operations,
    });
    let what = ("api_key.generated", &*key.id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(key.application), detail).await?;
    tx.commit().await?;
    Ok(IssuedKey { key, secret })
}

/// One key that the member may see: of an application that they reach, or of an API that they own.
pub async fn get(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    reach(&mut *ctx.conn().await?, member, id).await
}

/// A new secret for a key. The one it had works for as long as `grace` says; the one before that stops now.
pub async fn regenerate(ctx: &Ctx, member: &Member, id: ApiKeyId, grace: Grace) -> Result<IssuedKey> {
    let mut tx = ctx.db.begin().await?;
    let key = changeable(&mut tx, member, id).await?;
    access::check(member, key.environment)?;
    let now = ctx.clock.now();
    if key.has_expired(now) {
        return Err(Error::Conflict(format!(
            "{} has expired, and a new secret would not change that. Generate a new key.",
            key.name
        )));
    }
    let secret = Plain::mint(Kind::ApiKey(key.environment), &ctx.random);
    let until = grace.duration().map(|grace| now + grace);
    store::regenerate(&mut tx, id, (&secret.digest(), secret.hint()), now, until).await?;
    let detail = json!({ "name": key.name, "grace": grace.as_str() });
    let what = ("api_key.regenerated", &*id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(key.application), detail).await?;
    let key = store::by_id(&mut tx, id, member).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(IssuedKey { key, secret })
}

/// Ends the old secret's time now: it stops working.
pub async fn end_previous(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let mut tx = ctx.db.begin().await?;
    let key = changeable(&mut tx, member, id).await?;
    store::end_previous(&mut tx, id).await?;
    let what = ("api_key.previous_ended", &*id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(key.application), json!({ "name": key.name })).await?;
    let key = store::by_id(&mut tx, id, member).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(key)
}

/// Deletes a key: both its secrets are dead at once. The owners of its API may do that too.
pub async fn delete(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let mut tx = ctx.db.begin().await?;
    let key = deletable(&mut tx, member, id).await?;
    store::delete(&mut tx, id).await?;
    let what = ("api_key.deleted", &*id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(key.application), json!({ "name": key.name })).await?;
    tx.commit().await?;
    Ok(key)
}

/// A key that the member may regenerate; refused to those who may only see it.
pub async fn for_change(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    changeable(&mut *ctx.conn().await?, member, id).await
}

/// A key that the member may delete; refused to those who may only see it.
pub async fn for_deletion(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    deletable(&mut *ctx.conn().await?, member, id).await
}

async fn reach(conn: &mut Conn, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let key = store::by_id(conn, id, member).await?.ok_or(Error::NotFound)?;
    if key.access != KeyAccess::ApiOwner {
        manage::reach(conn, member, key.application).await?;
    }
    Ok(key)
}

async fn changeable(conn: &mut Conn, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let key = reach(conn, member, id).await?;
    match key.access {
        KeyAccess::Owner => Ok(key),
        KeyAccess::ApiOwner => Err(Error::Forbidden(format!(
            "{} belongs to the application {}. Its owner can change it; you can delete it.",
            key.name, key.application_name
        ))),
        KeyAccess::Reader => {
            manage::reach(conn, member, key.application).await?.for_change()?;
            Ok(key)
        }
    }
}

async fn deletable(conn: &mut Conn, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let key = reach(conn, member, id).await?;
    if key.access == KeyAccess::Reader {
        manage::reach(conn, member, key.application).await?.for_change()?;
    }
    Ok(key)
}

async fn operations(conn: &mut Conn, endpoint: &Endpoint) -> Result<Vec<(String, String)>> {
    let operations = browse::operations_in(conn, endpoint.id).await?;
    Ok(operations.into_iter().map(|operation| (operation.method, operation.path)).collect())
}

/// The endpoint a key is for: the only one with a backend in the environment, or the one chosen.
fn endpoint<'a>(
    version: &'a MajorVersion,
    environment: Environment,
    chosen: Option<&str>,
) -> Result<Result<&'a Endpoint, FieldError>> {
    let all = version.current().map_or(&[][..], |v| &v.endpoints);
    let open: Vec<&Endpoint> = all.iter().filter(|e| e.environments.contains(&environment)).collect();
    let wrong = |message: &str| Err(FieldError { field: "endpoint", message: message.to_owned() });
    Ok(match (open.as_slice(), chosen.filter(|name| !name.is_empty())) {
        ([], _) => {
            let what = format!("{} v{} has no {environment} endpoint.", version.api.title, version.major);
            return Err(Error::Conflict(what));
        }
        ([only], None) => Ok(*only),
        (_, None) => wrong("Choose the endpoint that the key shall open."),
        (several, Some(name)) => match several.iter().find(|e| e.name == name) {
            Some(endpoint) => Ok(*endpoint),
            None => wrong("There is no such endpoint here. Choose one from the list."),
        },
    })
}

fn made_already(name: &str) -> Error {
    Error::Conflict(format!(
        "The key {name} has been made already; its secret was shown once. Regenerate it to get a new one."
    ))
}
