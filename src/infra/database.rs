//! Which Postgres an instance uses: the one at `database.url`, or an embedded cluster in its data directory.

use crate::config::Config;
use crate::infra::db::Db;
use crate::infra::local_pg::{self, LocalPg, Options};
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::{Duration, Instant};

/// The oldest Postgres that will do, as `server_version_num` has it.
const OLDEST: i32 = 150_000;
/// How often the embedded cluster is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// How often in a row a cluster that dies is started again.
const RESTARTS: u32 = 3;
/// A cluster that ran for so long before it died has not died "in a row".
const STEADY: Duration = Duration::from_mins(5);

/// An open database and, if it is embedded, the cluster behind it.
pub struct Database {
    /// The pool.
    pub db: Db,
    /// Where the instance keeps its files.
    pub data_dir: PathBuf,
    cluster: Option<(LocalPg, Options)>,
}

impl Database {
    /// Opens the database, starting the embedded cluster where there is no URL. The error is one line that says
    /// what to do.
    pub async fn open(config: &Config) -> Result<Self, String> {
        let data_dir = config.data_dir();
        if let Some(url) = &config.database.url {
            let db = connect(parse(url)?, config.database.max_connections).await?;
            return Ok(Self { db, data_dir, cluster: None });
        }
        let options = Options::new(data_dir.clone(), config.database.programs.clone())?;
        let cluster = start(options.clone()).await?;
        let db = connect(cluster.connect_options(), config.database.max_connections).await?;
        Ok(Self { db, data_dir, cluster: Some((cluster, options)) })
    }

    /// The same for a command beside a running instance: joins the embedded cluster when it is up.
    pub async fn open_or_join(config: &Config) -> Result<Self, String> {
        match Self::join(config).await? {
            Some(database) => Ok(database),
            None => Self::open(config).await,
        }
    }

    /// The same without starting a cluster: none when it is embedded and nobody runs it.
    pub async fn join(config: &Config) -> Result<Option<Self>, String> {
        if config.database.url.is_some() {
            return Self::open(config).await.map(Some);
        }
        let data_dir = config.data_dir();
        let found = tokio::task::spawn_blocking({
            let data_dir = data_dir.clone();
            move || local_pg::running(&data_dir)
        });
        match found.await.map_err(|error| error.to_string())? {
            Some(options) => Ok(Some(Self { db: connect(options, 2).await?, data_dir, cluster: None })),
            None => Ok(None),
        }
    }

    /// Watches the embedded cluster and starts it again when it dies. Resolves when that fails; with a database
    /// elsewhere, never.
    pub async fn failure(&mut self) -> String {
        let (mut restarts, mut started) = (0, Instant::now());
        loop {
            tokio::time::sleep(WATCH_EVERY).await;
            let Some((cluster, options)) = &mut self.cluster else { continue };
            if cluster.alive() {
                continue;
            }
            restarts = if started.elapsed() > STEADY { 1 } else { restarts + 1 };
            if restarts > RESTARTS {
                let log = self.data_dir.join("postgres.log");
                return format!("the embedded Postgres keeps stopping; see {}", log.display());
            }
            tracing::error!("the embedded Postgres has stopped; starting it again");
            let options = options.clone();
            self.cluster = None; // lets go of the directory
            match start(options.clone()).await {
                Ok(cluster) => self.cluster = Some((cluster, options)),
                Err(error) => return error,
            }
            started = Instant::now();
        }
    }

    /// Closes the connections, then stops the embedded cluster.
    pub async fn close(self) {
        self.db.close().await;
        if let Some((cluster, _)) = self.cluster {
            // Stopping waits for the checkpoint.
            let _ = tokio::task::spawn_blocking(move || drop(cluster)).await;
        }
    }
}

async fn start(options: Options) -> Result<LocalPg, String> {
    tokio::task::spawn_blocking(move || LocalPg::start(&options))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
}

/// Reads a database URL; the error never repeats it, for it may hold a password.
pub fn parse(url: &str) -> Result<PgConnectOptions, String> {
    let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
    PgConnectOptions::from_str(url)
        .ok()
        .filter(|_| known)
        .ok_or_else(|| "database.url: not a Postgres URL; write postgres://USER:PASSWORD@HOST:5432/DATABASE".to_owned())
}

async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<Db, String> {
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let db = Db::connect(options, max_connections).await.map_err(|error| explain(&place, &error))?;
    let version = db.server_version().await.map_err(|error| explain(&place, &error))?;
    if version < OLDEST {
        let major = version / 10_000;
        return Err(format!("database.url: Postgres at {place} is version {major}; Portico needs 15 or newer"));
    }
    Ok(db)
}

fn explain(place: &str, error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|e| e.code().map(std::borrow::Cow::into_owned));
    let what = match (code.as_deref(), error) {
        (Some("28P01" | "28000"), _) => "it refuses the user or the password; check both in the URL".to_owned(),
        (Some("3D000"), _) => "it has no such database; create it, or correct the name in the URL".to_owned(),
        (Some("53300"), _) => "it has no connection left; lower database.max_connections or raise its own".to_owned(),
        (_, sqlx::Error::Io(cause)) => format!("{cause}; is Postgres running there, and may this machine reach it?"),
        (_, sqlx::Error::PoolTimedOut) => "it does not answer; is Postgres running there?".to_owned(),
        (_, other) => other.to_string(),
    };
    format!("database.url: cannot use Postgres at {place}: {what}")
}

/// Why the schema could not be brought up to date, with the way out.
pub fn explain_migration(error: &sqlx::migrate::MigrateError) -> String {
    use sqlx::migrate::MigrateError::{VersionMismatch, VersionMissing};
    match error {
        VersionMissing(version) => format!(
            "schema: the database has migration {version}, which this release does not know; it was used by a newer release: run that one"
        ),
        VersionMismatch(version) => {
            format!(
                "schema: migration {version} differs from the one that was applied; run the release that applied it"
            )
        }
        other => format!("schema: {other}"),
    }
}

impl Config {
    /// The data directory: the configured one, or the usual place for this account.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(local_pg::default_data_dir)
    }
}
