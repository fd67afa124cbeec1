//! Portico: an API developer portal, an OAuth 2.0 server and an API gateway in one process on Postgres.
//!
//! | layer | what it holds | may import |
//! |---|---|---|
//! | [`base`] | pure values: ids, time, secrets, versions, tokens | – |
//! | [`config`] | what the operator chooses | `base` |
//! | [`infra`] | the outside world: Postgres, its change feed | `base`, `config` |
//! | [`domain`] | the nouns, in order: audit → accounts → catalog → applications → subscriptions → credentials → oauth → usage → publishing | `base`, `config`, `infra` |
//! | [`gateway`] | the hot path; knows no page and no domain code | `base`, `config`, `infra` |
//! | [`web`] | everything HTTP but the proxy | `base`, `config`, `domain` |
//! | [`app`] | the composition root | all of the above |
//! | [`cli`] | the commands | all of the above |
//!
//! `tests/tidy.rs` holds the table; `docs/ARCHITECTURE.md` tells the reasons.

pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod domain;
pub mod gateway;
pub mod infra;
pub mod jobs;
pub mod serve;
pub mod telemetry;
pub mod web;
