//! Whose account somebody enters who has proved to a provider who they are.
//!
//! A person is known by provider and subject. An address is never enough by itself: a provider at which people can enter
//! any address would open every account with it. So it makes a new account, and opens one that is there only where the
//! operator has said `link_by_email`, and in both cases only where the provider vouches for it.

use crate::base::error::{Error, Result};
use crate::base::id::UserId;
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::accounts::link_store;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::providers::claims::Person;
use crate::domain::accounts::providers::identity_store as store;
use crate::domain::accounts::providers::provider::Provider;
use crate::domain::accounts::providers::refusal::Refusal;
use crate::domain::accounts::providers::roles;
use crate::domain::accounts::store as account_store;
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::infra::db::Conn;
use serde_json::json;

/// Who was refused, where that is known, and why.
type Refused = (Option<UserId>, Refusal);

/// The member, with the roles that the provider now gives.
pub(super) async fn enter(
    conn: &mut Conn,
    ctx: &Ctx,
    provider: &Provider,
    person: &Person,
) -> Result<Result<Member, Refused>> {
    if let Err(refusal) = admitted(provider, person) {
        return Ok(Err((None, refusal)));
    }
    // Two tabs that come back at once make one account.
    store::lock(conn, &provider.name, &person.subject).await?;
    let user = match store::user(conn, &provider.name, &person.subject).await? {
        Some(user) => user,
        None => match first_time(conn, ctx, provider, person).await? {
            Ok(user) => user,
            Err(refused) => return Ok(Err(refused)),
        },
    };
    let Some(member) = account_store::member(conn, user).await? else {
        return Ok(Err((Some(user), Refusal::Disabled)));
    };
    store::used(conn, (&provider.name, &person.subject), person.email.as_ref(), ctx.clock.now()).await?;
    roles::follow(conn, ctx, provider, &member, &person.values).await?;
    account_store::member(conn, user).await?.map(Ok).ok_or(Error::NotFound)
}

/// Connects the account of a member who is signed in: no address is needed for that, for both sides have been proved.
pub(super) async fn connect(
    conn: &mut Conn,
    ctx: &Ctx,
    provider: &Provider,
    person: &Person,
    member: &Member,
) -> Result<Result<(), Refused>> {
    if let Err(refusal) = admitted(provider, person) {
        return Ok(Err((Some(member.id), refusal)));
    }
    let identity = (&*provider.name, &*person.subject);
    store::lock(conn, &provider.name, &person.subject).await?;
    match store::user(conn, &provider.name, &person.subject).await? {
        Some(user) if user != member.id => return Ok(Err((Some(member.id), Refusal::Elsewhere))),
        Some(_) => {}
        None => {
            store::insert(conn, identity, member.id, ctx.clock.now()).await?;
            let what = ("identity.linked", &*member.id.to_string());
            audit::record(conn, ctx, &member.into(), what, None, json!({ "provider": provider.name })).await?;
        }
    }
    store::used(conn, identity, person.email.as_ref(), ctx.clock.now()).await?;
    roles::follow(conn, ctx, provider, member, &person.values).await?;
    Ok(Ok(()))
}

/// Whether people with such an address may come at all.
fn admitted(provider: &Provider, person: &Person) -> Result<(), Refusal> {
    let settings = &provider.settings;
    match &person.email {
        Some(email) if !settings.takes(email) => Err(Refusal::Domain),
        None if !settings.email_domains.is_empty() => Err(Refusal::NoEmail),
        _ => Ok(()),
    }
}

async fn first_time(
    conn: &mut Conn,
    ctx: &Ctx,
    provider: &Provider,
    person: &Person,
) -> Result<Result<UserId, Refused>> {
    let Some(email) = &person.email else { return Ok(Err((None, Refusal::NoEmail))) };
    let (member, is_new) = match account_store::user_by_email(conn, email).await? {
        Some(user) if user.disabled => return Ok(Err((Some(user.member.id), Refusal::Disabled))),
        Some(user) if !provider.settings.link_by_email => return Ok(Err((Some(user.member.id), Refusal::Taken))),
        Some(user) => (user.member, false),
        None if !provider.settings.create_accounts => return Ok(Err((None, Refusal::NoAccount))),
        None => match new_account(conn, ctx, provider, (email, &person.name)).await? {
            Some(member) => (member, true),
            None => return Ok(Err((None, Refusal::Taken))),
        },
    };
    store::insert(conn, (&provider.name, &person.subject), member.id, ctx.clock.now()).await?;
    if !is_new {
        let detail = json!({ "provider": provider.name });
        let what = ("identity.linked", &*member.id.to_string());
        audit::record(conn, ctx, &Actor::Oneself(email.to_string()), what, None, detail).await?;
    }
    Ok(Ok(member.id))
}

/// A new account; none when somebody else has taken the address meanwhile.
async fn new_account(
    conn: &mut Conn,
    ctx: &Ctx,
    provider: &Provider,
    (email, name): (&Email, &str),
) -> Result<Option<Member>> {
    let known = account_store::roles(conn).await?;
    let is_known = |role: &&String| known.iter().any(|(name, ..)| name == *role);
    let roles = provider.settings.account_roles.iter().filter(is_known).cloned().collect();
    let name = if name.is_empty() { email.as_str().split('@').next().unwrap_or_default() } else { name };
    let new = users::hashed(ctx, NewUser::parse(name, email.as_str(), roles, None)?).await?;
    match users::insert(conn, ctx, new, &Actor::Oneself(email.to_string())).await {
        Ok(member) => {
            // Whoever asked for an account by mail has one now.
            link_store::delete_to(conn, email).await?;
            Ok(Some(member))
        }
        Err(Error::Invalid(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
