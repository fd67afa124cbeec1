//! The reference of an API: its overview, a page for each operation and each schema, the file to download, and what changed
//! between versions. Every page has a twin in Markdown.

pub mod changes;
pub mod download;
mod nav;
pub mod operation;
pub mod overview;
mod place;
pub mod schema;
mod schema_lines;
mod schema_view;
pub mod told;
