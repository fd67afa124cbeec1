//! Whether something that limits rely on answers, and what happened to calls meanwhile.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Of the shared counter, or of the ledger of quotas.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Health {
    /// How many of those that watch it find it away.
    away: AtomicUsize,
    /// Calls that were let through by an estimate meanwhile.
    estimated: AtomicU64,
    /// Calls that were refused meanwhile.
    refused: AtomicU64,
}

/// A change that concerns everybody, to be logged once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The first has found it away.
    Away,
    /// The last has found it back.
    Back,
}

/// Whether somebody who was asked has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Yes.
    Given,
    /// No.
    Missing,
}

impl Health {
    /// Whether somebody finds it away.
    pub(in crate::gateway) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed) > 0
    }

    /// One more finds it away.
    pub(super) fn leave(&self) -> Option<Turn> {
        (self.away.fetch_add(1, Ordering::Relaxed) == 0).then_some(Turn::Away)
    }

    /// One of them finds it back.
    pub(super) fn come_back(&self) -> Option<Turn> {
        (self.away.fetch_sub(1, Ordering::Relaxed) == 1).then_some(Turn::Back)
    }

    /// All find it away, or back.
    pub(super) fn set(&self, is_well: Answer) -> Option<Turn> {
        let (now, turn) = match is_well {
            Answer::Given => (0, Turn::Back),
            Answer::Missing => (1, Turn::Away),
        };
        (self.away.swap(now, Ordering::Relaxed) != now).then_some(turn)
    }

    /// Calls let through by an estimate, and calls refused.
    pub(in crate::gateway) fn calls(&self) -> (u64, u64) {
        (self.estimated.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// Counts a call that the estimate let through.
    pub(super) fn estimate(&self) {
        self.estimated.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call that was refused because nothing could be counted.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
