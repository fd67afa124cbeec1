//! One Postgres for all figures, with a database for each instance.

use portico::base::clock::Clock;
use portico::base::random::Random;
use portico::domain::Ctx;
use portico::domain::accounts::model::Member;
use portico::domain::accounts::users::{self, NewUser};
use portico::domain::audit::model::Actor;
use portico::domain::publishing::apply;
use portico::infra::db::Db;
use portico::infra::local_pg::{LocalPg, Options};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::path::Path;
use tokio::runtime::Runtime;

pub(crate) const PORTICO: &str = env!("CARGO_BIN_EXE_portico");
const TEMPLATE: &str = "template_portico";

/// The embedded Postgres, on the core of the load.
pub(crate) struct Cluster {
    connect: PgConnectOptions,
    _server: LocalPg,
}

/// A database, and the domain over it as the portal would use it.
pub(crate) struct Database {
    pub(crate) ctx: Ctx,
    pub(crate) url: String,
    runtime: Runtime,
}

impl Cluster {
    pub(crate) fn start(dir: &Path) -> Self {
        let mut options = Options::new(dir.to_owned(), None).unwrap();
        options.supervisor = PORTICO.into();
        for setting in ["max_connections=200", "max_wal_size=4GB", "shared_preload_libraries=pg_stat_statements"] {
            options.settings.push(setting.to_owned());
        }
        let server = LocalPg::start(&options).unwrap();
        let connect = server.connect_options();
        runtime().block_on(async {
            let mut admin = PgConnection::connect_with(&connect).await.unwrap();
            admin.execute(AssertSqlSafe(format!("create database {TEMPLATE}"))).await.unwrap();
            let db = Db::connect(connect.clone().database(TEMPLATE), 1).await.unwrap();
            db.migrate().await.unwrap();
            db.pool().execute("create extension pg_stat_statements").await.unwrap();
            db.close().await;
        });
        Self { connect, _server: server }
    }

    pub(crate) fn database(&self, name: &str) -> Database {
        let options = self.connect.clone().database(name);
        let socket = options.get_socket().unwrap().display();
        let url = format!("postgres://{}@localhost/{name}?host={socket}", options.get_username());
        let runtime = runtime();
        let db = runtime.block_on(async {
            let mut admin = PgConnection::connect_with(&self.connect).await.unwrap();
            admin.execute(AssertSqlSafe(format!("create database {name} template {TEMPLATE}"))).await.unwrap();
            Db::connect(options.clone(), 4).await.unwrap()
        });
        Database { ctx: Ctx::new(db, Clock::System, Random::System), url, runtime }
    }
}

impl Database {
    /// Does something in the domain.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Publishes a manifest, as `portico apply` does.
    pub(crate) fn publish(&self, manifest: &str) {
        self.run(apply::apply_documents(&self.ctx, &[("portico.yaml", manifest.as_bytes())])).unwrap();
    }

    /// A developer who may hold production credentials.
    pub(crate) fn developer(&self) -> Member {
        let roles = vec!["developer".to_owned(), "production".to_owned()];
        let new = NewUser::parse("Ada", "ada@example.com", roles, None).unwrap();
        self.run(users::add(&self.ctx, new, &Actor::CommandLine)).unwrap()
    }

    /// Statements without an answer.
    pub(crate) fn execute(&self, sql: &str) {
        self.run(self.ctx.db.pool().execute(AssertSqlSafe(sql.to_owned()))).unwrap();
    }

    /// A single number.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.run(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(self.ctx.db.pool())).unwrap()
    }

    /// How often API keys were looked up, ever.
    pub(crate) fn look_ups(&self) -> i64 {
        self.number(
            "select coalesce(sum(s.calls), 0)::int8 from pg_stat_statements s
             join pg_database d on d.oid = s.dbid and d.datname = current_database()
             where s.query like '%from gateway_revision%api_keys%'",
        )
    }

    /// Pages that those have read, of tables and indexes, ever.
    pub(crate) fn look_up_blocks(&self) -> i64 {
        self.number(
            "select coalesce(sum(s.shared_blks_hit + s.shared_blks_read), 0)::int8 from pg_stat_statements s
             join pg_database d on d.oid = s.dbid and d.datname = current_database()
             where s.query like '%from gateway_revision%api_keys%'",
        )
    }

    /// Pages of the table of API keys: what reading it from end to end would take.
    pub(crate) fn key_pages(&self) -> i64 {
        self.number("select relpages::int8 from pg_class where oid = 'api_keys'::regclass")
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
