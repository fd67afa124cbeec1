//! Generating, listing, regenerating and deleting API keys.

use crate::base::environment::Environment;
use crate::base::error::{Error, FieldError, Result};
use crate::base::id::{ApiKeyId, ApplicationId};
use crate::base::secret::{Kind, Plain};
use crate::base::text;
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::audit;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{Endpoint, MajorVersion};
use crate::domain::credentials::model::{ApiKey, ChosenApplication, GRACE, IssuedKey, NewApiKey};
use crate::domain::credentials::{access, store};
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
    let (name, endpoint) = match (name, endpoint) {
        (Ok(name), Ok(endpoint)) => (name, endpoint),
        (name, endpoint) => {
            return Err(Error::Invalid([name.err(), endpoint.err()].into_iter().flatten().collect()));
        }
    };
    let application = match &new.application {
        ChosenApplication::Existing(id) => manage::reach(&mut tx, member, *id).await?.for_change()?,
        ChosenApplication::New(name) => manage::create_in(&mut tx, ctx, member, name, "")
            .await
            .map_err(|error| rename_field(error, "application_name"))?,
    };
    subscribe::ensure(&mut tx, ctx, member, (&application, &version), new.plan.as_deref()).await?;

    let now = ctx.clock.now();
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
        "environment": key.environment, "endpoint": key.endpoint,
    });
    let what = ("api_key.generated", &*key.id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(key.application), detail).await?;
    tx.commit().await?;
    Ok(IssuedKey { key, secret })
}

/// The keys the member's applications (own and shared) have for a major version in an environment.
pub async fn of_api(
    ctx: &Ctx,
    member: &Member,
    version: &MajorVersion,
    environment: Environment,
) -> Result<Vec<ApiKey>> {
    store::of_api(&mut *ctx.conn().await?, member, (version.api.id, version.major), environment).await
}

/// The keys of an application the member reaches, in an environment.
pub async fn of_application(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<Vec<ApiKey>> {
    let mut conn = ctx.conn().await?;
    manage::reach(&mut conn, member, application).await?;
    store::of_application(&mut conn, member, application, environment).await
}

/// One key of an application the member reaches.
pub async fn get(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let mut conn = ctx.conn().await?;
    let key = store::by_id(&mut conn, id, member).await?.ok_or(Error::NotFound)?;
    manage::reach(&mut conn, member, key.application).await?;
    Ok(key)
}

/// A new secret for a key. The one it had works for another hour; the one before that stops now.
pub async fn regenerate(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<IssuedKey> {
    let mut tx = ctx.db.begin().await?;
    let key = changeable(&mut tx, member, id).await?;
    access::check(member, key.environment)?;
    let now = ctx.clock.now();
    let secret = Plain::mint(Kind::ApiKey(key.environment), &ctx.random);
    store::regenerate(&mut tx, id, (&secret.digest(), secret.hint()), now, now + GRACE).await?;
    let what = ("api_key.regenerated", &*id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(key.application), json!({ "name": key.name })).await?;
    let key = store::by_id(&mut tx, id, member).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(IssuedKey { key, secret })
}

/// Ends the grace hour now: the old key stops working.
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

/// Deletes a key: both its secrets are dead at once.
pub async fn delete(ctx: &Ctx, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let mut tx = ctx.db.begin().await?;
    let key = changeable(&mut tx, member, id).await?;
    store::delete(&mut tx, id).await?;
    let what = ("api_key.deleted", &*id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, Some(key.application), json!({ "name": key.name })).await?;
    tx.commit().await?;
    Ok(key)
}

async fn changeable(conn: &mut Conn, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let key = store::by_id(conn, id, member).await?.ok_or(Error::NotFound)?;
    manage::reach(conn, member, key.application).await?.for_change()?;
    Ok(key)
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

fn rename_field(error: Error, to: &'static str) -> Error {
    match error {
        Error::Invalid(fields) => {
            let rename = |e: FieldError| FieldError { field: if e.field == "name" { to } else { e.field }, ..e };
            Error::Invalid(fields.into_iter().map(rename).collect())
        }
        other => other,
    }
}
