//! The catalogue: who sees what, and how it is found.

use crate::support::app::TestApp;
use crate::support::make;
use portico::base::environment::Environment;
use portico::base::error::Error;
use portico::domain::accounts::model::Viewer;
use portico::domain::catalog::browse;
use portico::domain::catalog::model::MajorVersion;
use portico::domain::catalog::search::{self, Found, Likeness, Order, Remembered, Search};

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

async fn find(app: &TestApp, viewer: &Viewer, search: Search) -> Found {
    search::find(&app.ctx, &Remembered::default(), viewer, &search).await.unwrap()
}

fn cards(found: &Found) -> Vec<String> {
    found.cards.iter().map(|card| format!("{} v{}", card.name, card.version.major)).collect()
}

async fn found(app: &TestApp, viewer: &Viewer, text: &str, tag: Option<&str>) -> Vec<String> {
    let tags = tag.into_iter().map(str::to_owned).collect();
    let found = find(app, viewer, Search { text: text.to_owned(), tags, ..Search::default() }).await;
    assert_eq!(found.counts.total, i64::try_from(found.cards.len()).unwrap());
    if found.likeness == Likeness::Exact { cards(&found) } else { Vec::new() }
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
        let tags = find(&app, &viewer, Search::default()).await.counts.tags.clone();
        assert_eq!(tags.iter().any(|(tag, _)| tag == "finance"), sees, "a tag must not give an API away");
        let nearly = find(&app, &viewer, Search { text: "ledgre".to_owned(), ..Search::default() }).await;
        assert_eq!(nearly.cards.len(), usize::from(sees), "nor may a typing error");
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
    for text in [
        "pet",
        "PET store",
        "store pet",
        "zoo",
        "parrots",
        "parrot",
        "/animals/pets/",
        "100%",
        "animals zoo cats",
        " pets ",
    ] {
        assert_eq!(found(&app, &dev, text, None).await, pets, "{text}");
    }
    for text in ["pet books", "10%0", "p_ts", "' or 1=1 --", "ledger", "hidden", "'x':* | !'y'"] {
        assert_eq!(found(&app, &dev, text, None).await, Vec::<String>::new(), "{text}");
    }
    assert_eq!(found(&app, &dev, "", Some("public")).await, ["books v1", "pets v10", "pets v2"]);
    assert_eq!(found(&app, &dev, "book", Some("public")).await, ["books v1"]);
    assert_eq!(found(&app, &dev, "", Some("finance")).await, Vec::<String>::new());
    let tags = find(&app, &dev, Search::default()).await.counts.tags.clone();
    assert_eq!(tags, [("public".to_owned(), 3), ("animals".to_owned(), 2)]);
}

const RICH: &str = r#"
kind: api
name: payments
title: Payments
context: money/payments
summary: Charge cards.
owner: Money movement
tags: [Finance, Cards]
visibility: public
auth: [api-key]
plans: [bronze]
documents: [{name: hooks, title: Webhooks, body: "Events are signed with **Ed25519**."}]
versions:
  - version: "1.0"
    state: deprecated
    backends: {production: "http://x.example"}
  - version: "2.0"
    openapi_source: |
      openapi: 3.1.0
      info: {title: Payments, version: "2"}
      paths:
        /charges/{id}/refunds:
          post: {operationId: createRefund, summary: Give money back, responses: {"200": {description: ok}}}
    backends: {production: "http://x.example"}
---
kind: api
name: weather
title: Weather
summary: Forecasts of rain, with charges for lightning.
owner: Sky team
tags: [sky]
visibility: public
auth: [oauth2]
plans: [bronze]
versions: [{version: "1.3", backends: {production: "http://x.example"}}]
---
kind: api
name: free-weather
title: Überwachung
visibility: public
auth: []
tags: [finance, sky]
versions: [{version: "3.0", backends: {production: "http://x.example"}}]
"#;

#[tokio::test]
async fn operations_documents_fields_and_typing_errors_find_their_api() {
    let app = TestApp::start().await;
    make::publish(&app, RICH).await;
    let viewer = Viewer::Visitor;
    let exact = [
        ("createRefund", &["payments v2"][..]),
        ("refund money", &["payments v2"]),
        ("refunds", &["payments v2"]),
        ("operation:charges", &["payments v2"]),
        ("charges", &["payments v2", "payments v1", "weather v1"]),
        ("\"money back\"", &["payments v2"]),
        ("\"back money\"", &[]),
        ("ed25519", &["payments v2", "payments v1"]),
        ("doc:ed25519", &["payments v2", "payments v1"]),
        ("name:ed25519", &[]),
        ("weather", &["weather v1", "free-weather v3"]),
        ("überw", &["free-weather v3"]),
        ("tag:FINANCE", &["payments v2", "payments v1", "free-weather v3"]),
        ("tag:finance tag:sky", &["free-weather v3"]),
        ("tag:cards,sky -tag:finance", &["weather v1"]),
        ("weather -name:free", &["weather v1"]),
        ("owner:money version:1", &["payments v1"]),
        ("owner:\"Sky team\"", &["weather v1"]),
        ("owner:%", &[]),
        ("version:1.3", &["weather v1"]),
        ("auth:none", &["free-weather v3"]),
        ("-auth:none auth:oauth", &["weather v1"]),
        ("state:deprecated", &["payments v1"]),
        ("visibility:private", &[]),
    ];
    for (text, want) in exact {
        assert_eq!(found(&app, &viewer, text, None).await, want, "{text}");
    }
    for (text, want) in [
        ("paymnts", &["payments v2", "payments v1"][..]),
        ("wether forcast", &["weather v1"]),
        ("refnud", &["payments v2"]),
    ] {
        let near = find(&app, &viewer, Search { text: text.to_owned(), ..Search::default() }).await;
        assert_eq!(
            (near.likeness, cards(&near)),
            (Likeness::Near, want.iter().map(|n| (*n).to_owned()).collect()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn filters_are_counted_each_without_itself() {
    let app = TestApp::start().await;
    make::publish(&app, RICH).await;
    let text = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let search = Search { tags: text(&["sky"]), schemes: text(&["oauth2", "none"]), ..Search::default() };
    let found = find(&app, &Viewer::Visitor, search).await;
    assert_eq!(cards(&found), ["weather v1", "free-weather v3"]);
    let count = |list: &[(String, i64)], value: &str| list.iter().find(|(v, _)| v == value).map(|(_, n)| *n);
    let counts = &found.counts;
    assert_eq!((counts.all, counts.total), (4, 2));
    assert_eq!(counts.tags[0], ("sky".to_owned(), 2), "what is chosen comes first");
    assert_eq!(count(&counts.tags, "finance"), Some(1), "among those of the chosen schemes");
    assert_eq!(count(&counts.schemes, "api-key"), Some(0), "none of the tag sky takes a key");
    assert_eq!(count(&counts.states, "deprecated"), Some(0));
    let newest = Search { order: Order::Newest, page: 2, ..Search::default() };
    assert_eq!(find(&app, &Viewer::Visitor, newest).await.cards.len(), 0, "the second page of one");
}

#[tokio::test]
async fn a_search_sees_every_change_at_once() {
    let app = TestApp::start().await;
    make::publish(&app, RICH).await;
    let remembered = Remembered::default();
    let finds = async |text: &str| {
        let search = Search { text: text.to_owned(), ..Search::default() };
        let found = search::find(&app.ctx, &remembered, &Viewer::Visitor, &search).await.unwrap();
        (cards(&found), found.counts.total)
    };
    assert_eq!(finds("lightning").await, (vec!["weather v1".to_owned()], 1));
    make::publish(&app, &RICH.replace("lightning", "thunder")).await;
    assert_eq!(finds("lightning").await.1, 0);
    assert_eq!(finds("thunder").await, (vec!["weather v1".to_owned()], 1));
    make::publish(&app, &RICH.replace("createRefund", "payBack").replace("Ed25519", "RSA")).await;
    assert_eq!(finds("createRefund").await.1, 0);
    assert_eq!((finds("payback").await.1, finds("doc:rsa").await.1), (1, 2));
    let gone =
        RICH.replace("visibility: public\nauth: [oauth2]", "visibility: restricted\nroles: [admin]\nauth: [oauth2]");
    make::publish(&app, &gone).await;
    assert_eq!(finds("thunder").await.1, 0, "it is hidden now");
    sqlx::query("delete from api_audiences").execute(app.pool()).await.unwrap();
    let audience: Vec<Vec<String>> = sqlx::query_scalar("select audience from api_cards where name = 'weather'")
        .fetch_all(app.pool())
        .await
        .unwrap();
    assert_eq!(audience, [Vec::<String>::new()], "who sees it moves with the rows that say so");
    sqlx::query("delete from apis").execute(app.pool()).await.unwrap();
    assert_eq!(finds("").await, (vec![], 0));
}
