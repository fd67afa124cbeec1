//! nginx and `HAProxy` as they would be set up by hand for the same backend: one worker, kept-alive connections, no checks.

use crate::PROXY_CORE;
use crate::stage::process::{self, Process};
use crate::stage::{Stage, eventually, free_address, program};
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

/// A running peer.
pub(crate) struct Peer {
    pub(crate) process: Process,
    /// `host:port`.
    pub(crate) address: String,
}

/// nginx passing everything on. It gets every favour: nothing is logged, nothing written to a disk.
pub(crate) fn nginx(stage: &Stage) -> Peer {
    let (address, dir, origin) = (free_address().to_string(), stage.dir().join("nginx"), &stage.origin.address);
    fs::create_dir_all(&dir).unwrap();
    let user = if nix::unistd::Uid::effective().is_root() { "user root;" } else { "" };
    let text = format!(
        "{user} worker_processes 1; daemon off; pid {dir}/pid; error_log {dir}/log;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 0; client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  upstream origin {{ server {origin}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_request_buffering off; proxy_max_temp_file_size 0;
    }}
  }}
}}
",
        dir = dir.display()
    );
    start("nginx", &dir.join("nginx.conf"), &text, &["-e", &dir.join("log").display().to_string(), "-c"], address)
}

/// `HAProxy` passing everything on.
pub(crate) fn haproxy(stage: &Stage) -> Peer {
    let (address, dir, origin) = (free_address().to_string(), stage.dir().join("haproxy"), &stage.origin.address);
    fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind {address}
  default_backend back
backend back
  server origin {origin} pool-max-conn 128
"
    );
    start("haproxy", &dir.join("haproxy.cfg"), &text, &["-db", "-f"], address)
}

fn start(name: &str, file: &Path, text: &str, arguments: &[&str], address: String) -> Peer {
    fs::write(file, text).unwrap();
    let mut command = process::pinned(PROXY_CORE, &program(name).unwrap());
    let log = fs::File::create(file.with_extension("out")).unwrap();
    command.args(arguments).arg(file).stdout(Stdio::null()).stderr(log);
    let process = Process::start(&mut command);
    eventually(name, || TcpStream::connect(&address).ok());
    Peer { process, address }
}
