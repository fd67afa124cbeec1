//! The integration tests: one binary, so one link. Through HTTP, on the production router and gateway, against a
//! Postgres that the embedded default starts for the run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "what tests share may stop where it stands, as tests do"
)]

mod support;

mod access;
mod account_pages;
mod accounts;
mod api_keys;
mod api_pages;
mod application_usage;
mod applications;
mod approvals;
mod catalog;
mod catalog_pages;
mod cli;
mod config;
mod console;
mod console_bodies;
mod credentials;
mod demo;
mod direct_credentials;
mod frame;
mod gateway;
mod guide;
mod habits;
mod identity_providers;
mod local_pg;
mod mail;
mod oauth;
mod ops;
mod pages;
mod people;
mod production;
mod publishing;
mod reference;
mod sessions;
mod sharing;
mod sign_up;
mod story;
mod tls;
mod transfer;
mod trying;
mod usage;
