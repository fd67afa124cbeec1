//! The outside world. Knows no noun of ours.

pub mod database;
pub mod db;
pub mod elsewhere;
pub mod local_pg;
pub mod mail;
pub mod own_listener;
pub mod process;
pub mod tls;
pub mod watch;
