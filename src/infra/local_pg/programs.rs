//! The Postgres server programs of this machine: finding them, choosing among them, and what to install where there
//! are none.

use crate::infra::local_pg::error::{Error, Result};
use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version that will do.
pub const MIN_MAJOR: u32 = 15;

/// Homes of server programs: a directory, the beginning of the names in it that count, and where in those the programs
/// are. Debian and Ubuntu, Fedora and Alpine, the packages of postgresql.org, source builds, Homebrew on three systems,
/// `MacPorts`, Postgres.app.
const HOMES: [(&str, &str, &str); 10] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/opt/local/lib", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// One installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Where `initdb` and `postgres` are.
    pub bin: PathBuf,
    /// Their major version.
    pub major: u32,
}

/// The programs for the cluster in `pgdata`: those of the version that wrote it, or the newest for a new one. With
/// `directory`, only the ones in there count.
pub(super) fn choose(pgdata: &Path, directory: Option<&Path>) -> Result<Programs> {
    let (found, old) = installed(directory);
    let Ok(version) = fs::read_to_string(pgdata.join("PG_VERSION")) else {
        return found.into_iter().next().ok_or_else(|| not_found(directory, &old));
    };
    let have = version.trim();
    if found.is_empty() && old.is_empty() {
        return Err(not_found(directory, &old));
    }
    let majors = || found.iter().chain(&old).map(|p| p.major.to_string()).collect::<Vec<_>>().join(", ");
    found.iter().find(|p| p.major.to_string() == have).cloned().ok_or_else(|| Error::Version {
        dir: pgdata.display().to_string(),
        have: have.to_owned(),
        found: majors(),
    })
}

fn not_found(directory: Option<&Path>, old: &[Programs]) -> Error {
    let looked = match (directory, old.first()) {
        (_, Some(old)) => format!(" (only {} in {})", old.major, old.bin.display()),
        (Some(directory), None) => format!(" in {} (database.programs)", directory.display()),
        (None, None) => String::new(),
    };
    Error::NotFound { looked, install: install() }
}

/// Every installation on this machine, newest first: those that will do, and those that are too old.
fn installed(directory: Option<&Path>) -> (Vec<Programs>, Vec<Programs>) {
    let mut all: Vec<Programs> = Vec::new();
    for directory in directory.map_or_else(usual_places, |d| vec![d.to_owned()]) {
        // Distributions link the programs into /usr/bin: resolved, one installation counts once.
        let Ok(initdb) = fs::canonicalize(directory.join("initdb")) else { continue };
        let Some(bin) = initdb.parent().filter(|bin| bin.join("postgres").is_file()) else { continue };
        if all.iter().any(|p| p.bin == bin) {
            continue;
        }
        all.extend(major(&bin.join("postgres")).map(|major| Programs { bin: bin.to_owned(), major }));
    }
    all.sort_by_key(|p| Reverse(p.major));
    all.into_iter().partition(|p| p.major >= MIN_MAJOR)
}

fn usual_places() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH");
    let mut places: Vec<PathBuf> = path.iter().flat_map(std::env::split_paths).filter(|p| p.is_absolute()).collect();
    for (home, prefix, tail) in HOMES {
        for entry in fs::read_dir(home).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                places.push(entry.path().join(tail));
            }
        }
    }
    places
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` is 15.
fn major(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok())
}

/// The command that installs the server programs on this system.
fn install() -> &'static str {
    if cfg!(target_os = "macos") {
        return "brew install postgresql@17";
    }
    install_for(&fs::read_to_string("/etc/os-release").unwrap_or_default())
}

/// The same from the text of `/etc/os-release` (`ID` and `ID_LIKE` name the system and its relatives).
fn install_for(os_release: &str) -> &'static str {
    let value = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches(['"', '\'']).to_owned())
            .unwrap_or_default()
    };
    let (id, like) = (value("ID"), value("ID_LIKE"));
    let command = |name: &str| match name {
        "debian" | "ubuntu" => Some("apt-get install postgresql"),
        "fedora" | "rhel" | "centos" | "rocky" | "almalinux" | "amzn" => Some("dnf install postgresql-server"),
        "alpine" => Some("apk add postgresql"),
        "arch" => Some("pacman -S postgresql"),
        "suse" | "opensuse" | "sles" => Some("zypper install postgresql-server"),
        _ => None,
    };
    std::iter::once(&*id)
        .chain(like.split_whitespace())
        .find_map(command)
        .unwrap_or("your system's package of the Postgres server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_install_postgres_fits_the_system() {
        for (os_release, command) in [
            ("ID=debian\nVERSION_ID=\"12\"", "apt-get install postgresql"),
            ("NAME=Mint\nID=linuxmint\nID_LIKE=\"ubuntu debian\"", "apt-get install postgresql"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", "dnf install postgresql-server"),
            ("ID=fedora", "dnf install postgresql-server"),
            ("ID=alpine", "apk add postgresql"),
            ("ID=manjaro\nID_LIKE=arch", "pacman -S postgresql"),
            ("", "your system's package of the Postgres server"),
        ] {
            assert_eq!(install_for(os_release), command, "{os_release}");
        }
    }
}
