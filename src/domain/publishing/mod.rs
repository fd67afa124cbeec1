//! How APIs get into the catalogue: `files` → `manifest` (what is wanted) → `check` against `live` → `plan` → `apply`;
//! and back by `export`. `docs/PUBLISHING.md` is the reference of the format.

pub mod apply;
mod check;
mod emit;
pub mod export;
mod export_policies;
mod fields;
pub mod files;
mod live;
mod manifest;
mod manifest_api;
mod manifest_documents;
mod manifest_limits;
mod manifest_policies;
mod manifest_scopes;
mod openapi;
mod plan;
mod plan_policies;
mod policy_check;
mod policy_rules;
mod problem;
mod reference;
pub mod reread;
mod rules;
mod security;
mod store;
mod yaml;
