//! Client libraries of other languages, installed by their own package managers below `target`, and scripts that use
//! them, with which a test converses: one JSON text a line.

use crate::support::db::scratch;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Where the scripts and the lists of packages are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/libraries");

/// How long a script may take until it says the next thing.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a script is written in.
#[derive(Clone, Copy, Debug)]
enum Language {
    JavaScript,
    Python,
}

impl Language {
    fn of(script: &str) -> Self {
        if Path::new(script).extension().is_some_and(|e| e == "mjs") { Self::JavaScript } else { Self::Python }
    }

    /// What the installation depends on.
    fn lists(self) -> &'static [&'static str] {
        match self {
            Self::JavaScript => &["package.json", "package-lock.json", ".npmrc"],
            Self::Python => &["requirements.txt"],
        }
    }

    /// Installs the packages below `dir`.
    fn install(self, dir: &Path) {
        match self {
            Self::JavaScript => {
                for list in self.lists() {
                    fs::copy(Path::new(SCRIPTS).join(list), dir.join(list)).unwrap();
                }
                run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(dir));
            }
            Self::Python => {
                run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(dir));
                let requirements = Path::new(SCRIPTS).join("requirements.txt");
                let options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:"];
                let mut pip = Command::new(dir.join("bin/python"));
                run(pip.args(["-m", "pip", "install"]).args(options).arg("--requirement").arg(requirements));
            }
        }
    }

    /// The directory of the packages: made once for one state of the lists, whoever comes first, and then kept.
    fn packages(self) -> PathBuf {
        static INSTALLING: Mutex<()> = Mutex::new(());
        let _one_of_this_run = INSTALLING.lock().unwrap();
        let mut digest = Sha256::new();
        for list in self.lists() {
            digest.update(fs::read(Path::new(SCRIPTS).join(list)).unwrap());
        }
        let digest = digest.finalize();
        let hash = URL_SAFE_NO_PAD.encode(digest.get(..8).unwrap());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libraries-{self:?}-{hash}").to_lowercase());
        fs::create_dir_all(&dir).unwrap();
        // Other runs may want the same at the same time. The lock goes with the file.
        let lock = fs::File::create(dir.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        let complete = dir.join("complete");
        if !complete.exists() {
            self.install(&dir);
            fs::write(complete, "").unwrap();
        }
        dir
    }

    fn command(self, script: &str) -> Command {
        match self {
            Self::JavaScript => {
                // A module looks for packages beside itself, and the source tree is no place for them.
                static COPIED: LazyLock<PathBuf> = LazyLock::new(|| {
                    let copies = scratch("libraries");
                    let packages = Language::JavaScript.packages().join("node_modules");
                    symlink(packages, copies.join("node_modules")).unwrap();
                    for entry in fs::read_dir(SCRIPTS).unwrap() {
                        let path = entry.unwrap().path();
                        if path.extension().is_some_and(|e| e == "mjs") {
                            fs::copy(&path, copies.join(path.file_name().unwrap())).unwrap();
                        }
                    }
                    copies
                });
                let mut node = Command::new("node");
                node.arg(COPIED.join(script));
                node
            }
            Self::Python => {
                let mut python = Command::new(self.packages().join("bin/python"));
                python.arg("-B").arg(Path::new(SCRIPTS).join(script));
                python
            }
        }
    }
}

/// A running script. It is stopped with the test.
pub(crate) struct Script {
    name: String,
    child: Child,
    stdin: ChildStdin,
    said: UnboundedReceiver<String>,
}

impl Script {
    /// Starts `tests/libraries/{name}` with its configuration.
    pub(crate) async fn start(name: &str, configuration: &Value) -> Self {
        let owned = name.to_owned();
        let command = tokio::task::spawn_blocking(move || Language::of(&owned).command(&owned)).await;
        let mut command = command.unwrap_or_else(|e| panic!("{name} cannot be prepared: {e}"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect(name);
        let (sender, said) = unbounded_channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let stdin = child.stdin.take().unwrap();
        let mut script = Self { name: name.to_owned(), child, stdin, said };
        script.answer(configuration);
        script
    }

    /// What it asks next; nothing once it has finished well.
    pub(crate) async fn question(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE, self.said.recv()).await;
        let line = line.unwrap_or_else(|_| panic!("{} has fallen silent", self.name));
        let Some(line) = line else { self.fail("ended before it had finished") };
        let Ok(question) = serde_json::from_str::<Value>(&line) else { self.fail(&line) };
        (question["finished"] != true).then_some(question)
    }

    /// Answers it.
    pub(crate) fn answer(&mut self, answer: &Value) {
        if writeln!(self.stdin, "{answer}").is_err() {
            self.fail("does not listen");
        }
    }

    /// Stops the test with what the script has written to standard error.
    fn fail(&mut self, why: &str) -> ! {
        let _ = self.child.kill();
        let mut errors = String::new();
        let _ = self.child.stderr.take().unwrap().read_to_string(&mut errors);
        panic!("{}: {why}\n{errors}", self.name);
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a package manager.
fn run(command: &mut Command) {
    let said = command.stdin(Stdio::null()).output();
    let said = said.unwrap_or_else(|e| panic!("{command:?}: {e}: the tests need nodejs, npm and python3-venv"));
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{command:?}: {}\n{}{errors}", said.status, String::from_utf8_lossy(&said.stdout));
}
