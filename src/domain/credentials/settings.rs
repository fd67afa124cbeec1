//! Advanced configurations: what the owner of a client chooses, checked before it is stored. Every wrong field is told at
//! once, under the name it has in the form.

use crate::base::environment::Environment;
use crate::base::error::{Error, FieldError, Result};
use crate::base::id::ApplicationId;
use crate::base::scope::OPENID_CONNECT;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::audit;
use crate::domain::credentials::client_model::{Client, ClientKind, ClientSettings, GrantType, Legacy};
use crate::domain::credentials::{access, addresses, client_store, jwks};
use crate::infra::db::Conn;
use serde_json::json;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// For how long access tokens may live, in seconds.
pub const ACCESS_TOKEN_SECONDS: RangeInclusive<u32> = 60..=86_400;
/// For how long refresh tokens may lie unused, in seconds.
pub const REFRESH_TOKEN_SECONDS: RangeInclusive<u32> = 300..=2_592_000;
/// For how long ID tokens may live, in seconds.
pub const ID_TOKEN_SECONDS: RangeInclusive<u32> = 60..=86_400;
/// For how long a used refresh token may be sent again, in seconds.
pub const REFRESH_LEEWAY_SECONDS: RangeInclusive<u32> = 0..=60;

/// Settings that may be stored. Only [`check`] makes them.
#[derive(Debug)]
pub(super) struct Checked {
    settings: ClientSettings,
    allowed_origins: Vec<String>,
}

impl Checked {
    pub(super) fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Origins of the redirect URIs and those added: their pages may read our answers.
    pub(super) fn allowed_origins(&self) -> &[String] {
        &self.allowed_origins
    }
}

/// Stores the settings of a client. Settings that change nothing leave no trace.
pub async fn save(
    ctx: &Ctx,
    member: &Member,
    (application, environment): (ApplicationId, Environment),
    settings: ClientSettings,
    legacy: Legacy,
) -> Result<Client> {
    let mut tx = ctx.db.begin().await?;
    manage::reach(&mut tx, member, application).await?.for_change()?;
    access::check(member, environment)?;
    let before = client_store::find(&mut tx, application, environment).await?.ok_or(Error::NotFound)?;
    let checked = check(&mut tx, application, legacy, (&before.settings, settings)).await?;
    let changed = changed(&before.settings, &checked.settings);
    if changed.is_empty() {
        return Ok(before);
    }
    client_store::update_settings(&mut tx, &before.id, &checked.settings, &checked.allowed_origins).await?;
    let what = ("client.configured", &*before.id);
    let detail = json!({ "environment": environment, "changed": changed });
    audit::record(&mut tx, ctx, &member.into(), what, Some(application), detail).await?;
    let client = client_store::find(&mut tx, application, environment).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(client)
}

/// Checks what an application's client shall be set to, all fields at once. What it had `before` decides about scopes
/// alone: one that has gone since may stay, for nothing is taken away unasked.
pub(super) async fn check(
    conn: &mut Conn,
    application: ApplicationId,
    legacy: Legacy,
    (before, mut wanted): (&ClientSettings, ClientSettings),
) -> Result<Checked> {
    let apis = client_store::subscribed(conn, application, Environment::Sandbox).await?;
    let mut scopes: BTreeSet<&str> = OPENID_CONNECT.into_iter().collect();
    scopes.extend(apis.iter().flat_map(|api| &api.scopes).map(|scope| scope.name.as_str()));
    scopes.extend(before.scopes.iter().flatten().map(String::as_str));
    once_each(&mut wanted);
    let wrong = wrong(&wanted, legacy, &scopes);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut allowed_origins: BTreeSet<String> = wanted.cors_origins.iter().cloned().collect();
    allowed_origins.extend(wanted.redirect_uris.iter().filter_map(|uri| addresses::origin(uri)));
    Ok(Checked { settings: wanted, allowed_origins: allowed_origins.into_iter().collect() })
}

/// The same twice is the same once, and grants have no order.
fn once_each(settings: &mut ClientSettings) {
    settings.grant_types.sort_unstable();
    settings.grant_types.dedup();
    let addresses = [&mut settings.redirect_uris, &mut settings.post_logout_redirect_uris, &mut settings.cors_origins];
    for list in addresses.into_iter().chain(settings.scopes.as_mut()) {
        let mut seen = BTreeSet::new();
        list.retain(|entry| seen.insert(entry.clone()));
    }
}

fn wrong(settings: &ClientSettings, legacy: Legacy, scopes: &BTreeSet<&str>) -> Vec<FieldError> {
    let ClientSettings { access_token_seconds, refresh_token_seconds, id_token_seconds, .. } = *settings;
    let checks = [
        ("grant_types", grant_types(settings, legacy)),
        ("pkce_mandatory", pkce(settings)),
        ("redirect_uris", redirect_uris(settings)),
        ("access_token_seconds", seconds(access_token_seconds, ACCESS_TOKEN_SECONDS)),
        ("refresh_token_seconds", seconds(refresh_token_seconds, REFRESH_TOKEN_SECONDS)),
        ("id_token_seconds", seconds(id_token_seconds, ID_TOKEN_SECONDS)),
        ("refresh_leeway_seconds", seconds(settings.refresh_leeway_seconds, REFRESH_LEEWAY_SECONDS)),
        ("scopes", chosen_scopes(settings, scopes)),
        ("post_logout_redirect_uris", list(&settings.post_logout_redirect_uris, addresses::check_redirect)),
        ("cors_origins", list(&settings.cors_origins, addresses::check_origin)),
        ("jwks", settings.jwks.as_ref().map_or(Ok(()), jwks::check)),
    ];
    checks.into_iter().filter_map(|(field, answer)| answer.err().map(|message| FieldError { field, message })).collect()
}

fn grant_types(settings: &ClientSettings, legacy: Legacy) -> Result<(), String> {
    let said = if settings.grant_types.is_empty() {
        "Choose at least one grant type: without one there are no tokens."
    } else if settings.grant_types == [GrantType::RefreshToken] {
        "A refresh token comes along with another grant. Choose the one that shall give it: authorization code, device code or \
         password."
    } else if legacy == Legacy::Forbidden && settings.grant_types.iter().any(|grant| grant.is_legacy()) {
        "This portal does not allow the password and implicit grants. Use authorization code with PKCE instead."
    } else if settings.kind == ClientKind::Public && settings.has(GrantType::ClientCredentials) {
        "A public client cannot use client credentials: it has no secret to prove itself with. Untick one of the two."
    } else {
        return Ok(());
    };
    Err(said.to_owned())
}

fn pkce(settings: &ClientSettings) -> Result<(), String> {
    if settings.kind == ClientKind::Public && !settings.pkce_mandatory {
        return Err("A public client always needs PKCE: nothing else ties a code to it. Leave Mandatory on.".to_owned());
    }
    Ok(())
}

fn redirect_uris(settings: &ClientSettings) -> Result<(), String> {
    let needs_one = [GrantType::AuthorizationCode, GrantType::Implicit].into_iter().any(|grant| settings.has(grant));
    if needs_one && settings.redirect_uris.is_empty() {
        return Err("Enter where browsers shall return to: authorization code and implicit need at least one address."
            .to_owned());
    }
    list(&settings.redirect_uris, addresses::check_redirect)
}

fn seconds(value: u32, range: RangeInclusive<u32>) -> Result<(), String> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(format!("Enter a whole number of seconds from {} to {}.", range.start(), range.end()))
}

fn chosen_scopes(settings: &ClientSettings, known: &BTreeSet<&str>) -> Result<(), String> {
    let unknown = settings.scopes.iter().flatten().find(|name| !known.contains(name.as_str()));
    unknown.map_or(Ok(()), |name| {
        Err(format!("No API of this application has the scope {}. Choose from the list.", shortened(name)))
    })
}

/// Checks each entry; the first that is wrong is told with the reason.
fn list<E: Into<String>>(entries: &[String], check: impl Fn(&str) -> Result<(), E>) -> Result<(), String> {
    if entries.len() > addresses::MOST {
        return Err(format!("Enter at most {} addresses; there are {}.", addresses::MOST, entries.len()));
    }
    entries.iter().try_for_each(|entry| check(entry).map_err(|why| format!("{} {}", shortened(entry), why.into())))
}

/// What was entered, short enough for a sentence.
fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(80).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// The fields that differ, for the audit trail: their names, never their values.
fn changed(before: &ClientSettings, after: &ClientSettings) -> Vec<&'static str> {
    let pairs = [
        ("grant_types", before.grant_types != after.grant_types),
        ("public", before.kind != after.kind),
        ("pkce_mandatory", before.pkce_mandatory != after.pkce_mandatory),
        ("pkce_plain_allowed", before.pkce_plain_allowed != after.pkce_plain_allowed),
        ("redirect_uris", before.redirect_uris != after.redirect_uris),
        ("post_logout_redirect_uris", before.post_logout_redirect_uris != after.post_logout_redirect_uris),
        ("cors_origins", before.cors_origins != after.cors_origins),
        ("access_token_seconds", before.access_token_seconds != after.access_token_seconds),
        ("refresh_token_seconds", before.refresh_token_seconds != after.refresh_token_seconds),
        ("id_token_seconds", before.id_token_seconds != after.id_token_seconds),
        ("refresh_leeway_seconds", before.refresh_leeway_seconds != after.refresh_leeway_seconds),
        ("scopes", before.scopes != after.scopes),
        ("jwks", before.jwks != after.jwks),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}
