//! Signing in with the organisation's own OpenID Connect provider, as OpenID Connect Core §3.1 has it for the code flow, with
//! PKCE (RFC 7636) and the issuer in the answer (RFC 9207). `begin` sends the browser there, `finish` takes it back; in
//! between `provider` asks the provider for its `metadata` and keys, `exchange` redeems the code, `id_token` judges what came,
//! `claims` reads it. `account` says whose account it is, `roles` what the provider lets them do.

mod account;
pub mod begin;
mod claims;
pub mod connections;
mod exchange;
pub mod finish;
mod id_token;
mod identity_store;
mod metadata;
pub mod provider;
pub mod refusal;
mod remembered;
pub mod roles;
pub(in crate::domain::accounts) mod started_store;
