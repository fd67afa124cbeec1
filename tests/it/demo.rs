//! `portico demo`, as a new user runs it: the printed commands are pasted into a shell.

use crate::support::db;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A demo on free ports, ready to serve.
struct Demo {
    process: Child,
    told: Value,
}

impl Demo {
    fn start(data_dir: &Path) -> Self {
        let any = "127.0.0.1:0";
        let mut process = Command::new(env!("CARGO_BIN_EXE_portico"))
            .args(["demo", "--json", "--portal-listen", any, "--production-listen", any, "--sandbox-listen", any])
            .args(["--operations-listen", any, "--data-dir"])
            .arg(data_dir)
            .env_remove("DATABASE_URL")
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        Self { process, told }
    }

    fn stop(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert!(self.process.wait().unwrap().success(), "SIGTERM is a clean end");
    }

    /// Pastes one of the told commands into a shell; its output.
    fn paste(&self, command: &str) -> String {
        let command = self.told["curl"][command].as_str().unwrap();
        let out = Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn pets(&self, command: &str) -> Value {
        let text = self.paste(command);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command}: no JSON ({error}): {text}"))
    }
}

#[test]
fn the_printed_commands_succeed_when_pasted_at_the_first_and_the_second_start() {
    let data_dir = db::scratch("demo");
    let mut users = Vec::new();
    for _ in 0..2 {
        let demo = Demo::start(&data_dir);
        for command in ["api_key", "bearer"] {
            let pets = demo.pets(command);
            assert_eq!(
                (pets["environment"].as_str(), pets["pets"][0]["name"].as_str()),
                (Some("production"), Some("Mochi"))
            );
        }
        let token = demo.pets("token");
        assert_eq!(token["scope"], "pets:read pets:write");
        assert_eq!((token["token_type"].as_str(), token["expires_in"].as_i64()), (Some("Bearer"), Some(900)));
        for place in ["/portal_url", "/gateways/production", "/gateways/sandbox", "/issuer", "/token_url"] {
            assert!(demo.told.pointer(place).unwrap().as_str().unwrap().starts_with("http://127.0.0.1:"), "{place}");
        }
        users.push(demo.told["users"].clone());
        demo.stop();
    }
    assert_eq!(users[0], users[1], "a later start tells the same people the same passwords");
    assert!(users[0].as_array().unwrap().iter().all(|user| user["password"].as_str().unwrap().len() >= 12));
}
