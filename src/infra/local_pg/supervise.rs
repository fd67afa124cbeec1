//! The supervisor: a process of our own program that starts the server and stops it when the instance is gone.
//!
//! It holds the reading end of a pipe whose other end only the instance has. However the instance ends, the kernel
//! closes that end, and the supervisor sees the end of the file. A parent-death signal from the instance would not do: it
//! is sent when the *thread* that started the child ends, which a pool of threads may do at any time.
//!
//! Whoever kills every process called `portico` kills the supervisor too. So it is deaf to the signals that ask for an
//! end, and on Linux the server has a parent-death signal from the supervisor, whose one waiting thread started it.

use crate::infra::local_pg::account;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{self, Pid};
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The first argument that makes our program a supervisor.
const SUPERVISE: &str = "__supervise-postgres";
/// The first argument that makes our program set its parent-death signal and become the server.
const BECOME: &str = "__become-postgres";
/// Our own program, also where its path is closed to the account that the server runs as.
const OURSELVES: &str = "/proc/self/exe";
/// How long a fast shutdown may take before the server is stopped at once.
const FAST: Duration = Duration::from_secs(30);

/// The supervisor's command, up to the server's own arguments.
pub(super) fn command(supervisor: &Path, ids: Option<(u32, u32)>, postgres: &Path) -> Command {
    let (uid, gid) = ids.map_or_else(Default::default, |(uid, gid)| (uid.to_string(), gid.to_string()));
    let mut command = Command::new(supervisor);
    command.arg(SUPERVISE).args([uid, gid]).arg(postgres);
    command
}

/// Call first thing in `main`: does not return in the supervisor process, nor in what becomes the server.
#[expect(clippy::disallowed_methods, reason = "the supervisor is a process of its own and ends here")]
pub fn supervise_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    if first.as_ref().is_some_and(|first| first == SUPERVISE) {
        std::process::exit(supervise(arguments));
    }
    if first.as_ref().is_some_and(|first| first == BECOME) {
        std::process::exit(become_server(arguments));
    }
}

fn supervise(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    // A child gets the usual mask again, so the server hears them.
    let deaf: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect();
    let _ = deaf.thread_block();
    let mut id = || arguments.next().and_then(|text| text.to_str()?.parse::<u32>().ok());
    let ids = id().zip(id());
    let postgres = arguments.next().unwrap_or_default();
    let mut server = match spawn(Path::new(&postgres), ids, &arguments.collect::<Vec<_>>()) {
        Ok(server) => server,
        Err(error) => return cannot_run(Path::new(&postgres), &error),
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

/// Starts the server by way of [`become_server`], or directly where that cannot be.
fn spawn(postgres: &Path, ids: Option<(u32, u32)>, arguments: &[OsString]) -> io::Result<Child> {
    let mut by_way = account::command(Path::new(OURSELVES), ids);
    by_way.arg(BECOME).arg(unistd::getpid().to_string()).arg(postgres).args(arguments).stdin(Stdio::null());
    let spawned = if cfg!(target_os = "linux") { by_way.spawn() } else { Err(io::ErrorKind::Unsupported.into()) };
    spawned.or_else(|_| account::command(postgres, ids).args(arguments).stdin(Stdio::null()).spawn())
}

/// Runs as the server's account already: a change of account would take the parent-death signal away again.
fn become_server(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let parent = arguments.next().and_then(|text| text.to_str()?.parse().ok()).map(Pid::from_raw);
    let postgres = arguments.next().unwrap_or_default();
    // Fast shutdown, as at the end of the pipe.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGINT);
    if parent != Some(unistd::getppid()) {
        return 1; // it was gone before it could be watched
    }
    cannot_run(Path::new(&postgres), &Command::new(&postgres).args(arguments).exec())
}

fn cannot_run(postgres: &Path, error: &io::Error) -> i32 {
    // Standard error is the server's log.
    let _ = writeln!(io::stderr(), "cannot run {}: {error}", postgres.display());
    1
}
