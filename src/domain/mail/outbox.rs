//! Queueing letters within limits, and taking them out again to be sent.

use crate::base::error::Result;
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::mail::model::{Letter, Mail, Queued};
use crate::domain::mail::store;
use crate::infra::db::Conn;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// Letters to one address: in an hour and in a day.
const TO_ONE_ADDRESS: Allowance = Allowance { an_hour: 5, a_day: 15 };
/// Letters that strangers of one network may have us write: in an hour and in a day.
const FOR_ONE_NETWORK: Allowance = Allowance { an_hour: 20, a_day: 100 };
/// Letters that one member may have us write to others: in an hour and in a day.
const FOR_ONE_MEMBER: Allowance = Allowance { an_hour: 50, a_day: 200 };
/// Letters that may wait at once.
const MOST_WAITING: i64 = 10_000;
/// How long the mail server may take over one letter before somebody else tries it.
const IN_HAND: Duration = Duration::minutes(5);
/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::minutes(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::hours(2);
/// After so long a letter is given up: what it tells is no news any more.
const PATIENCE: Duration = Duration::days(2);

struct Allowance {
    an_hour: i64,
    a_day: i64,
}

/// Queues a letter inside the transaction of what it tells about. Of what others can ask for, an address gets a few only;
/// news of the account itself always arrive.
pub async fn queue(conn: &mut Conn, ctx: &Ctx, to: &Email, letter: &Letter) -> Result<Queued> {
    let now = ctx.clock.now();
    if !matches!(letter, Letter::PasswordChanged | Letter::GivenAway { .. })
        && store::is_full(conn, MOST_WAITING).await?
    {
        return Ok(Queued::Enough);
    }
    let (by, to_one) = match letter {
        // The latter are of those who decide about something that this person has asked for: few, and waited for.
        Letter::PasswordChanged
        | Letter::GivenAway { .. }
        | Letter::SubscriptionDecided { .. }
        | Letter::RoleDecided { .. } => (None, None),
        // Counted apart, so that whoever asks for much does not keep a forgotten password from its owner.
        Letter::SubscriptionRequested { by, .. } | Letter::RoleRequested { by, .. } => {
            store::lock_requests(conn).await?;
            (Some(by), Some(format!("to decide\n{to}")))
        }
        Letter::Shared { by, .. } | Letter::Given { by, .. } => (Some(by), Some(format!("to\n{to}"))),
        Letter::SignUp { .. } | Letter::PasswordReset | Letter::Invitation { .. } => (None, Some(format!("to\n{to}"))),
    };
    for (subject, allowance) in [(by.map(|by| format!("by\n{by}")), &FOR_ONE_MEMBER), (to_one, &TO_ONE_ADDRESS)] {
        if let Some(subject) = subject
            && is_spent(conn, &digest(&subject), allowance, now).await?
        {
            return Ok(Queued::Enough);
        }
    }
    store::insert(conn, ctx.random.uuid(now), (to, letter), now).await?;
    Ok(Queued::Yes)
}

/// Counts what a stranger asks for, by network; whether it has had enough.
pub async fn ask_from(conn: &mut Conn, ctx: &Ctx, network: &str) -> Result<Queued> {
    let subject = digest(&format!("from\n{network}"));
    let is_spent = is_spent(conn, &subject, &FOR_ONE_NETWORK, ctx.clock.now()).await?;
    Ok(if is_spent { Queued::Enough } else { Queued::Yes })
}

/// Takes the next letter that is due. Say afterwards how it went, with [`done`] or [`failed`].
pub async fn take(ctx: &Ctx) -> Result<Option<Mail>> {
    let now = ctx.clock.now();
    store::take(&mut *ctx.conn().await?, now, now + IN_HAND).await
}

/// It is sent, or there was nothing to send.
pub async fn done(ctx: &Ctx, mail: &Mail) -> Result<()> {
    store::delete(&mut *ctx.conn().await?, mail.id).await
}

/// What becomes of a letter that could not be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It is tried again.
    Again,
    /// It is given up.
    Never,
}

/// It could not be sent: it waits longer each time, and is given up in the end.
pub async fn failed(ctx: &Ctx, mail: &Mail, next: Next) -> Result<Next> {
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    if next == Next::Never || now - mail.queued_at >= PATIENCE {
        store::delete(&mut conn, mail.id).await?;
        return Ok(Next::Never);
    }
    store::postpone(&mut conn, mail.id, now + wait_after(mail.attempts)).await?;
    Ok(Next::Again)
}

/// Forgets what was asked for long ago; answers how many rows went.
pub async fn sweep(ctx: &Ctx) -> Result<u64> {
    store::sweep(&mut *ctx.conn().await?, ctx.clock.now() - Duration::DAY).await
}

async fn is_spent(conn: &mut Conn, subject: &str, allowance: &Allowance, now: OffsetDateTime) -> Result<bool> {
    let since = (now - Duration::HOUR, now - Duration::DAY);
    let (an_hour, a_day) = store::requests(conn, subject, since).await?;
    if an_hour >= allowance.an_hour || a_day >= allowance.a_day {
        return Ok(true);
    }
    store::insert_request(conn, subject, now).await?;
    Ok(false)
}

fn wait_after(attempts: u32) -> Duration {
    (FIRST_WAIT * 2_i32.saturating_pow(attempts.saturating_sub(1).min(16))).min(LONGEST_WAIT)
}

fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        assert_eq!([1, 2, 3, 9, 100].map(|n| wait_after(n).whole_minutes()), [1, 2, 4, 120, 120]);
    }
}
