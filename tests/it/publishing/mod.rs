//! Publishing by manifest: what is written is what is there, twice is once, and wrong is nothing.

mod change;
mod export;
mod policies;
mod real;
mod refused;
mod scopes;

use crate::support::app::TestApp;
use crate::support::{db, make};
use portico::domain::accounts::model::Viewer;
use portico::domain::catalog::browse;
use portico::domain::catalog::model::DocumentContent;
use portico::domain::publishing::apply::{self, Problem};
use portico::domain::subscriptions::plans;
use std::path::{Path, PathBuf};

/// Uses most of what a manifest can say.
const ORDERS: &str = r#"
kind: role
name: partner
title: Partners
---
kind: plan
name: tiny
title: Tiny
rate: {count: 10, per: minute, burst: 2}
---
kind: api
name: orders
title: Orders
context: shop/orders
summary: Everything about orders
owner: Shop team
owners: [Jo@Example.com, ada@example.com]
tags: [shop, orders]
visibility: restricted
roles: [partner]
auth: [api-key]
api_key_header: X-Shop-Key
plans: [tiny, bronze]
documents:
  - name: start
    title: Getting started
    body: "Hello **you**"
versions:
  - version: "1.0"
    state: deprecated
    backends: {production: "http://127.0.0.1:1/p", sandbox: "http://127.0.0.1:1/s"}
  - version: 1.10
    changelog: More of it.
    endpoints:
      - {name: default, backends: {production: "http://127.0.0.1:1/p10", sandbox: "http://127.0.0.1:1/s10"}}
"#;

/// The smallest API there can be.
fn small(name: &str) -> String {
    format!(
        "kind: api\nname: {name}\nvisibility: public\nplans: [bronze]\nversions:\n  - version: \"1.0\"\n    \
         backends: {{production: \"http://127.0.0.1:1/\", sandbox: \"http://127.0.0.1:1/\"}}\n"
    )
}

fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let dir = db::scratch(&format!("publish-{name}"));
    for (file, text) in files {
        let path = dir.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    dir
}

async fn applied(app: &TestApp, path: &Path) -> Vec<String> {
    apply::apply_path(&app.ctx, path).await.unwrap_or_else(|problems| panic!("{}", lines(&problems))).0
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Everything in the tables that publishing writes, and the revision that it moves.
async fn everything(app: &TestApp) -> String {
    let mut all = String::new();
    for table in [
        "roles",
        "plans",
        "apis",
        "api_audiences",
        "api_owners",
        "api_versions",
        "endpoints",
        "endpoint_backends",
        "api_definitions",
        "api_operations",
        "api_documents",
        "api_plans",
        "api_scopes",
        "api_resource_servers",
        "manifests",
        "audit_events",
        "gateway_revision",
    ] {
        let query = format!("select coalesce(jsonb_agg(t order by to_jsonb(t)), '[]')::text from {table} t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(app.pool()).await.unwrap();
        all.extend([table, ": ", &text, "\n"]);
    }
    all
}

#[tokio::test]
async fn a_manifest_becomes_the_catalogue() {
    let app = TestApp::start().await;
    make::publish(&app, ORDERS).await;
    let partner = Viewer::Member(make::member(&app, "pat", &["developer", "partner"]).await);
    let majors = browse::majors(&app.ctx, &partner, "orders").await.unwrap();
    let [major] = majors.as_slice() else { panic!("{majors:?}") };
    assert_eq!(major.api.context, "shop/orders");
    assert_eq!(major.api.api_key_header, "x-shop-key");
    assert!(major.api.takes_api_key && !major.api.takes_bearer);
    let versions: Vec<_> = major.versions.iter().map(|v| v.version.to_string()).collect();
    assert_eq!(versions, ["1.10", "1.0"]);
    let offered = plans::of_api(&app.ctx, major.api.id).await.unwrap();
    assert_eq!(offered.iter().map(|p| &*p.name).collect::<Vec<_>>(), ["tiny", "bronze"]);
    let documents = browse::documents(&app.ctx, major.api.id).await.unwrap();
    let document = browse::document(&app.ctx, major.api.id, &documents[0].name).await.unwrap();
    assert_eq!(document.content, DocumentContent::Markdown("Hello **you**".to_owned()));
    let events: Vec<(String, String)> =
        sqlx::query_as("select action, subject from audit_events").fetch_all(app.pool()).await.unwrap();
    let events: Vec<_> = events.iter().map(|(action, subject)| (&**action, &**subject)).collect();
    for event in [("role.added", "partner"), ("plan.added", "tiny"), ("api.added", "orders")] {
        assert!(events.contains(&event), "{events:?}");
    }
}

#[tokio::test]
async fn applied_twice_changes_nothing_and_announces_nothing() {
    let app = TestApp::start().await;
    let file = directory("twice", &[("portico.yaml", ORDERS)]).join("portico.yaml");
    assert!(!applied(&app, &file).await.is_empty());
    let before = everything(&app).await;
    assert_eq!(applied(&app, &file).await, Vec::<String>::new());
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn two_at_once_take_turns() {
    let app = TestApp::start().await;
    let file = directory("at-once", &[("portico.yaml", ORDERS)]).join("portico.yaml");
    let (a, b) = tokio::join!(applied(&app, &file), applied(&app, &file));
    assert!(a.is_empty() != b.is_empty(), "one of them has nothing left to do: {a:?} {b:?}");
}

#[tokio::test]
async fn a_directory_is_its_manifests_and_what_they_name() {
    let app = TestApp::start().await;
    let orders = include_str!("../fixtures/orders.json");
    let files = [
        ("a.yaml", "kind: plan\nname: tiny\nrate: unlimited\n"),
        (
            "b.yml",
            "kind: api\nname: b\nplans: [tiny]\ndescription_file: docs/b.md\nversions:\n  - version: \"0.1\"\n    \
             openapi: petstore.yaml\n    backends: {sandbox: \"https://b.example\"}\n  - version: \"1.0\"\n    \
             openapi: ./api/orders.json\n    backends: {sandbox: \"https://b.example\"}\n",
        ),
        ("petstore.yaml", include_str!("../fixtures/petstore.yaml")),
        ("api/orders.json", orders),
        ("api/ignored.yaml", "not: a manifest"),
        ("x.yaml", "\u{feff}\n{ \"openapi\": \"3.0.0\", \"kind\": 1 }"),
        ("y.yaml", "\u{feff}kind: role\nname: bom\n"),
        ("docs/b.md", "# B\r\n"),
        ("README.md", "not a manifest either"),
    ];
    applied(&app, &directory("several", &files)).await;
    let viewer = Viewer::Member(make::developer(&app, "dev").await);
    let majors = browse::majors(&app.ctx, &viewer, "b").await.unwrap();
    assert_eq!(majors.iter().map(|m| m.major).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(majors[0].api.description, "# B\r\n");
    let endpoint = &majors[0].versions[0].endpoints[0];
    let definition = browse::definition(&app.ctx, endpoint.id).await.unwrap().unwrap();
    assert_eq!((&*definition.source, &*definition.openapi_version), (orders, "3.1.0"));
    let operations = browse::operations(&app.ctx, endpoint.id).await.unwrap();
    let short: Vec<_> = operations.iter().map(|o| (&*o.method, &*o.path, o.deprecated)).collect();
    assert_eq!(short, [("GET", "/orders", false), ("POST", "/orders", true)]);
}

#[tokio::test]
async fn the_example_of_the_reference_works() {
    let app = TestApp::start().await;
    let reference = include_str!("../../../docs/PUBLISHING.md");
    let example = reference.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let orders = include_str!("../fixtures/orders.json");
    let named = example.lines().filter_map(|line| line.trim().rsplit_once(": ").map(|(_, value)| value));
    let mut files = vec![("portico.yaml", example)];
    files
        .extend(named.filter(|value| value.starts_with("docs/") || value.starts_with("openapi/")).map(|f| (f, orders)));
    let dir = directory("reference", &files);
    let changes = applied(&app, &dir).await;
    assert_eq!(changes.len(), 6, "{changes:?}");
    assert_eq!(applied(&app, &dir).await, Vec::<String>::new());
}
