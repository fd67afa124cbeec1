//! A ledger in memory for tests: the same rules as the database's, and a record of what it handed out.

use crate::base::error::Error;
use crate::base::quota::{Ask, Lease, Unused, key};
use crate::gateway::limits::quotas::QuotaLedger;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use time::Date;

/// Shared by all processes of a test.
#[derive(Clone, Default)]
pub(super) struct TestLedger {
    used: Arc<Mutex<HashMap<(String, Date), u64>>>,
    is_away: Arc<AtomicBool>,
}

impl TestLedger {
    /// As a process sees it.
    pub(super) fn ledger(&self) -> QuotaLedger {
        let (leasing, returning) = (self.clone(), self.clone());
        QuotaLedger {
            lease: Arc::new(move |ask| {
                let ledger = leasing.clone();
                Box::pin(async move {
                    // Other tasks run in between, as they do while a database is asked.
                    tokio::task::yield_now().await;
                    if ledger.is_away.load(Ordering::SeqCst) {
                        Err(Error::internal("away"))
                    } else {
                        Ok(ledger.lease(&ask))
                    }
                })
            }),
            give_back: Arc::new(move |unused| {
                returning.take_back(&unused);
                Box::pin(async { Ok(()) })
            }),
        }
    }

    /// What it does with a question.
    pub(super) fn lease(&self, ask: &Ask) -> Lease {
        let mut all = self.used.lock().unwrap();
        let used = all.entry((key(&ask.subject, ask.per), ask.first)).or_default();
        *used = (used.saturating_sub(ask.back) + ask.spent).min(ask.limit.max(used.saturating_sub(ask.back)));
        let left = ask.limit.saturating_sub(*used);
        let calls = ask.calls.min((left / 4).max(1)).min(left);
        *used += calls;
        Lease { calls, used: *used }
    }

    /// What it does with calls that come back.
    pub(super) fn take_back(&self, unused: &[Unused]) {
        for Unused { subject, per, first, calls } in unused {
            let mut all = self.used.lock().unwrap();
            let used = all.entry((key(subject, *per), *first)).or_default();
            *used = used.saturating_sub(*calls);
        }
    }

    /// What is used of all quotas together.
    pub(super) fn used(&self) -> u64 {
        self.used.lock().unwrap().values().sum()
    }

    /// It answers no more, or again.
    pub(super) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }
}
