//! What is measured: the real program on one core, over a database of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portico::base::clock::Clock;
use portico::base::environment::Environment;
use portico::base::random::Random;
use portico::domain::Ctx;
use portico::domain::accounts::users::{self, NewUser};
use portico::domain::applications::manage;
use portico::domain::audit::model::Actor;
use portico::domain::credentials::clients;
use portico::infra::db::Db;
use portico::infra::local_pg::{LocalPg, Options};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PORTICO: &str = env!("CARGO_BIN_EXE_portico");
/// Both servers read each other's keys.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Clock ticks a second in `/proc`, on every Linux.
const TICKS: f64 = 100.0;

/// A private Postgres with one client in it.
pub(super) struct Database {
    dir: PathBuf,
    url: String,
    basic: String,
    cluster: Option<LocalPg>,
}

impl Database {
    pub(super) fn start() -> Self {
        let dir = std::env::temp_dir().join(format!("portico-bench-token-{}", std::process::id()));
        let mut options = Options::new(dir.join("pg"), None).unwrap();
        options.supervisor = PORTICO.into();
        let cluster = LocalPg::start(&options).unwrap();
        let connect = cluster.connect_options();
        let socket = connect.get_socket().unwrap().display().to_string();
        let name = connect.get_database().unwrap_or("postgres");
        let url = format!("postgres://{}@localhost/{name}?host={socket}", connect.get_username());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let basic = runtime.block_on(async {
            let db = Db::connect(connect, 2).await.unwrap();
            db.migrate().await.unwrap();
            let ctx = Ctx::new(db, Clock::System, Random::System);
            let new = NewUser::parse("Ada", "ada@example.com", vec!["developer".to_owned()], None).unwrap();
            let member = users::add(&ctx, new, &Actor::CommandLine).await.unwrap();
            let application = manage::create(&ctx, &member, "Shop", "").await.unwrap();
            let issued = clients::generate(&ctx, &member, application.id, Environment::Sandbox).await.unwrap();
            ctx.db.close().await;
            STANDARD.encode(format!("{}:{}", issued.client.id, issued.secret.expose()))
        });
        Self { dir, url, basic, cluster: Some(cluster) }
    }

    /// What follows `Authorization: Basic`.
    pub(super) fn basic(&self) -> &str {
        &self.basic
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.cluster.take());
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// `portico serve` with access tokens of one algorithm, as it is configured by default. Its log goes to a file.
pub(super) struct Server {
    pub(super) algorithm: &'static str,
    /// `host:port` of the token endpoint.
    pub(super) address: String,
    child: Child,
}

impl Server {
    pub(super) fn start(database: &Database, algorithm: &'static str, core: &str) -> Self {
        let data_dir = database.dir.join(algorithm);
        fs::create_dir_all(&data_dir).unwrap();
        let mut command = Command::new("taskset");
        command.args(["-c", core, PORTICO, "serve"]).current_dir(&data_dir);
        for listener in ["PORTAL", "OPERATIONS", "GATEWAY_PRODUCTION", "GATEWAY_SANDBOX"] {
            command.env(format!("PORTICO_{listener}_LISTEN"), "127.0.0.1:0");
        }
        command
            .env("PORTICO_DATA_DIR", &data_dir)
            .env("PORTICO_DATABASE_URL", &database.url)
            .env("PORTICO_OAUTH_MASTER_KEY", MASTER_KEY)
            .env("PORTICO_OAUTH_ACCESS_TOKEN_ALGORITHM", algorithm)
            .stderr(File::create(data_dir.join("log")).unwrap())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(url) = line.strip_prefix("portal") {
                break url.trim().trim_start_matches("http://").to_owned();
            }
        };
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { algorithm, address, child }
    }

    /// The processor time that it has taken so far. `taskset` becomes the program, so the process is the same.
    pub(super) fn cpu(&self) -> Duration {
        cpu(&self.child.id().to_string())
    }
}

/// The processor time that a process has taken so far.
pub(super) fn cpu(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The second field is the name in parentheses; the 14th and 15th are user and system time.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |field: &str| field.parse::<f64>().unwrap();
    Duration::from_secs_f64((ticks(fields[11]) + ticks(fields[12])) / TICKS)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
