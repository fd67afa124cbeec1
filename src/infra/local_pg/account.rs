//! The account that the server runs as: our own, or, since Postgres refuses root, another one when we are root.

use crate::infra::local_pg::error::{Error, Result, at};
use nix::unistd::{AccessFlags, Uid, User};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Accounts that root may drop to, the first that exists.
const UNPRIVILEGED: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// Whom the server runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs us.
    Ours,
    /// Another one, for we are root.
    Other {
        /// For messages.
        name: String,
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl Account {
    /// The account for the cluster in `pgdata`: its owner, if it is there already.
    pub(super) fn for_cluster(pgdata: &Path) -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Ours);
        }
        if let Some(owner) = fs::metadata(pgdata).ok().filter(|m| m.uid() != 0) {
            let user = User::from_uid(Uid::from_raw(owner.uid())).ok().flatten();
            let name = user.map_or_else(|| format!("user {}", owner.uid()), |user| user.name);
            return Ok(Self::Other { name, uid: owner.uid(), gid: owner.gid() });
        }
        let user = UNPRIVILEGED.iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or_else(|| Error::Failed {
            what: "giving up root",
            detail: "Postgres does not run as root, and there is no account postgres or nobody; start Portico as another user".to_owned(),
        })?;
        Ok(Self::Other { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() })
    }

    /// As the arguments of the supervisor.
    pub(super) fn ids(&self) -> Option<(u32, u32)> {
        match self {
            Self::Ours => None,
            Self::Other { uid, gid, .. } => Some((*uid, *gid)),
        }
    }

    /// A command that runs as this account and sees nothing of our environment.
    pub(super) fn command(&self, program: &Path) -> Command {
        command(program, self.ids())
    }

    /// Makes `path` a directory that only this account can enter.
    pub(super) fn private_dir(&self, path: &Path) -> Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => at(path, made)?,
        }
        let meta = at(path, fs::symlink_metadata(path))?;
        let ours = Uid::effective().as_raw();
        // A directory that somebody else made could be read, or exchanged, by them.
        if !meta.is_dir() || (meta.uid() != ours && self.ids().is_none_or(|(uid, _)| uid != meta.uid())) {
            let path = path.display();
            return Err(Error::Directory(format!("{path} belongs to somebody else; remove it")));
        }
        if let Some((uid, gid)) = self.ids() {
            at(path, chown(path, Some(uid), Some(gid)))?;
        }
        at(path, fs::set_permissions(path, Permissions::from_mode(0o700)))
    }

    /// Makes the data directory where there is none. It stays ours; the server needs to pass through it only.
    pub(super) fn data_dir(&self, path: &Path) -> Result<()> {
        // Before anything is made: a refusal changes nothing.
        self.reach(path)?;
        if !path.exists() {
            at(path, fs::create_dir_all(path))?;
            let mode = if self.ids().is_some() { 0o711 } else { 0o700 };
            at(path, fs::set_permissions(path, Permissions::from_mode(mode)))?;
        }
        self.reach(path)
    }

    /// Whether the server can get at the data directory, or at the nearest directory above where it will be made.
    /// Changes nothing.
    pub(super) fn reach(&self, path: &Path) -> Result<()> {
        let path = path.ancestors().find(|path| path.exists()).unwrap_or(path);
        if !at(path, fs::metadata(path))?.is_dir() {
            let path = path.display();
            return Err(Error::Directory(format!("{path} is not a directory; choose another with --data-dir")));
        }
        let writable = AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK;
        at(path, nix::unistd::access(path, writable).map_err(io::Error::from))?;
        let Self::Other { name, .. } = self else { return Ok(()) };
        if self.enters(path) {
            return Ok(());
        }
        let ancestors: Vec<&Path> = path.ancestors().collect();
        let closed = ancestors.into_iter().rev().find(|dir| !self.enters(dir)).unwrap_or(path).display();
        Err(Error::Directory(format!(
            "started by root, Postgres runs as {name}, which may not enter {closed}; choose a directory such as /var/lib/portico with --data-dir, or open that one with `chmod o+x {closed}`"
        )))
    }

    fn enters(&self, path: &Path) -> bool {
        let mut shell = self.command(Path::new("/bin/sh"));
        shell
            .args(["-c", "cd \"$1\"", "sh"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.status().is_ok_and(|status| status.success())
    }
}

/// The command of [`Account::command`]; the standard library drops supplementary groups with the user id.
pub(super) fn command(program: &Path, ids: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = ids {
        command.uid(uid).gid(gid);
    }
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
    command
}
