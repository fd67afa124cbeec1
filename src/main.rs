//! The `portico` binary: runs a command and answers with its exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    portico::infra::local_pg::supervise_if_asked();
    portico::cli::main()
}
