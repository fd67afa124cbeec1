//! Signing in with e-mail address and password, throttled by who and from where.

use crate::base::error::{Error, Result};
use crate::base::text::Email;
use crate::config::Accounts;
use crate::domain::Ctx;
use crate::domain::accounts::model::{ADMIN, Member};
use crate::domain::accounts::throttle::{Attempt, Gate};
use crate::domain::accounts::{password, store, throttle};
use std::net::IpAddr;

/// Who may sign in with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// Everybody who has one.
    ForEverybody,
    /// Administrators, so that nobody is locked out when a provider has trouble; all others sign in there.
    ForAdministrators,
}

impl From<&Accounts> for Passwords {
    fn from(accounts: &Accounts) -> Self {
        if accounts.password_sign_in { Self::ForEverybody } else { Self::ForAdministrators }
    }
}

/// The member, if the password is right. Unknown address, wrong password, no password yet and disabled account are
/// told apart neither by text nor by time. Failures are counted for (address typed, network address): somebody
/// guessing from elsewhere cannot lock the owner out.
pub async fn sign_in(ctx: &Ctx, passwords: Passwords, (email, password): (&str, &str), from: IpAddr) -> Result<Member> {
    let now = ctx.clock.now();
    let attempt = Attempt::of_person(email, from);
    let mut conn = ctx.conn().await?;
    if let Gate::Closed(wait) = attempt.gate(&mut conn, now).await? {
        return Err(Error::Busy(wait));
    }
    let user = match Email::parse(email) {
        Some(email) => store::user_by_email(&mut conn, &email).await?,
        None => None,
    };
    drop(conn); // hashing takes a while; others need the connection
    let hash = user.as_ref().and_then(|u| u.password_hash.clone());
    let right = password::matches(ctx, password, hash).await?;
    let mut conn = ctx.conn().await?;
    match user {
        // Only who knows the password hears this.
        Some(user)
            if right && !user.disabled && passwords == Passwords::ForAdministrators && !user.member.has(ADMIN) =>
        {
            Err(Error::Conflict("Only administrators sign in with a password here.".to_owned()))
        }
        Some(user) if right && !user.disabled => {
            attempt.forget(&mut conn).await?;
            tracing::info!(user.id = %user.member.id, client.network = throttle::network(from), "a member has signed in");
            Ok(user.member)
        }
        _ => {
            attempt.failed(&mut conn, now).await?;
            // Never what was typed: people type passwords into the wrong field.
            let user = user.map(|user| user.member.id.to_string()).unwrap_or_default();
            tracing::warn!(user.id = user, client.network = throttle::network(from), "a sign-in has failed");
            Err(Error::field("password", "The e-mail address or the password is not right."))
        }
    }
}
