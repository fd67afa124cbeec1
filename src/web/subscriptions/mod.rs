//! The pages of subscriptions: Subscription Management, Add APIs, changing the plan, removing.

pub mod deletion;
pub mod index;
pub mod new;
pub mod plan;
