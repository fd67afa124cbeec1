//! The pages of subscriptions: Subscription Management, Add APIs, changing the plan, removing; and, for whoever looks after
//! APIs, what waits for approval, and blocking.

pub mod approvals;
pub mod block;
pub(crate) mod chip;
pub mod deletion;
pub mod index;
pub mod new;
pub mod plan;
pub mod rejection;
