//! The supervisor: a process of our own program that starts the server and stops it when the instance is gone.
//!
//! It holds the reading end of a pipe whose other end only the instance has. However the instance ends, the kernel
//! closes that end, and the supervisor sees the end of the file. A parent-death signal would do the same on Linux only,
//! and it is sent when the *thread* that started the child ends, which a pool of threads may do at any time.

use crate::infra::local_pg::account;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The first argument that makes our program a supervisor.
const SUPERVISE: &str = "__supervise-postgres";
/// How long a fast shutdown may take before the server is stopped at once.
const FAST: Duration = Duration::from_secs(30);

/// The supervisor's command, up to the server's own arguments.
pub(super) fn command(supervisor: &Path, ids: Option<(u32, u32)>, postgres: &Path) -> Command {
    let (uid, gid) = ids.map_or_else(Default::default, |(uid, gid)| (uid.to_string(), gid.to_string()));
    let mut command = Command::new(supervisor);
    command.arg(SUPERVISE).args([uid, gid]).arg(postgres);
    command
}

/// Call first thing in `main`: does not return in the supervisor process.
#[expect(clippy::disallowed_methods, reason = "the supervisor is a process of its own and ends here")]
pub fn supervise_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == SUPERVISE) {
        std::process::exit(supervise(arguments));
    }
}

fn supervise(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let mut id = || arguments.next().and_then(|text| text.to_str()?.parse::<u32>().ok());
    let ids = id().zip(id());
    let postgres = arguments.next().unwrap_or_default();
    let mut server = account::command(Path::new(&postgres), ids);
    let mut server = match server.args(arguments).stdin(Stdio::null()).spawn() {
        Ok(server) => server,
        Err(error) => {
            // Standard error is the server's log.
            let _ = writeln!(io::stderr(), "cannot run {}: {error}", Path::new(&postgres).display());
            return 1;
        }
    };
    let Ok(pid) = i32::try_from(server.id()).map(Pid::from_raw) else { return 1 };
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = kill(pid, Signal::SIGINT); // roll back, write a checkpoint, end
        std::thread::sleep(FAST);
        let _ = kill(pid, Signal::SIGQUIT); // end at once; the next start recovers
    });
    server.wait().ok().and_then(|status| status.code()).unwrap_or(1)
}
