//! Real descriptions: the petstore, and GitHub's with its 1223 operations; published, listed, called.

use super::{applied, directory, lines};
use crate::support::app::TestApp;
use crate::support::upstream::Upstream;
use crate::support::{http, make};
use ::http::Method;
use portico::base::environment::Environment;
use portico::domain::accounts::model::Viewer;
use portico::domain::catalog::browse;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::{ChosenApplication, NewApiKey, WantedLimits};
use portico::domain::publishing::apply;

const GITHUB: &str = include_str!("../fixtures/github.json");
const PETSTORE: &str = include_str!("../fixtures/petstore.yaml");

fn manifest(backend: &str) -> String {
    let api = |name: &str, file: &str| {
        format!(
            "kind: api\nname: {name}\nvisibility: public\nauth: [api-key]\nplans: [bronze]\nversions:\n  - version: \"1.0\"\n    \
             openapi: {file}\n    backends: {{production: \"{backend}\", sandbox: \"{backend}\"}}\n"
        )
    };
    format!("{}---\n{}", api("petstore", "openapi/petstore.yaml"), api("github", "openapi/github.json"))
}

#[tokio::test]
async fn real_descriptions_are_published_and_their_operations_listed() {
    let app = TestApp::start().await;
    let files = [
        ("p.yaml", &*manifest("http://127.0.0.1:1")),
        ("openapi/petstore.yaml", PETSTORE),
        ("openapi/github.json", GITHUB),
    ];
    let changes = applied(&app, &directory("real", &files)).await;
    assert!(changes.iter().any(|line| line.contains("1223 operations")), "{changes:?}");
    for (api, want) in [("petstore", 5), ("github", 1223)] {
        let majors = browse::majors(&app.ctx, &Viewer::Visitor, api).await.unwrap();
        let endpoint = &majors[0].versions[0].endpoints[0];
        assert_eq!(browse::operations(&app.ctx, endpoint.id).await.unwrap().len(), want);
    }
    let majors = browse::majors(&app.ctx, &Viewer::Visitor, "github").await.unwrap();
    let operations = browse::operations(&app.ctx, majors[0].versions[0].endpoints[0].id).await.unwrap();
    let zen = operations.iter().find(|o| o.path == "/zen").unwrap();
    assert_eq!((&*zen.method, &*zen.operation_id, &*zen.tags), ("GET", "meta/get-zen", &["meta".to_owned()][..]));
}

#[tokio::test]
async fn the_manifests_of_the_demo_can_be_applied_from_memory() {
    let app = TestApp::start().await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo/manifests");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for below in ["", "docs", "openapi"] {
        for entry in std::fs::read_dir(root.join(below)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap().replace("{backend}", "http://127.0.0.1:1");
                files.push((path.strip_prefix(&root).unwrap().display().to_string(), text.into_bytes()));
            }
        }
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
    let changes = apply::apply_documents(&app.ctx, &files).await.unwrap_or_else(|p| panic!("{}", lines(&p)));
    assert_eq!(changes.0.len(), 8, "{changes:?}");
    let petstore = browse::majors(&app.ctx, &Viewer::Visitor, "petstore").await.unwrap();
    assert_eq!((petstore.len(), petstore[0].versions.len()), (1, 2));
    assert!(browse::majors(&app.ctx, &Viewer::Visitor, "ledger").await.is_err());
    assert!(apply::apply_documents(&app.ctx, &files).await.unwrap().0.is_empty());
}

/// `/repos/{owner}/{repo}` as a caller fills it in.
fn filled(path: &str) -> String {
    path.replace('{', "a-").replace('}', "%20b")
}

#[tokio::test]
async fn real_operations_are_called_through_the_gateway() {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    let manifest = manifest(&backend.url("/upstream"));
    let files = [("p.yaml", &*manifest), ("openapi/petstore.yaml", PETSTORE), ("openapi/github.json", GITHUB)];
    applied(&app, &directory("called", &files)).await;
    let member = make::developer(&app, "dev").await;
    for (api, step) in [("petstore", 1), ("github", 40)] {
        for environment in Environment::ALL {
            let new = NewApiKey {
                api: api.to_owned(),
                major: 1,
                environment,
                name: "a key".to_owned(),
                application: ChosenApplication::New(format!("{api} in {environment}")),
                plan: Some("bronze".to_owned()),
                endpoint: None,
                limits: WantedLimits::default(),
                once: None,
            };
            let issued = api_keys::generate(&app.ctx, &member, new).await.unwrap();
            app.settle().await;
            let majors = browse::majors(&app.ctx, &Viewer::Visitor, api).await.unwrap();
            let operations = browse::operations(&app.ctx, majors[0].versions[0].endpoints[0].id).await.unwrap();
            for operation in operations.iter().step_by(step) {
                let path = filled(&operation.path);
                let url = app.gateway(environment, &format!("/{api}/v1{path}?page=2"));
                let method: Method = operation.method.parse().unwrap();
                let answer = http::send(method.clone(), &url, &[("api-key", issued.secret.expose())], "").await;
                assert_eq!((answer.status.as_u16(), &*answer.text()), (200, "hello"), "{method} {path}");
                let seen = backend.last();
                assert_eq!((seen.method, &*seen.target), (method, &*format!("/upstream{path}?page=2")));
            }
            let refused = http::get(&app.gateway(environment, &format!("/{api}/v1/zen")), &[]).await;
            assert_eq!(refused.status, 401);
        }
    }
}
