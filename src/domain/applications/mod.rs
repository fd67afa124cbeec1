//! Applications: what a consumer registers to subscribe and to hold credentials.

pub mod activity;
pub mod direct;
pub mod list;
pub mod manage;
pub mod model;
mod share_store;
pub mod sharing;
mod store;
pub mod transfer;
mod transfer_store;
