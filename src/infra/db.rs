//! Postgres: the pool, transactions, migrations under a lock, and constraints as errors for people.

use crate::base::error::{Error, Result};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::time::Duration;

/// The migrations in `migrations/`, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

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
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(5))
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

    /// `server_version_num` of the server: 150018 is 15.18.
    pub async fn server_version(&self) -> Result<i32, sqlx::Error> {
        let text: String = sqlx::query_scalar("show server_version_num").fetch_one(&self.pool).await?;
        text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        Self::internal(cause)
    }
}

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
