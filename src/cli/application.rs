//! `portico application`: what a person owns, and giving it to somebody else when they have left.

use crate::base::error::Error;
use crate::base::id::ApplicationId;
use crate::cli::say;
use crate::domain::Ctx;
use crate::domain::applications::transfer::{self, Former};
use clap::{Args, Subcommand};

/// What to do with applications.
#[derive(Subcommand)]
pub(super) enum ApplicationCommand {
    /// List what a person owns: id and name
    List(ListArgs),
    /// Give an application to another person; its credentials go on working
    Transfer(TransferArgs),
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// E-mail address of the owner
    owner: String,
}

#[derive(Args)]
pub(super) struct TransferArgs {
    /// Its id, as `portico application list` prints it
    application: ApplicationId,
    /// E-mail address of the new owner
    email: String,
    /// Let the former owner go on reading it
    #[arg(long)]
    keep_reader: bool,
}

pub(super) async fn run(ctx: &Ctx, command: ApplicationCommand) -> Result<(), String> {
    match command {
        ApplicationCommand::List(ListArgs { owner }) => {
            for application in transfer::of_address(ctx, &owner).await.map_err(explain)? {
                say(&format!("{} {}", application.id, application.name));
            }
        }
        ApplicationCommand::Transfer(TransferArgs { application, email, keep_reader }) => {
            let former = if keep_reader { Former::Reads } else { Former::Leaves };
            let (given, heir) = transfer::give_any(ctx, application, &email, former).await.map_err(explain)?;
            say(&format!("{} belongs to {} now, no longer to {}", given.name, heir.email, given.owner_email));
        }
    }
    Ok(())
}

fn explain(error: Error) -> String {
    match error {
        Error::NotFound => "there is no such application".to_owned(),
        Error::Invalid(fields) => fields.into_iter().map(|e| e.message).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}
