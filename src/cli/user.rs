//! `portico user`: people, their roles and whether they may come in.

use crate::base::error::Error;
use crate::cli::say;
use crate::config::Config;
use crate::config::Urls;
use crate::domain::Ctx;
use crate::domain::accounts::access::{self, Change, Person, State};
use crate::domain::accounts::links;
use crate::domain::accounts::model::{ADMIN, DEVELOPER};
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::audit::model::Actor;
use clap::{Args, Subcommand};
use std::io::Read as _;

/// What to do with users.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add a person
    Add(AddArgs),
    /// List everybody with their roles
    List,
    /// Keep a person out: sessions and everything they have granted to applications end at once
    Disable(PersonArgs),
    /// Let a disabled person in again
    Enable(PersonArgs),
    /// Give a person a role
    Grant(RoleArgs),
    /// Take a role back
    Revoke(RoleArgs),
}

#[derive(Args)]
pub(super) struct PersonArgs {
    /// E-mail address
    email: String,
}

#[derive(Args)]
pub(super) struct RoleArgs {
    /// E-mail address
    email: String,
    /// The role
    role: String,
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
    /// Send the link by mail, as the running instance sends it, instead of printing it
    #[arg(long, conflicts_with = "password_stdin")]
    mail: bool,
    /// Read the password from standard input, instead of printing a link with which they choose one
    #[arg(long)]
    password_stdin: bool,
}

/// The longest password line that is read.
const MAX_STDIN: u64 = 4096;

pub(super) async fn run(ctx: &Ctx, config: &Config, command: UserCommand) -> Result<(), String> {
    let actor = Actor::CommandLine;
    let (change, made, already) = match command {
        UserCommand::Add(args) => return add(ctx, config, args).await,
        UserCommand::List => return list(ctx).await,
        UserCommand::Disable(PersonArgs { email }) => {
            (access::disable(ctx, &email, &actor).await, format!("disabled {email}"), "is disabled already")
        }
        UserCommand::Enable(PersonArgs { email }) => {
            (access::enable(ctx, &email, &actor).await, format!("enabled {email}"), "is not disabled")
        }
        UserCommand::Grant(RoleArgs { email, role }) => {
            (access::grant(ctx, &email, &role, &actor).await, format!("granted {role} to {email}"), "has it already")
        }
        UserCommand::Revoke(RoleArgs { email, role }) => (
            access::revoke(ctx, &email, &role, &actor).await,
            format!("revoked {role} from {email}"),
            "does not have it",
        ),
    };
    match change.map_err(explain)? {
        Change::Made => say(&made),
        Change::None => say(&format!("nothing to do: the account {already}")),
    }
    Ok(())
}

async fn list(ctx: &Ctx) -> Result<(), String> {
    for Person { member, state } in access::list(ctx).await.map_err(explain)? {
        let state = match state {
            State::Active => "",
            State::Invited => " (has no password yet)",
            State::Disabled => " (disabled)",
        };
        say(&format!("{} ({}) with {}{state}", member.email, member.name, roles(&member.roles)));
    }
    Ok(())
}

fn roles(roles: &[String]) -> String {
    if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") }
}

async fn add(ctx: &Ctx, config: &Config, args: AddArgs) -> Result<(), String> {
    let password = if args.password_stdin { Some(read_password()?) } else { None };
    let roles = if args.roles.is_empty() { vec![DEVELOPER.to_owned()] } else { args.roles };
    let new = NewUser::parse(&args.name, &args.email, roles, password.as_deref()).map_err(explain)?;
    if args.mail {
        let member = access::invite(ctx, new, &Actor::CommandLine).await.map_err(explain)?;
        let roles = member.roles.join(", ");
        say(&format!("added {} ({}) with {roles}; a letter with a link is on its way", member.email, member.name));
        return Ok(());
    }
    let member = users::add(ctx, new, &Actor::CommandLine).await.map_err(explain)?;
    say(&format!("added {} ({}) with {}", member.email, member.name, member.roles.join(", ")));
    if password.is_none() && !config.accounts.password_sign_in && !member.has(ADMIN) {
        say("They sign in with a provider of identity_providers; only administrators have a password.");
    } else if password.is_none() {
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
