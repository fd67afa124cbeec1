//! The files of the embedded cluster: making it all or nothing, what a crash left behind, whether an instance runs it.

use crate::infra::local_pg::account::Account;
use crate::infra::local_pg::error::{Error, Result, at, one_line};
use crate::infra::local_pg::programs::{self, Programs};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The user and the database in the cluster.
pub(super) const NAME: &str = "portico";
/// The longest directory for a socket: its whole path must fit into 104 bytes on macOS, 108 on Linux.
const SOCKET_DIR_BYTES: usize = 80;
/// A process number that no system gives out.
const NOBODY: i32 = i32::MAX;
/// How often files and processes are looked at while waiting.
pub(super) const POLL: Duration = Duration::from_millis(10);
/// How long a command waits for an instance that is just starting.
const JOIN: Duration = Duration::from_secs(10);

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// The data directory.
    pub(super) base: PathBuf,
    /// The cluster.
    pub(super) pgdata: PathBuf,
    /// The server's log.
    pub(super) log: PathBuf,
    /// Held by the instance that uses the directory.
    pub(super) lock: PathBuf,
}

impl Files {
    /// In this data directory.
    pub(super) fn of(base: &Path) -> Self {
        // A directory that does not exist yet has no canonical path.
        let absolute = || std::path::absolute(base).unwrap_or_else(|_| base.to_owned());
        let base = fs::canonicalize(base).unwrap_or_else(|_| absolute());
        let (pgdata, log, lock) = (base.join("pgdata"), base.join("postgres.log"), base.join("portico.lock"));
        Self { base, pgdata, log, lock }
    }

    /// The directory of the socket: here, unless the path would be too long for one.
    pub(super) fn socket_dir(&self) -> PathBuf {
        let here = self.base.join("run");
        if here.as_os_str().len() <= SOCKET_DIR_BYTES {
            return here;
        }
        let mut hasher = DefaultHasher::new();
        self.base.hash(&mut hasher);
        std::env::temp_dir().join(format!("portico-{:x}", hasher.finish()))
    }
}

/// What a data directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No cluster yet.
    Empty,
    /// A cluster that nobody runs.
    Stopped,
    /// An instance runs on it.
    Running,
}

/// What `data_dir` holds, and the programs that a start would use. Changes nothing; the error is the one that a start
/// would meet.
pub fn inspect(data_dir: &Path, programs: Option<&Path>) -> Result<(State, Programs)> {
    let files = Files::of(data_dir);
    Account::for_cluster(&files.pgdata)?.reach(&files.base)?;
    let programs = programs::choose(&files.pgdata, programs)?;
    let state = match files.pgdata.join("PG_VERSION").exists() {
        _ if locked(&files) => State::Running,
        true => State::Stopped,
        false => State::Empty,
    };
    Ok((state, programs))
}

/// How to connect to the cluster in `data_dir`, if an instance runs it now. Waits for one that is just starting.
pub fn running(data_dir: &Path) -> Option<PgConnectOptions> {
    let files = Files::of(data_dir);
    let give_up = Instant::now() + JOIN;
    while locked(&files) {
        if let Some(pid_file) = PidFile::read(&files.pgdata).filter(|file| file.is_ready) {
            return Some(connect(&pid_file.socket_dir));
        }
        if Instant::now() > give_up {
            return None;
        }
        std::thread::sleep(POLL);
    }
    None
}

pub(super) fn connect(socket_dir: &Path) -> PgConnectOptions {
    // Whatever PG… variables say about another server must not count for this one.
    let options = PgConnectOptions::new_without_pgpass().ssl_mode(PgSslMode::Disable);
    options.socket(socket_dir).port(5432).username(NAME).database(NAME)
}

fn locked(files: &Files) -> bool {
    let lock = OpenOptions::new().write(true).open(&files.lock);
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Makes the cluster with one database. A crash at any point leaves either no cluster or a whole one on disk.
pub(super) fn make(files: &Files, programs: &Programs, account: &Account, durable: bool) -> Result<()> {
    for entry in fs::read_dir(&files.base).into_iter().flatten().flatten() {
        // What an interrupted first start left.
        if entry.file_name().to_string_lossy().starts_with("pgdata.new") {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let new = files.base.join(format!("pgdata.new.{}", std::process::id()));
    account.private_dir(&new)?;
    let initdb = programs.bin.join("initdb");
    let mut make = account.command(&initdb);
    make.arg("-D").arg(&new).args(["-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C", "-k"]);
    // One flush at the end instead of one after each step.
    make.args(["--no-instructions", "--no-sync"]).stdin(Stdio::null());
    run("initdb", make, "")?;
    let mut create = account.command(&programs.bin.join("postgres"));
    create.args(["--single", "-F", "-j", "-c", "log_checkpoints=off", "-D"]).arg(&new).arg("postgres");
    run("making the database", create, &format!("create database {NAME}\n\n"))?;
    if durable {
        let mut sync = account.command(&initdb);
        sync.arg("--sync-only").arg("-D").arg(&new).stdin(Stdio::null());
        run("flushing the new cluster", sync, "")?;
    }
    at(&files.pgdata, fs::rename(&new, &files.pgdata))?;
    at(&files.base, File::open(&files.base).and_then(|dir| dir.sync_all()))
}

fn run(what: &'static str, mut command: Command, input: &str) -> Result<()> {
    let failed = |detail: String| Error::Failed { what, detail };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has failed reads no input; its own words say why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // In single-user mode the server reports a failed statement but ends with success.
    if !output.status.success() || said.contains("ERROR:") {
        return Err(failed(one_line(&said)));
    }
    Ok(())
}

/// Deals with what a crash left: stops an orphaned server, and takes the edge off a file that names a process which is
/// not the server.
pub(super) fn clear_leftover(files: &Files) -> Result<()> {
    let Some(left) = PidFile::read(&files.pgdata) else { return Ok(()) };
    if is_postmaster(left.pid, &files.pgdata) {
        for (signal, seconds) in [(Signal::SIGINT, 30), (Signal::SIGQUIT, 10), (Signal::SIGKILL, 5)] {
            let _ = kill(left.pid, signal);
            let give_up = Instant::now() + Duration::from_secs(seconds);
            while Instant::now() < give_up {
                if !is_postmaster(left.pid, &files.pgdata) {
                    return Ok(());
                }
                std::thread::sleep(POLL);
            }
        }
        let detail = format!("process {} does not end; stop it by hand", left.pid);
        return Err(Error::Failed { what: "stopping the Postgres that a crash left", detail });
    }
    if kill(left.pid, None).is_ok() {
        // The number was given to another process, or the server is a zombie: Postgres would think it is running and
        // refuse. The file must stay, because its shared-memory key is how Postgres notices orphaned backends that
        // still write; so only the number is replaced.
        let path = files.pgdata.join("postmaster.pid");
        let text = left.text.split_once('\n').map_or(String::new(), |(_, rest)| format!("{NOBODY}\n{rest}"));
        at(&path, fs::write(&path, text))?;
    }
    Ok(())
}

/// The server's `postmaster.pid`.
pub(super) struct PidFile {
    pid: Pid,
    socket_dir: PathBuf,
    /// Whether it accepts connections.
    pub(super) is_ready: bool,
    text: String,
}

impl PidFile {
    pub(super) fn read(pgdata: &Path) -> Option<Self> {
        let text = fs::read_to_string(pgdata.join("postmaster.pid")).ok()?;
        // One value a line: process, data directory, start time, port, socket directory, TCP address, shared-memory
        // key, state.
        let mut lines = text.lines();
        let pid = lines.next().and_then(|line| line.trim().parse().ok()).filter(|pid| *pid > 1)?;
        let socket_dir = PathBuf::from(lines.nth(3).unwrap_or_default());
        let is_ready = lines.nth(2).is_some_and(|state| state.trim() == "ready");
        Some(Self { pid: Pid::from_raw(pid), socket_dir, is_ready, text })
    }

    /// Whether the process is a live server on this cluster.
    pub(super) fn is_of(&self, pgdata: &Path) -> bool {
        is_postmaster(self.pid, pgdata)
    }
}

/// Whether `pid` is a live server on this cluster, and not another process that was given the number of a dead one.
fn is_postmaster(pid: Pid, pgdata: &Path) -> bool {
    let proc = PathBuf::from(format!("/proc/{pid}"));
    if Path::new("/proc/self/stat").exists() {
        let state = fs::read_to_string(proc.join("stat")).unwrap_or_default();
        let zombie = state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'));
        let arguments = fs::read(proc.join("cmdline")).unwrap_or_default();
        let wanted = pgdata.as_os_str().as_encoded_bytes();
        return !zombie && arguments.split(|byte| *byte == 0).any(|argument| argument == wanted);
    }
    let ask = |what: &str| {
        let output = Command::new("ps").args(["-o", what, "-p", &pid.to_string()]).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    !ask("stat=").starts_with('Z') && ask("command=").contains(&*pgdata.to_string_lossy())
}
