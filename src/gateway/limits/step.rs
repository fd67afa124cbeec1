//! What becomes of a call that is under a quota.

use crate::base::quota::Span;

/// Proof that a call was taken, of this period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Which day or month.
    pub(super) span: Span,
    /// What it was let through on.
    pub(super) basis: Basis,
}

/// What a call was let through on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// A lease.
    Lease,
    /// What was left when the ledger was heard last.
    Estimate,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It may pass.
    Taken(Taken),
    /// The quota is used up.
    Refused,
    /// The ledger has to be heard first.
    Wait,
    /// The ledger is away, and nothing may be let through on an estimate.
    Away,
}

/// Whether the ledger answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ledger {
    /// As far as is known.
    There,
    /// Not at the moment: nobody waits for it.
    Away,
}
