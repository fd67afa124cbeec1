//! What the callers of the soak share: an instance, applications with their credentials, and what went wrong.

use crate::load::http::{Answer, Connection};
use crate::stage::Stage;
use crate::stage::origin::Origin;
use crate::stage::portico::{self, Portico};
use ::portico::base::id::{ApiKeyId, ApplicationId};
use ::portico::domain::publishing::apply;
use ::portico::domain::subscriptions::subscribe;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Instant;

const APPLICATIONS: usize = 6;
/// Credentials remembered: so few that the memory is full soon and does not grow with what comes anew.
const REMEMBERED: &str = "2000";
/// An API whose only operation needs a scope.
const LOCKED: &str = r#"
openapi: 3.1.0
info: {title: Locked, version: "1"}
security: [{oauth: [locked:open]}]
paths:
  /who:
    get: {summary: Who}
  /other:
    get: {summary: Other, security: [{oauth: [locked:other]}]}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: /t, scopes: {"locked:open": Open, "locked:other": Other}}}}
"#;

/// An application and what it calls with.
pub(super) struct Application {
    pub(super) id: ApplicationId,
    /// Its `Authorization` at the token endpoint.
    pub(super) client: String,
    pub(super) key: ApiKeyId,
    /// Its API key. Whoever calls with it holds this meanwhile, so that it is not ended under way.
    pub(super) secret: RwLock<String>,
}

/// Everything.
pub(super) struct World {
    pub(super) portico: Portico,
    pub(super) applications: Vec<Application>,
    until: Instant,
    turn: AtomicU64,
    counts: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<Vec<String>>,
}

impl World {
    pub(super) fn make(stage: &Stage, fragile: &Origin, until: Instant) -> Self {
        let portico = Portico::start(stage, &[("PORTICO_GATEWAY_CACHED_CREDENTIALS", REMEMBERED)]);
        let locked =
            portico::api("locked", "1.0", &stage.origin.url()).replace("state:", "openapi: locked.yaml, state:");
        let manifest = format!("{locked}---\n{}", portico::api("fragile", "1.0", &fragile.url()));
        let files = [("portico.yaml", manifest.as_bytes()), ("locked.yaml", LOCKED.as_bytes())];
        portico.database.run(apply::apply_documents(&portico.database.ctx, &files)).unwrap();
        let application = |number: usize| {
            let issued = portico.key(&format!("App {number}"), "first");
            let id = issued.key.application;
            for api in ["locked", "fragile"] {
                let (ctx, member) = (&portico.database.ctx, &portico.member);
                portico.database.run(subscribe::add(ctx, member, id, (api, 1), "bench")).unwrap();
            }
            let secret = RwLock::new(issued.secret.expose().to_owned());
            Application { id, client: portico.client(id), key: issued.key.id, secret }
        };
        let applications = (0..APPLICATIONS).map(application).collect();
        std::thread::sleep(std::time::Duration::from_secs(2));
        let (counts, wrong) = (Mutex::default(), Mutex::default());
        Self { portico, applications, until, turn: AtomicU64::new(0), counts, wrong }
    }

    pub(super) fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// Another application each time.
    pub(super) fn application(&self) -> &Application {
        let turn = usize::try_from(self.turn()).unwrap();
        &self.applications[turn % self.applications.len()]
    }

    /// Another number each time.
    pub(super) fn turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// A connection to the gateway. It must always be there.
    pub(super) fn connect(&self) -> Connection {
        Connection::open(&self.portico.gateway)
    }

    /// One more was done by this caller; what was not right is noted.
    pub(super) fn check(&self, is_right: bool, what: impl FnOnce() -> String) {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        *self.counts.lock().unwrap().entry(name.clone()).or_default() += 1;
        if !is_right {
            self.wrong.lock().unwrap().push(format!("{name}: {}", what()));
        }
    }

    /// Checks an answer of `…/who`: it must be about this application, and about this very request.
    pub(super) fn check_who(&self, application: &Application, answer: &std::io::Result<Answer>) {
        let is_right = answer.as_ref().is_ok_and(|answer| {
            let text = answer.text();
            let words: Vec<&str> = text.split(' ').collect();
            answer.status == 200
                && words[0] == application.id.to_string()
                && words.get(2).copied() == answer.header("x-request-id")
        });
        self.check(is_right, || format!("{} was answered {}", application.id, told(answer)));
    }

    /// How much was done by callers of this name.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.counts.lock().unwrap().get(name).copied().unwrap_or(0)
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.lock().unwrap().values().sum()
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }
}

/// An answer in a line.
pub(super) fn told(answer: &std::io::Result<Answer>) -> String {
    match answer {
        Ok(answer) => format!("{} {:.200}", answer.status, answer.text()),
        Err(error) => format!("with {error}"),
    }
}
