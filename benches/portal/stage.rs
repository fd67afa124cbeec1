//! What is measured: the real program over a database that is filled.

use crate::Viewer;
use portico::base::clock::Clock;
use portico::base::id::UserId;
use portico::base::random::Random;
use portico::base::text::Email;
use portico::domain::Ctx;
use portico::domain::accounts::model::Member;
use portico::domain::accounts::sessions::{self, Lifetime};
use portico::infra::db::Db;
use portico::infra::local_pg::{LocalPg, Options};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const PORTICO: &str = env!("CARGO_BIN_EXE_portico");
const GENERATE: &str = include_str!("generate.sql");

/// A running portal.
pub(super) struct Stage {
    /// `host:port`.
    pub(super) address: String,
    /// How many APIs there are.
    pub(super) apis: usize,
    /// How many applications there are.
    pub(super) applications: usize,
    /// How often each page is asked for.
    pub(super) requests: usize,
    /// Ids of applications, subscriptions and keys of the member.
    pub(super) own_applications: Vec<String>,
    pub(super) own_subscriptions: Vec<String>,
    pub(super) own_keys: Vec<String>,
    member: String,
    admin: String,
    dir: PathBuf,
    child: Child,
    cluster: Option<LocalPg>,
}

impl Stage {
    /// `APIS`, `APPLICATIONS` and `REQUESTS` change the size.
    pub(super) async fn start() -> Self {
        let (apis, applications) = (variable("APIS", 10_000), variable("APPLICATIONS", 100_000));
        let dir = std::env::temp_dir().join(format!("portico-bench-portal-{}", std::process::id()));
        let mut options = Options::new(dir.join("pg"), None).unwrap();
        options.supervisor = PORTICO.into();
        let cluster = LocalPg::start(&options).unwrap();
        let connect = cluster.connect_options();
        let socket = connect.get_socket().unwrap().display().to_string();
        let name = connect.get_database().unwrap_or("postgres");
        let url = format!("postgres://{}@localhost/{name}?host={socket}", connect.get_username());
        let db = Db::connect(connect, 2).await.unwrap();
        db.migrate().await.unwrap();
        let sql = GENERATE.replace(":applications", &applications.to_string()).replace(":apis", &apis.to_string());
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
        sqlx::raw_sql("vacuum analyze").execute(db.pool()).await.unwrap();
        let ctx = Ctx::new(db, Clock::System, Random::System);
        let mut stage = Self {
            address: String::new(),
            apis,
            applications,
            requests: variable("REQUESTS", 300),
            own_applications: ids(&ctx, "select id::text from applications a where a.owner_id = $1 limit 500").await,
            own_subscriptions: ids(
                &ctx,
                "select s.id::text from applications a join subscriptions s on s.application_id = a.id where a.owner_id = $1 limit 500",
            )
            .await,
            own_keys: ids(
                &ctx,
                "select k.id::text from applications a join api_keys k on k.application_id = a.id where a.owner_id = $1 limit 500",
            )
            .await,
            member: cookie(&ctx, "user1@example.com").await,
            admin: cookie(&ctx, "user2@example.com").await,
            child: Command::new("true").spawn().unwrap(),
            cluster: Some(cluster),
            dir,
        };
        ctx.db.close().await;
        stage.serve(&url);
        stage
    }

    fn serve(&mut self, url: &str) {
        let data_dir = self.dir.join("data");
        fs::create_dir_all(&data_dir).unwrap();
        let mut command = Command::new(PORTICO);
        command.arg("serve").current_dir(&data_dir);
        for listener in ["PORTAL", "OPERATIONS", "GATEWAY_PRODUCTION", "GATEWAY_SANDBOX"] {
            command.env(format!("PORTICO_{listener}_LISTEN"), "127.0.0.1:0");
        }
        command
            .env("PORTICO_DATA_DIR", &data_dir)
            .env("PORTICO_DATABASE_URL", url)
            .stderr(File::create(data_dir.join("log")).unwrap())
            .stdout(Stdio::piped());
        let _ = self.child.wait();
        self.child = command.spawn().unwrap();
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        self.address = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(url) = line.strip_prefix("portal") {
                break url.trim().trim_start_matches("http://").to_owned();
            }
        };
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// The cookies of a viewer.
    pub(super) fn cookie(&self, viewer: Viewer) -> String {
        match viewer {
            Viewer::Visitor => String::new(),
            Viewer::Member => self.member.clone(),
            Viewer::Admin => self.admin.clone(),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        drop(self.cluster.take());
        let _ = fs::remove_dir_all(&self.dir);
    }
}

async fn ids(ctx: &Ctx, query: &'static str) -> Vec<String> {
    let owner = user(ctx, "user1@example.com").await;
    sqlx::query_scalar(query).bind(owner).fetch_all(ctx.db.pool()).await.unwrap()
}

async fn user(ctx: &Ctx, email: &str) -> uuid::Uuid {
    let query = sqlx::query_scalar("select id from users where email = $1");
    query.bind(email).fetch_one(ctx.db.pool()).await.unwrap()
}

/// Opens a session, as signing in does.
async fn cookie(ctx: &Ctx, email: &str) -> String {
    let id = UserId(user(ctx, email).await);
    let member =
        Member { id, email: Email::parse(email).unwrap(), name: email.to_owned(), roles: Vec::new(), session: None };
    let lifetime = Lifetime::from_seconds(86_400, 86_400);
    let (_, secret) = sessions::open(ctx, &member, lifetime, "bench").await.unwrap();
    format!("portico-session={}", secret.expose())
}

#[expect(clippy::disallowed_methods, reason = "a measurement has no configuration file")]
fn variable(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}
