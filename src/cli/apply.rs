//! `portico apply`: publishes what manifests say.

use crate::domain::Ctx;
use crate::domain::publishing::apply::{self, Changes, Mode, Problem, Silence};
use crate::domain::publishing::files::{Input, MAX_MANIFEST};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Arguments.
#[derive(clap::Args)]
pub(super) struct ApplyArgs {
    /// A manifest, a directory with manifests (*.yaml, *.yml), or - for standard input
    #[arg(short = 'f', long = "file", value_name = "FILE|DIR")]
    file: PathBuf,
    /// Print what would change and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Retire the APIs, versions and unused plans that the manifests do not speak of
    #[arg(long)]
    prune: bool,
}

pub(super) async fn run(ctx: &Ctx, args: &ApplyArgs) -> Result<(), String> {
    let input = read(&args.file).map_err(|problems| explain(&problems))?;
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Apply };
    let silence = if args.prune { Silence::Retire } else { Silence::Keep };
    let show = |changes: &Changes| changes.0.iter().for_each(|line| println!("{line}"));
    let changes = apply::apply(ctx, input, mode, silence, show).await.map_err(|problems| explain(&problems))?;
    let count = match changes.0.len() {
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    match mode {
        _ if changes.0.is_empty() => println!("nothing to do"),
        Mode::Apply => println!("applied: {count}"),
        Mode::DryRun => println!("dry run: {count}, none of them made"),
    }
    Ok(())
}

fn read(file: &Path) -> Result<Input, Vec<Problem>> {
    if file != Path::new("-") {
        return Input::from_path(file);
    }
    let name = "standard input";
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_MANIFEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| vec![Problem::of_file(name, format!("cannot be read: {error}"))])?;
    Input::from_bytes(name, bytes, Path::new("."))
}

/// One line a problem.
fn explain(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
