//! Keeps the cores from idling: a virtual machine pays for each time it wakes a core, where real iron does not.

use crate::stage::process::Process;
use crate::{LOAD_CORE, PROXY_CORE};
use std::os::unix::process::parent_id;
use std::process::Command;

/// Whether cores may idle while they wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// As the machine is.
    Idle,
    /// Something of the lowest priority always runs on them.
    Busy,
}

impl Cores {
    pub(crate) const ALL: [Self; 2] = [Self::Idle, Self::Busy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Idle => "as it is",
            Self::Busy => "cores kept from idling",
        }
    }

    /// Arranges it for as long as the answer lives.
    pub(crate) fn hold(self) -> Vec<Process> {
        let cores: &[&str] = if self == Self::Busy { &[PROXY_CORE, LOAD_CORE] } else { &[] };
        let spinner = |core: &&str| {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "taskset", "-c", core, "chrt", "--idle", "0"]);
            Process::start(command.arg(std::env::current_exe().unwrap()).arg("spin"))
        };
        cores.iter().map(spinner).collect()
    }
}

/// Runs for as long as the one who started it.
pub(crate) fn spin() {
    let parent = parent_id();
    while parent_id() == parent {
        for _ in 0..1_000_000 {
            std::hint::spin_loop();
        }
    }
}
