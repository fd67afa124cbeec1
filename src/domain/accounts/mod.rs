//! People, roles, sessions.

pub mod model;
