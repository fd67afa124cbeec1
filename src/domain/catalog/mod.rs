//! APIs, their versions, endpoints, definitions and documents; who may see them.

pub mod browse;
pub mod model;
pub mod publish;
pub mod reference_model;
mod scope_store;
pub mod search;
mod search_store;
pub mod spec;
mod store;
pub mod terms;
mod write_store;
