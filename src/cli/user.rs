//! `portico user`: adding people from the command line.

use crate::base::error::Error;
use crate::cli::say;
use crate::config::Config;
use crate::config::Urls;
use crate::domain::Ctx;
use crate::domain::accounts::links;
use crate::domain::accounts::model::DEVELOPER;
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::audit::model::Actor;
use clap::{Args, Subcommand};
use std::io::Read as _;

/// What to do with users.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add a person
    Add(AddArgs),
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// E-mail address
    email: String,
    /// What to call them
    #[arg(long)]
    name: String,
    /// A role; may be given several times [default: developer]
    #[arg(long = "role")]
    roles: Vec<String>,
    /// Read the password from standard input, instead of printing a link with which they choose one
    #[arg(long)]
    password_stdin: bool,
}

/// The longest password line that is read.
const MAX_STDIN: u64 = 4096;

pub(super) async fn run(ctx: &Ctx, config: &Config, command: UserCommand) -> Result<(), String> {
    let UserCommand::Add(args) = command;
    let password = if args.password_stdin { Some(read_password()?) } else { None };
    let roles = if args.roles.is_empty() { vec![DEVELOPER.to_owned()] } else { args.roles };
    let new = NewUser::parse(&args.name, &args.email, roles, password.as_deref()).map_err(explain)?;
    let member = users::add(ctx, new, &Actor::CommandLine).await.map_err(explain)?;
    say(&format!("added {} ({}) with {}", member.email, member.name, member.roles.join(", ")));
    if password.is_none() {
        let link = links::to_set_password(ctx, member.id, &Actor::CommandLine).await.map_err(explain)?;
        let portal = Urls::configured(config).portal;
        say("They choose a password with this link, once, within seven days:");
        say(&format!("  {portal}/setup/{}", link.expose()));
    }
    Ok(())
}

/// All of standard input but the end of the line.
fn read_password() -> Result<String, String> {
    let mut password = String::new();
    let read = std::io::stdin().take(MAX_STDIN).read_to_string(&mut password);
    read.map_err(|error| format!("cannot read the password from standard input: {error}"))?;
    Ok(password.trim_end_matches(['\n', '\r']).to_owned())
}

fn explain(error: Error) -> String {
    match error {
        Error::Invalid(fields) => fields.into_iter().map(|e| e.message).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}
