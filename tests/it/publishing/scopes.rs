//! Scopes of an API: from its OpenAPI files, from its manifest, and back into an export.

use super::{applied, directory, everything, lines};
use crate::support::app::TestApp;
use crate::support::make;
use portico::domain::accounts::model::Viewer;
use portico::domain::catalog::browse;
use portico::domain::catalog::model::Scope;
use portico::domain::publishing::apply;
use portico::domain::publishing::export::{Layout, export};
use std::path::PathBuf;

const OPENAPI: &str = r#"
openapi: 3.1.0
info: {title: Pets, version: "1"}
security: [{oauth: [pets:read]}]
paths:
  /pets:
    get: {}
    post: {security: [{oauth: [pets:write, pets:read]}, {oidc: [pets:admin]}]}
  /pets/{id}:
    delete: {security: [{key: []}, {oauth: [pets:admin]}]}
  /status:
    get: {security: []}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: /t, scopes: {pets:read: See pets, pets:write: Change pets}}}}
    oidc: {type: openIdConnect, openIdConnectUrl: /o}
    key: {type: apiKey, in: header, name: api-key}
"#;

fn manifest(more: &str) -> String {
    format!(
        "kind: api\nname: pets\nvisibility: public\nplans: [bronze]\n{more}versions:\n  - version: \"1.0\"\n    openapi: pets.yaml\n    \
         backends: {{production: \"http://127.0.0.1:1/\"}}\n"
    )
}

fn published(name: &str, more: &str) -> PathBuf {
    directory(name, &[("portico.yaml", &manifest(more)), ("pets.yaml", OPENAPI)]).join("portico.yaml")
}

async fn scopes(app: &TestApp) -> Vec<(String, String, String)> {
    let majors = browse::majors(&app.ctx, &Viewer::Visitor, "pets").await.unwrap();
    let text = |Scope { name, title, roles }| (name, title, roles.join(" "));
    browse::scopes(&app.ctx, majors[0].api.id).await.unwrap().into_iter().map(text).collect()
}

#[track_caller]
fn assert_scopes(found: &[(String, String, String)], want: &[(&str, &str, &str)]) {
    let found: Vec<_> = found.iter().map(|(name, title, roles)| (&**name, &**title, &**roles)).collect();
    assert_eq!(found, want);
}

/// What the operations of the API need.
async fn needs(app: &TestApp) -> Vec<String> {
    let majors = browse::majors(&app.ctx, &Viewer::Visitor, "pets").await.unwrap();
    let operations = browse::operations(&app.ctx, majors[0].versions[0].endpoints[0].id).await.unwrap();
    operations.iter().map(|o| format!("{} {}: {}", o.method, o.path, o.scopes.join(" | "))).collect()
}

const NEEDS: [&str; 4] = [
    "GET /pets: pets:read",
    "POST /pets: pets:write pets:read | pets:admin",
    "DELETE /pets/{id}: pets:admin",
    "GET /status: ",
];

#[tokio::test]
async fn scopes_and_what_needs_them_come_from_the_openapi_file() {
    let app = TestApp::start().await;
    let changes = applied(&app, &published("scopes-file", "")).await;
    assert!(changes.contains(&"add     scopes of pets: pets:read pets:write pets:admin".to_owned()), "{changes:?}");
    let want = [("pets:read", "See pets", ""), ("pets:write", "Change pets", ""), ("pets:admin", "", "")];
    assert_scopes(&scopes(&app).await, &want);
    assert_eq!(needs(&app).await, NEEDS);
    assert_eq!(applied(&app, &published("scopes-file-2", "")).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_manifest_has_the_last_word_on_titles_and_roles() {
    let app = TestApp::start().await;
    applied(&app, &published("scopes-said", "")).await;
    let more = "scopes:\n  - {name: pets:admin, title: Do anything, roles: [publisher, admin]}\n  - {name: pets:groom}\n  \
                - {name: pets:read, roles: [developer]}\n";
    let changes = applied(&app, &published("scopes-said-2", more)).await;
    let want = "change  scopes of pets: pets:groom added, roles of pets:admin, title of pets:admin, roles of pets:read, title of pets:read";
    assert_eq!(changes, [want]);
    let want = [
        ("pets:admin", "Do anything", "admin publisher"),
        ("pets:groom", "", ""),
        ("pets:read", "See pets", "developer"),
        ("pets:write", "Change pets", ""),
    ];
    assert_scopes(&scopes(&app).await, &want);
    // What is taken back falls to the file again.
    let changes = applied(&app, &published("scopes-said-3", "")).await;
    assert!(changes[0].contains("pets:groom removed"), "{changes:?}");
    assert_eq!(scopes(&app).await.len(), 3);
}

#[tokio::test]
async fn scopes_none_switches_those_of_the_file_off_and_on_again() {
    let app = TestApp::start().await;
    let changes = applied(&app, &published("scopes-none", "scopes: none\n")).await;
    assert!(!changes.iter().any(|line| line.contains("scope")), "{changes:?}");
    assert_scopes(&scopes(&app).await, &[]);
    assert_eq!(needs(&app).await[0], "GET /pets: ");
    let changes = applied(&app, &published("scopes-none-2", "")).await;
    assert_eq!(changes.len(), 1, "the definition need not be written again: {changes:?}");
    assert_eq!(scopes(&app).await.len(), 3);
    assert_eq!(needs(&app).await, NEEDS);
    let changes = applied(&app, &published("scopes-none-3", "auth: [api-key]\n")).await;
    assert!(changes[1].contains("pets:read removed"), "{changes:?}");
    assert_eq!(needs(&app).await[0], "GET /pets: ", "no token, no scope");
}

#[tokio::test]
async fn a_scope_lives_as_long_as_a_version_that_consumers_see_names_it() {
    let app = TestApp::start().await;
    let manifest = |state: &str, file: &str| {
        format!(
            "kind: api\nname: pets\nvisibility: public\nplans: [bronze]\nversions:\n  - version: \"{file}.0\"\n    state: {state}\n    \
             openapi: {file}.yaml\n    backends: {{production: \"http://127.0.0.1:1/\"}}\n"
        )
    };
    let second = OPENAPI.replace("See pets", "Look at pets").replace("pets:admin", "pets:all");
    let step = async |name: &str, state: &str, file: &str| {
        let files = [("p.yaml", &*manifest(state, file)), ("1.yaml", OPENAPI), ("2.yaml", &*second)];
        applied(&app, &directory(name, &files).join("p.yaml")).await
    };
    step("scopes-life-1", "published", "1").await;
    step("scopes-life-2", "draft", "2").await;
    assert_eq!(scopes(&app).await[0].1, "See pets");
    step("scopes-life-3", "published", "2").await;
    let names: Vec<String> = scopes(&app).await.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["pets:read", "pets:write", "pets:all", "pets:admin"]);
    assert_eq!(scopes(&app).await[0].1, "Look at pets", "the newest version says what it means");
    // 1.0 is not spoken of, so what it names stays; when it is retired, it goes.
    let changes = step("scopes-life-4", "retired", "1").await;
    assert_eq!(changes, ["change  scopes of pets: pets:admin removed", "retire  version pets 1.0"]);
}

#[tokio::test]
async fn an_export_holds_what_the_publisher_said_and_changes_nothing() {
    let app = TestApp::start().await;
    let said = "scopes:\n  - {name: pets:read, title: 'Read: \"all\"', roles: [keeper]}\n  - {name: 'a,b'}\nresource_servers: [bC1, aB2]\n";
    let files = [
        ("a.yaml", &*format!("{}---\nkind: role\nname: keeper\n", manifest(said))),
        ("b.yaml", &*manifest("scopes: none\n").replace("name: pets", "name: closed")),
        ("c.yaml", &*manifest("auth: [api-key]\n").replace("name: pets", "name: keys")),
        ("pets.yaml", OPENAPI),
    ];
    applied(&app, &directory("scopes-export", &files)).await;
    let before = everything(&app).await;
    for (layout, name) in [(Layout::Inline, "scopes-inline"), (Layout::Files, "scopes-files")] {
        let exported = export(&app.ctx, layout).await.unwrap();
        let written: Vec<(&str, &str)> = exported.iter().map(|(name, text)| (&**name, &**text)).collect();
        let path = directory(name, &written);
        assert_eq!(applied(&app, &path).await, Vec::<String>::new());
        assert_eq!(everything(&app).await, before);
        let other = TestApp::start().await;
        applied(&other, &path).await;
        assert_eq!(export(&other.ctx, layout).await.unwrap(), exported);
        assert_eq!(scopes(&other).await, scopes(&app).await);
    }
}

#[tokio::test]
async fn what_is_wrong_with_scopes_is_told_with_its_place() {
    let app = TestApp::start().await;
    for (more, want) in [
        ("scopes: [{name: openid}]\n", "scopes[0].name: `openid` is a scope of OpenID Connect and belongs to no API"),
        ("scopes: [{name: a b}]\n", "scopes[0].name: `a b` cannot be the name of a scope"),
        ("scopes: [{name: a}, {name: a}]\n", "scopes[1].name: `a` is listed twice"),
        ("scopes: [{title: A}]\n", "scopes[0].name: is missing"),
        ("scopes: [{name: a, role: [x]}]\n", "scopes[0].role: there is no such key; did you mean `roles`?"),
        ("scopes: [{name: a, roles: [nobody]}]\n", "scopes[0].roles[0]: there is no role `nobody`"),
        ("scopes: []\n", "scopes: an empty list says nothing; write `scopes: none`"),
        ("scopes: off\n", "scopes: write a list here"),
        ("auth: [api-key]\nscopes: [{name: a}]\n", "scopes: counts only where access tokens are taken"),
        ("auth: [api-key]\nresource_servers: [a]\n", "resource_servers: counts only where access tokens are taken"),
        ("resource_servers: [a, a]\n", "resource_servers[1]: `a` is listed twice"),
        ("resource_servers: ['a b']\n", "resource_servers[0]: `a b` must be a consumer key"),
    ] {
        let problems = apply::apply_path(&app.ctx, &published("scopes-wrong", more)).await.unwrap_err();
        assert!(lines(&problems).contains(want), "{more}: {}", lines(&problems));
    }
    let many: Vec<String> = (0..201).map(|n| format!("  - {{name: s{n}}}\n")).collect();
    let more = format!("scopes:\n{}", many.concat());
    let problems = apply::apply_path(&app.ctx, &published("scopes-many", &more)).await.unwrap_err();
    assert!(lines(&problems).contains("it would have 204 scopes, more than 200"), "{}", lines(&problems));
}

#[tokio::test]
async fn a_file_from_before_scopes_were_read_is_read_again() {
    let app = TestApp::start().await;
    applied(&app, &published("scopes-old", "")).await;
    // As the release before has left it.
    for statement in [
        "update api_definitions set scopes = '[]'",
        "update api_operations set scopes = '{}'",
        "delete from api_scopes",
    ] {
        sqlx::query(statement).execute(app.pool()).await.unwrap();
    }
    let changes = applied(&app, &published("scopes-old-2", "")).await;
    assert!(changes.iter().any(|line| line.contains("openapi")), "{changes:?}");
    assert_eq!((scopes(&app).await.len(), needs(&app).await), (3, NEEDS.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn the_shared_fixture_has_scopes() {
    let app = TestApp::start().await;
    crate::support::scoped::publish(&app, "http://127.0.0.1:1").await;
    let viewer = Viewer::Member(make::developer(&app, "dev").await);
    let majors = browse::majors(&app.ctx, &viewer, "zoo").await.unwrap();
    let scopes = browse::scopes(&app.ctx, majors[0].api.id).await.unwrap();
    assert_eq!(scopes.iter().map(|s| &*s.name).collect::<Vec<_>>(), crate::support::scoped::SCOPES);
}
