//! `portico check`: says in one line each what is right and what is wrong. Changes nothing: it starts no cluster,
//! applies no migration and makes no key.

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::cli::say;
use crate::config::{Config, Urls};
use crate::domain::Ctx;
use crate::domain::accounts::providers::provider::Providers;
use crate::domain::oauth::issuer;
use crate::domain::oauth::master_key::MasterKey;
use crate::infra::database::{self, Database};
use crate::infra::local_pg::{self, State};
use crate::infra::tls::instance::Tls;
use crate::infra::tls::server::PLAIN_REFUSED;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How far our clock and the database's may be apart. A token lives for minutes, and every instance must agree on when.
const SKEW: time::Duration = time::Duration::seconds(2);
/// How long another process on our port may take to say who it is.
const ANSWER: Duration = Duration::from_secs(1);

/// 32 zero bytes in base64.
const OPENS_NOTHING: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// One line, and whether all were right so far.
struct Report {
    status: ExitCode,
}

impl Report {
    fn line(&mut self, what: &str, found: &Result<String, String>) {
        match found {
            Ok(text) => say(&format!("ok    {what}: {text}")),
            Err(text) => {
                self.status = ExitCode::FAILURE;
                // Some errors name the area themselves.
                let text = text.strip_prefix(what).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text);
                say(&format!("FAIL  {what}: {text}"));
            }
        }
    }
}

pub(super) async fn run(config: Result<Config, String>) -> ExitCode {
    let mut report = Report { status: ExitCode::SUCCESS };
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            report.line("config", &Err(error));
            return report.status;
        }
    };
    let urls = Urls::configured(&config);
    let text = format!("portal {}, production {}, sandbox {}", urls.portal, urls.production, urls.sandbox);
    report.line("config", &config.brand.read_logo().map(|_| text));
    report.line("certificates", &certificates(&config));
    if !config.identity_providers.is_empty() {
        report.line("identity_providers", &providers(&config));
    }

    let database = open(&config, &mut report).await;
    let ctx = database.as_ref().map(|database| Ctx::new(database.db.clone(), Clock::System, Random::System));
    report.line("schema", &schema(database.as_ref()).await);
    report.line("ports", &ports(&config).await);
    report.line("clock", &clock(ctx.as_ref()).await);
    report.line("keys", &keys(&config, ctx.as_ref()).await);
    if let Some(database) = database {
        database.close().await;
    }
    report.status
}

/// Every file that the configuration names for TLS: that it is there and fits, and that no certificate of ours has expired.
fn certificates(config: &Config) -> Result<String, String> {
    let tls = Tls::open(config)?;
    let faults = tls.faults();
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    let all: Vec<String> =
        tls.expiries().into_iter().map(|(section, at)| format!("{section} until {}", day(at))).collect();
    let profiles = config.gateway.backend_tls.len();
    Ok(match (all.is_empty(), profiles) {
        (true, 0) => "none; every listener speaks plain HTTP".to_owned(),
        (true, _) => format!("none of our own; {profiles} sections of gateway.backend_tls can be used"),
        (false, _) => all.join(", "),
    })
}

/// Every secret and root that the sections name; nobody is called.
fn providers(config: &Config) -> Result<String, String> {
    let opened = Providers::open(config)?;
    let callback = |name: &str| format!("{}/sign-in/with/{name}/callback", Urls::configured(config).portal);
    let all = opened.all().iter().map(|one| format!("{} comes back to {}", one.name, callback(&one.name)));
    Ok(all.collect::<Vec<_>>().join(", "))
}

/// A day such as 2027-01-31, from seconds since the epoch.
fn day(at: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(at).map_or_else(|_| "ever".to_owned(), |at| at.date().to_string())
}

/// The database, if there is one to ask.
async fn open(config: &Config, report: &mut Report) -> Option<Database> {
    let embedded = match config.database.url {
        Some(_) => None,
        None => match local_pg::inspect(&config.data_dir(), config.database.programs.as_deref()) {
            Ok(found) => Some(found),
            Err(error) => {
                report.line("database", &Err(error.to_string()));
                return None;
            }
        },
    };
    let database = match Database::join(config).await {
        Ok(database) => database,
        Err(error) => {
            report.line("database", &Err(error));
            return None;
        }
    };
    let version = match &database {
        Some(database) => database.db.server_version().await.map_or_else(|_| String::new(), version),
        None => String::new(),
    };
    report.line("database", &Ok(describe(config, embedded, &version)));
    database
}

fn describe(config: &Config, embedded: Option<(State, local_pg::Programs)>, version: &str) -> String {
    let Some((state, programs)) = embedded else { return format!("Postgres {version} at database.url") };
    let (dir, major, bin) = (config.data_dir(), programs.major, programs.bin);
    let (dir, bin) = (dir.display(), bin.display());
    match state {
        State::Empty => format!("embedded, none in {dir} yet; the first start makes it with Postgres {major} ({bin})"),
        State::Stopped => format!("embedded, stopped, in {dir}; a start runs it with Postgres {major} ({bin})"),
        State::Running => format!("embedded, Postgres {version}, running in {dir}"),
    }
}

/// 150018 is 15.18.
fn version(number: i32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}

async fn schema(database: Option<&Database>) -> Result<String, String> {
    let Some(database) = database else {
        return Ok("not looked at, for the database does not run; a start brings it up to date".to_owned());
    };
    let pending = database.db.pending().await.map_err(|error| database::explain_migration(&error))?;
    Ok(match pending.len() {
        0 => "up to date".to_owned(),
        count => format!("{count} to apply at the next start or by `portico migrate`: {}", pending.join(", ")),
    })
}

async fn ports(config: &Config) -> Result<String, String> {
    let all = [
        ("portal.listen", config.portal.listen),
        ("gateway.production.listen", config.gateway.production.listen),
        ("gateway.sandbox.listen", config.gateway.sandbox.listen),
        ("operations.listen", config.operations.listen),
    ];
    let taken: Vec<(&str, SocketAddr, std::io::Error)> = all
        .into_iter()
        .filter_map(|(key, address)| TcpListener::bind(address).err().map(|error| (key, address, error)))
        .collect();
    let in_use = |error: &std::io::Error| error.kind() == std::io::ErrorKind::AddrInUse;
    if taken.is_empty() {
        return Ok(format!("{} are free", all.map(|(_, address)| address.to_string()).join(", ")));
    }
    // A running instance holds all four, and answers on one of them.
    if taken.len() == all.len()
        && taken.iter().all(|(.., error)| in_use(error))
        && is_portico(config.operations.listen).await
    {
        return Ok("used by a running Portico".to_owned());
    }
    let refused =
        |(key, address, error): &(&str, SocketAddr, std::io::Error)| crate::app::refused(key, *address, error);
    Err(taken.iter().map(refused).collect::<Vec<_>>().join("; "))
}

/// Whether the operations listener of a Portico answers there.
async fn is_portico(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: portico\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(ANSWER, ask).await;
    // Over TLS it says that plain HTTP is not spoken there, in words of our own.
    let is_ours =
        |answer: &str| (answer.contains(" 200 ") && answer.contains("alive")) || answer.contains(PLAIN_REFUSED);
    answer.is_ok_and(|answer| answer.is_ok_and(|answer| is_ours(&answer)))
}

async fn clock(ctx: Option<&Ctx>) -> Result<String, String> {
    let now = Clock::System.now();
    if now.year() < 2026 {
        return Err(format!("the clock of this machine says {now}; set it"));
    }
    let Some(ctx) = ctx else {
        let (hour, minute, second) = now.to_hms();
        return Ok(format!("{hour:02}:{minute:02}:{second:02} UTC; no database to compare with"));
    };
    let theirs = ctx.db.now().await.map_err(|error| format!("cannot ask the database for the time: {error}"))?;
    // The question took some time, too; half of it is the best guess at when the answer was true.
    let after = Clock::System.now();
    let skew: time::Duration = theirs - (now + (after - now) / 2);
    if skew.abs() > SKEW {
        let (seconds, side) = (skew.abs().whole_seconds(), if skew.is_positive() { "behind" } else { "ahead of" });
        return Err(format!("this machine is {seconds} seconds {side} the database's; set both by NTP"));
    }
    Ok(format!("{} milliseconds from the database's", skew.abs().whole_milliseconds()))
}

async fn keys(config: &Config, ctx: Option<&Ctx>) -> Result<String, String> {
    let data_dir = config.data_dir();
    let place = match &config.oauth.master_key {
        Some(_) => "oauth.master_key".to_owned(),
        None => format!("master.key in {}", data_dir.display()),
    };
    let key = MasterKey::read(config.oauth.master_key.as_deref(), &data_dir)?;
    let found = match (&key, config.oauth.master_key.is_some()) {
        (None, _) => format!("no {place} yet; the first start makes it"),
        (Some(_), true) => format!("{place} is a key"),
        (Some(_), false) => {
            is_private(&data_dir.join("master.key"))?;
            format!("{place} is there")
        }
    };
    let Some(ctx) = ctx else { return Ok(found) };
    if !ctx.db.pending().await.map_err(|error| database::explain_migration(&error))?.is_empty() {
        return Ok(found);
    }
    // Without a key, one that opens nothing tells whether there is something to open.
    let key = match key {
        Some(key) => key,
        None => MasterKey::read(Some(OPENS_NOTHING), &data_dir)?.ok_or_else(|| found.clone())?,
    };
    let count = issuer::check(ctx, &key).await.map_err(|error| error.to_string())?;
    Ok(format!("{found}; signing keys in the database: {count}"))
}

/// Refuses a key that other accounts can read.
fn is_private(file: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("other accounts can read {}; run `chmod 600` on it", file.display()));
    }
    Ok(())
}
