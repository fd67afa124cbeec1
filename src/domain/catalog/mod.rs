//! APIs, their versions, endpoints, definitions and documents; who may see them.

pub mod browse;
pub mod model;
pub mod publish;
mod scope_store;
pub mod spec;
mod store;
mod write_store;
