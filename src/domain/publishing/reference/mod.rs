//! Reads for the reference what an OpenAPI file says: about itself, for each operation and for each named schema.

mod example;
mod file;
mod limits;
mod operation;
mod schema;
mod served;
mod slug;

pub(super) use file::read;
pub(super) use slug::slugs;
