//! Transfer of ownership: an application gets another owner, with everything that belongs to it. Its owner does so, or an
//! administrator, also when the owner's account is disabled. Credentials, subscriptions and quotas stay as they are.

use crate::base::error::{Error, Result};
use crate::base::id::{ApplicationId, UserId};
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::accounts::access::{self, Person};
use crate::domain::accounts::model::{ADMIN, Member};
use crate::domain::accounts::users;
use crate::domain::applications::model::{Access, Application};
use crate::domain::applications::{share_store, sharing, store, transfer_store};
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::domain::mail;
use crate::domain::mail::model::Letter;
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::json;

/// Applications of a person that an administrator sees, at most.
pub const SHOWN: i64 = 500;

/// What becomes of the former owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Former {
    /// They go on reading it.
    Reads,
    /// They no longer reach it.
    Leaves,
}

impl Former {
    fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Leaves => "leaves",
        }
    }
}

/// Who gives an application away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver {
    /// Its owner.
    Owner,
    /// An administrator.
    Administrator,
}

/// An application that the member may give away.
pub async fn giveable(ctx: &Ctx, member: &Member, id: ApplicationId) -> Result<(Application, Giver)> {
    reach(&mut *ctx.conn().await?, member, id).await
}

/// Who would own it; changes nothing.
pub async fn heir(ctx: &Ctx, member: &Member, id: ApplicationId, email: &str) -> Result<(Application, Giver, Member)> {
    let mut conn = ctx.conn().await?;
    let (application, giver) = reach(&mut conn, member, id).await?;
    let heir = who(&mut conn, &application, email).await?;
    if transfer_store::has_name(&mut conn, heir.id, &application.name).await? {
        return Err(taken(&heir, &application));
    }
    Ok((application, giver, heir))
}

/// Gives it to the person with this address.
pub async fn give(ctx: &Ctx, member: &Member, id: ApplicationId, email: &str, former: Former) -> Result<Member> {
    let mut tx = ctx.db.begin().await?;
    transfer_store::lock(&mut tx, id).await?;
    let (application, _) = reach(&mut tx, member, id).await?;
    let heir = change(&mut tx, ctx, (&member.into(), &member.name), &application, (email, former)).await?;
    tx.commit().await?;
    Ok(heir)
}

/// The same from the command line, whoever owns it.
pub async fn give_any(ctx: &Ctx, id: ApplicationId, email: &str, former: Former) -> Result<(Application, Member)> {
    let mut tx = ctx.db.begin().await?;
    transfer_store::lock(&mut tx, id).await?;
    let application = transfer_store::any(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let heir = change(&mut tx, ctx, (&Actor::CommandLine, ""), &application, (email, former)).await?;
    tx.commit().await?;
    Ok((application, heir))
}

/// A person and what they own, by name, for administrators; for anybody else there is no such list.
pub async fn of_person(ctx: &Ctx, viewer: &Member, person: UserId) -> Result<(Person, Vec<Application>)> {
    let person = access::person(ctx, viewer, person).await?;
    let applications = transfer_store::of_owner(&mut *ctx.conn().await?, person.member.id, SHOWN).await?;
    Ok((person, applications))
}

/// What the person with this address owns, by name.
pub async fn of_address(ctx: &Ctx, email: &str) -> Result<Vec<Application>> {
    let unknown = || Error::field("email", format!("There is no account with the address {email}."));
    let owner = match users::by_email(ctx, email).await {
        Err(Error::NotFound) => return Err(unknown()),
        found => found?,
    };
    transfer_store::of_owner(&mut *ctx.conn().await?, owner.id, SHOWN).await
}

/// Owners reach their own, administrators all; readers see it but may not, and for others it does not exist.
async fn reach(conn: &mut Conn, member: &Member, id: ApplicationId) -> Result<(Application, Giver)> {
    let reached = store::reach(conn, member, id).await?;
    match reached {
        Some(reached) if reached.access == Access::Owner => Ok((reached.application, Giver::Owner)),
        _ if member.has(ADMIN) => {
            let application = transfer_store::any(conn, id).await?.ok_or(Error::NotFound)?;
            Ok((application, Giver::Administrator))
        }
        Some(reached) => Ok((reached.for_change()?, Giver::Owner)),
        None => Err(Error::NotFound),
    }
}

/// The person with this address, if they can own it. Of somebody's account it tells what sharing tells too: whether there
/// is one.
async fn who(conn: &mut Conn, application: &Application, email: &str) -> Result<Member> {
    let Some(address) = Email::parse(email) else {
        return Err(Error::field("email", "Enter an e-mail address such as ada@example.com."));
    };
    if address.as_str() == application.owner_email {
        return Err(Error::field("email", format!("{address} owns it already.")));
    }
    let Some(heir) = users::active(conn, &address).await? else {
        let what = format!("Nobody with an account here has the address {address}. Ask them to register first.");
        return Err(Error::field("email", what));
    };
    if heir.developer().is_err() {
        let what = format!("{address} may not own applications yet: it takes the role developer.");
        return Err(Error::field("email", what));
    }
    Ok(heir)
}

async fn change(
    conn: &mut Conn,
    ctx: &Ctx,
    (actor, by): (&Actor, &str),
    application: &Application,
    (email, former): (&str, Former),
) -> Result<Member> {
    let heir = who(conn, application, email).await?;
    let (id, now) = (application.id, ctx.clock.now());
    transfer_store::set_owner(conn, id, heir.id, now)
        .await
        .on_constraint("applications_owner_name_key", || taken(&heir, application))?;
    share_store::delete(conn, id, heir.email.as_str()).await?;
    if former == Former::Reads {
        share_store::insert(conn, id, std::slice::from_ref(&application.owner_email), now).await?;
        if share_store::count(conn, id).await? > i64::try_from(sharing::MOST).unwrap_or(i64::MAX) {
            let what = format!("It is shared with {} people already, so nobody can stay as one more.", sharing::MOST);
            return Err(Error::field("stay", what));
        }
    }
    let detail = json!({
        "from": application.owner_email,
        "to": heir.email.as_str(),
        "former_owner": former.as_str(),
    });
    audit::record(conn, ctx, actor, ("application.transferred", &application.name), Some(id), detail).await?;
    let (name, by) = (application.name.clone(), by.to_owned());
    let given = Letter::Given { application: id, name: name.clone(), by: by.clone() };
    mail::queue(conn, ctx, &heir.email, &given).await?;
    if let Some(owner) = Email::parse(&application.owner_email) {
        let away = Letter::GivenAway { name, to: heir.email.to_string(), by };
        mail::queue(conn, ctx, &owner, &away).await?;
    }
    Ok(heir)
}

fn taken(heir: &Member, application: &Application) -> Error {
    let what = format!("{} has an application named {} already. Rename this one first.", heir.email, application.name);
    Error::field("email", what)
}
