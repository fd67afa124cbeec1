//! What tests share: a database of their own, the whole product on random ports, HTTP, and ways to arrange.

pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod db;
pub(crate) mod http;
pub(crate) mod library;
pub(crate) mod mail;
pub(crate) mod make;
pub(crate) mod op;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod redis;
pub(crate) mod routes;
pub(crate) mod scoped;
pub(crate) mod shop;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod upstream;
pub(crate) mod visitor;
