//! What users have agreed to: remembered for each user and client, so that only what is new is asked for, and taken
//! back on the account page.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::id::UserId;
use crate::base::scope::Scopes;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::audit;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::grant::EndReason;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::scopes::{EMAIL, OFFLINE_ACCESS, OPENID, PROFILE};
use crate::domain::oauth::{authorize_store, grant_store};
use crate::infra::db::Conn;
use serde_json::json;
use time::OffsetDateTime;

/// A scope with what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its name.
    pub scope: String,
    /// What it lets an application do, in words; empty where its API does not say.
    pub words: String,
}

/// An application that a user has let in.
#[derive(Clone, Debug)]
pub struct LetIn {
    /// Its consumer key.
    pub client: String,
    /// Its name.
    pub application: String,
    /// Whose it is.
    pub owner: String,
    /// Where its tokens work.
    pub environment: Environment,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Since when.
    pub since: OffsetDateTime,
}

/// What the user has agreed to before, if the client was let in at all.
pub(in crate::domain::oauth) async fn agreed(conn: &mut Conn, user: UserId, client: &str) -> Result<Option<Scopes>> {
    authorize_store::consent(conn, user, client).await
}

/// Remembers that the user has agreed to these too.
pub(in crate::domain::oauth) async fn remember(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    client: &RegisteredClient,
    scopes: &Scopes,
) -> Result<()> {
    authorize_store::add_consent(conn, member.id, &client.id, scopes, ctx.clock.now()).await?;
    let detail = json!({ "scopes": scopes.as_slice() });
    audit::record(conn, ctx, &member.into(), ("consent.given", &client.id), Some(client.application), detail).await
}

/// Scopes in words, as users are asked for them.
pub(in crate::domain::oauth) fn in_words(client: &RegisteredClient, scopes: &Scopes) -> Vec<Permission> {
    let words = |name: &str| match name {
        OPENID => "See that it is you, by an identifier".to_owned(),
        PROFILE => "See your name".to_owned(),
        EMAIL => "See your e-mail address".to_owned(),
        OFFLINE_ACCESS => "Keep this access while you are away".to_owned(),
        _ => {
            let scopes = || client.apis.iter().flat_map(|api| api.scopes.iter().map(move |scope| (api, scope)));
            let titled = scopes().find(|(_, scope)| scope.name == name && !scope.title.is_empty());
            match titled.or_else(|| scopes().find(|(_, scope)| scope.name == name)) {
                Some((api, scope)) if scope.title.is_empty() => format!("Use {}", api.title),
                Some((api, scope)) => format!("{}: {}", api.title, scope.title),
                // It was agreed to when its API was still subscribed to.
                None => String::new(),
            }
        }
    };
    scopes.iter().map(|name| Permission { scope: name.to_owned(), words: words(name) }).collect()
}

/// The applications that the member has let in, the newest first: by consent, or in another way that left them a
/// grant that still works.
pub async fn list(ctx: &Ctx, issuer: &Issuer, member: &Member) -> Result<Vec<LetIn>> {
    let mut all: Vec<(String, Scopes, OffsetDateTime)> = Vec::new();
    let found = authorize_store::let_in(&mut *ctx.conn().await?, member.id, ctx.clock.now()).await?;
    for (client, scopes, since) in found {
        match all.iter_mut().find(|(known, ..)| *known == client) {
            Some((_, known, first)) => {
                scopes.iter().for_each(|scope| known.insert(scope));
                *first = since.min(*first);
            }
            None => all.push((client, scopes, since)),
        }
    }
    let mut list = Vec::new();
    for (client, scopes, since) in all {
        // A client that goes at this moment takes its consents along.
        if let Some(client) = issuer.registry().client(ctx, &client).await? {
            list.push(LetIn {
                permissions: in_words(&client, &scopes),
                client: client.id.clone(),
                application: client.application_name.clone(),
                owner: client.owner_name.clone(),
                environment: client.environment,
                since,
            });
        }
    }
    list.sort_by_key(|one| std::cmp::Reverse(one.since));
    Ok(list)
}

/// One of them.
pub async fn find(ctx: &Ctx, issuer: &Issuer, member: &Member, client: &str) -> Result<LetIn> {
    list(ctx, issuer, member).await?.into_iter().find(|one| one.client == client).ok_or(Error::NotFound)
}

/// Takes back what the member has agreed to: the client is asked about again, its refresh tokens end at once and its
/// access tokens within a second.
pub async fn revoke(ctx: &Ctx, issuer: &Issuer, member: &Member, client: &str) -> Result<()> {
    let application = issuer.registry().client(ctx, client).await?.ok_or(Error::NotFound)?.application;
    let mut tx = ctx.db.begin().await?;
    let was_agreed = authorize_store::delete_consent(&mut tx, member.id, client).await?;
    let reason = EndReason::ConsentRevoked;
    let ended = grant_store::end_between(&mut tx, (member.id, client), reason, ctx.clock.now()).await?;
    if !was_agreed && ended == 0 {
        return Err(Error::NotFound);
    }
    let detail = json!({ "grants": ended });
    audit::record(&mut tx, ctx, &member.into(), ("consent.revoked", client), Some(application), detail).await?;
    tx.commit().await?;
    Ok(())
}
