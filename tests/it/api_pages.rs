//! The page of an API and the pages around it: documents, subscribing, what its owners see.

use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::http;
use crate::support::visitor::{Form, Visitor};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::base::id::{ApiId, ApplicationId};
use portico::base::latency::Latency;
use portico::base::tally::{Batch, Credential, Tally, TallyKey};
use portico::base::version::Version;
use portico::domain::publishing::apply;
use portico::domain::usage::record::Writer;
use time::Duration;

const NEW_KEY: &str = "/apis/pets/v1/keys/sandbox/new";

const NOTES: &str = r#"
kind: api
name: notes
title: Notes
owner: Paper team
support: help@paper.example
visibility: public
plans: []
documents:
  - {name: guide, title: Guide, body: "Read **this**."}
  - {name: forum, title: Forum, link: "https://forum.example/notes?a=1"}
  - {name: sheet, title: Cheat sheet, file_name: sheet.pdf, base64: "JVBERi0="}
versions:
  - version: "1.4"
    state: deprecated
    sunset: 2027-03-31
    backends: {production: "http://127.0.0.1:1", sandbox: "http://127.0.0.1:1"}
  - version: "2.0"
    backends: {production: "http://127.0.0.1:1"}
"#;

/// Makes the person with this address an owner of the API.
async fn own(app: &TestApp, api: &str, email: &str) {
    sqlx::query("insert into api_owners (api_id, email) select id, $2 from apis where name = $1")
        .bind(api)
        .bind(email)
        .execute(app.pool())
        .await
        .unwrap();
}

/// One call of `pets` that left its mark in the usage.
struct Call {
    ago: Duration,
    application: Option<ApplicationId>,
    version: (u16, u16),
    status_class: u8,
    operation: &'static str,
    calls: u64,
}

async fn count(app: &TestApp, calls: &[Call]) {
    let api: uuid::Uuid =
        sqlx::query_scalar("select id from apis where name = 'pets'").fetch_one(app.pool()).await.unwrap();
    let rows: Vec<_> = calls
        .iter()
        .map(|call| {
            let mut latency = Latency::default();
            (0..call.calls).for_each(|_| latency.record(20_000));
            let key = TallyKey {
                minute: app.clock.now() - call.ago,
                api: ApiId(api),
                version: Version { major: call.version.0, minor: call.version.1 },
                application: call.application,
                credential: Credential::None,
                environment: Environment::Sandbox,
                status_class: call.status_class,
                operation: call.operation.into(),
            };
            let sums = Tally {
                requests: call.calls,
                request_bytes: 0,
                response_bytes: 0,
                duration_us: 20_000 * call.calls,
                latency,
            };
            (key, sums)
        })
        .collect();
    Writer::default().write(&app.ctx, &Batch { number: 1, rows: rows.into() }).await.unwrap();
}

#[tokio::test]
async fn documents_are_markdown_links_and_downloads_that_no_browser_runs() {
    let app = TestApp::start().await;
    make::publish(&app, NOTES).await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis/notes/v1").await;
    let documents = page.all("nav.side a");
    assert_eq!(&documents[1..4], ["Guide", "Forum", "Cheat sheet"]);
    visitor.open("/apis/notes/v1/docs/guide").await.assert_shows("Read this.");
    let forum = visitor.open("/apis/notes/v1/docs/forum").await;
    assert_eq!(forum.link("https://forum.example/notes?a=1"), "https://forum.example/notes?a=1");
    let sheet = visitor.open("/apis/notes/v1/docs/sheet").await;
    sheet.assert_shows("sheet.pdf 5 bytes");
    let file = http::get(&app.portal(&sheet.link("Download")), &[]).await;
    assert_eq!((file.status.as_u16(), &*file.body), (200, &b"%PDF-"[..]));
    assert_eq!(file.header("content-type"), "application/pdf");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"sheet.pdf\"");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    for other in ["guide", "forum", "none"] {
        let path = format!("/apis/notes/v1/docs/{other}/file");
        assert_eq!(visitor.open(&path).await.status(), 404, "{path}");
    }
    make::publish(&app, &NOTES.replace("visibility: public", "visibility: private")).await;
    for path in ["", "/docs/guide", "/docs/forum", "/docs/sheet", "/docs/sheet/file"] {
        assert_eq!(visitor.open(&format!("/apis/notes/v1{path}")).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_document_or_a_date_that_cannot_be_kept_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    for (from, to, expected) in [
        ("https://forum.example/notes?a=1", "javascript:alert(1)", "a link begins with http:// or https://"),
        ("sheet.pdf", "sheet.html", "must be Markdown (md), or end in one of: pdf"),
        ("JVBERi0=", "%", "this is not base64"),
        ("file_name: sheet.pdf, base64", "base64", "needs `file_name` beside it"),
        ("file_name: sheet.pdf, base64: \"JVBERi0=\"", "body: a, link: b", "is one thing"),
        (", file_name: sheet.pdf, base64: \"JVBERi0=\"", "", "takes `file: docs/….md`"),
        ("help@paper.example", "our desk", "must be an e-mail address, or a URL"),
        ("2027-03-31", "2027-02-30", "must be a day such as 2027-03-31"),
        ("state: deprecated", "state: published", "say `state: deprecated` too"),
    ] {
        assert!(NOTES.contains(from), "{from}");
        let manifest = NOTES.replace(from, to);
        let problems = apply::apply_documents(&app.ctx, &[("a.yaml", manifest.as_bytes())]).await.unwrap_err();
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(expected)), "{expected}: {said:#?}");
    }
}

#[tokio::test]
async fn the_page_tells_what_ends_whom_to_ask_and_why_nobody_can_subscribe() {
    let app = TestApp::start().await;
    make::publish(&app, NOTES).await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis/notes/v1").await;
    page.assert_shows("This version is deprecated");
    page.assert_shows("It retires on 31 March 2027.");
    page.assert_shows("v1 Retires 31 Mar 2027");
    page.assert_shows("New applications should use Notes v2.");
    assert_eq!(page.link("help@paper.example"), "mailto:help@paper.example");
    make::developer(&app, "dana").await;
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let page = dana.open("/apis/notes/v2").await;
    page.assert_shows("This API offers no subscription policy");
    assert!(!page.all("a").contains(&"Subscribe".to_owned()));
    dana.open("/apis/notes/v2/subscriptions/new").await.assert_shows("No subscription can be made here");
    dana.open("/apis/notes/v1/subscriptions/new").await.assert_shows("This version is closed to new subscriptions.");
    app.clock.advance(Duration::days(200));
    Visitor::new(&app).open("/apis/notes/v1").await.assert_shows("It was to retire on 31 March 2027");
}

#[tokio::test]
async fn an_application_is_subscribed_from_the_page_of_the_api() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::publish(&app, "{kind: plan, name: bronze, title: Bronze, quota: {count: 200, per: day}, rate: unlimited}")
        .await;
    let dana = make::developer(&app, "dana").await;
    shop::application(&app, &dana, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "dana").await;
    let page = visitor.open("/apis/pets/v1").await;
    let page = visitor.follow(&page, "Subscribe").await;
    let wrong = visitor.submit(page.form("Subscribe").fill("Application", "new")).await;
    assert_eq!(wrong.status(), 422);
    wrong.assert_shows("name");
    let page = visitor.submit(page.form("Subscribe").fill("Application", "Storefront").tick("Bronze")).await;
    assert_eq!(page.at, "/apis/pets/v1");
    page.assert_shows("Subscribed.");
    page.assert_shows("Storefront v1 Bronze 200 of 200 requests left today (UTC)");
    let page = visitor.open("/apis/pets/v1/subscriptions/new").await;
    page.assert_shows("Applications of yours that are subscribed already are not listed.");
    let form = page.form("Subscribe").fill("Name of the new application", "Kiosk").tick("Gold");
    let page = visitor.submit(form).await;
    page.assert_shows("Kiosk v1 Gold");
    let again = visitor
        .post("/apis/pets/v1/subscriptions", &[("application", "new"), ("application_name", "Kiosk"), ("plan", "gold")])
        .await;
    assert_eq!(again.status, 422, "a double click makes no second one");
    let rows: i64 = sqlx::query_scalar("select count(*) from subscriptions").fetch_one(app.pool()).await.unwrap();
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn whoever_has_many_applications_is_offered_some_and_names_the_others() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let dana = make::developer(&app, "dana").await;
    for number in 0..52 {
        shop::application(&app, &dana, &format!("Shop {number}")).await;
        app.clock.advance(Duration::SECOND);
    }
    let mut visitor = Visitor::signed_in(&app, "dana").await;
    for (page, button, known) in [("/apis/pets/v1/subscriptions/new", "Subscribe", 0), (NEW_KEY, "Generate", 1)] {
        let page = visitor.open(page).await;
        let offered = page.all("#application option");
        assert_eq!(offered[..known], ["Shop 1 (subscribed)"][..known], "what is subscribed comes first");
        assert!(offered.contains(&"Shop 51".to_owned()) && !offered.contains(&"Shop 1".to_owned()), "the newest ones");
        assert_eq!(offered[known + 50..], ["Another of my applications…", "New application…"]);
        let other = |form: Form, name: &str| {
            let form = form.fill("Application", "other").fill("Name of the application", name);
            if button == "Generate" { form.fill("Key Name", "k") } else { form }
        };
        let unknown = visitor.submit(other(page.form(button), "Shop 99")).await;
        assert_eq!(unknown.status(), 422);
        assert!(unknown.one("#application_other-e").contains("You own no application named Shop 99."));
        assert_eq!(unknown.form(button).value("Name of the application"), "Shop 99");
        let done = visitor.submit(other(unknown.form(button), " shop 1 ").tick("Bronze")).await;
        assert_eq!(done.status(), 200);
    }
    let names: Vec<String> = sqlx::query_scalar(
        "select a.name from applications a join subscriptions s on s.application_id = a.id
         join api_keys k on k.application_id = a.id",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    assert_eq!(names, ["Shop 1"]);
}

#[tokio::test]
async fn owners_publishers_and_administrators_see_who_subscribed_and_nobody_else_does() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let dana = make::developer(&app, "dana").await;
    for name in ["owner", "other"] {
        make::developer(&app, name).await;
    }
    make::member(&app, "publisher", &["publisher"]).await;
    make::member(&app, "admin", &["admin"]).await;
    own(&app, "pets", "owner@example.com").await;
    for number in 0..51 {
        let application = shop::application(&app, &dana, &format!("Shop {number}")).await;
        shop::subscribe(&app, &dana, &application).await;
    }
    for name in ["owner", "publisher", "admin"] {
        let mut visitor = Visitor::signed_in(&app, name).await;
        let page = visitor.open("/apis/pets/v1").await;
        let page = visitor.follow(&page, "Subscribers").await;
        page.assert_shows("51 subscriptions");
        assert_eq!(page.all("#found tbody tr").len(), 50);
        let page = visitor.follow(&page, "Next").await;
        assert_eq!(page.all("#found tbody tr").len(), 1);
        let page = visitor.submit(page.form("Search").fill("Search subscribers", "shop 17")).await;
        assert_eq!(page.all("#found tbody strong"), ["Shop 17"]);
        page.assert_shows("dana@example.com");
        assert_eq!(visitor.open("/apis/pets/v1/subscribers?page=99999999999999999999").await.status(), 200);
    }
    let mut owner = Visitor::signed_in(&app, "owner").await;
    let mut other = Visitor::signed_in(&app, "other").await;
    let page = other.open("/apis/pets/v1").await;
    assert!(!page.shows("Subscribers") && !page.shows("Usage"));
    for path in ["subscribers", "usage", "usage/file"] {
        assert_eq!(other.open(&format!("/apis/pets/v1/{path}")).await.status(), 404, "{path}");
        assert_eq!(owner.open(&format!("/apis/reports/v2/{path}")).await.status(), 404, "only one's own: {path}");
    }
}

#[tokio::test]
async fn usage_adds_up_what_was_called_of_the_major_and_nothing_else() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let dana = make::developer(&app, "dana").await;
    own(&app, "pets", "dana@example.com").await;
    let [shop, kiosk] =
        [shop::application(&app, &dana, "=Storefront").await.id, shop::application(&app, &dana, "Kiosk").await.id];
    let call = |ago, application, status_class, calls| Call {
        ago,
        application,
        version: (1, 1),
        status_class,
        operation: "GET /pets",
        calls,
    };
    count(
        &app,
        &[
            call(Duration::minutes(5), Some(shop), 2, 60),
            call(Duration::minutes(6), Some(shop), 4, 20),
            call(Duration::days(3), Some(kiosk), 5, 20),
            call(Duration::days(40), Some(kiosk), 2, 50),
            Call { version: (10, 0), ..call(Duration::minutes(5), Some(kiosk), 2, 1000) },
            Call { operation: "", ..call(Duration::days(4), None, 2, 7) },
        ],
    )
    .await;
    let (minutes, hours): (i64, i64) = sqlx::query_as(
        "select (select sum(requests)::bigint from usage_minutes), (select sum(requests)::bigint from usage_hours)",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!((minutes, hours), (1157, 1157));

    let mut visitor = Visitor::signed_in(&app, "dana").await;
    let page = visitor.open("/apis/pets/v1/usage").await;
    page.assert_shows("Calls 107 114% more than the 30 days before");
    page.assert_shows("Succeeded 62.6 % 40 calls failed");
    assert_eq!(
        page.all("[aria-labelledby=applications] tbody td"),
        [
            "=Storefront",
            "dana@example.com",
            "80",
            "25%",
            "Kiosk",
            "dana@example.com",
            "20",
            "100%",
            "Without a credential",
            "",
            "7",
            "0%"
        ]
    );
    assert_eq!(page.all("[aria-labelledby=operations] tbody td")[..4], ["GET /pets", "100", "40%", "21 ms"]);
    assert_eq!(page.all(".plot g").len(), 30);
    let day = visitor.follow(&page, "24 hours").await;
    day.assert_shows("Calls 80 none in the 24 hours before");
    assert_eq!(day.all(".plot g").len(), 24);
    let production = visitor.open("/apis/pets/v1/usage?environment=production").await;
    production.assert_shows("No calls in this time");
    let one = visitor.follow(&page, "Kiosk").await;
    one.assert_shows("Only calls of Kiosk");
    one.assert_shows("Calls 20");
    let csv = visitor.peek(&page.link("CSV")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let text = csv.text();
    assert!(
        text.starts_with("from,environment,application,operation,calls,succeeded,client_errors,server_errors\r\n"),
        "{text}"
    );
    assert!(text.contains("2026-11-24T00:00:00Z,sandbox,'=Storefront,GET /pets,80,60,20,0\r\n"), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
    // The hours go with the minutes.
    app.clock.advance(Duration::days(60));
    portico::domain::usage::retention::sweep(&app.ctx, 30).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from usage_hours").fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_pages_for_owners_are_accessible_and_fit_a_phone() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::publish(&app, NOTES).await;
    make::publish(&app, "{kind: plan, name: bronze, title: Bronze, quota: {count: 200, per: day}, rate: unlimited}")
        .await;
    let dana = make::developer(&app, "dana").await;
    own(&app, "pets", "dana@example.com").await;
    own(&app, "notes", "dana@example.com").await;
    let shop = shop::application(&app, &dana, "Storefront").await;
    shop::subscribe(&app, &dana, &shop).await;
    let long = shop::application(&app, &dana, &format!("<script>{}", "W".repeat(60))).await;
    shop::subscribe(&app, &dana, &long).await;
    let calls: Vec<Call> = (0..30_u16)
        .map(|day| Call {
            ago: Duration::days(day.into()),
            application: Some(if day % 3 == 0 { long.id } else { shop.id }),
            version: (1, 1),
            status_class: if day % 7 == 3 {
                5
            } else if day % 5 == 1 {
                4
            } else {
                2
            },
            operation: if day % 2 == 0 {
                "GET /pets/{petId}/a/very/long/path/that/does/not/fit/on/any/phone/at/all"
            } else {
                ""
            },
            calls: 300 + u64::from(day * 37 % 11) * 40,
        })
        .collect();
    count(&app, &calls).await;
    for (number, reason) in ["not_subscribed", "rate_exceeded", "from_the_future"].iter().enumerate() {
        sqlx::query(
            "insert into refusals (request_id, at, application_id, credential, environment, api_id, version, method, path, reason)
             select $1, $2, $3, 'gone', 'sandbox', id, '1.1', 'GET', '/pets/v1/' || repeat('long', 60), $4 from apis where name = 'pets'",
        )
        .bind(format!("{number:032}"))
        .bind(app.clock.now() - Duration::hours(1))
        .bind(shop.id.0)
        .bind(reason)
        .execute(app.pool())
        .await
        .unwrap();
    }
    let browser = Browser::start().await;
    sign_in(&browser, &app, "dana").await;
    let mut wrong = Vec::new();
    for (name, path) in [
        ("api-subscribed", "/apis/pets/v1"),
        ("api-usage", "/apis/pets/v1/usage"),
        ("api-usage-hours", "/apis/pets/v1/usage?period=24h"),
        ("api-usage-empty", "/apis/notes/v1/usage"),
        ("api-subscribers", "/apis/pets/v1/subscribers"),
        ("api-subscribers-none", "/apis/notes/v1/subscribers"),
        ("api-deprecated", "/apis/notes/v1"),
        ("api-without-plan", "/apis/notes/v2"),
        ("api-link", "/apis/notes/v1/docs/forum"),
        ("api-file", "/apis/notes/v1/docs/sheet"),
        ("api-subscribe", "/apis/ledger/v1/subscriptions/new"),
        ("api-subscribe-closed", "/apis/notes/v2/subscriptions/new"),
        ("refusals", "/refusals"),
        ("refusals-found", "/refusals?request_id=00000000000000000000000000000001"),
        ("refusals-none", "/refusals?request_id=nothing"),
    ] {
        browser.open(&app.portal(path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    browser.open(&app.portal("/apis/ledger/v1")).await;
    browser.click(".actions [data-dialog]").await;
    browser.wait_for("dialog[open] form").await;
    wrong.extend(faults(&browser, "api-subscribe-dialog").await);
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
