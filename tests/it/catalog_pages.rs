//! The pages of the catalogue, as a browser without script meets them.

use crate::support::app::TestApp;
use crate::support::http;
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use std::fmt::Write as _;

const APIS: &str = r#"
kind: api
name: weather
title: Weather
context: air/weather
summary: Forecasts for every place.
description: |
  # In short
  Ask **anything** about [rain](https://example.com/rain), but not [this](javascript:alert(1)).

  <script>alert(2)</script>
owner: Sky team
tags: [sky, data & more]
visibility: public
auth: [api-key, oauth2]
api_key_header: X-Sky-Key
plans: [gold, bronze]
documents:
  - {name: start, title: Getting started, body: "Do *this* first."}
versions:
  - version: "1.0"
    changelog: The first.
    backends: {production: "http://127.0.0.1:1", sandbox: "http://127.0.0.1:1"}
  - version: "1.1"
    changelog: With **snow**.
    openapi_source: |
      openapi: 3.1.0
      info: {title: Weather, version: "1.1"}
      paths:
        /places/{id}: {get: {tags: [places], summary: One place, responses: {"200": {description: ok}}}}
        /places: {get: {tags: [places], operationId: listPlaces, summary: All places, responses: {"200": {description: ok}}}}
        /reports: {post: {deprecated: true, responses: {"200": {description: ok}}}}
    backends: {production: "http://127.0.0.1:1", sandbox: "http://127.0.0.1:1"}
  - version: "2.0"
    backends: {production: "http://127.0.0.1:1"}
"#;

async fn with_weather() -> TestApp {
    let app = TestApp::start().await;
    make::publish(&app, APIS).await;
    app
}

#[tokio::test]
async fn the_catalogue_has_a_card_for_each_major_version_that_the_viewer_may_see() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::publish(&app, APIS).await;
    make::developer(&app, "dana").await;
    make::member(&app, "pat", &["developer", "partner"]).await;
    let cards = |page: &Page| page.all(".api-card h3");

    let page = Visitor::new(&app).open("/apis").await;
    assert_eq!(page.one("h1"), "Build with Portico");
    assert_eq!(cards(&page), ["Pets v1", "Weather v2", "Weather v1"]);
    page.assert_shows("3 API versions");
    let mut dana = Visitor::signed_in(&app, "dana").await;
    assert_eq!(cards(&dana.open("/apis").await), ["Ledger v1", "Pets v1", "Reports v2", "Weather v2", "Weather v1"]);
    let mut pat = Visitor::signed_in(&app, "pat").await;
    assert!(cards(&pat.open("/apis").await).contains(&"Vault v1".to_owned()));
    let page = dana.open("/apis/vault/v1").await;
    assert_eq!(page.status(), 404, "what one may not see does not exist");
    assert!(!page.shows("Vault"));
    let page = Visitor::new(&app).open("/apis/reports/v2").await;
    assert_eq!((page.status(), page.link("Sign in").as_str()), (404, "/sign-in?next=%2Fapis%2Freports%2Fv2"));
}

#[tokio::test]
async fn every_page_of_a_restricted_api_is_there_for_its_role_only() {
    let app = TestApp::start().await;
    let restricted = APIS.replace("visibility: public", "visibility: restricted\nroles: [partner]");
    make::publish(&app, &format!("{{kind: role, name: partner}}\n---{restricted}")).await;
    make::developer(&app, "dana").await;
    make::member(&app, "pat", &["developer", "partner"]).await;
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let mut pat = Visitor::signed_in(&app, "pat").await;
    for page in [
        "",
        "/v1",
        "/v1/operations",
        "/v1/docs/start",
        "/v1/definition",
        "/v1/changes",
        "/v1/keys/sandbox",
        "/v1/subscriptions/new",
    ] {
        let path = format!("/apis/weather{page}");
        assert_eq!(pat.open(&path).await.status(), 200, "{path}");
        assert_eq!(dana.open(&path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_catalogue_is_searched_by_words_and_narrowed_by_filters() {
    let app = with_weather().await;
    shop::publish_unserved(&app).await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis").await;
    let page = visitor.submit(page.form("Search").fill("Search APIs", "sky FORECASTS")).await;
    assert_eq!(page.all(".api-card h3"), ["Weather v2", "Weather v1"]);
    let page = visitor.submit(page.form("Search").tick("data & more")).await;
    assert_eq!(page.all(".api-card h3"), ["Weather v2", "Weather v1"]);
    assert_eq!(page.all(".chip"), ["data & more"]);
    let page = visitor.submit(page.form("Search").fill("Search APIs", "“ledgers” <b>")).await;
    page.assert_shows("Nothing matches ““ledgers” <b>”");
    page.assert_shows("One filter is on: data & more.");
    page.assert_shows("operation:refund");
    let page = visitor.follow(&page, "Remove filter: data & more").await;
    page.assert_shows("Try fewer words");
    let page = visitor.follow(&page, "Clear filters").await;
    assert_eq!(page.all(".api-card h3").len(), 3);
    let page = visitor.submit(page.form("Search").fill("Search APIs", "wheather")).await;
    page.assert_shows("Nothing has exactly these words");
    assert_eq!(page.all(".api-card h3"), ["Weather v2", "Weather v1"]);
    for odd in ["?page=x", "?page=0", "?tag=", "?tag=%00", "?auth=magic&colour=red", "?q=%27%29%3B--&sort=worst"] {
        assert_eq!(visitor.open(&format!("/apis{odd}")).await.status(), 200, "{odd}");
    }
}

#[tokio::test]
async fn a_long_catalogue_has_pages_and_tells_what_is_subscribed() {
    let app = TestApp::start().await;
    let api = |n: usize| {
        format!(
            "kind: api\nname: api-{n:02}\ntitle: Number {n:02}\nvisibility: public\nauth: [api-key]\nplans: [bronze]\nversions: [{{version: '1.0', backends: {{production: 'http://127.0.0.1:1', sandbox: 'http://127.0.0.1:1'}}}}]\n"
        )
    };
    let all: Vec<String> = (0..30).map(api).collect();
    make::publish(&app, &all.join("---\n")).await;
    shop::publish_unserved(&app).await;
    let dana = make::developer(&app, "dana").await;
    let storefront = shop::application(&app, &dana, "Storefront").await;
    let kiosk = shop::application(&app, &dana, "Kiosk").await;
    shop::subscribe(&app, &dana, &storefront).await;
    shop::subscribe(&app, &dana, &kiosk).await;
    let mut visitor = Visitor::signed_in(&app, "dana").await;
    let page = visitor.open("/apis").await;
    page.assert_shows("33 API versions");
    page.assert_shows("1–24 of 33");
    assert!(!page.shows("Previous"));
    let page = visitor.follow(&page, "Next").await;
    assert_eq!((page.at.as_str(), page.all(".api-card").len()), ("/apis?page=2", 9));
    let list = visitor.follow(&page, "List").await;
    assert_eq!((list.at.as_str(), list.all("#results tbody tr").len()), ("/apis?view=list&page=2", 9));
    let found = visitor.submit(list.form("Search").fill("Search APIs", "pets")).await;
    assert!(found.all(".api-card").is_empty(), "still a list");
    found.assert_shows("Pets v1 Everything about pets");
    found.assert_shows("Subscribed by Kiosk and 1 more");
    visitor.follow(&found, "Cards").await.assert_shows("Subscribed : Kiosk and 1 more");
    page.assert_shows("25–33 of 33");
    page.assert_shows("Subscribed by Kiosk and 1 more");
    assert_eq!(visitor.follow(&page, "Previous").await.at, "/apis");
    let page = visitor.submit(page.form("Search").tick("Subscribed")).await;
    assert_eq!(
        (page.all(".api-card h3"), page.all(".chip")),
        (vec!["Pets v1".to_owned()], vec!["Subscribed".to_owned()])
    );
    make::developer(&app, "otto").await;
    let page = Visitor::signed_in(&app, "otto").await.open("/apis?page=2").await;
    assert!(!page.shows("Subscribed by"), "what others are subscribed to is theirs");
}

#[tokio::test]
async fn lists_for_machines_hold_what_everybody_may_see_whoever_asks() {
    let app = with_weather().await;
    shop::publish_unserved(&app).await;
    make::member(&app, "root", &["admin"]).await;
    let mut root = Visitor::signed_in(&app, "root").await;
    for path in ["/llms.txt", "/apis.md", "/.well-known/api-catalog"] {
        let answer = root.peek(path).await;
        let text = answer.text();
        assert!(
            text.contains(&app.portal("/apis/pets/v1")) && text.contains(&app.portal("/apis/weather/v2")),
            "{path}: {text}"
        );
        for hidden in ["vault", "Vault", "ledger", "reports", "Partners"] {
            assert!(!text.contains(hidden), "{path} gives {hidden} away");
        }
    }
    let llms = http::get(&app.portal("/llms.txt"), &[]).await;
    assert!(llms.text().starts_with("# Portico\n\n> "), "{}", llms.text());
    assert!(
        llms.text()
            .contains(&format!("- [Weather v2]({}): Forecasts for every place.\n", app.portal("/apis/weather/v2")))
    );

    let answer = http::get(&app.portal("/.well-known/api-catalog"), &[]).await;
    assert_eq!(
        answer.header("content-type"),
        "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\""
    );
    assert_eq!(answer.header("link"), format!("<{}>; rel=\"api-catalog\"", app.portal("/.well-known/api-catalog")));
    let body: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    let production = &app.app.urls.production;
    assert_eq!(body["linkset"][0]["item"][0]["href"], format!("{production}/pets/v1"));
    assert_eq!(body["linkset"][1]["anchor"], format!("{production}/pets/v1"));
    assert_eq!(body["linkset"][1]["service-doc"][0]["href"], app.portal("/apis/pets/v1"));
    let definition = body["linkset"][1]["service-desc"][0]["href"].as_str().unwrap();
    assert_eq!(http::get(definition, &[]).await.status, 200);
    let versions = body["linkset"].as_array().unwrap();
    let described: Vec<_> = versions.iter().filter(|v| v.get("service-desc").is_some()).collect();
    assert_eq!(described.len(), 2, "a version without a file promises none");
}

#[tokio::test]
async fn without_anonymous_browsing_everything_but_signing_in_asks_to_sign_in() {
    let app = TestApp::start_with(|config| config.portal.anonymous_browsing = false).await;
    shop::publish_unserved(&app).await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::new(&app);
    for path in [
        "/",
        "/apis",
        "/apis/pets",
        "/apis/pets/v1",
        "/apis/pets/v1/docs/start",
        "/apis/pets/v1/definition",
        "/apis/pets/v1/reference",
        "/apis/pets/v1/reference/default/list-pets",
        "/apis/pets/v1/changes",
        "/apis/none",
        "/nothing",
        "/device",
    ] {
        let answer = visitor.peek(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").starts_with("/sign-in?next=%2F"), "{path}");
    }
    for path in [
        "/llms.txt",
        "/apis.md",
        "/.well-known/api-catalog",
        "/apis/pets/v1/reference.md",
        "/apis/pets/v1/reference/default/list-pets.md",
        "/apis/pets/v1/changes.md",
        "/apis/pets/v1/openapi.json",
        "/apis/pets/v1/openapi.yaml",
    ] {
        let answer = visitor.peek(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.text().contains("Pets") && !answer.header("www-authenticate").is_empty(), "{path}");
    }
    assert_eq!(visitor.open("/sign-in").await.status(), 200);
    assert_eq!(visitor.peek("/oauth2/authorize").await.status, 400, "what clients ask has its own way to sign in");
    assert_eq!(visitor.peek("/.well-known/openid-configuration").await.status, 200);
    let mut dana = Visitor::signed_in(&app, "dana").await;
    assert_eq!(dana.open("/apis/pets/v1").await.status(), 200);
    assert!(dana.peek("/llms.txt").await.text().contains("Pets"));
}

#[tokio::test]
async fn an_empty_catalogue_says_what_to_do() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    Visitor::new(&app).open("/apis").await.assert_shows("No public APIs yet");
    Visitor::signed_in(&app, "dana").await.open("/apis").await.assert_shows("No APIs yet");
}

#[tokio::test]
async fn an_api_page_tells_where_and_how_to_call_it() {
    let app = with_weather().await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis").await;
    let page = visitor.follow(&page, "Weather v1").await;
    assert_eq!((page.at.as_str(), page.one("h1").as_str()), ("/apis/weather/v1", "Weather"));
    let (production, sandbox) = (&app.app.urls.production, &app.app.urls.sandbox);
    let urls = page.attributes("[data-copy]", "data-copy");
    assert_eq!(urls, [format!("{production}/air/weather/v1"), format!("{sandbox}/air/weather/v1")]);
    page.assert_shows("v1 always runs the latest 1.x.");
    page.assert_shows("New applications should use Weather v2.");
    page.assert_shows(&format!("curl -H \"x-sky-key: <YOUR_API_KEY>\" \\ -X GET \"{sandbox}/air/weather/v1/places\""));
    page.assert_shows("curl -H \"Authorization: Bearer <YOUR_ACCESS_TOKEN>\"");
    for fact in ["Sky team", "x-sky-key", "API key or access token (OAuth 2.0)", "24 November 2026"] {
        page.assert_shows(fact);
    }
    page.assert_shows("v1.1 answers for v1 Published");
    page.assert_shows("With snow.");
    assert_eq!(page.all("#plans, [aria-labelledby=plans] tbody strong").last().unwrap(), "Bronze", "in their order");
    let links: Vec<String> = page.all("nav.side a");
    assert_eq!(links, ["Overview", "Reference", "What changed", "Getting started", "Production", "Sandbox"]);
    assert_eq!(page.link("Sandbox"), "/apis/weather/v1/keys/sandbox");
    assert_eq!(page.all("nav.side h2"), ["Credentials"]);
    assert_eq!(visitor.open("/apis/weather").await.at, "/apis/weather/v2");
}

#[tokio::test]
async fn markdown_of_a_publisher_can_do_nothing_but_be_read() {
    let app = with_weather().await;
    let page = Visitor::new(&app).open("/apis/weather/v1").await;
    assert_eq!(page.all(".prose a"), ["rain"]);
    assert_eq!(page.all(".prose h3"), ["In short"]);
    page.assert_shows("<script>alert(2)</script>");
    assert!(page.all("script").iter().all(String::is_empty), "no script but our file");
    let page = Visitor::new(&app).open("/apis/weather/v1/docs/start").await;
    page.assert_shows("Do this first.");
    assert_eq!(Visitor::new(&app).open("/apis/weather/v1/docs/other").await.status(), 404);
}

#[tokio::test]
async fn an_api_page_lists_the_subscriptions_of_the_viewer_s_applications() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let dana = make::developer(&app, "dana").await;
    make::developer(&app, "otto").await;
    make::developer(&app, "rita").await;
    let application = shop::application(&app, &dana, "Storefront").await;
    shop::subscribe(&app, &dana, &application).await;
    shop::share(&app, &application, "rita@example.com").await;
    for name in ["dana", "rita"] {
        let page = Visitor::signed_in(&app, name).await.open("/apis/pets/v1").await;
        assert_eq!(
            page.all("[aria-labelledby=subscriptions] tbody td"),
            ["Storefront", "v1", "Bronze", "Active", "24 November 2026"]
        );
    }
    let page = Visitor::signed_in(&app, "otto").await.open("/apis/pets/v1").await;
    page.assert_shows("No application of yours is subscribed");
    assert!(!page.shows("Storefront"));
    Visitor::new(&app).open("/apis/pets/v1").await.assert_shows("Sign in to subscribe");
}

#[tokio::test]
async fn scopes_stand_with_the_api_and_with_each_operation_that_needs_some() {
    let app = TestApp::start().await;
    crate::support::scoped::publish(&app, "http://127.0.0.1:1").await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis/zoo/v1").await;
    page.assert_shows("zoo:feed Feed the animals Only for users with the role keeper");
    page.assert_shows("zoo:read See the animals");
    let page = visitor.open("/apis/zoo/v1/reference?q=post+animals").await;
    let page = visitor.follow(&page, "POST /animals A new animal").await;
    page.assert_shows("Scopes of the token zoo:read See the animals zoo:write");
    page.assert_shows("or zoo:admin");
    page.assert_shows("403 900910");
    let page = visitor.open("/apis/zoo/v1/reference?q=status").await;
    let page = visitor.follow(&page, "GET /status Whether it is open").await;
    assert!(!page.shows("Scopes of the token") && !page.shows("900910"));
    let page = visitor.open("/apis/zoo/v2").await;
    page.assert_shows("zoo:read See the animals");
}

#[tokio::test]
async fn hundreds_of_operations_are_listed_by_tag_and_page_by_page() {
    let mut openapi = String::from("      openapi: 3.0.3\n      info: {title: Big, version: '1'}\n      paths:\n");
    for n in 0..700 {
        let line = "{get: {tags: [t";
        writeln!(openapi, "        /things/{n}: {line}{}], responses: {{'200': {{description: ok}}}}}}}}", n % 20)
            .unwrap();
    }
    let app = TestApp::start().await;
    let manifest = format!(
        "kind: api\nname: big\nvisibility: public\nauth: []\nversions:\n  - version: '1.0'\n    openapi_source: |\n{openapi}    backends: {{production: 'http://127.0.0.1:1'}}\n"
    );
    make::publish(&app, &manifest).await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis/big/v1/reference").await;
    page.assert_shows("700 operations");
    assert_eq!(page.all(".oplist a").len(), 20, "one for each tag");
    let page = visitor.follow(&page, "t7 35 operations").await;
    assert_eq!((page.at.as_str(), page.all(".oplist a").len()), ("/apis/big/v1/reference?tag=t7", 35));
    let page = visitor.open("/apis/big/v1/reference?q=things").await;
    page.assert_shows("Page 1 of 7");
    assert_eq!(page.all(".oplist a").len(), 100);
    let page = visitor.follow(&page, "Next").await;
    assert_eq!(page.at, "/apis/big/v1/reference?q=things&page=2");
    let page = visitor.open("/apis/big/v1/reference?q=things&page=7").await;
    assert_eq!((page.all(".oplist a").len(), page.all("a[rel=next]").len()), (100, 0));
    assert!(page.answer.body.len() < 100_000, "{} bytes", page.answer.body.len());
}

#[tokio::test]
async fn limits_and_rules_that_consumers_must_know_stand_with_the_api() {
    let app = TestApp::start().await;
    let policies = r#"policies:
  max_body: 10 MB
  enforce_definition: true
  key_parameter: sky_key
  cors: {origins: ["https://app.example.com", "http://localhost:3000"]}
  host: secret.internal.example
  limit: {rate: {count: 500, per: second}, quota: {count: 1000000, per: month}}
  operation_limits: [{operation: POST /reports, quota: {count: 20, per: day}}]
plans: "#;
    let more = "---\nkind: plan\nname: gold\nrate: {count: 5000, per: minute}\nquota: {count: 50000, per: day}\n";
    let described = APIS.split("  - version: \"1.0\"").next().unwrap().to_owned()
        + "  - version: \"1.1\""
        + APIS.split("  - version: \"1.1\"").nth(1).unwrap().split("  - version: \"2.0\"").next().unwrap();
    make::publish(&app, &(described.replace("plans: ", policies) + more)).await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis/weather/v1").await;
    for rule in [
        "All callers together 500 requests a second, 1,000,000 a month",
        "Request body At most 10 MB",
        "Operations Only those of the OpenAPI file",
        "API key Also taken from the query, where logs may keep it; prefer the header ?sky_key=…",
        "Calls from web pages Only from these origins https://app.example.com http://localhost:3000",
        "POST /reports 20 requests a day",
        "gold 5,000 requests a minute, 50,000 a day",
    ] {
        page.assert_shows(rule);
    }
    assert!(!page.shows("secret.internal"), "what backends get is nobody's business");
    let page = visitor.open("/apis/weather/v1/reference").await;
    page.assert_shows("POST /reports Deprecated All callers together: 20 requests a day");
    make::publish(&app, &described).await;
    assert!(!visitor.open("/apis/weather/v1").await.shows("Limits and rules"), "nothing to know, nothing to read");
}
