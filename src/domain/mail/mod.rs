//! Letters to people: queued in the transaction of what they tell about, sent afterwards.
//!
//! To send one from an activity: `mail::queue(&mut tx, ctx, &address, &Letter::…)`. The sending job asks
//! `accounts::delivery` for the words, because the link in a letter opens an account.

pub mod model;
pub mod outbox;
mod store;
pub mod words;

pub use outbox::queue;
