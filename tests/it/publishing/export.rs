//! What `export` writes, `apply` reads: the same catalogue, whichever way it goes.

use super::{ORDERS, applied, directory, everything};
use crate::support::app::TestApp;
use portico::domain::publishing::export::{Exported, Layout, export};
use std::path::PathBuf;

const MORE: &str = r#"
kind: api
name: more
description: "line one\n\n  indented\ttab \r\n trailing  \n\n\n"
visibility: public
auth: []
support: https://help.example/more
documents:
  - {name: forum, link: "https://forum.example/a?b=c#d"}
  - {name: sheet, title: Sheet, file_name: Sheet_1.pdf, base64: "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDwvTGVuZ3RoIDMgMCBSL0ZpbHRlci9GbGF0ZURlY29kZT4+CnN0cmVhbQo="}
  - {name: nothing, file_name: nothing.txt, base64: ""}
versions:
  - version: "0.8"
    state: deprecated
    sunset: 2027-03-31
    backends: {sandbox: "http://127.0.0.1:1"}
  - version: "0.9"
    state: draft
  - version: "2.0"
    state: blocked
    openapi: orders.json
    backends: {sandbox: "http://127.0.0.1:1"}
  - version: "3.0"
    endpoints:
      - {name: pets, title: "Pets: all", path: p, openapi: petstore.yaml, backends: {production: "http://127.0.0.1:1"}}
      - {name: orders, path: o/o, openapi: orders.json, backends: {production: "http://127.0.0.1:1"}}
---
{kind: plan, name: old, rate: {count: 5, per: day}, approval: true, state: retired}
"#;

fn published(name: &str) -> PathBuf {
    let files = [
        ("a.yaml", ORDERS),
        ("b.yaml", MORE),
        ("petstore.yaml", include_str!("../fixtures/petstore.yaml")),
        ("orders.json", include_str!("../fixtures/orders.json")),
    ];
    directory(name, &files)
}

fn written(name: &str, files: &Exported) -> PathBuf {
    directory(name, &files.iter().map(|(name, text)| (&**name, &**text)).collect::<Vec<_>>())
}

#[tokio::test]
async fn an_export_applied_where_it_came_from_changes_nothing() {
    let app = TestApp::start().await;
    applied(&app, &published("export-same")).await;
    let before = everything(&app).await;
    for (layout, name) in [(Layout::Inline, "export-inline"), (Layout::Files, "export-files")] {
        let files = export(&app.ctx, layout).await.unwrap();
        assert_eq!(applied(&app, &written(name, &files)).await, Vec::<String>::new());
        assert_eq!(everything(&app).await, before);
    }
}

#[tokio::test]
async fn an_export_applied_to_an_empty_instance_makes_the_same_export() {
    let app = TestApp::start().await;
    applied(&app, &published("export-first")).await;
    for (layout, name) in [(Layout::Inline, "export-inline-2"), (Layout::Files, "export-files-2")] {
        let files = export(&app.ctx, layout).await.unwrap();
        let other = TestApp::start().await;
        applied(&other, &written(name, &files)).await;
        assert_eq!(export(&other.ctx, layout).await.unwrap(), files);
    }
}
