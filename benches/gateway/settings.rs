//! How long to measure, as the environment says.

use std::time::Duration;

/// What can be chosen.
pub(crate) struct Settings {
    /// `ROUNDS`: how often everything takes its turn.
    pub(crate) rounds: usize,
    /// `SECONDS`: how long one turn is.
    pub(crate) turn: Duration,
    /// `RATE`: requests a second of figure 3.
    pub(crate) rate: u32,
    /// `FRESH`: tokens for each second of a turn of first sights in figure 2.
    pub(crate) fresh: usize,
    /// `KEYS`: the most keys of figure 4.
    pub(crate) keys: usize,
    /// `APIS`: how many are published in figure 6.
    pub(crate) apis: usize,
    /// `SOAK_SECONDS`: how long the soak is.
    pub(crate) soak: Duration,
}

impl Settings {
    /// From the environment, else for the figures in benches/README.md.
    pub(crate) fn read() -> Self {
        Self {
            rounds: variable("ROUNDS", 5),
            turn: Duration::from_secs(variable("SECONDS", 3)),
            rate: variable("RATE", 5_000),
            fresh: variable("FRESH", 30_000),
            keys: variable("KEYS", 1_000_000),
            apis: variable("APIS", 1_000),
            soak: Duration::from_secs(variable("SOAK_SECONDS", 600)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement has no configuration file")]
fn variable<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}: {text} is no number")),
        Err(_) => otherwise,
    }
}
