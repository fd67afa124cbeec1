//! `portico keys`: the keys that sign tokens, for whoever has to look at them or to act before their time.

use crate::base::error::Error;
use crate::cli::say;
use crate::config::Config;
use crate::domain::Ctx;
use crate::domain::oauth::keys::State;
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::oauth::rotation::{self, Haste, PublishedKey};
use clap::{Args, Subcommand};
use time::OffsetDateTime;
use time::macros::format_description;

/// What to do with the signing keys.
#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// List the keys that are published
    List,
    /// Let the next keys sign from now on
    Rotate(RotateArgs),
    /// Drop a key at once: every token that it has signed is refused
    Compromised(CompromisedArgs),
}

#[derive(Args)]
pub(super) struct RotateArgs {
    /// Also when verifiers may not have read the next keys yet; those refuse new tokens for up to ten minutes
    #[arg(long)]
    now: bool,
}

#[derive(Args)]
pub(super) struct CompromisedArgs {
    /// The key, as `portico keys list` names it
    #[arg(allow_hyphen_values = true)] // one name in 64 begins with a hyphen
    kid: String,
}

pub(super) async fn run(ctx: &Ctx, config: &Config, command: KeysCommand) -> Result<(), String> {
    let keys = match command {
        KeysCommand::List => rotation::list(ctx).await.map_err(|error| error.to_string())?,
        KeysCommand::Rotate(args) => {
            let haste = if args.now { Haste::Now } else { Haste::WhenKnown };
            let master_key = master_key(config)?;
            rotation::rotate(ctx, &master_key, &config.oauth, haste).await.map_err(|error| error.to_string())?
        }
        KeysCommand::Compromised(CompromisedArgs { kid }) => {
            let dropped = rotation::compromised(ctx, &master_key(config)?, &kid).await;
            dropped.map_err(|error| match error {
                Error::NotFound => "there is no such key; `portico keys list` names those that there are".to_owned(),
                other => other.to_string(),
            })?
        }
    };
    for key in &keys {
        say(&line(key));
    }
    Ok(())
}

fn master_key(config: &Config) -> Result<MasterKey, String> {
    let found = MasterKey::read(config.oauth.master_key.as_deref(), &config.data_dir())?;
    found.ok_or_else(|| {
        let dir = config.data_dir();
        format!(
            "there is no master.key in {}; give the --data-dir or the oauth.master_key of the instance",
            dir.display()
        )
    })
}

fn line(key: &PublishedKey) -> String {
    let state = match key.state {
        State::Next => format!("next      published {}", minute(key.published_at)),
        State::Current { since } => format!("current   signs since {}", minute(since)),
        State::Retired { gone_at } => format!("retired   verifies until {}", minute(gone_at)),
    };
    format!("{}  {}  {state}", key.kid, key.algorithm.as_str())
}

fn minute(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches as _;

    #[test]
    fn a_key_whose_name_begins_with_a_hyphen_can_be_dropped_too() {
        for name in ["-e6RvQ", "--now", "e6RvQ"] {
            let command = KeysCommand::augment_subcommands(clap::Command::new("keys"));
            let matches = command.try_get_matches_from(["keys", "compromised", name]).unwrap();
            let named = matches!(KeysCommand::from_arg_matches(&matches), Ok(KeysCommand::Compromised(args)) if args.kid == name);
            assert!(named, "{name}");
        }
    }
}
