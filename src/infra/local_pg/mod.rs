//! A private Postgres for an instance that was given no database.
//!
//! It uses the server programs that the machine has, keeps a cluster in `pgdata` of the data directory and listens on a
//! unix socket in a directory of mode 0700 only, never on TCP. As root it runs the server as another account, for
//! Postgres refuses root. A supervisor (this same program, run again) holds a pipe to the instance and stops the server
//! when the pipe ends, so that the server cannot outlive the instance, not even after `kill -9`.
//!
//! | file | what it is for |
//! |---|---|
//! | `server.rs` | starting, watching and stopping |
//! | `supervise.rs` | the process between the instance and the server |
//! | `cluster.rs` | the files: making a cluster, what a crash left behind, whether an instance runs it |
//! | `programs.rs` | finding `initdb` and `postgres`, and what to install where there are none |
//! | `account.rs` | the account the server runs as |

mod account;
mod cluster;
mod error;
mod programs;
mod server;
mod supervise;

pub use cluster::{State, inspect, running};
pub use error::Error;
pub use programs::{MIN_MAJOR, Programs};
pub use server::{LocalPg, Options, default_data_dir};
pub use supervise::supervise_if_asked;
