//! The usage page of an application: numbers, bars, parts, filters, the file.

use crate::support::app::TestApp;
use crate::support::visitor::Visitor;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::base::tally::Credential;
use portico::domain::credentials::clients;

#[tokio::test]
async fn usage_is_told_by_day_api_key_and_outcome_and_compared_with_the_time_before() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Store, front").await;
    let other = shop::application(&app, &ada, "Another").await;
    let key = shop::key(&app, &ada, (&application, "=ci"), Environment::Sandbox).await.key;
    let client = clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap().client;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let at = format!("/applications/{}/usage", application.id);
    let page = visitor.open(&at).await;
    page.assert_shows("No calls yet");

    let (key, client) = (Credential::ApiKey(key.id), Credential::Client(client.id.into()));
    let days = 24;
    shop::calls(&app, &application, &key, &[(0, 2, 900), (2 * days, 4, 60), (2 * days, 5, 15), (8 * days, 2, 500)])
        .await;
    shop::calls(&app, &application, &client, &[(1, 2, 25)]).await;
    shop::calls(&app, &other, &key, &[(0, 2, 7777)]).await;
    let page = visitor.open(&at).await;
    page.assert_shows("Calls 1,000 100% more than the 7 days before");
    page.assert_shows("Client errors 6 % 60 answered with 4xx, 0 in the 7 days before");
    page.assert_shows("Server errors 1.5 % 15 answered with 5xx");
    page.assert_shows("Succeeded 925 4xx 60 5xx 15");
    page.assert_shows("24 Nov 925 0 0");
    page.assert_shows("22 Nov 75 60 15");
    page.assert_shows("Pets v1 1,000 7.5%");
    page.assert_shows("=ci Sandbox 975 7.6%");
    page.assert_shows("Access tokens Sandbox 25 0%");
    page.assert_shows("GET /pets/{petId} Pets v1 1,000 7.5%");
    let label = page.attributes("svg.chart", "aria-label").remove(0);
    assert_eq!(label, "Calls per day in the last 7 days: 1,000 calls; most on 24 Nov, with 925.");
    assert_eq!(page.all("g.day").len(), 7);
    assert!(!page.shows("7,777"), "those of another application");

    let page = visitor.follow(&page, "24 hours").await;
    page.assert_shows("Calls 925");
    page.assert_shows("11:00 25 0 0");
    assert_eq!(page.all("g.day").len(), 24);
    let page = visitor.submit(page.form("Show").fill("Key", "Access tokens (sandbox)")).await;
    page.assert_shows("Calls 25");
    assert_eq!(page.all("g.day").len(), 24, "the period is kept");
    let page = visitor.submit(page.form("Show").fill("Environment", "Production")).await;
    page.assert_shows("No such calls in this time");
    let page = visitor.follow(&page, "Show all").await;
    let page = visitor.follow(&page, "30 days").await;
    page.assert_shows("Calls 1,500 none in the 30 days before");

    let file = visitor.peek(&page.link("CSV")).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"usage-store-front.csv\"");
    let lines: Vec<_> = file.text().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(
        lines.iter().any(|line| line == "2026-11-22T00:00:00Z,pets,1.1,sandbox,'=ci,75,0,60,15,0,7500"),
        "{lines:#?}"
    );
    assert_eq!(visitor.peek(&format!("{at}?period=1000y&api=x&environment=moon&key=%00")).await.status, 200);
}

#[tokio::test]
async fn an_overview_shows_how_full_quotas_are_and_deleting_says_what_is_in_use() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::publish(
        &app,
        "kind: plan\nname: bronze\ntitle: Bronze\nrate: {count: 1000, per: minute}\nquota: {count: 1000, per: day}\n",
    )
    .await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let key = shop::key(&app, &ada, (&application, "ci"), Environment::Sandbox).await.key;
    let subscription: uuid::Uuid =
        sqlx::query_scalar("select id from subscriptions").fetch_one(app.pool()).await.unwrap();
    let used = "insert into quota_periods (subject, period, used) values ($1, '2026-11-24', 880)";
    sqlx::query(used).bind(format!("subscription:{subscription}:day")).execute(app.pool()).await.unwrap();
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("/applications/{}", application.id)).await;
    page.assert_shows("Pets v1 120 of 1,000 requests left today (UTC) 88%");
    page.assert_shows("Resets at 00:00 UTC, in 12 h 0 min");
    assert_eq!(page.attributes("svg.meter", "aria-label"), ["Pets v1: 88% of the quota used"]);
    page.assert_shows("Pets v1 Bronze since 24 November 2026");

    shop::calls(&app, &application, &Credential::ApiKey(key.id), &[(3, 2, 1284), (30, 2, 5)]).await;
    let page = visitor.open(&format!("/applications/{}/deletion", application.id)).await;
    page.assert_shows("In use: 1,284 calls in the last 24 hours");
}
