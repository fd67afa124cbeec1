//! The embedded Postgres: private, durable, never left behind, and clear about what it cannot use.

use crate::support::db::scratch;
use crate::support::process::{
    Serving, eventually, portico, postgres_processes, postmaster, run, stopped_instance, supervisor,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Uid, User};
use portico::infra::local_pg::{self, LocalPg, Options};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn options(data_dir: &Path) -> Options {
    let mut options = Options::new(data_dir.to_owned(), None).unwrap();
    options.supervisor = env!("CARGO_BIN_EXE_portico").into();
    options
}

/// A data directory that does not exist yet.
fn new_dir(name: &str) -> PathBuf {
    scratch(name).join("data")
}

async fn start(data_dir: &Path) -> LocalPg {
    let options = options(data_dir);
    tokio::task::spawn_blocking(move || LocalPg::start(&options)).await.unwrap().unwrap()
}

fn refused(options: &Options) -> String {
    let error = LocalPg::start(options).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

async fn ask(pg: &LocalPg, question: &'static str) -> String {
    let mut connection = PgConnection::connect_with(&pg.connect_options()).await.unwrap();
    sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_cluster_is_private_and_durable() {
    let dir = new_dir("private");
    let pg = start(&dir).await;
    for (setting, value) in [
        ("show listen_addresses", ""),
        ("show fsync", "on"),
        ("show synchronous_commit", "on"),
        ("show full_page_writes", "on"),
        ("show data_checksums", "on"),
        ("select current_database() || ' ' || current_user", "portico portico"),
        ("show server_encoding", "UTF8"),
    ] {
        assert_eq!(ask(&pg, setting).await, value, "{setting}");
    }
    assert_eq!((mode(&dir.join("pgdata")), mode(&dir.join("run"))), (0o700, 0o700));
    assert_eq!((mode(&dir.join("postgres.log")), mode(&dir.join("portico.lock"))), (0o600, 0o600));
}

#[tokio::test]
async fn a_stopped_cluster_leaves_no_process_and_keeps_its_rows() {
    let dir = stopped_instance("rows");
    let pg = start(&dir).await;
    let mut connection = PgConnection::connect_with(&pg.connect_options()).await.unwrap();
    connection.execute("create table kept as select 'yes' as it").await.unwrap();
    drop(pg);
    assert_eq!(postgres_processes(&dir), []);
    assert_eq!(ask(&start(&dir).await, "select it from kept").await, "yes");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_works() {
    let dir = scratch("long").join("d".repeat(60)).join("e".repeat(60));
    let pg = start(&dir).await;
    assert_eq!(ask(&pg, "select 'here'").await, "here");
    assert_eq!(local_pg::running(&dir).unwrap().get_socket(), pg.connect_options().get_socket());
}

#[tokio::test]
async fn a_second_instance_on_one_directory_is_refused() {
    let dir = stopped_instance("second");
    let pg = start(&dir).await;
    let error = refused(&options(&dir));
    assert!(error.contains("another Portico is running on"), "{error}");
    assert!(error.contains(&format!("(process {})", std::process::id())), "{error}");
    assert_eq!(ask(&pg, "select 'still here'").await, "still here");
}

#[tokio::test]
async fn a_killed_server_is_noticed_and_the_next_start_recovers() {
    let dir = stopped_instance("killed");
    let mut pg = start(&dir).await;
    let mut connection = PgConnection::connect_with(&pg.connect_options()).await.unwrap();
    connection.execute("create table kept as select 'yes' as it").await.unwrap();
    assert!(pg.alive());
    kill(postmaster(&dir).unwrap(), Signal::SIGKILL).unwrap();
    eventually("the server's end to be noticed", || (!pg.alive()).then_some(()));
    drop(pg);
    assert_eq!(ask(&start(&dir).await, "select it from kept").await, "yes");
}

#[tokio::test]
async fn whoever_kills_the_supervisor_stops_the_server() {
    let dir = stopped_instance("supervisor");
    let mut pg = start(&dir).await;
    for polite in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        kill(supervisor(&dir).unwrap(), polite).unwrap();
    }
    assert_eq!(ask(&pg, "select 'still here'").await, "still here");
    assert!(pg.alive());
    kill(supervisor(&dir).unwrap(), Signal::SIGKILL).unwrap();
    eventually("the supervisor's end to be noticed", || (!pg.alive()).then_some(()));
    eventually("the server's end", || postgres_processes(&dir).is_empty().then_some(()));
    drop(pg);
    assert_eq!(ask(&start(&dir).await, "select 'here'").await, "here");
}

#[tokio::test]
async fn an_orphaned_server_is_stopped_and_replaced() {
    let dir = stopped_instance("orphan");
    let pg = start(&dir).await;
    let server = postmaster(&dir).unwrap();
    let (_, arguments) = postgres_processes(&dir).into_iter().find(|(pid, _)| *pid == server).unwrap();
    drop(pg);
    // The same server again, of nobody's.
    let mut orphan = Command::new(&arguments[0]);
    orphan.args(arguments[1..].iter().filter(|argument| !argument.is_empty())).current_dir("/");
    orphan.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if Uid::effective().is_root() {
        let account = User::from_name("postgres").unwrap().unwrap();
        orphan.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    let mut orphan = orphan.spawn().unwrap();
    let file = dir.join("pgdata/postmaster.pid");
    eventually("the orphan", || fs::read_to_string(&file).ok()?.contains("ready").then_some(()));
    let pg = start(&dir).await;
    eventually("the orphan's end", || orphan.try_wait().unwrap());
    assert_eq!(ask(&pg, "select 'here'").await, "here");
}

#[tokio::test]
async fn a_process_number_that_was_given_to_somebody_else_is_no_server() {
    let dir = stopped_instance("reused");
    let mut pg = start(&dir).await;
    kill(postmaster(&dir).unwrap(), Signal::SIGKILL).unwrap();
    eventually("the server's end to be noticed", || (!pg.alive()).then_some(()));
    drop(pg);
    // Postgres believes a number only if the process has its own account.
    let mut stranger = Command::new("sleep");
    stranger.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if Uid::effective().is_root() {
        stranger.uid(User::from_name("postgres").unwrap().unwrap().uid.as_raw());
    }
    let mut stranger = stranger.arg("60").spawn().unwrap();
    for file in ["pgdata/postmaster.pid", "run/.s.PGSQL.5432.lock"] {
        let text = fs::read_to_string(dir.join(file)).unwrap();
        let (_, rest) = text.split_once('\n').unwrap();
        fs::write(dir.join(file), format!("{}\n{rest}", stranger.id())).unwrap();
    }
    let pg = start(&dir).await;
    assert_eq!(ask(&pg, "select 'here'").await, "here");
    assert!(stranger.try_wait().unwrap().is_none(), "the other process was left alone");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_first_start_that_was_interrupted_leaves_nothing() {
    let dir = new_dir("interrupted");
    fs::create_dir_all(dir.join("pgdata.new.1/base")).unwrap();
    fs::write(dir.join("pgdata.new.1/PG_VERSION"), "15\n").unwrap();
    let pg = start(&dir).await;
    assert_eq!(ask(&pg, "select 'here'").await, "here");
    assert!(!dir.join("pgdata.new.1").exists());
}

#[test]
fn data_of_another_major_version_is_refused_and_not_touched() {
    let dir = new_dir("major");
    fs::create_dir_all(dir.join("pgdata")).unwrap();
    fs::write(dir.join("pgdata/PG_VERSION"), "14\n").unwrap();
    let error = refused(&options(&dir));
    assert!(error.contains("was written by Postgres 14, but this machine has "), "{error}");
    assert!(error.contains("install the server programs of Postgres 14 again, or move the data"), "{error}");
    let left: Vec<_> = fs::read_dir(dir.join("pgdata")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["PG_VERSION"]);
}

#[test]
fn where_no_postgres_is_installed_the_error_names_the_command_that_installs_it() {
    let dir = new_dir("none");
    let mut options = options(&dir);
    options.programs = Some(scratch("no-programs"));
    let error = refused(&options);
    assert!(error.contains("no Postgres server programs (15 or newer) found"), "{error}");
    assert!(error.contains("or set database.url (DATABASE_URL)"), "{error}");
    if fs::read_to_string("/etc/os-release").is_ok_and(|text| text.contains("ID=debian")) {
        assert!(error.contains("`apt-get install postgresql`"), "{error}");
    }
}

#[test]
fn programs_that_are_too_old_do_not_count() {
    let programs = scratch("old-programs");
    for (name, text) in [("initdb", "#!/bin/sh\n"), ("postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 13.4'\n")] {
        fs::write(programs.join(name), text).unwrap();
        fs::set_permissions(programs.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    let mut options = options(&new_dir("old"));
    options.programs = Some(programs.clone());
    let error = refused(&options);
    assert!(error.contains(&format!("(only 13 in {})", programs.display())), "{error}");
}

#[test]
fn a_directory_that_cannot_be_used_is_refused_with_the_reason() {
    let file = scratch("file").join("taken");
    fs::write(&file, "").unwrap();
    let error = refused(&options(&file));
    assert!(error.contains("taken is not a directory; choose another with --data-dir"), "{error}");
    let error = refused(&options(&file.join("data")));
    assert!(error.contains("taken is not a directory; choose another with --data-dir"), "{error}");

    let closed = scratch("closed");
    let dir = closed.join("data");
    if Uid::effective().is_root() {
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        let error = refused(&options(&dir));
        let said = format!("Postgres runs as postgres, which may not enter {}; choose", closed.display());
        assert!(error.contains(&said), "{error}");
    } else {
        fs::set_permissions(&closed, Permissions::from_mode(0o500)).unwrap();
        let error = refused(&options(&dir));
        assert!(error.contains("Permission denied") && error.contains("--data-dir"), "{error}");
    }
    assert!(!dir.exists(), "a refusal changes nothing");
}

#[tokio::test]
async fn a_killed_portico_leaves_no_postgres_and_loses_nothing_acknowledged() {
    let dir = stopped_instance("kill-9");
    let mut acknowledged = 0_i64;
    for round in 0..4 {
        let mut portico = Serving::start(&dir, &[]);
        let connect = local_pg::running(&dir).unwrap();
        let mut connection = PgConnection::connect_with(&connect).await.unwrap();
        connection.execute("create table if not exists written (number bigint primary key)").await.unwrap();
        let found: Vec<i64> =
            sqlx::query_scalar("select number from written order by number").fetch_all(&mut connection).await.unwrap();
        // The one that was being written when the kill came may be there: it was never acknowledged.
        let kept = usize::try_from(acknowledged).unwrap();
        assert!(found.len() >= kept && found[..kept].iter().copied().eq(1..=acknowledged), "round {round}: {found:?}");
        acknowledged = i64::try_from(found.len()).unwrap();

        let (stop_at, give_up) = (acknowledged + 50, Instant::now() + Duration::from_secs(30));
        while let Ok(done) =
            sqlx::query("insert into written values ($1)").bind(acknowledged + 1).execute(&mut connection).await
        {
            acknowledged += i64::try_from(done.rows_affected()).unwrap();
            assert!(Instant::now() < give_up, "Postgres outlives Portico");
            if acknowledged == stop_at {
                portico.signal(Signal::SIGKILL); // and go on writing until the connection breaks
            }
        }
        portico.wait();
        eventually("Postgres to end with Portico", || postgres_processes(&dir).is_empty().then_some(()));
        assert!(acknowledged >= stop_at);
    }
}

#[test]
fn a_server_that_dies_under_a_running_portico_is_brought_back() {
    let dir = stopped_instance("back");
    let mut portico_serve = Serving::start(&dir, &[]);
    let first = postmaster(&dir).unwrap();
    kill(first, Signal::SIGKILL).unwrap();
    eventually("another server", || postmaster(&dir).filter(|pid| *pid != first));
    let added = eventually("the database to be used again", || {
        let mut add = portico(&dir, &[]);
        add.args(["user", "add", "ada@example.com", "--name", "Ada", "--password-stdin"]);
        Some(run(&mut add, "correct horse battery")).filter(|ended| ended.status == Some(0))
    });
    assert!(added.stdout.contains("added ada@example.com"), "{added:?}");
    portico_serve.signal(Signal::SIGTERM);
    assert!(portico_serve.wait().success(), "{}", portico_serve.said());
    assert_eq!(postgres_processes(&dir), []);
}
