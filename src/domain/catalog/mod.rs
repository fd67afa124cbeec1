//! APIs, their versions, endpoints, definitions and documents; who may see them.

pub mod model;
