//! Why the embedded Postgres cannot be used. Each text is one line that says what to do.

use std::io;
use std::path::Path;

/// What can go wrong with the embedded Postgres.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no server programs on this machine.
    #[error("database: no Postgres server programs ({min} or newer) found{looked}; install them with `{install}`, or set database.url (DATABASE_URL)", min = super::MIN_MAJOR)]
    NotFound {
        /// Where they were looked for, or which ones are too old; starts with a space or is empty.
        looked: String,
        /// The command that installs them on this system.
        install: &'static str,
    },
    /// The data was written by a major version that is not installed.
    #[error(
        "database: the data in {dir} was written by Postgres {have}, but this machine has {found}; install the server programs of Postgres {have} again, or move the data to the new version (docs/OPERATING.md, \"A new major version of Postgres\")"
    )]
    Version {
        /// The cluster.
        dir: String,
        /// The major version that wrote it.
        have: String,
        /// The major versions that are installed.
        found: String,
    },
    /// Another instance uses the directory.
    #[error(
        "data_dir: another Portico is running on {dir}{process}; stop it, choose another directory with --data-dir, or give both one database with DATABASE_URL"
    )]
    InUse {
        /// The data directory.
        dir: String,
        /// ` (process 123)`, or empty.
        process: String,
    },
    /// The directory cannot be used; the text says why and what to do.
    #[error("data_dir: {0}")]
    Directory(String),
    /// A step failed.
    #[error("database: {what} failed: {detail}")]
    Failed {
        /// Which step.
        what: &'static str,
        /// What it said, on one line.
        detail: String,
    },
}

/// Shorthand for this module.
pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// Says which path an I/O error is about.
pub(super) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T> {
    result.map_err(|error| {
        let way_out = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "; give this account the right, or choose another directory with --data-dir"
            }
            io::ErrorKind::NotADirectory => "; choose another directory with --data-dir",
            io::ErrorKind::StorageFull => "; make room there",
            _ => "",
        };
        Error::Directory(format!("cannot use {}: {error}{way_out}", path.display()))
    })
}

/// The last lines of a program's complaint, as one line.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.get(lines.len().saturating_sub(6)..).unwrap_or_default().join(" | ")
}
