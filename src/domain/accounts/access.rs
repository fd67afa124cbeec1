//! What a person may do on the instance: roles given and taken back, accounts disabled and enabled again.

use crate::base::error::{Error, Result};
use crate::base::id::UserId;
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::accounts::model::{ADMIN, Member};
use crate::domain::accounts::role_request_store;
use crate::domain::accounts::session_store;
use crate::domain::accounts::store::{self, UserRow};
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::domain::mail;
use crate::domain::mail::model::Letter;
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::json;

/// A person as an administrator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who, with which roles.
    pub member: Member,
    /// Whether they may come in.
    pub state: State,
}

/// Whether a person may come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// They may.
    Active,
    /// They have not chosen a password yet, and have not come by a provider either.
    Invited,
    /// They may not.
    Disabled,
}

/// Whether an act changed something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It did.
    Made,
    /// All was so already.
    None,
}

/// Everybody, by address.
pub async fn list(ctx: &Ctx) -> Result<Vec<Person>> {
    Ok(store::users(&mut *ctx.conn().await?).await?.into_iter().map(Person::from).collect())
}

/// A page of people for an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// By address.
    pub people: Vec<Person>,
    /// The address after which the next page begins; empty on the last one.
    pub next: String,
}

/// People on a page.
const A_PAGE: usize = 50;

/// The people whose name or address holds the words, by address, after one of them. For administrators only: for anybody
/// else there is no such list.
pub async fn people(ctx: &Ctx, viewer: &Member, words: &str, after: &str) -> Result<People> {
    administrator(viewer)?;
    let limit = i64::try_from(A_PAGE + 1).unwrap_or(i64::MAX);
    let rows = store::people(&mut *ctx.conn().await?, words.trim(), &after.to_lowercase(), limit).await?;
    let has_more = rows.len() > A_PAGE;
    let people: Vec<Person> = rows.into_iter().take(A_PAGE).map(Person::from).collect();
    let last = people.last().filter(|_| has_more);
    let next = last.map(|person| person.member.email.to_string()).unwrap_or_default();
    Ok(People { people, next })
}

/// One person, disabled or not, for administrators.
pub async fn person(ctx: &Ctx, viewer: &Member, id: UserId) -> Result<Person> {
    administrator(viewer)?;
    let row = store::user(&mut *ctx.conn().await?, id).await?;
    row.map(Person::from).ok_or(Error::NotFound)
}

/// Makes an account for somebody and has a letter sent with a link to choose a password.
pub async fn invite(ctx: &Ctx, new: NewUser, actor: &Actor) -> Result<Member> {
    let by = match actor {
        Actor::Member(_, email) => email.clone(),
        Actor::CommandLine | Actor::Oneself(_) => String::new(),
    };
    let new = users::hashed(ctx, new).await?;
    let mut tx = ctx.db.begin().await?;
    let member = users::insert(&mut tx, ctx, new, actor).await?;
    mail::queue(&mut tx, ctx, &member.email, &Letter::Invitation { by }).await?;
    tx.commit().await?;
    Ok(member)
}

/// The same, by an administrator.
pub async fn invite_as(ctx: &Ctx, viewer: &Member, new: NewUser) -> Result<Member> {
    administrator(viewer)?;
    invite(ctx, new, &viewer.into()).await
}

/// The roles that an administrator may give, with their titles.
pub async fn roles(ctx: &Ctx, viewer: &Member) -> Result<Vec<(String, String)>> {
    administrator(viewer)?;
    let roles = store::roles(&mut *ctx.conn().await?).await?;
    Ok(roles.into_iter().map(|(name, title, _)| (name, title)).collect())
}

/// Refuses everybody but administrators: for them there is nothing.
pub(super) fn administrator(viewer: &Member) -> Result<()> {
    if viewer.has(ADMIN) { Ok(()) } else { Err(Error::NotFound) }
}

/// Keeps a person out: their sessions end now, and with them every token that they have granted. What belongs to their
/// applications goes on: API keys and the applications' own tokens are not the person's.
pub async fn disable(ctx: &Ctx, email: &str, actor: &Actor) -> Result<Change> {
    let mut tx = ctx.db.begin().await?;
    let user = for_change(&mut tx, email).await?;
    let id = user.member.id;
    if user.member.has(ADMIN) {
        another_administrator(&mut tx, &user.member).await?;
    }
    if !store::set_disabled(&mut tx, id, Some(ctx.clock.now())).await? {
        return Ok(Change::None);
    }
    session_store::delete_of(&mut tx, id).await?;
    audit::record(&mut tx, ctx, actor, ("user.disabled", &id.to_string()), None, json!({})).await?;
    tx.commit().await?;
    Ok(Change::Made)
}

/// Lets a person in again. They sign in anew; what has ended does not come back.
pub async fn enable(ctx: &Ctx, email: &str, actor: &Actor) -> Result<Change> {
    let mut tx = ctx.db.begin().await?;
    let id = for_change(&mut tx, email).await?.member.id;
    if !store::set_disabled(&mut tx, id, None).await? {
        return Ok(Change::None);
    }
    audit::record(&mut tx, ctx, actor, ("user.enabled", &id.to_string()), None, json!({})).await?;
    tx.commit().await?;
    Ok(Change::Made)
}

/// Gives a role.
pub async fn grant(ctx: &Ctx, email: &str, role: &str, actor: &Actor) -> Result<Change> {
    let mut tx = ctx.db.begin().await?;
    for_change(&mut tx, email).await?;
    let address = Email::parse(email).ok_or(Error::NotFound)?;
    let change = grant_in(&mut tx, ctx, &address, (role, actor)).await?;
    tx.commit().await?;
    Ok(change)
}

/// The same, inside a transaction: a request for the role is granted so, and is one no more.
pub(super) async fn grant_in(
    conn: &mut Conn,
    ctx: &Ctx,
    email: &Email,
    (role, actor): (&str, &Actor),
) -> Result<Change> {
    let member = store::user_by_email(conn, email).await?.ok_or(Error::NotFound)?.member;
    let is_new = store::grant_role(conn, member.id, role, ctx.clock.now())
        .await
        .on_constraint("role_grants_role_fkey", || unknown_role(role))?;
    role_request_store::delete(conn, member.id, role).await?;
    if !is_new {
        return Ok(Change::None);
    }
    let what = ("role.granted", &*member.id.to_string());
    audit::record(conn, ctx, actor, what, None, json!({ "role": role })).await?;
    Ok(Change::Made)
}

/// Takes a role back. Tokens keep the scopes that it opened until they expire; a refresh gives them no more.
pub async fn revoke(ctx: &Ctx, email: &str, role: &str, actor: &Actor) -> Result<Change> {
    let mut tx = ctx.db.begin().await?;
    let user = for_change(&mut tx, email).await?;
    if role == ADMIN && user.member.has(ADMIN) && !user.disabled {
        another_administrator(&mut tx, &user.member).await?;
    }
    if let Some(provider) = store::provider_of_role(&mut tx, user.member.id, role).await? {
        let what = format!(
            "{} has the role {role} from {provider}. Take it back there; it goes with the next sign-in.",
            user.member.email
        );
        return Err(Error::Conflict(what));
    }
    if !store::revoke_role(&mut tx, user.member.id, role).await? {
        return Ok(Change::None);
    }
    let what = ("role.revoked", &*user.member.id.to_string());
    audit::record(&mut tx, ctx, actor, what, None, json!({ "role": role })).await?;
    tx.commit().await?;
    Ok(Change::Made)
}

pub(super) fn unknown_role(role: &str) -> Error {
    Error::field("role", format!("There is no role {role}. `portico apply` can define it (kind: role)."))
}

/// The person with this address. Whoever changes what people may do waits for the others, so that two administrators
/// cannot put each other out.
async fn for_change(conn: &mut Conn, email: &str) -> Result<UserRow> {
    store::lock_administrators(conn).await?;
    let unknown = || Error::field("email", format!("There is no account with the address {email}."));
    let address = Email::parse(email).ok_or_else(unknown)?;
    store::user_by_email(conn, &address).await?.ok_or_else(unknown)
}

/// Somebody must be left who can undo it.
async fn another_administrator(conn: &mut Conn, member: &Member) -> Result<()> {
    if store::other_administrator_exists(conn, member.id).await? {
        return Ok(());
    }
    let what = format!("{} is the only administrator who can sign in. Make somebody else one first.", member.email);
    Err(Error::Conflict(what))
}

impl From<UserRow> for Person {
    fn from(row: UserRow) -> Self {
        let state = match (row.disabled, row.password_hash.is_some() || row.has_identity) {
            (true, _) => State::Disabled,
            (false, false) => State::Invited,
            (false, true) => State::Active,
        };
        Self { member: row.member, state }
    }
}
