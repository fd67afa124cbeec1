//! Failed attempts to prove who one is, counted by who and from where: people at the sign-in page, clients at the
//! token endpoint. Somebody guessing from elsewhere cannot lock the owner out.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::domain::accounts::store;
use crate::infra::db::Conn;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};

/// Failures that cost nothing but the attempt.
const FREE_FAILURES: u32 = 5;
/// The wait after the first failure beyond those; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::seconds(2);
/// The longest wait. After as long without a failure all is forgotten.
const LONGEST_WAIT: Duration = Duration::minutes(15);

/// Who tries, and from where.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Attempt {
    subject: String,
    address: String,
}

/// Whether one may try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// Yes, and no failure is remembered.
    Open,
    /// Yes; a success makes the failures forgotten.
    OpenAfterFailures,
    /// Not before so much time has passed.
    Closed(std::time::Duration),
}

impl Attempt {
    /// A person, by the e-mail address typed.
    pub fn of_person(email: &str, from: IpAddr) -> Self {
        Self { subject: digest(&email.trim().to_lowercase()), address: network(from) }
    }

    /// An OAuth client, by the id sent.
    pub fn of_client(id: &str, from: IpAddr) -> Self {
        // A line break keeps it apart from every e-mail address.
        Self { subject: digest(&format!("client\n{id}")), address: network(from) }
    }

    /// A signed-in person entering the code of a device (RFC 8628 §5.1). Counted wherever they are: it needs their session,
    /// so nobody else can slow them down, and more addresses give no more guesses.
    pub fn of_device_code(user: UserId) -> Self {
        Self { subject: digest(&format!("device\n{user}")), address: "anywhere".to_owned() }
    }

    /// Asks whether this attempt may be made at `now`.
    pub async fn gate(&self, conn: &mut Conn, now: OffsetDateTime) -> Result<Gate> {
        let Some((failures, last_at)) = store::login_failures(conn, &self.subject, &self.address).await? else {
            return Ok(Gate::Open);
        };
        let wait = last_at + wait_after(failures) - now;
        Ok(if wait.is_positive() { Gate::Closed(wait.unsigned_abs()) } else { Gate::OpenAfterFailures })
    }

    /// Counts a failure.
    pub async fn failed(&self, conn: &mut Conn, now: OffsetDateTime) -> Result<()> {
        store::count_login_failure(conn, &self.subject, &self.address, now, now - LONGEST_WAIT).await
    }

    /// Forgets the failures, after a success.
    pub async fn forget(&self, conn: &mut Conn) -> Result<()> {
        store::forget_login_failures(conn, &self.subject, &self.address).await
    }
}

/// Attempts of which this node knows that they have failed before, so that one that never has costs no question.
///
/// Failures are counted in the database, for all nodes together, and each node remembers the pairs for which it has
/// counted or found one. A pair that has failed at another node only is not known here until it fails here too: with N
/// nodes, somebody who should wait may be heard N times instead of once. Beyond its bound the memory forgets the pairs
/// that were not seen for longest, which means the same for those. Both are harmless where what is guessed has 256
/// random bits; passwords are always asked about in the database.
#[derive(Debug)]
pub struct KnownFailures(Cache<Attempt, ()>);

impl KnownFailures {
    /// Remembers at most so many.
    pub fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    /// Whether a failure is known.
    pub fn has(&self, attempt: &Attempt) -> bool {
        self.0.get(attempt).is_some()
    }

    /// Remembers a failure.
    pub fn add(&self, attempt: Attempt) {
        self.0.insert(attempt, ());
    }

    /// Forgets it, after a success.
    pub fn remove(&self, attempt: &Attempt) {
        self.0.remove(attempt);
    }
}

fn wait_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(beyond) => (FIRST_WAIT * 2_i32.saturating_pow(beyond.min(16))).min(LONGEST_WAIT),
    }
}

/// What was typed, as a digest: people type passwords into the wrong field.
fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// An IPv6 customer has a /64: one address of it is as good as another.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_the_fifth_failure_up_to_a_bound() {
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

    #[test]
    fn people_and_clients_are_counted_apart() {
        let from = "10.0.0.1".parse().unwrap();
        assert_eq!(
            Attempt::of_person(" Ada@example.com", from).subject,
            Attempt::of_person("ada@example.com", from).subject
        );
        assert_ne!(
            Attempt::of_client("ada@example.com", from).subject,
            Attempt::of_person("ada@example.com", from).subject
        );
    }
}
