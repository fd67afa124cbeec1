//! Signing in with e-mail address and password, throttled by who and from where.

use crate::base::error::{Error, Result};
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::{password, store};
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use time::Duration;

/// Failures that cost nothing but the attempt.
const FREE_FAILURES: u32 = 5;
/// The wait after the first failure beyond those; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::seconds(2);
/// The longest wait. After as long without a failure all is forgotten.
const LONGEST_WAIT: Duration = Duration::minutes(15);

/// The member, if the password is right. Unknown address, wrong password, no password yet and disabled account are
/// told apart neither by text nor by time. Failures are counted for (address typed, network address): somebody
/// guessing from elsewhere cannot lock the owner out.
pub async fn sign_in(ctx: &Ctx, email: &str, password: &str, from: IpAddr) -> Result<Member> {
    let now = ctx.clock.now();
    let subject = subject(email);
    let from = network(from);
    let mut conn = ctx.conn().await?;
    if let Some((failures, last_at)) = store::login_failures(&mut conn, &subject, &from).await? {
        let wait = last_at + wait_after(failures) - now;
        if wait.is_positive() {
            return Err(Error::Busy(wait.unsigned_abs()));
        }
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
        Some(user) if right && !user.disabled => {
            store::forget_login_failures(&mut conn, &subject, &from).await?;
            Ok(user.member)
        }
        _ => {
            store::count_login_failure(&mut conn, &subject, &from, now, now - LONGEST_WAIT).await?;
            Err(Error::field("password", "The e-mail address or the password is not right."))
        }
    }
}

fn wait_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(beyond) => (FIRST_WAIT * 2_i32.saturating_pow(beyond.min(16))).min(LONGEST_WAIT),
    }
}

/// The address typed, as a digest: people type passwords into the wrong field.
fn subject(email: &str) -> String {
    let digest = Sha256::digest(email.trim().to_lowercase().as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// An IPv6 customer has a /64: one address of it is as good as another.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => {
                let [a, b, c, d, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_the_sixth_failure_up_to_a_bound() {
        let seconds: Vec<i64> = [0, 4, 5, 6, 7, 30].map(|n| wait_after(n).whole_seconds()).to_vec();
        assert_eq!(seconds, [0, 0, 2, 4, 8, 900]);
    }

    #[test]
    fn one_network_is_counted_as_one() {
        let net = |a: &str| network(a.parse().unwrap());
        assert_eq!(net("2001:db8::1"), net("2001:db8::ffff"));
        assert_ne!(net("2001:db8::1"), net("2001:db8:0:1::1"));
        assert_eq!(net("::ffff:10.0.0.1"), net("10.0.0.1"));
    }
}
