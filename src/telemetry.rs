//! Log lines: on standard error, as text for people or JSON for machines.

use crate::config::{Log, LogFormat};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

/// What no operator needs at the usual levels; a filter that names it goes before this.
const QUIET: &str = "sqlx=warn";

/// What no filter may ask for: it writes down whole addresses, and paths of ours carry one-time tokens.
const SILENT: &str = "tower_http=warn";

/// What is logged at a configured filter; the error says what is wrong with it.
pub fn filter(configured: &str) -> Result<EnvFilter, String> {
    let filter = format!("{QUIET},{configured},{SILENT}");
    EnvFilter::builder().parse(filter).map_err(|error| format!("log.filter: {error}"))
}

/// Installs the subscriber; the error says which setting is wrong.
pub fn init(log: &Log) -> Result<(), String> {
    let filter = filter(&log.filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let installed = match log.format {
        LogFormat::Text => try_init(lines.with_ansi(io::stderr().is_terminal())),
        LogFormat::Json => try_init(lines.json().flatten_event(true)),
    };
    installed.map_err(|error| format!("log: {error}"))
}

fn try_init(subscriber: impl tracing_subscriber::util::SubscriberInitExt) -> Result<(), TryInitError> {
    subscriber.try_init()
}
