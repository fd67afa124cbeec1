//! The real program, on the core of the proxies, over a database of its own.

use crate::PROXY_CORE;
use crate::load::http;
use crate::stage::Stage;
use crate::stage::database::{Database, PORTICO};
use crate::stage::process::{self, Process};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portico::base::environment::Environment;
use portico::base::id::ApplicationId;
use portico::domain::accounts::model::Member;
use portico::domain::credentials::model::{ChosenApplication, IssuedKey, NewApiKey, WantedLimits};
use portico::domain::credentials::{api_keys, clients};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

/// The same for all instances.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// A plan whose rate is counted and never reached.
const PLAN: &str = "kind: plan\nname: bench\ntitle: Bench\nrate: {count: 1000000, per: second, burst: 1000000}\n";

/// A running instance with one API.
pub(crate) struct Portico {
    pub(crate) process: Process,
    pub(crate) database: Database,
    pub(crate) member: Member,
    /// `host:port` of the portal.
    pub(crate) portal: String,
    /// `host:port` of the gateway for production.
    pub(crate) gateway: String,
    operations: String,
}

impl Portico {
    /// One as it is configured by default, but for one thread and `variables`.
    pub(crate) fn start(stage: &Stage, variables: &[(&str, &str)]) -> Self {
        let database = stage.database();
        database.publish(&format!("{PLAN}---\n{}", api("bench", "1.0", &stage.origin.url())));
        let member = database.developer();
        let data_dir = stage.dir().join(database.url.rsplit('/').next().unwrap().split('?').next().unwrap());
        fs::create_dir_all(&data_dir).unwrap();
        let mut command = process::pinned(PROXY_CORE, Path::new(PORTICO));
        command.arg("serve").current_dir(&data_dir);
        for listener in ["PORTAL", "OPERATIONS", "GATEWAY_PRODUCTION", "GATEWAY_SANDBOX"] {
            command.env(format!("PORTICO_{listener}_LISTEN"), "127.0.0.1:0");
        }
        command
            .env("PORTICO_DATA_DIR", &data_dir)
            .env("PORTICO_DATABASE_URL", &database.url)
            .env("PORTICO_OAUTH_MASTER_KEY", MASTER_KEY)
            .env("PORTICO_GATEWAY_THREADS", "1")
            .envs(variables.iter().copied())
            .stderr(File::create(data_dir.join("log")).unwrap())
            .stdout(Stdio::piped());
        let mut process = Process::start(&mut command);
        let mut lines = BufReader::new(process.child.stdout.take().unwrap()).lines();
        let mut address = |name: &str| loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("portico did not start: {}", fs::read_to_string(data_dir.join("log")).unwrap());
            };
            if let Some(url) = line.strip_prefix(name) {
                break url.trim().trim_start_matches("http://").to_owned();
            }
        };
        let (portal, gateway, operations) = (address("portal"), address("production"), address("operations"));
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, database, member, portal, gateway, operations }
    }

    /// An API key for the API `bench` of an application of this name, which is made where it is missing.
    pub(crate) fn key(&self, application: &str, name: &str) -> IssuedKey {
        self.issue(ChosenApplication::New(application.to_owned()), name)
    }

    /// Another one for an application.
    pub(crate) fn further_key(&self, application: ApplicationId, name: &str) -> IssuedKey {
        self.issue(ChosenApplication::Existing(application), name)
    }

    fn issue(&self, application: ChosenApplication, name: &str) -> IssuedKey {
        let new = NewApiKey {
            api: "bench".to_owned(),
            major: 1,
            environment: Environment::Production,
            name: name.to_owned(),
            application,
            plan: Some("bench".to_owned()),
            endpoint: None,
            limits: WantedLimits::default(),
            once: None,
        };
        self.database.run(api_keys::generate(&self.database.ctx, &self.member, new)).unwrap()
    }

    /// The `Authorization` of a new client of an application.
    pub(crate) fn client(&self, application: ApplicationId) -> String {
        let issued = clients::generate(&self.database.ctx, &self.member, application, Environment::Production);
        let issued = self.database.run(issued).unwrap();
        format!("Basic {}", STANDARD.encode(format!("{}:{}", issued.client.id, issued.secret.expose())))
    }

    /// Access tokens from the token endpoint.
    pub(crate) fn tokens(&self, client: &str, count: usize) -> Vec<String> {
        let mut connection = http::Connection::open(&self.portal);
        (0..count).map(|_| token(&mut connection, client)).collect()
    }

    /// The value of one metric of the gateway.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = http::Connection::open(&self.operations).get("/metrics", &[]).text();
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("portico_gateway_{name} ")));
        line.unwrap_or_else(|| panic!("no metric {name}: {page}")).parse().unwrap()
    }
}

/// Asks the token endpoint once.
pub(crate) fn token(connection: &mut http::Connection, client: &str) -> String {
    token_for(connection, client, b"grant_type=client_credentials")
}

/// The same with a form of one's own.
pub(crate) fn token_for(connection: &mut http::Connection, client: &str, form: &[u8]) -> String {
    let headers = [("authorization", client), ("content-type", "application/x-www-form-urlencoded")];
    let answer = connection.send("POST", "/oauth2/token", &headers, form);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    json["access_token"].as_str().unwrap().to_owned()
}

/// A manifest of one API with one version.
pub(crate) fn api(name: &str, version: &str, backend: &str) -> String {
    format!(
        "kind: api\nname: {name}\ncontext: {name}\nauth: [api-key, oauth2]\nplans: [bench]\nversions:\n  \
         - {{version: \"{version}\", state: published, backends: {{production: \"{backend}\", sandbox: \"{backend}\"}}}}\n"
    )
}
