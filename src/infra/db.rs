//! Postgres: the pool, transactions, migrations under a lock, and constraints as errors for people.

use crate::base::error::{Error, Result};
use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};
use std::time::Duration;
use time::OffsetDateTime;

/// The migrations in `migrations/`, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// How long the database may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What stores take: one connection, usually inside a transaction of the activity that calls them.
pub type Conn = PgConnection;

/// A transaction; dropped without a commit, it leaves nothing behind.
pub type Tx = Transaction<'static, Postgres>;

/// The pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Opens a pool and proves that the database answers.
    pub async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<Self, sqlx::Error> {
        // The pool would try again until its time is over, and then have forgotten what was wrong.
        let first = tokio::time::timeout(ANSWER, PgConnection::connect_with(&options)).await;
        first.map_err(|_elapsed| sqlx::Error::PoolTimedOut)??.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ANSWER)
            .connect_with(options.application_name("portico"))
            .await?;
        Ok(Self { pool })
    }

    /// The pool, for reads that need no transaction.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Starts a transaction.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        self.pool.begin().await
    }

    /// Applies what is missing. Nodes that start together wait for one another.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        MIGRATOR.run(&self.pool).await
    }

    /// The names of the migrations that this release has and the database has not, oldest first. Changes nothing.
    pub async fn pending(&self) -> Result<Vec<String>, sqlx::migrate::MigrateError> {
        use sqlx::migrate::MigrateError::{Execute, VersionMismatch, VersionMissing};
        // The table is the migrator's own: no migration of ours makes it, so no macro can check the query.
        let mut applied: Vec<(i64, Vec<u8>)> = Vec::new();
        if self.has_migrations().await.map_err(Execute)? {
            let ask = sqlx::query_as("select version, checksum from _sqlx_migrations where success order by version");
            applied = ask.fetch_all(&self.pool).await.map_err(Execute)?;
        }
        for (version, checksum) in &applied {
            match MIGRATOR.iter().find(|known| known.version == *version) {
                None => return Err(VersionMissing(*version)),
                Some(known) if *known.checksum != **checksum => return Err(VersionMismatch(*version)),
                Some(_) => {}
            }
        }
        let is_applied = |version| applied.iter().any(|(applied, _)| *applied == version);
        let pending = MIGRATOR.iter().filter(|known| !is_applied(known.version));
        Ok(pending.map(|known| format!("{:04}_{}", known.version, known.description.replace(' ', "_"))).collect())
    }

    async fn has_migrations(&self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(&self.pool).await
    }

    /// `server_version_num` of the server: 150018 is 15.18.
    pub async fn server_version(&self) -> Result<i32, sqlx::Error> {
        let text: String = sqlx::query_scalar("show server_version_num").fetch_one(&self.pool).await?;
        text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
    }

    /// What time the server says it is.
    pub async fn now(&self) -> Result<OffsetDateTime, sqlx::Error> {
        sqlx::query_scalar("select clock_timestamp()").fetch_one(&self.pool).await
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        let code = cause.as_database_error().and_then(DatabaseError::code);
        if code.is_some_and(|code| NO_TEXT.contains(&&*code)) {
            return Self::field("", "It has a character that no text can have. Remove it and try again.");
        }
        Self::internal(cause)
    }
}

/// `character_not_in_repertoire` and `untranslatable_character`: Postgres takes no zero byte in a text, and only who plays
/// with an address or a form sends one.
const NO_TEXT: [&str; 2] = ["22021", "22P05"];

/// Turns a broken database constraint into an error for people; any other failure stays internal.
pub trait OnConstraint<T> {
    /// When the constraint `name` was broken, answer `error` instead.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|cause| match cause.as_database_error() {
            Some(database) if database.constraint() == Some(name) => error(),
            _ => cause.into(),
        })
    }
}

impl<T> OnConstraint<T> for Result<T, Error> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|cause| {
            let broken = match &cause {
                Error::Internal(inner) => inner
                    .downcast_ref::<sqlx::Error>()
                    .and_then(sqlx::Error::as_database_error)
                    .is_some_and(|database| database.constraint() == Some(name)),
                _ => false,
            };
            if broken { error() } else { cause }
        })
    }
}
