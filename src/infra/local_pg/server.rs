//! A running cluster: starting it, watching it, stopping it.

use crate::infra::local_pg::account::Account;
use crate::infra::local_pg::cluster::{self, Files, POLL, PidFile};
use crate::infra::local_pg::error::{Error, Result, at, one_line};
use crate::infra::local_pg::{programs, supervise};
use nix::unistd::Uid;
use sqlx::postgres::PgConnectOptions;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

/// How long a directory may be locked before we say that another instance runs on it. The kernel needs a moment to end
/// one that was just killed.
const LOCK: Duration = Duration::from_secs(3);
/// How long the server may take to start; most of it is for recovery after a crash.
const START: Duration = Duration::from_mins(5);
/// How long backends that have lost their server may take to notice it.
const ORPHANS: Duration = Duration::from_secs(20);
/// A larger log of the server is put aside at the next start.
const LOG_BYTES: u64 = 8 << 20;

/// What every cluster runs with: reachable through the socket only, durable, small.
const SETTINGS: [&str; 14] = [
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "max_connections=50",
    "shared_buffers=64MB",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_min_messages=warning",
    "log_line_prefix=%m [%p] ",
];

/// How to run the cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Holds the cluster, its socket and its log.
    pub data_dir: PathBuf,
    /// Where the server programs are; none: the usual places.
    pub programs: Option<PathBuf>,
    /// The `portico` program, run again as the supervisor.
    pub supervisor: PathBuf,
    /// Further `name=value` settings of the server; they override ours.
    pub settings: Vec<String>,
}

impl Options {
    /// With this very program as the supervisor.
    pub fn new(data_dir: PathBuf, programs: Option<PathBuf>) -> Result<Self, String> {
        let supervisor = std::env::current_exe().map_err(|error| error.to_string())?;
        Ok(Self { data_dir, programs, supervisor, settings: Vec::new() })
    }

    fn is_durable(&self) -> bool {
        !self.settings.iter().any(|setting| setting == "fsync=off")
    }
}

/// A running cluster; dropped, it stops.
#[derive(Debug)]
pub struct LocalPg {
    connect: PgConnectOptions,
    /// Closing it makes the supervisor stop the server.
    pipe: Option<ChildStdin>,
    supervisor: Child,
    _lock: File,
}

impl LocalPg {
    /// Starts it, making it first where there is none. Blocks until it accepts connections.
    pub fn start(options: &Options) -> Result<Self> {
        let files = Files::of(&options.data_dir);
        let account = Account::for_cluster(&files.pgdata)?;
        account.data_dir(&files.base)?;
        let files = Files::of(&files.base); // canonical, now that it exists
        let lock = lock(&files)?;
        let programs = programs::choose(&files.pgdata, options.programs.as_deref())?;
        if !files.pgdata.join("PG_VERSION").exists() {
            cluster::make(&files, &programs, &account, options.is_durable())?;
        }
        cluster::clear_leftover(&files)?;

        let socket_dir = files.socket_dir();
        account.private_dir(&socket_dir)?;
        // Left by a crash, they would stop a server whose process number was given to somebody else. The lock is ours
        // and no server is left, so nobody uses them.
        let _ = fs::remove_file(socket_dir.join(".s.PGSQL.5432.lock"));
        let _ = fs::remove_file(socket_dir.join(".s.PGSQL.5432"));

        let mut command = supervise::command(&options.supervisor, account.ids(), &programs.bin.join("postgres"));
        command.arg("-D").arg(&files.pgdata).arg("-k").arg(&socket_dir);
        for setting in SETTINGS.iter().copied().chain(options.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        // Ctrl-C in a terminal is for the instance: it drains, then stops the server.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null());

        let began = Instant::now();
        let mut log = open_log(&files.log)?;
        loop {
            let offset = at(&files.log, log.seek(SeekFrom::End(0)))?;
            let mut supervisor = command
                .stderr(at(&files.log, log.try_clone())?)
                .spawn()
                .map_err(|error| Error::Failed { what: "starting the supervisor", detail: error.to_string() })?;
            let pipe = supervisor.stdin.take();
            if wait_until_ready(&files, &mut supervisor) {
                return Ok(Self { connect: cluster::connect(&socket_dir), pipe, supervisor, _lock: lock });
            }
            drop(pipe);
            let _ = supervisor.wait();
            let said = read_from(&files.log, offset);
            // Backends whose server was killed notice it after a moment; until then Postgres refuses to start.
            if !said.contains("pre-existing shared memory block") || began.elapsed() > ORPHANS {
                return Err(Error::Failed { what: "starting Postgres", detail: one_line(&said) });
            }
            std::thread::sleep(POLL * 10);
        }
    }

    /// How to connect to it.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.connect.clone()
    }

    /// Whether the server still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.supervisor.try_wait(), Ok(None))
    }
}

impl Drop for LocalPg {
    fn drop(&mut self) {
        self.pipe.take();
        let _ = self.supervisor.wait();
    }
}

/// `/var/lib/portico` for root, `$XDG_DATA_HOME/portico` or `~/.local/share/portico` for everybody else.
pub fn default_data_dir() -> PathBuf {
    let directory = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if Uid::effective().is_root() {
        return PathBuf::from("/var/lib/portico");
    }
    directory("XDG_DATA_HOME")
        .or_else(|| directory("HOME").map(|home| home.join(".local/share")))
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
        .join("portico")
}

/// Takes the directory. The kernel gives it back when we end, in whatever way.
fn lock(files: &Files) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600);
    let mut lock = at(&files.lock, options.open(&files.lock))?;
    let give_up = Instant::now() + LOCK;
    while let Err(error) = lock.try_lock() {
        match error {
            TryLockError::Error(error) => return at(&files.lock, Err(error)),
            TryLockError::WouldBlock if Instant::now() < give_up => std::thread::sleep(POLL),
            TryLockError::WouldBlock => {
                let holder = fs::read_to_string(&files.lock).unwrap_or_default();
                let process = holder.trim().parse::<u32>().map_or(String::new(), |pid| format!(" (process {pid})"));
                return Err(Error::InUse { dir: files.base.display().to_string(), process });
            }
        }
    }
    at(&files.lock, lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())))?;
    Ok(lock)
}

fn open_log(path: &Path) -> Result<File> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() > LOG_BYTES) {
        let _ = fs::rename(path, path.with_extension("log.1"));
    }
    at(path, OpenOptions::new().create(true).append(true).mode(0o600).open(path))
}

/// Waits until the server accepts connections; false when it has ended or takes for ever.
fn wait_until_ready(files: &Files, supervisor: &mut Child) -> bool {
    let give_up = Instant::now() + START;
    while Instant::now() < give_up {
        // The file may be a dead server's. That one has been seen to by `clear_leftover`, which leaves "ready" in it, so
        // the number must be of a live process as well.
        if PidFile::read(&files.pgdata).is_some_and(|file| file.is_ready && file.is_of(&files.pgdata)) {
            return true;
        }
        if !matches!(supervisor.try_wait(), Ok(None)) {
            return false;
        }
        std::thread::sleep(POLL);
    }
    false
}

fn read_from(path: &Path, offset: u64) -> String {
    let mut said = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let _ = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_to_end(&mut said));
    }
    String::from_utf8_lossy(&said).into_owned()
}
