//! How much may be called: rates and quotas of subscriptions, of APIs and of operations. A call passes every limit that
//! applies to it, or is charged for none.
//!
//! | file | what |
//! |---|---|
//! | `allowance` | what is allowed, from plans and policies |
//! | `take` | all limits of one call |
//! | `rate` | GCRA, one number a subject |
//! | `purse`, `step`, `quotas` | calls leased from the database ahead of need |
//! | `counters` | one counter a subject, for all threads |
//! | `link` | the counter that several processes share |
//! | `process` | what the threads of a process share |
//! | `health` | what is away, and what that meant for calls |
//! | `standing` | the headers |

mod allowance;
mod counters;
mod health;
mod link;
mod process;
mod purse;
mod quotas;
mod rate;
mod standing;
mod step;
mod take;
#[cfg(test)]
mod test_ledger;

pub(super) use allowance::{Allowance, CommonLimit, Holder};
pub(super) use counters::{Counter, Counters};
pub(super) use process::Limits;
pub use quotas::{Leased, QuotaLedger, Returned};
pub(super) use standing::Standings;
pub(super) use take::{Limited, Limiter};
