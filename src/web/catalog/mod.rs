//! The catalogue: the list, and the pages of one API.

pub(crate) mod application_choice;
pub mod document;
pub mod frame;
pub mod index;
pub mod machines;
mod narrowing;
pub mod overview;
pub mod reference;
mod rules;
pub mod subscribe;
pub mod subscribers;
mod subscriptions;
