//! The commands: `serve`, `demo`, `apply`, `export`, `user`, `application`, `keys`, `migrate`, `check`. Each prints for people, on one line
//! where it can; a failure is one line on standard error and exit status 1 (2 for a wrong command line).
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands speak to the terminal")]

mod application;
mod apply;
mod check;
mod demo;
mod export;
mod keys;
mod migrate;
mod serve;
mod user;

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::Config;
use crate::config::load::{self, Flags};
use crate::domain::Ctx;
use crate::infra::database::{self, Database};
use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::process::ExitCode;

/// An API developer portal, OAuth 2.0 server and API gateway in one process.
#[derive(Parser)]
#[command(name = "portico", version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run portal, token endpoint and gateway until told to stop
    Serve,
    /// Run with sample users, APIs, an application and a built-in backend
    Demo(demo::DemoArgs),
    /// Publish APIs, plans and roles from YAML
    Apply(apply::ApplyArgs),
    /// Write the catalogue as the YAML that `apply` reads
    Export(export::ExportArgs),
    /// Add people, give them roles, keep them out
    #[command(subcommand)]
    User(user::UserCommand),
    /// Find applications and give them to another owner
    #[command(subcommand)]
    Application(application::ApplicationCommand),
    /// Look after the keys that sign tokens
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Bring the database schema up to date
    Migrate,
    /// Say in one line each what is right and what is wrong
    Check,
}

/// Runs the command line and answers with the exit status.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    runtime.block_on(run(cli))
}

async fn run(cli: Cli) -> ExitCode {
    let config = load::load(cli.flags.config.as_deref(), &environment(), &cli.flags).map_err(|error| error.to_string());
    if let Command::Check = cli.command {
        return check::run(config).await;
    }
    let config = match config {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    if let Err(error) = crate::telemetry::init(&config.log) {
        return fail(&error);
    }
    let done = match cli.command {
        Command::Serve => serve::run(config).await,
        Command::Demo(args) => demo::run(config, args).await,
        Command::Apply(args) => with_database(&config, async |ctx| apply::run(ctx, &args).await).await,
        Command::Export(args) => with_database(&config, async |ctx| export::run(ctx, &args).await).await,
        Command::User(command) => with_database(&config, async |ctx| user::run(ctx, &config, command).await).await,
        Command::Application(command) => with_database(&config, async |ctx| application::run(ctx, command).await).await,
        Command::Keys(command) => with_database(&config, async |ctx| keys::run(ctx, &config, command).await).await,
        Command::Migrate => migrate::run(&config).await,
        Command::Check => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Runs a command over the instance's database with the schema up to date: the running instance's, when the embedded
/// cluster is already up.
async fn with_database(config: &Config, command: impl AsyncFnOnce(&Ctx) -> Result<(), String>) -> Result<(), String> {
    let database = Database::open_or_join(config).await?;
    let migrated = database.db.migrate().await.map_err(|error| database::explain_migration(&error));
    let ctx = Ctx::new(database.db.clone(), Clock::System, Random::System);
    let done = match migrated {
        Ok(()) => command(&ctx).await,
        Err(error) => Err(error),
    };
    database.close().await;
    done
}

/// The environment. What is no Unicode is shown with replacement characters, and so refused where it is a setting.
fn environment() -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// Prints a line. When nobody reads any more (`portico … | head`), that is no failure.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn fail(error: &str) -> ExitCode {
    for line in error.lines() {
        eprintln!("portico: {line}");
    }
    ExitCode::FAILURE
}
