//! A real Redis or Valkey on a unix socket, to be frozen, killed and started again.

use crate::support::db::scratch;
use crate::support::process::eventually;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running server. Dropped, it is killed.
pub(crate) struct Redis {
    child: Child,
    socket: PathBuf,
}

impl Redis {
    /// Starts one that keeps nothing on disk.
    pub(crate) fn start(name: &str) -> Self {
        let socket = scratch(name).join("redis.sock");
        let child = Self::serve(&socket);
        Self { child, socket }
    }

    fn serve(socket: &PathBuf) -> Child {
        let _ = std::fs::remove_file(socket);
        let serve = |program: &str| {
            let mut command = Command::new(program);
            command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(socket);
            command.current_dir(socket.parent().unwrap()).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
        };
        let child = serve("redis-server").or_else(|_| serve("valkey-server")).expect("run .ci/setup tests first");
        eventually("Redis", || UnixStream::connect(socket).ok());
        child
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, empty, where it was.
    pub(crate) fn start_again(&mut self) {
        self.child = Self::serve(&self.socket);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
