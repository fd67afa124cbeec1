//! APIs, their versions, endpoints, definitions and documents; who may see them.

pub mod browse;
pub mod compare;
mod document_store;
pub mod model;
pub mod oversight;
mod oversight_store;
pub mod publish;
pub mod reference;
pub mod reference_model;
mod reference_store;
mod scope_store;
pub mod search;
mod search_store;
pub mod spec;
mod store;
pub mod terms;
mod write_store;
