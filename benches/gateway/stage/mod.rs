//! Everything that a figure needs: a database, the proxies, the backend behind them.

pub(crate) mod busy;
pub(crate) mod database;
pub(crate) mod origin;
pub(crate) mod peers;
pub(crate) mod portico;
pub(crate) mod process;

use database::{Cluster, Database};
use origin::Origin;
use std::cell::Cell;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A directory, a Postgres and a backend. All of it goes when it is dropped.
pub(crate) struct Stage {
    databases: Cell<u32>,
    pub(crate) origin: Origin,
    cluster: Cluster,
    dir: Directory,
}

/// A directory that goes when it is dropped, and also when this program is killed.
struct Directory(PathBuf, Option<Child>);

impl Stage {
    pub(crate) fn set() -> Self {
        let dir = Directory::make(std::env::temp_dir().join(format!("portico-bench-{}", std::process::id())));
        let cluster = Cluster::start(&dir.0.join("pg"));
        Self { databases: Cell::new(0), origin: Origin::start(), cluster, dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir.0
    }

    /// A database with the schema and nothing else.
    pub(crate) fn database(&self) -> Database {
        self.databases.set(self.databases.get() + 1);
        self.cluster.database(&format!("bench{}", self.databases.get()))
    }
}

impl Directory {
    fn make(path: PathBuf) -> Self {
        std::fs::create_dir_all(&path).unwrap();
        // Its end of the pipe closes whatever happens here; a database that is just stopping may write for a while.
        let script = "cat; for i in 1 2 3 4 5 6 7 8 9; do rm -rf \"$0\"; [ -e \"$0\" ] || exit; sleep 1; done";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(&path).process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self(path, Some(shell))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Some(mut shell) = self.1.take() {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }
}

/// Where a program is: on the path, or where Debian keeps those for administrators and for Postgres.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/bin"].map(PathBuf::from);
    let postgres = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&path)
        .chain(usual)
        .chain(postgres.map(|version| version.path().join("bin")))
        .map(|dir| dir.join(name))
        .find(|path| path.exists())
}

/// Programs that are needed and not there.
pub(crate) fn missing_programs() -> Vec<&'static str> {
    let needed = ["nginx", "haproxy", "wrk", "postgres", "taskset", "setpriv", "chrt"];
    needed.into_iter().filter(|name| program(name).is_none()).collect()
}

/// An address where nobody listens.
pub(crate) fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until `condition` gives something.
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(started.elapsed().as_secs() < 60, "waited too long for: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
