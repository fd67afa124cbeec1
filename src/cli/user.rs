//! `portico user`: adding people from the command line.

use crate::base::error::Error;
use crate::domain::Ctx;
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
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// The longest password line that is read.
const MAX_STDIN: u64 = 4096;

pub(super) async fn run(ctx: &Ctx, command: UserCommand) -> Result<(), String> {
    let UserCommand::Add(args) = command;
    if !args.password_stdin {
        return Err("a password is needed: pipe it in and add --password-stdin".to_owned());
    }
    let mut password = String::new();
    std::io::stdin()
        .take(MAX_STDIN)
        .read_to_string(&mut password)
        .map_err(|error| format!("cannot read the password from standard input: {error}"))?;
    let password = password.trim_end_matches(['\n', '\r']);
    let roles = if args.roles.is_empty() { vec![DEVELOPER.to_owned()] } else { args.roles };
    let new = NewUser::parse(&args.name, &args.email, roles, Some(password)).map_err(explain)?;
    let member = users::add(ctx, new, &Actor::CommandLine).await.map_err(explain)?;
    println!("added {} ({}) with {}", member.email, member.name, member.roles.join(", "));
    Ok(())
}

fn explain(error: Error) -> String {
    match error {
        Error::Invalid(fields) => fields.into_iter().map(|e| e.message).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}
