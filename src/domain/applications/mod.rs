//! Applications: what a consumer registers to subscribe and to hold credentials.

pub mod direct;
pub mod manage;
pub mod model;
mod store;
