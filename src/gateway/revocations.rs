//! Which access tokens no longer open anything, though they have not expired: by token, by grant and by client.
//!
//! The database announces every revocation, so these sets are as current as the feed. A request pays one comparison:
//! each verified token remembers the version of the sets at which it was looked up, and is looked up again only when
//! they have grown since.

use crate::base::id::GrantId;
use crate::gateway::store::RevocationRow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// How often what has ended is taken out, in seconds.
const PRUNE_EVERY: i64 = 60;

/// What is revoked; shared by all threads.
pub(super) struct Revocations {
    /// Moves after something was added; never 0.
    version: AtomicU64,
    sets: RwLock<Sets>,
}

/// By what an access token can be named; each with the second at which the last token concerned has expired.
#[derive(Default)]
struct Sets {
    tokens: HashMap<Box<str>, i64>,
    grants: HashMap<GrantId, i64>,
    /// With the last second of which the client's tokens are revoked.
    clients: HashMap<Box<str>, (i64, i64)>,
    pruned_at: i64,
}

/// What a token is known by, and whether it was looked up.
pub(super) struct Names {
    /// Its own name.
    pub(super) jti: Box<str>,
    /// The grant that it belongs to.
    pub(super) grant: Option<GrantId>,
    /// When it was issued, seconds since the epoch.
    pub(super) issued: i64,
    /// The version at which it was found in none of the sets; 0: not looked up yet.
    passed: AtomicU64,
}

impl Names {
    /// Of a token that was not looked up yet.
    pub(super) fn new(jti: &str, grant: Option<GrantId>, issued: i64) -> Self {
        Self { jti: jti.into(), grant, issued, passed: AtomicU64::new(0) }
    }
}

impl Revocations {
    /// Nothing is revoked.
    pub(super) fn new() -> Self {
        Self { version: AtomicU64::new(1), sets: RwLock::default() }
    }

    /// Whether the token was revoked.
    pub(super) fn hold(&self, client: &str, names: &Names) -> bool {
        // Read before the sets: what is added meanwhile has a later version, and is looked for at the next call.
        let version = self.version.load(Ordering::Acquire);
        if names.passed.load(Ordering::Relaxed) == version {
            return false;
        }
        let is_held = self.sets.read().unwrap_or_else(PoisonError::into_inner).hold(client, names);
        if !is_held {
            names.passed.store(version, Ordering::Relaxed);
        }
        is_held
    }

    /// Takes over all that there is.
    pub(super) fn replace(&self, rows: Vec<RevocationRow>, now: i64) {
        let mut next = Sets { pruned_at: now, ..Sets::default() };
        for row in rows {
            next.add(row);
        }
        *self.sets.write().unwrap_or_else(PoisonError::into_inner) = next;
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Adds what is new.
    pub(super) fn add(&self, rows: Vec<RevocationRow>) {
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            sets.add(row);
        }
        drop(sets);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Forgets what has ended; now and then.
    pub(super) fn prune(&self, now: i64) {
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        if now - sets.pruned_at < PRUNE_EVERY {
            return;
        }
        sets.pruned_at = now;
        sets.tokens.retain(|_jti, until| *until > now);
        sets.grants.retain(|_id, until| *until > now);
        sets.clients.retain(|_id, (_not_before, until)| *until > now);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        sets.tokens.len() + sets.grants.len() + sets.clients.len()
    }
}

impl Sets {
    fn hold(&self, client: &str, names: &Names) -> bool {
        self.tokens.contains_key(&names.jti)
            || names.grant.is_some_and(|grant| self.grants.contains_key(&grant))
            || self.clients.get(client).is_some_and(|(not_before, _)| names.issued <= *not_before)
    }

    /// A row that comes again may have moved to a later time, never to an earlier one.
    fn add(&mut self, row: RevocationRow) {
        let until = row.expires_at.unix_timestamp();
        let later = |known: &mut i64| *known = until.max(*known);
        match row.kind.as_str() {
            "token" => _ = self.tokens.entry(row.subject.into()).and_modify(later).or_insert(until),
            "grant" => {
                // The trigger that writes it takes the id from the grant itself.
                if let Ok(id) = row.subject.parse() {
                    self.grants.entry(id).and_modify(later).or_insert(until);
                }
            }
            "client" => {
                let not_before = row.not_before.map_or(i64::MAX, time::OffsetDateTime::unix_timestamp);
                let known = self.clients.entry(row.subject.into()).or_insert((not_before, until));
                *known = (not_before.max(known.0), until.max(known.1));
            }
            _ => tracing::error!(kind = row.kind, "a revocation is of a kind that this release does not know"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;
    use uuid::Uuid;

    fn row(kind: &str, subject: &str, not_before: Option<i64>, until: i64) -> RevocationRow {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        RevocationRow {
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            not_before: not_before.map(at),
            expires_at: at(until),
        }
    }

    #[test]
    fn a_token_is_revoked_by_its_own_name_by_its_grant_and_with_what_its_client_got_before() {
        let grant = GrantId(Uuid::from_u128(7));
        let revocations = Revocations::new();
        let names = || Names::new("a", Some(grant), 100);
        let holds = |names: &Names| revocations.hold("shop", names);
        let seen = names();
        assert!(!holds(&seen) && !holds(&seen));

        revocations.add(vec![row("token", "a", None, 1000)]);
        assert!(holds(&seen) && holds(&seen) && holds(&names()), "also what was looked up before");
        assert!(!holds(&Names::new("A", Some(grant), 100)));

        revocations.replace(vec![row("grant", &grant.to_string(), None, 1000)], 0);
        assert!(holds(&names()) && !holds(&Names::new("a", None, 100)), "the old set is gone");

        revocations.replace(vec![row("client", "shop", Some(100), 1000)], 0);
        assert!(holds(&names()) && !holds(&Names::new("a", Some(grant), 101)));
        assert!(!revocations.hold("other", &names()));
        revocations.add(vec![row("client", "shop", Some(90), 900)]);
        assert!(holds(&names()), "news that comes late takes nothing back");
    }

    #[test]
    fn what_has_ended_is_forgotten_and_nothing_else() {
        let revocations = Revocations::new();
        let grant = Uuid::from_u128(7).to_string();
        let rows = |until| {
            vec![row("token", "a", None, until), row("grant", &grant, None, until), row("client", "c", Some(1), until)]
        };
        revocations.replace(rows(1000), 900);
        revocations.prune(900 + PRUNE_EVERY);
        assert_eq!(revocations.len(), 3);
        // A token of the grant that was issued last lives longer than was known.
        revocations.add(rows(1100));
        revocations.prune(1099);
        assert_eq!(revocations.len(), 3);
        revocations.prune(1100 + PRUNE_EVERY);
        assert_eq!(revocations.len(), 0);
    }
}
