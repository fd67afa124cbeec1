//! Signing in with an OpenID Connect provider.

mod accounts;
mod attacks;
mod connections;
mod flow;
mod oauth;
mod pages;
mod passwords;
mod roles;
