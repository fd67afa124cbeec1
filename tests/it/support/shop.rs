//! A small catalogue with an application in it, for tests of pages and credentials.

use crate::support::app::TestApp;
use crate::support::db;
use portico::base::environment::Environment;
use portico::base::id::ApiId;
use portico::base::latency::Latency;
use portico::base::tally::{Batch, Credential, Tally, TallyKey};
use portico::base::version::Version;
use portico::domain::accounts::model::Member;
use portico::domain::applications::manage;
use portico::domain::applications::model::Application;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::{ChosenApplication, IssuedKey, NewApiKey, WantedLimits};
use portico::domain::publishing::apply;
use portico::domain::subscriptions::subscribe;
use portico::domain::usage::record::Writer;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Four APIs: `pets` takes both kinds of credential under two plans and has a definition and a document, `reports` has two endpoints and a header of its own,
/// `ledger` takes tokens only, `vault` is there only for the role `partner`. `{backend}` is where all of them lead.
const MANIFEST: &str = r##"
kind: role
name: partner
title: Partners
---
kind: api
name: pets
title: Pets
context: pets
summary: Everything about pets, and where they live.
owner: Pet team
tags: [animals]
visibility: public
plans: [bronze, gold]
documents:
  - name: start
    title: Getting started
    body: "# Hello\n\nSee [the list](/apis), `GET /pets` and:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncurl http://example.com/a/long/line/that/does/not/fit/on/a/phone/without/scrolling\n```"
versions:
  - version: "1.0"
    backends: {production: "{backend}", sandbox: "{backend}"}
  - version: "1.1"
    openapi: petstore.yaml
    backends: {production: "{backend}", sandbox: "{backend}"}
---
kind: api
name: reports
title: Reports
context: back-office/reports
summary: Numbers, daily and yearly.
owner: Finance
visibility: private
auth: [api-key]
api_key_header: X-Report-Key
plans: [bronze]
versions:
  - version: "2.0"
    endpoints:
      - {name: daily, title: Daily, path: daily, backends: {production: "{backend}", sandbox: "{backend}"}}
      - {name: yearly, title: Yearly, path: yearly, backends: {sandbox: "{backend}"}}
      - {name: monthly, title: Monthly, path: monthly, backends: {production: "{backend}", sandbox: "{backend}"}}
---
kind: api
name: ledger
title: Ledger
context: ledger
summary: Bookings.
visibility: private
auth: [oauth2]
plans: [bronze]
versions:
  - version: "1.0"
    backends: {sandbox: "{backend}"}
---
kind: api
name: vault
title: Vault
context: vault
summary: For partners.
visibility: restricted
roles: [partner]
plans: [bronze]
versions:
  - version: "1.0"
    backends: {production: "{backend}"}
"##;

/// Publishes the four APIs before a backend such as `http://127.0.0.1:4000`.
pub(crate) async fn publish(app: &TestApp, backend: &str) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let dir = db::scratch(&format!("shop-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(dir.join("petstore.yaml"), include_str!("../fixtures/petstore.yaml")).unwrap();
    std::fs::write(dir.join("portico.yaml"), MANIFEST.replace("{backend}", backend)).unwrap();
    apply::apply_path(&app.ctx, &dir.join("portico.yaml")).await.unwrap_or_else(|e| panic!("{e:?}"));
    app.settle().await;
}

/// Publishes them where nothing is called.
pub(crate) async fn publish_unserved(app: &TestApp) {
    publish(app, "http://127.0.0.1:1").await;
}

/// An application of that member.
pub(crate) async fn application(app: &TestApp, member: &Member, name: &str) -> Application {
    manage::create(&app.ctx, member, name, "Made for a test.").await.unwrap()
}

/// The application subscribed to `pets` under `bronze`.
pub(crate) async fn subscribe(app: &TestApp, member: &Member, application: &Application) {
    subscribe::add(&app.ctx, member, application.id, ("pets", 1), "bronze").await.unwrap();
}

/// A key of the application for `pets`.
pub(crate) async fn key(
    app: &TestApp,
    member: &Member,
    (application, name): (&Application, &str),
    environment: Environment,
) -> IssuedKey {
    let new = NewApiKey {
        api: "pets".to_owned(),
        major: 1,
        environment,
        name: name.to_owned(),
        application: ChosenApplication::Existing(application.id),
        plan: Some("bronze".to_owned()),
        endpoint: None,
        limits: WantedLimits::default(),
        once: None,
    };
    api_keys::generate(&app.ctx, member, new).await.unwrap()
}

/// Lets somebody read the application.
pub(crate) async fn share(app: &TestApp, application: &Application, email: &str) {
    sqlx::query("insert into application_shares (application_id, email, shared_at) values ($1, $2, $3)")
        .bind(application.id.0)
        .bind(email)
        .bind(app.clock.now())
        .execute(app.pool())
        .await
        .unwrap();
}

/// Every row of every table as text, by table: what a thief of a backup would read.
pub(crate) async fn dump(app: &TestApp) -> BTreeMap<String, Vec<String>> {
    let tables = "select table_name::text from information_schema.tables where table_schema = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(app.pool()).await.unwrap();
    let mut dump = BTreeMap::new();
    for table in tables {
        let rows = sqlx::AssertSqlSafe(format!("select t::text from \"{table}\" t order by 1"));
        dump.insert(table, sqlx::query_scalar(rows).fetch_all(app.pool()).await.unwrap());
    }
    dump
}

/// Calls that the application made to `pets` with a credential (a key's id or a consumer key), as the gateway would have
/// counted them: so many hours ago, answered with this class, so many, each of 5 ms.
pub(crate) async fn calls(app: &TestApp, application: &Application, credential: &Credential, made: &[(i64, u8, u32)]) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let api: uuid::Uuid =
        sqlx::query_scalar("select id from apis where name = 'pets'").fetch_one(app.pool()).await.unwrap();
    let rows = made.iter().map(|(hours_ago, status_class, calls)| {
        let key = TallyKey {
            minute: app.clock.now() - time::Duration::hours(*hours_ago),
            api: ApiId(api),
            version: Version { major: 1, minor: 1 },
            application: Some(application.id),
            credential: credential.clone(),
            environment: Environment::Sandbox,
            status_class: *status_class,
            operation: "GET /pets/{petId}".into(),
        };
        let mut latency = Latency::default();
        (0..*calls).for_each(|_| latency.record(5000));
        let requests = u64::from(*calls);
        let tally =
            Tally { requests, request_bytes: 0, response_bytes: 100 * requests, duration_us: 5000 * requests, latency };
        (key, tally)
    });
    let batch = Batch { number: NEXT.fetch_add(1, Ordering::Relaxed), rows: rows.collect() };
    Writer::default().write(&app.ctx, &batch).await.unwrap();
}
