//! A process on a core of its own, and what it costs.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Clock ticks a second in `/proc`, on every Linux.
const TICKS: f64 = 100.0;

/// A running process. Dropped, or when this program ends in whatever way, it is told to stop.
pub(crate) struct Process {
    pub(crate) child: Child,
}

/// `program`, pinned to a core, and ended by the kernel when this program is gone.
pub(crate) fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "taskset", "-c", core]).arg(program).stdin(Stdio::null());
    command
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap() }
    }

    /// `setpriv` and `taskset` become the program, so the process is the same.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The processor time that it and its children have taken so far.
    pub(crate) fn cpu(&self) -> Duration {
        self.family().iter().map(|process| cpu(process)).sum()
    }

    /// Its and its children's resident memory, in bytes.
    pub(crate) fn memory(&self) -> f64 {
        self.family().iter().map(|process| memory(process)).sum()
    }

    /// How many files it has open.
    pub(crate) fn files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id())).map_or(0, Iterator::count)
    }

    fn family(&self) -> Vec<String> {
        let id = self.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        // Portico without an embedded Postgres has none; nginx has its worker.
        std::iter::once(id.to_string()).chain(children.split_whitespace().map(str::to_owned)).collect()
    }
}

/// The processor time that a process has taken so far.
pub(crate) fn cpu(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The second field is the name in parentheses; the 14th and 15th are user and system time.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |field: &str| field.parse::<f64>().unwrap();
    Duration::from_secs_f64((ticks(fields[11]) + ticks(fields[12])) / TICKS)
}

fn memory(process: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = nix::unistd::Pid::from_raw(self.id().try_into().unwrap());
        let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        for _ in 0..500 {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
