//! One Postgres for the run, one database for each test.

use portico::infra::db::Db;
use portico::infra::local_pg::{LocalPg, Options};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static CLUSTER: OnceLock<LocalPg> = OnceLock::new();
static TEMPLATE: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);
/// `create database … template` wants nobody else at the template.
static CREATING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A directory that goes with the test run.
pub(crate) fn scratch(name: &str) -> PathBuf {
    static RUN: OnceLock<(PathBuf, ChildStdin)> = OnceLock::new();
    let (run, _) = RUN.get_or_init(|| {
        let run = std::env::temp_dir().join(format!("portico-it-{}", std::process::id()));
        open_dir(&run);
        // The test program has no end at which it could tidy up. Its end of this pipe closes all the same, and then a
        // shell removes the directory, again while a database that is just stopping still writes to it.
        let script = "cat; for i in 1 2 3 4 5 6 7 8 9; do rm -rf \"$1\"; [ -e \"$1\" ] || exit; sleep 1; done";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(&run).process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        (run, shell.unwrap().stdin.take().unwrap())
    });
    let path = run.join(name);
    open_dir(&path);
    path
}

/// Makes a directory that the account of the embedded Postgres can enter, whatever the umask.
fn open_dir(path: &Path) {
    std::fs::create_dir_all(path).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn cluster() -> &'static LocalPg {
    CLUSTER.get_or_init(|| {
        let mut options = Options::new(scratch("pg"), None).unwrap();
        options.supervisor = env!("CARGO_BIN_EXE_portico").into();
        // Nothing here outlives the run.
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400"] {
            options.settings.push(setting.to_owned());
        }
        LocalPg::start(&options).unwrap()
    })
}

fn options(database: &str) -> PgConnectOptions {
    cluster().connect_options().database(database)
}

/// A database with the schema and nothing else; its connect options.
pub(crate) async fn fresh() -> PgConnectOptions {
    tokio::task::spawn_blocking(|| _ = cluster()).await.unwrap();
    let _one_at_a_time = CREATING.lock().await;
    let mut admin = PgConnection::connect_with(&options("postgres")).await.unwrap();
    TEMPLATE
        .get_or_init(async || {
            let mut admin = PgConnection::connect_with(&options("postgres")).await.unwrap();
            admin.execute("create database template_portico").await.unwrap();
            let db = Db::connect(options("template_portico"), 1).await.unwrap();
            db.migrate().await.unwrap();
            db.close().await;
        })
        .await;
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let create = format!("create database {name} template template_portico");
    admin.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
    options(&name)
}

/// A connection beside all of them, to do things to one from outside.
pub(crate) async fn admin() -> PgConnection {
    PgConnection::connect_with(&options("postgres")).await.unwrap()
}

/// The same as a URL, as `database.url` takes it.
pub(crate) fn url(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().unwrap().display().to_string();
    format!("postgres://{}@localhost/{}?host={socket}", options.get_username(), options.get_database().unwrap())
}
