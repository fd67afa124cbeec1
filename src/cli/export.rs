//! `portico export`: writes the catalogue as the manifests that `apply` reads.

use crate::domain::Ctx;
use crate::domain::publishing::export::{self, Exported, Layout};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Arguments.
#[derive(clap::Args)]
pub(super) struct ExportArgs {
    /// Write files into this directory instead of one stream to standard output
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) async fn run(ctx: &Ctx, args: &ExportArgs) -> Result<(), String> {
    let layout = if args.output.is_some() { Layout::Files } else { Layout::Inline };
    let files = export::export(ctx, layout).await.map_err(|error| error.to_string())?;
    if let Some(directory) = &args.output {
        return write(directory, &files);
    }
    let text = files.get(export::INLINE).map_or("", |text| text);
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| format!("cannot write to standard output: {error}"))
}

fn write(directory: &Path, files: &Exported) -> Result<(), String> {
    for (name, text) in files {
        let path = directory.join(name);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, text)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("wrote {} files to {}", files.len(), directory.display());
    Ok(())
}
