//! What the system says of this process, as Prometheus' own clients tell it.

use std::time::Duration;

/// Ticks a second in `/proc`: what every Linux architecture that we build for has.
const TICKS: u64 = 100;
/// What `/proc` writes sizes in.
const KIB: u64 = 1024;

/// A look at the process. What the system does not tell is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Bytes of memory in use.
    pub resident_bytes: Option<u64>,
    /// Bytes of address space.
    pub virtual_bytes: Option<u64>,
    /// Files and sockets that are open.
    pub open_files: Option<u64>,
    /// Files and sockets that may be open.
    pub max_files: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Time on a processor, in user mode and in the kernel.
    pub cpu: Option<Duration>,
    /// When it was started, in seconds since the epoch.
    pub started_at: Option<u64>,
}

impl Process {
    /// Now.
    pub fn look() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (status, stat, limits) = (read("/proc/self/status"), read("/proc/self/stat"), read("/proc/self/limits"));
        let open = std::fs::read_dir("/proc/self/fd").ok();
        Self::from_text(&status, &stat, &limits, &read("/proc/stat")).with_open_files(open)
    }

    fn from_text(status: &str, stat: &str, limits: &str, system: &str) -> Self {
        let kib = |name: &str| field(status, name)?.parse::<u64>().ok()?.checked_mul(KIB);
        // The name of the program comes first, in brackets, and may hold anything.
        let numbers: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        // Counted from the field behind the name, which `proc(5)` calls the third.
        let number = |place: usize| numbers.get(place - 3).and_then(|number| number.parse::<u64>().ok());
        let millis = |ticks: u64| ticks.checked_mul(1000 / TICKS);
        let started = number(22).zip(field(system, "btime").and_then(|at| at.parse::<u64>().ok()));
        Self {
            resident_bytes: kib("VmRSS:"),
            virtual_bytes: kib("VmSize:"),
            open_files: None,
            max_files: limits
                .lines()
                .find_map(|line| line.strip_prefix("Max open files"))
                .and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()),
            threads: number(20),
            cpu: number(14).zip(number(15)).and_then(|(user, system)| millis(user + system)).map(Duration::from_millis),
            started_at: started.map(|(ticks, boot)| boot + ticks / TICKS),
        }
    }

    fn with_open_files(self, open: Option<std::fs::ReadDir>) -> Self {
        // The directory that is read is open too.
        let count = open.map(|open| u64::try_from(open.count().saturating_sub(1)).unwrap_or(u64::MAX));
        Self { open_files: count, ..self }
    }
}

/// The first word behind a name at the beginning of a line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_found_behind_any_name_of_the_program() {
        let status = "Name:\tx\nVmSize:\t  2000 kB\nVmRSS:\t   1000 kB\n";
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 9 0 500 1 2\n";
        let limits =
            "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096  files\n";
        let process = Process::from_text(status, stat, limits, "cpu 1 2\nbtime 1700000000\n");
        let expected = Process {
            resident_bytes: Some(1_024_000),
            virtual_bytes: Some(2_048_000),
            open_files: None,
            max_files: Some(1024),
            threads: Some(9),
            cpu: Some(Duration::from_secs(2)),
            started_at: Some(1_700_000_005),
        };
        assert_eq!(process, expected);
        assert_eq!(Process::from_text("", "", "", ""), Process::default());
    }
}
