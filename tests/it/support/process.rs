//! The real `portico` program, as an operator runs it: ports that the system chooses, a data directory of its own.

use crate::support::db::scratch;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `condition` gives something.
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < give_up, "waited too long for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `portico` with an environment of these variables and hardly anything else.
pub(crate) fn portico(data_dir: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir("/").stdin(Stdio::null());
    for listener in ["PORTAL", "OPERATIONS", "GATEWAY_PRODUCTION", "GATEWAY_SANDBOX"] {
        command.env(format!("PORTICO_{listener}_LISTEN"), "127.0.0.1:0");
    }
    command.env("PORTICO_GATEWAY_THREADS", "1").env("PORTICO_DATA_DIR", data_dir);
    command.envs(variables.iter().copied());
    command
}

/// A data directory with a cluster and the schema in it, as a stopped instance leaves it. Made once and copied, for
/// making a cluster takes a second.
pub(crate) fn stopped_instance(name: &str) -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = scratch("stopped").join("data");
        let migrated = run(portico(&dir, &[]).arg("migrate"), "");
        assert_eq!(migrated.status, Some(0), "{migrated:?}");
        dir
    });
    let dir = scratch(name).join("data");
    let copied = Command::new("cp").arg("-a").arg(made).arg(&dir).status().unwrap();
    assert!(copied.success());
    dir
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A running `portico serve`. Dropped, it is killed.
pub(crate) struct Serving {
    child: Child,
    lines: Receiver<String>,
    /// `host:port` of the portal.
    pub(crate) portal: String,
    /// `host:port` of the gateway for production.
    pub(crate) production: String,
    /// `host:port` of the gateway for the sandbox.
    pub(crate) sandbox: String,
    /// `host:port` of the operations listener.
    pub(crate) operations: String,
}

impl Serving {
    /// Starts one and waits until it serves.
    pub(crate) fn start(data_dir: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = portico(data_dir, variables);
        let mut child = command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let [portal, production, sandbox, operations] = Default::default();
        let mut serving = Self { child, lines, portal, production, sandbox, operations };
        serving.portal = serving.url("portal");
        serving.production = serving.url("production");
        serving.sandbox = serving.url("sandbox");
        serving.operations = serving.url("operations");
        serving
    }

    fn url(&mut self, name: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                let _ = self.child.kill();
                panic!("portico serve has not said where it serves: {}", self.said());
            };
            if let Some(url) = line.strip_prefix(name) {
                return url.trim().split_once("://").unwrap().1.to_owned();
            }
        }
    }

    /// What it wrote to standard error, once it has ended.
    pub(crate) fn said(&mut self) -> String {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Whether it has not ended after this time.
    pub(crate) fn outlasts(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while Instant::now() < until && self.child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the end of portico serve", || child.try_wait().unwrap())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes of the embedded Postgres in this data directory: supervisor and server, not the server's backends.
pub(crate) fn postgres_processes(data_dir: &Path) -> Vec<(Pid, Vec<String>)> {
    let pgdata = std::fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned()).join("pgdata");
    let numbers =
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let arguments = |pid: i32| {
        let bytes = std::fs::read(PathBuf::from(format!("/proc/{pid}/cmdline"))).unwrap_or_default();
        bytes.split(|byte| *byte == 0).map(|a| String::from_utf8_lossy(a).into_owned()).collect::<Vec<_>>()
    };
    numbers
        .map(|pid| (Pid::from_raw(pid), arguments(pid)))
        .filter(|(_, arguments)| arguments.iter().any(|argument| Path::new(argument) == pgdata))
        .collect()
}

/// The server itself.
pub(crate) fn postmaster(data_dir: &Path) -> Option<Pid> {
    let is_server = |arguments: &[String]| arguments.first().is_some_and(|program| program.ends_with("/postgres"));
    postgres_processes(data_dir).into_iter().find(|(_, arguments)| is_server(arguments)).map(|(pid, _)| pid)
}

/// The process that holds the pipe.
pub(crate) fn supervisor(data_dir: &Path) -> Option<Pid> {
    let is_ours = |arguments: &[String]| arguments.first().is_some_and(|program| program.ends_with("/portico"));
    postgres_processes(data_dir).into_iter().find(|(_, arguments)| is_ours(arguments)).map(|(pid, _)| pid)
}
