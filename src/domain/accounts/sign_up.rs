//! Asking for an account or for a new password by mail. Whoever asks learns nothing about the address: both requests do
//! the same work whether there is an account or not, and only the letter tells.

use crate::base::error::{Error, FieldError, Result};
use crate::base::text::{self, Email};
use crate::config::Accounts;
use crate::domain::Ctx;
use crate::domain::accounts::link_store::{self, Purpose};
use crate::domain::accounts::links::{self, LinkPurpose};
use crate::domain::accounts::model::Member;
use crate::domain::accounts::throttle;
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::accounts::{store, users as people};
use crate::domain::audit::model::Actor;
use crate::domain::mail;
use crate::domain::mail::model::{Letter, Queued};
use crate::domain::mail::outbox;
use std::net::IpAddr;
use std::time::Duration;

/// How long a network waits that has asked for too much.
const REST: Duration = Duration::from_hours(1);

/// Asks for an account: a letter with a link goes to the address. Nothing else is stored until the link is used.
pub async fn ask(ctx: &Ctx, accounts: &Accounts, (name, email): (&str, &str), from: IpAddr) -> Result<()> {
    if !accounts.sign_up {
        return Err(Error::NotFound);
    }
    let name = text::line("name", "a name", name, 100);
    let email = address(email).and_then(|email| {
        let message = || format!("Only addresses at {} may sign up.", accounts.sign_up_domains.join(" or "));
        if accounts.takes(&email) { Ok(email) } else { Err(FieldError { field: "email", message: message() }) }
    });
    match (name, email) {
        (Ok(name), Ok(email)) => request(ctx, &email, &Letter::SignUp { name }, from).await,
        (name, email) => Err(Error::Invalid([name.err(), email.err()].into_iter().flatten().collect())),
    }
}

/// Asks for a new password: a letter with a link goes to the address, if it has an account.
pub async fn ask_new_password(ctx: &Ctx, email: &str, from: IpAddr) -> Result<()> {
    let email = address(email).map_err(|e| Error::Invalid(vec![e]))?;
    request(ctx, &email, &Letter::PasswordReset, from).await
}

async fn request(ctx: &Ctx, email: &Email, letter: &Letter, from: IpAddr) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    if outbox::ask_from(&mut tx, ctx, &throttle::network(from)).await? == Queued::Enough {
        return Err(Error::Busy(REST));
    }
    // An address that has had enough gets no more, and whoever asks is not told: they would learn who else asks.
    mail::queue(&mut tx, ctx, email, letter).await?;
    tx.commit().await?;
    Ok(())
}

/// Uses the link from the letter: makes the account.
pub async fn finish(ctx: &Ctx, accounts: &Accounts, token: &str, (name, password): (&str, &str)) -> Result<Member> {
    let LinkPurpose::SignUp { email, .. } = links::inspect(ctx, token).await? else { return Err(Error::NotFound) };
    // Sign-up may have been closed since.
    if !accounts.takes(&email) {
        return Err(Error::NotFound);
    }
    let known = people::roles(&mut *ctx.conn().await?).await?;
    let known = |role: &&String| known.iter().any(|(name, ..)| name == *role);
    let roles = accounts.sign_up_roles.iter().filter(known).cloned().collect();
    let new = users::hashed(ctx, NewUser::parse(name, email.as_str(), roles, Some(password))?).await?;
    let secret = links::parse(token)?;
    let mut tx = ctx.db.begin().await?;
    match link_store::take(&mut tx, &secret.digest(), ctx.clock.now()).await? {
        Some(Purpose::SignUp(proved, _)) if proved == email => {}
        _ => return Err(Error::NotFound),
    }
    let member = users::insert(&mut tx, ctx, new, &Actor::Oneself(email.to_string())).await?;
    link_store::delete_to(&mut tx, &email).await?;
    tx.commit().await?;
    Ok(member)
}

/// Whether somebody with this address has an account.
pub async fn has_account(conn: &mut crate::infra::db::Conn, email: &Email) -> Result<bool> {
    Ok(store::user_by_email(conn, email).await?.is_some())
}

fn address(email: &str) -> Result<Email, FieldError> {
    let message = "Enter an e-mail address such as ada@example.com.";
    Email::parse(email).ok_or_else(|| FieldError { field: "email", message: message.to_owned() })
}
