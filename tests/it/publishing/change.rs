//! Changing what is published: ids stay, credentials stay, what goes is retired.

use super::{ORDERS, applied, directory, everything, lines, small};
use crate::support::app::TestApp;
use crate::support::make;
use portico::base::environment::Environment;
use portico::domain::accounts::model::{Member, Viewer};
use portico::domain::catalog::browse;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::{ChosenApplication, NewApiKey, WantedLimits};
use portico::domain::publishing::apply::{self, Mode, Silence};
use portico::domain::publishing::files::Input;
use std::path::Path;

async fn apply_with(app: &TestApp, path: &Path, mode: Mode, silence: Silence) -> Vec<String> {
    let input = Input::from_path(path).unwrap();
    apply::apply(&app.ctx, input, mode, silence, |_| ()).await.unwrap_or_else(|p| panic!("{}", lines(&p))).0
}

async fn key(app: &TestApp, member: &Member, api: &str, endpoint: Option<&str>, plan: &str) {
    let new = NewApiKey {
        api: api.to_owned(),
        major: 1,
        environment: Environment::Sandbox,
        name: "a key".to_owned(),
        application: ChosenApplication::New(format!("application for {api}")),
        plan: Some(plan.to_owned()),
        endpoint: endpoint.map(str::to_owned),
        limits: WantedLimits::default(),
        once: None,
    };
    api_keys::generate(&app.ctx, member, new).await.unwrap();
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn a_change_keeps_ids_keys_and_subscriptions() {
    let app = TestApp::start().await;
    let file = directory("change", &[("p.yaml", ORDERS)]).join("p.yaml");
    applied(&app, &file).await;
    let pat = make::member(&app, "pat", &["developer", "partner"]).await;
    key(&app, &pat, "orders", None, "tiny").await;
    let ids = "select (select jsonb_agg(id order by id) from apis)::text || (select jsonb_agg(id order by id) from api_versions)::text
        || (select jsonb_agg(id order by id) from endpoints)::text || (select jsonb_agg(id order by id) from plans)::text";
    let before: String = sqlx::query_scalar(ids).fetch_one(app.pool()).await.unwrap();

    let changed = ORDERS
        .replace("title: Orders", "title: All orders")
        .replace("burst: 2", "burst: 3")
        .replace("name: tiny\n", "name: tiny\napproval: true\n")
        .replace("/p10", "/p11")
        .replace("body: \"Hello **you**\"", "body: Bye")
        .replace("plans: [tiny, bronze]", "plans: [bronze]")
        .replace("title: Partners", "title: Our partners");
    std::fs::write(&file, changed).unwrap();
    assert_eq!(
        applied(&app, &file).await,
        [
            "change  role partner: title",
            "change  plan tiny: 10 a minute, 2 at once → 10 a minute, 3 at once, needs approval",
            "change  API orders: title, plans, documents",
            "change  version orders 1.10: endpoint default: production backend",
        ]
    );
    let after: String = sqlx::query_scalar(ids).fetch_one(app.pool()).await.unwrap();
    assert_eq!(after, before);
    assert_eq!((count(&app, "api_keys").await, count(&app, "subscriptions").await), (1, 1));
    let majors = browse::majors(&app.ctx, &Viewer::Member(pat), "orders").await.unwrap();
    assert_eq!(majors[0].api.title, "All orders");
}

#[tokio::test]
async fn an_endpoint_that_keys_are_bound_to_cannot_be_dropped() {
    let app = TestApp::start().await;
    let two = "kind: api\nname: two\nvisibility: public\nplans: [bronze]\nversions:\n  - version: \"1.0\"\n    endpoints:\n      \
               - {name: a, path: a, backends: {sandbox: \"http://x.example\"}}\n      \
               - {name: b, path: b, backends: {sandbox: \"http://x.example\"}}\n";
    let file = directory("bound", &[("p.yaml", two)]).join("p.yaml");
    applied(&app, &file).await;
    key(&app, &make::developer(&app, "dev").await, "two", Some("b"), "bronze").await;
    let before = everything(&app).await;

    let without = two.lines().filter(|line| !line.contains("name: b")).collect::<Vec<_>>().join("\n");
    // Gone from the version, or from the newer minor that would answer for the major: the key would open nothing.
    let newer = two.to_owned() + "  - version" + &without.split_once("  - version").unwrap().1.replace("1.0", "1.1");
    for wrong in [without.clone(), newer] {
        std::fs::write(&file, wrong).unwrap();
        let problems = lines(&apply::apply_path(&app.ctx, &file).await.unwrap_err());
        assert!(problems.contains("the endpoint b of two v1 has 1 API keys and would be gone"), "{problems}");
        assert_eq!(everything(&app).await, before);
    }
    // The other one may go, and all of it may be retired.
    std::fs::write(&file, two.lines().filter(|line| !line.contains("name: a")).collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(applied(&app, &file).await, ["change  version two 1.0: endpoint a removed"]);
    std::fs::write(&file, "{kind: api, name: two, state: retired}").unwrap();
    assert_eq!(applied(&app, &file).await, ["retire  version two 1.0"]);
    assert_eq!(count(&app, "api_keys").await, 1);
}

#[tokio::test]
async fn what_a_manifest_does_not_speak_of_stays_unless_it_is_pruned() {
    let app = TestApp::start().await;
    let both = format!("{}---\n{}", small("left"), small("right"));
    let more = "  - version: \"1.1\"\n    backends: {production: \"http://127.0.0.1:1/\"}\n";
    let file = directory("prune", &[("p.yaml", &(both + more))]).join("p.yaml");
    applied(&app, &file).await;
    std::fs::write(&file, small("right")).unwrap();
    assert_eq!(applied(&app, &file).await, Vec::<String>::new());

    let before = everything(&app).await;
    let pruned = [
        "retire  plan gold",
        "retire  plan silver",
        "retire  plan unlimited",
        "retire  version left 1.0",
        "retire  version right 1.1",
    ];
    assert_eq!(apply_with(&app, &file, Mode::DryRun, Silence::Retire).await, pruned);
    assert_eq!(everything(&app).await, before);
    assert_eq!(apply_with(&app, &file, Mode::Apply, Silence::Retire).await, pruned);
    assert!(browse::majors(&app.ctx, &Viewer::Visitor, "left").await.is_err());
    let right = browse::majors(&app.ctx, &Viewer::Visitor, "right").await.unwrap();
    assert_eq!(right[0].versions.len(), 1);
    assert_eq!(apply_with(&app, &file, Mode::Apply, Silence::Retire).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_version_taken_back_in_a_line_keeps_what_it_was() {
    let app = TestApp::start().await;
    let file = directory("short", &[("p.yaml", ORDERS)]).join("p.yaml");
    applied(&app, &file).await;
    let head = ORDERS.split("versions:").next().unwrap().to_owned() + "versions:\n";
    std::fs::write(&file, head.clone() + "  - {version: \"1.10\", state: retired}\n").unwrap();
    assert_eq!(applied(&app, &file).await, ["retire  version orders 1.10"]);
    assert_eq!(count(&app, "endpoint_backends").await, 4);
    std::fs::write(&file, ORDERS).unwrap();
    assert_eq!(applied(&app, &file).await, ["change  version orders 1.10: retired → published"]);
    // One that never was: there is nothing to keep.
    std::fs::write(&file, head + "  - {version: \"0.1\", state: retired}\n").unwrap();
    assert_eq!(applied(&app, &file).await, ["add     version orders 0.1 (retired): "]);
    assert_eq!(applied(&app, &file).await, Vec::<String>::new());
}

#[tokio::test]
async fn endpoints_may_swap_their_paths_and_their_order() {
    let app = TestApp::start().await;
    let version = |a: &str, b: &str| {
        format!(
            "kind: api\nname: swap\nvisibility: public\nplans: [bronze]\nversions:\n  - version: \"1.0\"\n    endpoints:\n      \
             - {{name: a, path: {a}, backends: {{sandbox: \"http://x.example\"}}}}\n      \
             - {{name: b, path: {b}, backends: {{sandbox: \"http://x.example\"}}}}\n"
        )
    };
    let file = directory("swap", &[("p.yaml", &version("x", "y"))]).join("p.yaml");
    applied(&app, &file).await;
    let swapped =
        version("y", "x").replace("name: a", "name: c").replace("name: b", "name: a").replace("name: c", "name: b");
    std::fs::write(&file, &swapped).unwrap();
    assert_eq!(applied(&app, &file).await, ["change  version swap 1.0: order of the endpoints"]);
    std::fs::write(&file, version("y", "x")).unwrap();
    assert_eq!(applied(&app, &file).await.len(), 1);
    let majors = browse::majors(&app.ctx, &Viewer::Visitor, "swap").await.unwrap();
    let found: Vec<_> = majors[0].versions[0].endpoints.iter().map(|e| (&*e.name, &*e.path)).collect();
    assert_eq!(found, [("a", "y"), ("b", "x")]);
    assert_eq!(applied(&app, &file).await, Vec::<String>::new());
}
