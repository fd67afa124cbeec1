//! The commands as an operator runs them: what they print, their exit status, and how they stop.

use crate::support::db::scratch;
use crate::support::process::{Ended, Serving, eventually, portico, postgres_processes, run, stopped_instance};
use nix::sys::signal::Signal;
use portico::infra::local_pg::{self, LocalPg, Options};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A data directory that does not exist yet.
fn new_dir(name: &str) -> PathBuf {
    scratch(&format!("cli-{name}")).join("data")
}

/// One line that begins with our name, and status 1.
fn refusal(command: &mut Command) -> String {
    let ended = run(command, "");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.starts_with("portico: "), "{ended:?}");
    ended.stderr
}

fn add_user(data_dir: &Path, arguments: &[&str], password: &str) -> Ended {
    run(portico(data_dir, &[]).args(["user", "add"]).args(arguments), password)
}

#[test]
fn a_wrong_command_line_has_status_2() {
    let dir = new_dir("usage");
    for arguments in [&["serve", "--colour"][..], &["dance"], &["user", "add"], &["serve", "--portal-listen", "x"]] {
        let ended = run(portico(&dir, &[]).args(arguments), "");
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains("--help"), "{ended:?}");
    }
    assert!(!dir.exists());
}

#[test]
fn a_wrong_setting_stops_every_command_before_anything_happens() {
    let dir = new_dir("setting");
    let file = scratch("cli-setting").join("config.toml");
    fs::write(&file, "[portal]\nlisen = \"127.0.0.1:0\"\n").unwrap();
    for command in [&["serve"][..], &["migrate"], &["user", "add", "a@example.com", "--name", "A"]] {
        let error = refusal(portico(&dir, &[]).args(command).arg("--config").arg(&file));
        let place = format!("{}:2: there is no setting portal.lisen; did you mean portal.listen?", file.display());
        assert!(error.contains(&place), "{error}");
    }
    assert!(!dir.exists());
}

#[test]
fn config_toml_in_the_working_directory_counts() {
    let dir = new_dir("working");
    fs::write(dir.parent().unwrap().join("config.toml"), "[portal]\nlisen = \"127.0.0.1:0\"\n").unwrap();
    let error = refusal(portico(&dir, &[]).arg("serve").current_dir(dir.parent().unwrap()));
    assert!(error.contains("config.toml:2: there is no setting portal.lisen"), "{error}");
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, key) in [
        ("PORTICO_PORTAL_LISTEN", "portal.listen"),
        ("PORTICO_OPERATIONS_LISTEN", "operations.listen"),
        ("PORTICO_GATEWAY_PRODUCTION_LISTEN", "gateway.production.listen"),
    ] {
        let dir = new_dir("port");
        let error = refusal(portico(&dir, &[(variable, &address)]).arg("serve"));
        let said = format!("{key}: cannot listen on {address}: another process listens there; stop it or choose");
        assert!(error.contains(&said), "{error}");
        assert!(!dir.exists());
    }
}

#[test]
fn a_data_directory_that_cannot_be_used_is_refused() {
    let file = scratch("cli-file").join("taken");
    fs::write(&file, "").unwrap();
    let error = refusal(portico(&file, &[]).arg("serve"));
    assert!(error.contains("taken is not a directory; choose another with --data-dir"), "{error}");
}

#[test]
fn hidden_postgres_programs_are_named_with_what_installs_them() {
    let dir = new_dir("programs");
    let none = scratch("cli-no-programs");
    let error = refusal(portico(&dir, &[("PORTICO_DATABASE_PROGRAMS", none.to_str().unwrap())]).arg("serve"));
    assert!(error.contains("no Postgres server programs (15 or newer) found"), "{error}");
    assert!(error.contains("install") && error.contains("DATABASE_URL"), "{error}");
}

#[tokio::test]
async fn a_wrong_database_url_is_explained_and_never_repeated() {
    let dir = new_dir("url");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (locked, socket) = locked_cluster().await;
    let urls = [
        ("mysql://ada:hunter2@localhost/portico".to_owned(), "database.url: not a Postgres URL"),
        ("postgres://ada:hunter2@localhost:port/portico".to_owned(), "database.url: not a Postgres URL"),
        (format!("postgres://ada:hunter2@{closed}/portico"), "Connection refused"),
        (format!("postgres://ada:hunter2@localhost/portico?host={socket}"), "it refuses the user or the password"),
        (format!("postgres://portico:hunter2@localhost/none?host={socket}"), "it has no such database"),
    ];
    for (url, said) in urls {
        let began = Instant::now();
        let error = refusal(portico(&dir, &[("DATABASE_URL", &url)]).arg("serve"));
        assert!(error.contains(said), "{url}: {error}");
        assert!(!error.contains("hunter2") && !error.contains("postgres://ada"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{url}");
    }
    assert!(!dir.exists());
    drop(locked);
}

/// A cluster that wants a password of everybody but our own user, and the directory of its socket.
async fn locked_cluster() -> (LocalPg, String) {
    let base = scratch("cli-locked");
    let hba = base.join("hba.conf");
    fs::write(&hba, "local all portico trust\nlocal all all scram-sha-256\n").unwrap();
    let mut options = Options::new(base.join("data"), None).unwrap();
    options.supervisor = env!("CARGO_BIN_EXE_portico").into();
    options.settings.push(format!("hba_file={}", hba.display()));
    let cluster = tokio::task::spawn_blocking(move || LocalPg::start(&options).unwrap()).await.unwrap();
    let mut connection = PgConnection::connect_with(&cluster.connect_options()).await.unwrap();
    connection.execute("create role ada login password 'another'").await.unwrap();
    let socket = cluster.connect_options().get_socket().unwrap().display().to_string();
    (cluster, socket)
}

#[test]
fn people_are_added_with_a_password_or_with_a_link_to_choose_one() {
    let dir = stopped_instance("cli-people");
    // Each command would start and stop the database; beside a running instance they join it.
    let _serving = Serving::start(&dir, &[]);
    let url = ("PORTICO_PORTAL_PUBLIC_URL", "https://portal.example.com");
    let ada = ["ada@example.com", "--name", "Ada", "--role", "admin", "--role", "publisher", "--password-stdin"];
    let ended = add_user(&dir, &ada, "correct horse battery\n");
    assert_eq!(ended.stdout, "added ada@example.com (Ada) with admin, publisher\n", "{ended:?}");

    let grace = ["user", "add", "grace@example.com", "--name", "Grace"];
    let ended = run(portico(&dir, &[url]).args(grace), "");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "added grace@example.com (Grace) with developer");
    assert!(lines[2].starts_with("  https://portal.example.com/setup/ptl_"), "{ended:?}");

    let again = add_user(&dir, &ada, "correct horse battery");
    assert_eq!(again.status, Some(1));
    assert_eq!(again.stderr, "portico: There is an account with the address ada@example.com already.\n");
    let role = add_user(&dir, &["eve@example.com", "--name", "Eve", "--role", "queen"], "");
    assert!(role.status == Some(1) && role.stderr.contains("There is no role queen."), "{role:?}");
    people_are_changed(&dir);
    let hal = run(portico(&dir, &[]).args(["user", "add", "hal@example.com", "--name", "Hal", "--mail"]), "");
    let said = "added hal@example.com (Hal) with developer; a letter with a link is on its way\n";
    assert_eq!((hal.status, &*hal.stdout), (Some(0), said), "{hal:?}");
    let short = add_user(&dir, &["eve@example.com", "--name", "Eve", "--password-stdin"], "short");
    assert!(short.status == Some(1) && short.stderr.lines().count() == 1, "{short:?}");
}

/// Of the two that were added: what the other commands for people say.
fn people_are_changed(dir: &Path) {
    let user = |arguments: &[&str]| run(portico(dir, &[]).arg("user").args(arguments), "");
    let said = |arguments: &[&str]| {
        let ended = user(arguments);
        assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{arguments:?}");
        ended.stdout
    };
    let grace = "grace@example.com";
    assert_eq!(said(&["grant", grace, "publisher"]), "granted publisher to grace@example.com\n");
    assert_eq!(said(&["grant", grace, "publisher"]), "nothing to do: the account has it already\n");
    assert_eq!(said(&["revoke", grace, "developer"]), "revoked developer from grace@example.com\n");
    assert_eq!(said(&["disable", grace]), "disabled grace@example.com\n");
    let list = "ada@example.com (Ada) with admin, publisher\ngrace@example.com (Grace) with publisher (disabled)\n";
    assert_eq!(said(&["list"]), list);
    assert_eq!(said(&["enable", grace]), "enabled grace@example.com\n");
    let application = |arguments: &[&str]| run(portico(dir, &[]).arg("application").args(arguments), "");
    let none = application(&["list", grace]);
    assert_eq!((none.status, &*none.stdout, &*none.stderr), (Some(0), "", ""));
    let unknown = application(&["list", "nobody@example.com"]);
    assert_eq!(unknown.stderr, "portico: There is no account with the address nobody@example.com.\n");
    let nothing = application(&["transfer", "01935b6e-0000-7000-8000-000000000000", grace]);
    assert_eq!((nothing.status, &*nothing.stderr), (Some(1), "portico: there is no such application\n"));
    for (arguments, error) in [
        (&["disable", "ada@example.com"][..], "ada@example.com is the only administrator who can sign in. "),
        (&["revoke", "ada@example.com", "admin"], "ada@example.com is the only administrator who can sign in. "),
        (&["disable", "nobody@example.com"], "There is no account with the address nobody@example.com."),
        (&["grant", grace, "queen"], "There is no role queen."),
    ] {
        let ended = user(arguments);
        assert!(ended.status == Some(1) && ended.stderr.starts_with(&format!("portico: {error}")), "{ended:?}");
    }
}

#[test]
fn check_changes_nothing_and_follows_the_instance_through_its_life() {
    let dir = new_dir("check");
    let check = |variables: &[(&str, &str)]| run(portico(&dir, variables).arg("check"), "");
    let before = check(&[]);
    assert_eq!(before.status, Some(0), "{before:?}");
    assert!(before.stdout.contains("ok    database: embedded, none in "), "{before:?}");
    assert!(!dir.exists(), "check makes nothing");

    let migrated = run(portico(&dir, &[]).arg("migrate"), "");
    assert!(migrated.stdout.contains("applied 0001_base\n"), "{migrated:?}");
    assert!(migrated.stdout.ends_with("the schema is up to date\n"), "{migrated:?}");
    assert_eq!(run(portico(&dir, &[]).arg("migrate"), "").stdout, "the schema is up to date\n");

    let serving = Serving::start(&dir, &[]);
    let listeners = [
        ("PORTICO_PORTAL_LISTEN", &*serving.portal),
        ("PORTICO_GATEWAY_PRODUCTION_LISTEN", &*serving.production),
        ("PORTICO_GATEWAY_SANDBOX_LISTEN", &*serving.sandbox),
        ("PORTICO_OPERATIONS_LISTEN", &*serving.operations),
    ];
    let during = check(&listeners);
    assert_eq!(during.status, Some(0), "{during:?}");
    for line in [
        "config: portal http://",
        "database: embedded, Postgres ",
        "schema: up to date",
        "ports: used by a running Portico",
        "clock: ",
        "keys: ",
    ] {
        assert!(during.stdout.contains(&format!("ok    {line}")), "{during:?}");
    }
    let taken = check(&listeners[..2]);
    assert_eq!(taken.status, Some(1), "another instance would use other ports: {taken:?}");
    assert!(taken.stdout.contains("FAIL  ports: portal.listen: cannot listen on "), "{taken:?}");

    let key = dir.join("master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let readable = check(&[]);
    assert!(readable.stdout.contains("FAIL  keys: other accounts can read "), "{readable:?}");
    fs::rename(&key, dir.join("lost.key")).unwrap();
    let lost = check(&[]);
    assert!(lost.stdout.contains("FAIL  keys: those in this database were encrypted with another"), "{lost:?}");
    assert!(!key.exists(), "check makes no key");
    drop(serving);
}

#[test]
fn check_says_in_one_line_what_is_wrong() {
    let dir = new_dir("check-wrong");
    let check = |variables: &[(&str, &str)]| {
        let ended = run(portico(&dir, variables).arg("check"), "");
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stdout.lines().all(|line| line.starts_with("ok    ") || line.starts_with("FAIL  ")), "{ended:?}");
        ended.stdout.lines().filter(|line| line.starts_with("FAIL")).collect::<Vec<_>>().join("\n")
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let none = scratch("cli-no-programs");
    for (variable, value, line) in [
        ("PORTICO_PORTAL_LISEN", "x", "FAIL  config: PORTICO_PORTAL_LISEN: there is no such setting; did you mean "),
        ("DATABASE_URL", &*format!("postgres://a:hunter2@{closed}/a"), "FAIL  database: database.url: cannot use "),
        ("PORTICO_DATABASE_PROGRAMS", none.to_str().unwrap(), "FAIL  database: no Postgres server programs "),
        ("PORTICO_DATA_DIR", "/etc/passwd", "FAIL  database: data_dir: /etc/passwd is not a directory"),
    ] {
        let failed = check(&[(variable, value)]);
        assert!(failed.starts_with(line) && !failed.contains("hunter2"), "{failed}");
    }
    let section = "[identity_providers.acme]\nissuer = \"https://a.example\"\nclient_id = \"portal\"\n";
    let file = none.join("providers.toml");
    fs::write(&file, format!("{section}client_secret_file = \"/none/secret\"\n")).unwrap();
    let failed = check(&[("PORTICO_CONFIG", file.to_str().unwrap()), ("PORTICO_DATABASE_PROGRAMS", "/none")]);
    let said = "FAIL  identity_providers: identity_providers.acme.client_secret_file: /none/secret: cannot be read";
    assert!(failed.contains(said), "{failed}");
    assert!(!dir.exists());
}

#[test]
fn a_stop_finishes_the_request_in_flight_and_closes_idle_connections() {
    let dir = stopped_instance("cli-drain");
    let mut serving = Serving::start(&dir, &[]);
    let connect = |address: &str| {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    };
    let mut idle = connect(&serving.operations);
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: portico\r\n\r\n").unwrap();
    let mut answer = [0; 1024];
    assert!(idle.read(&mut answer).unwrap() > 0);
    // Its head is read, so it is in flight; its last byte comes after the stop was asked for.
    let mut busy = connect(&serving.operations);
    busy.write_all(b"GET /health HTTP/1.1\r\nhost: portico\r\n").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(idle.read(&mut answer).unwrap(), 0, "an idle connection is closed");
        });
        eventually("the request to be read", || is_read(&busy).then_some(()));
        serving.signal(Signal::SIGTERM);
        eventually("the listener to close", || TcpStream::connect(&serving.operations).is_err().then_some(()));
    });
    assert!(serving.outlasts(Duration::from_secs(1)), "it does not end before its request");
    busy.write_all(b"\r\n").unwrap();
    let mut text = String::new();
    busy.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("alive\n"), "{text}");
    assert!(serving.wait().success(), "{}", serving.said());
    assert_eq!(postgres_processes(&dir), []);
    assert!(local_pg::running(&dir).is_none());
}

/// Whether everything that was sent has been taken by the other side's process.
fn is_read(stream: &TcpStream) -> bool {
    let (ours, theirs) = (stream.local_addr().unwrap().port(), stream.peer_addr().unwrap().port());
    // The other end of the connection in the kernel's table: `sl local remote state tx:rx …`, in hexadecimal.
    let ends = (format!(":{theirs:04X}"), format!(":{ours:04X}"));
    fs::read_to_string("/proc/net/tcp").unwrap().lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.len() > 4 && words[1].ends_with(&ends.0) && words[2].ends_with(&ends.1) && words[4].ends_with(":00000000")
    })
}

#[test]
fn a_second_interrupt_stops_at_once() {
    let dir = stopped_instance("cli-interrupt");
    let mut serving = Serving::start(&dir, &[]);
    let mut busy = TcpStream::connect(&serving.operations).unwrap();
    busy.write_all(b"GET /health HTTP/1.1\r\nhost: portico\r\n").unwrap();
    eventually("the request to be read", || is_read(&busy).then_some(()));
    serving.signal(Signal::SIGINT);
    eventually("the listener to close", || TcpStream::connect(&serving.operations).is_err().then_some(()));
    let began = Instant::now();
    serving.signal(Signal::SIGINT);
    assert_eq!(serving.wait().code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(serving.said().contains("stopped before every request had finished"));
    assert_eq!(postgres_processes(&dir), []);
}

#[test]
fn a_second_instance_on_one_directory_is_refused_but_commands_join_the_first() {
    let dir = stopped_instance("cli-join");
    let mut first = Serving::start(&dir, &[]);
    let error = refusal(portico(&dir, &[]).arg("serve"));
    assert!(error.contains("another Portico is running on ") && error.contains("DATABASE_URL"), "{error}");
    let added = add_user(&dir, &["ada@example.com", "--name", "Ada", "--password-stdin"], "correct horse battery");
    assert_eq!(added.status, Some(0), "{added:?}");
    first.signal(Signal::SIGTERM);
    assert!(first.wait().success());
}
