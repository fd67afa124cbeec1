//! The catalogue: who sees what, and how it is found.

use crate::support::app::TestApp;
use crate::support::make;
use portico::base::environment::Environment;
use portico::base::error::Error;
use portico::domain::accounts::model::Viewer;
use portico::domain::catalog::browse::{self, Search};
use portico::domain::catalog::model::MajorVersion;

const APIS: &str = r#"
{kind: role, name: gold}
---
{kind: role, name: unused}
---
kind: api
name: pets
title: Pet store
context: animals/pets
summary: Find pets
description: Cats, dogs and 100% parrots.
owner: Zoo team
tags: [animals, public]
visibility: public
auth: []
versions:
  - {version: "0.1", state: draft}
  - {version: "1.0", state: retired}
  - {version: "2.0", state: deprecated, backends: {production: "http://x.example"}}
  - {version: "2.1", changelog: New., backends: {production: "http://x.example"}}
  - {version: "2.2", state: draft}
  - {version: "10.0", state: blocked, backends: {sandbox: "http://x.example"}}
---
kind: api
name: books
title: books
visibility: private
tags: [public]
auth: [oauth2]
plans: [bronze]
versions: [{version: "1.0", backends: {production: "http://x.example", sandbox: "http://y.example"}}]
---
kind: api
name: ledger
title: Ledger
visibility: restricted
roles: [gold]
tags: [finance]
plans: [bronze]
versions:
  - version: "1.0"
    endpoints:
      - {name: b, path: bb, title: B, backends: {sandbox: "http://x.example"}}
      - {name: a, path: aa, backends: {production: "http://x.example"}}
---
{kind: api, name: hidden, visibility: public, auth: [], tags: [hidden], versions: [{version: "1.0", state: draft}]}
"#;

fn names(majors: &[MajorVersion]) -> Vec<String> {
    majors.iter().map(|m| format!("{} v{}", m.api.name, m.major)).collect()
}

async fn found(app: &TestApp, viewer: &Viewer, text: &str, tag: Option<&str>) -> Vec<String> {
    let search = Search { text: text.to_owned(), tag: tag.map(str::to_owned) };
    names(&browse::search(&app.ctx, viewer, &search).await.unwrap())
}

#[tokio::test]
async fn each_viewer_sees_what_is_meant_for_them_and_nothing_else_exists() {
    let app = TestApp::start().await;
    make::publish(&app, APIS).await;
    let public = ["pets v10", "pets v2"];
    let private = ["books v1", "pets v10", "pets v2"];
    let all = ["books v1", "ledger v1", "pets v10", "pets v2"];
    let member = async |name: &str, roles: &[&str]| Viewer::Member(make::member(&app, name, roles).await);
    for (viewer, want) in [
        (Viewer::Visitor, &public[..]),
        (member("nobody", &[]).await, &private),
        (member("dev", &["developer", "production", "unused"]).await, &private),
        (member("gold", &["gold"]).await, &all),
        (member("publisher", &["publisher"]).await, &all),
        (member("admin", &["admin"]).await, &all),
    ] {
        assert_eq!(found(&app, &viewer, "", None).await, want, "{viewer:?}");
        let sees = want.contains(&"ledger v1");
        let majors = browse::majors(&app.ctx, &viewer, "ledger").await;
        assert_eq!(majors.is_ok(), sees);
        assert!(sees || matches!(majors, Err(Error::NotFound)));
        let mut conn = app.ctx.conn().await.unwrap();
        assert_eq!(browse::major(&mut conn, &viewer, "ledger", 1).await.is_ok(), sees);
        assert_eq!(found(&app, &viewer, "ledger", None).await.len(), usize::from(sees));
        let tags = browse::tags(&app.ctx, &viewer).await.unwrap();
        assert_eq!(tags.iter().any(|(tag, _)| tag == "finance"), sees, "a tag must not give an API away");
        assert!(!tags.iter().any(|(tag, _)| tag == "hidden"));
    }
}

#[tokio::test]
async fn a_major_shows_its_live_minors_newest_first() {
    let app = TestApp::start().await;
    make::publish(&app, APIS).await;
    let majors = browse::majors(&app.ctx, &Viewer::Visitor, "pets").await.unwrap();
    assert_eq!(names(&majors), ["pets v10", "pets v2"]);
    let two = &majors[1];
    let minors: Vec<_> = two.versions.iter().map(|v| (v.version.to_string(), v.state.as_str())).collect();
    assert_eq!(minors, [("2.1".to_owned(), "published"), ("2.0".to_owned(), "deprecated")]);
    assert_eq!(two.current().unwrap().changelog, "New.");
    assert!(two.takes_subscriptions() && !majors[0].takes_subscriptions());
    assert_eq!(two.url("https://gw.example", &two.versions[0].endpoints[0]), "https://gw.example/animals/pets/v2");
    let mut conn = app.ctx.conn().await.unwrap();
    for (api, major) in [("pets", 0), ("pets", 1), ("pets", 3), ("hidden", 1), ("nowhere", 1)] {
        let missing = browse::major(&mut conn, &Viewer::Visitor, api, major).await;
        assert!(matches!(missing, Err(Error::NotFound)), "{api} {major}");
    }
}

#[tokio::test]
async fn endpoints_come_in_the_manifests_order_with_their_environments() {
    let app = TestApp::start().await;
    make::publish(&app, APIS).await;
    let gold = Viewer::Member(make::member(&app, "gold", &["gold"]).await);
    let majors = browse::majors(&app.ctx, &gold, "ledger").await.unwrap();
    let endpoints = &majors[0].versions[0].endpoints;
    let short: Vec<_> = endpoints.iter().map(|e| (&*e.name, &*e.title, &*e.path, &*e.environments)).collect();
    assert_eq!(short, [("b", "B", "bb", &[Environment::Sandbox][..]), ("a", "", "aa", &[Environment::Production])]);
    assert!(!endpoints[0].has_definition);
    assert_eq!(browse::operations(&app.ctx, endpoints[0].id).await.unwrap(), []);
    assert_eq!(browse::definition(&app.ctx, endpoints[0].id).await.unwrap(), None);
    assert_eq!(majors[0].endpoint("a").map(|e| &*e.path), Some("aa"));
}

#[tokio::test]
async fn every_word_must_be_found_somewhere_and_no_word_is_a_pattern() {
    let app = TestApp::start().await;
    make::publish(&app, APIS).await;
    let dev = Viewer::Member(make::developer(&app, "dev").await);
    let pets = ["pets v10", "pets v2"];
    for text in
        ["pet", "PET store", "store pet", "zoo", "parrots", "/animals/pets/", "100%", "animals zoo cats", " pets "]
    {
        assert_eq!(found(&app, &dev, text, None).await, pets, "{text}");
    }
    for text in ["pet books", "100_", "10%0", "p_ts", "\\", "'", "\" or 1=1 --", "ledger", "hidden"] {
        assert_eq!(found(&app, &dev, text, None).await, Vec::<String>::new(), "{text}");
    }
    assert_eq!(found(&app, &dev, "", Some("public")).await, ["books v1", "pets v10", "pets v2"]);
    assert_eq!(found(&app, &dev, "book", Some("public")).await, ["books v1"]);
    assert_eq!(found(&app, &dev, "", Some("finance")).await, Vec::<String>::new());
    let tags = browse::tags(&app.ctx, &dev).await.unwrap();
    assert_eq!(tags, [("public".to_owned(), 2), ("animals".to_owned(), 1)]);
}
