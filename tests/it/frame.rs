//! What stands around every page: files packed for their way, the operator's brand, the home page, and what a first visit weighs.

use crate::support::app::TestApp;
use crate::support::visitor::Visitor;
use crate::support::{db, http, make, shop};
use portico::base::environment::Environment;
use portico::domain::credentials::clients;
use std::collections::BTreeSet;

/// The most bytes of a first visit, everything together.
const FIRST_VISIT: usize = 60 * 1024;

fn static_files(page: &crate::support::visitor::Page) -> BTreeSet<String> {
    let links = [("link", "href"), ("script", "src"), ("use", "href"), ("img", "src")];
    let all = links.iter().flat_map(|(element, attribute)| page.attributes(element, attribute));
    all.map(|link| link.split('#').next().unwrap().to_owned()).filter(|link| link.starts_with('/')).collect()
}

#[tokio::test]
async fn files_come_packed_as_the_browser_takes_them() {
    let app = TestApp::start().await;
    let page = Visitor::new(&app).open("/").await;
    let get = async |path: &str, codings: &str| http::get(&app.portal(path), &[("accept-encoding", codings)]).await;
    for file in static_files(&page) {
        let plain = get(&file, "identity").await;
        assert_eq!((plain.status.as_u16(), plain.header("content-encoding")), (200, ""), "{file}");
        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable", "{file}");
        let is_font = file.rsplit('.').next() == Some("woff2");
        for (codings, expected) in [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip")]
        {
            let packed = get(&file, codings).await;
            assert_eq!(packed.header("content-encoding"), if is_font { "" } else { expected }, "{file}");
            assert_eq!(packed.header("vary"), "accept-encoding", "{file}");
            assert!(is_font || packed.body.len() < plain.body.len(), "{file} does not get smaller");
        }
    }
    let rules = page.answer.header("speculation-rules").trim_matches('"').to_owned();
    let rules = get(&rules, "identity").await;
    assert_eq!(rules.header("content-type"), "application/speculationrules+json");
    assert!(rules.json()["prefetch"].is_array());
    // What a member has fetched ahead could be shown after a form has changed it.
    make::developer(&app, "ada").await;
    let page = Visitor::signed_in(&app, "ada").await.open("/apis").await;
    assert_eq!(page.answer.header("speculation-rules"), "");
}

#[tokio::test]
async fn pages_travel_packed_but_for_those_that_show_a_secret() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let session = visitor.cookie("portico-session").unwrap().to_owned();
    let cookie = format!("portico-session={session}");
    let headers = [("cookie", cookie.as_str()), ("accept-encoding", "br"), ("sec-fetch-site", "same-origin")];
    let page = http::get(&app.portal("/apis"), &headers).await;
    assert_eq!((page.header("content-encoding"), page.header("cache-control")), ("br", "no-store"));
    let shown = format!("/applications/{}/credentials/sandbox", application.id);
    let page = http::get(&app.portal(&shown), &headers).await;
    assert_eq!(page.header("content-encoding"), "br");
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    let issued = http::post_form(&app.portal(&format!("{shown}/regeneration")), &headers, &[]).await;
    assert_eq!((issued.status.as_u16(), issued.header("content-encoding")), (200, ""), "{:?}", issued.headers);
    assert!(issued.text().contains("Consumer secret"));
    let page = visitor.open("/apis").await;
    assert!(page.shows("Pets"));
}

#[expect(clippy::print_stdout, reason = "what was measured is for whoever asks")]
#[tokio::test]
async fn a_first_visit_is_light() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::subscribe(&app, &ada, &application).await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let cookie = format!("portico-session={}", visitor.cookie("portico-session").unwrap());
    let headers = [("cookie", cookie.as_str()), ("accept-encoding", "br")];
    let mut heavy = Vec::new();
    for path in [
        "/".to_owned(),
        "/apis".to_owned(),
        "/apis/pets/v1".to_owned(),
        "/apis/pets/v1/keys/sandbox".to_owned(),
        "/applications".to_owned(),
        format!("/applications/{}", application.id),
        format!("/applications/{}/subscriptions", application.id),
        format!("/applications/{}/credentials/sandbox", application.id),
        "/account".to_owned(),
    ] {
        let page = visitor.open(&path).await;
        assert_eq!(page.status(), 200, "{path}");
        let mut bytes = http::get(&app.portal(&path), &headers).await.body.len();
        for file in static_files(&page).iter().filter(|file| file.starts_with("/static/")) {
            bytes += http::get(&app.portal(file), &headers).await.body.len();
        }
        println!("{path}: {bytes} bytes");
        if bytes > FIRST_VISIT {
            heavy.push(format!("{path}: {bytes} bytes"));
        }
    }
    assert!(heavy.is_empty(), "{heavy:?}");
}

#[tokio::test]
async fn the_operator_s_brand_is_on_every_page() {
    let logo = db::scratch("brand").join("logo.svg");
    std::fs::write(&logo, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>").unwrap();
    let app = TestApp::start_with(|config| {
        config.brand.name = "Meridian <Bank>".to_owned();
        config.brand.logo = Some(logo);
        config.brand.accent = Some("#086634".to_owned());
        config.brand.footer = Some("© Meridian".to_owned());
        config.brand.footer_links = vec!["Terms of use https://meridian.example/terms".to_owned()];
        config.brand.home_text = Some("Money **moves** here. <script>alert(1)</script>".to_owned());
    })
    .await;
    let mut visitor = Visitor::new(&app);
    for path in ["/", "/apis", "/sign-in", "/nothing"] {
        let page = visitor.open(path).await;
        assert!(page.one("title").ends_with("· Meridian <Bank>"), "{path}");
        let mut files = page.attributes("img, link[rel=stylesheet], link[rel=icon]", "src");
        files.extend(page.attributes("link", "href"));
        for (name, kind) in [("logo.svg", "image/svg+xml"), ("colour.css", "text/css; charset=utf-8")] {
            let file = files.iter().find(|file| file.ends_with(name)).unwrap_or_else(|| panic!("{path}: {files:?}"));
            let answer = http::get(&app.portal(file), &[]).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, kind));
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        }
    }
    let page = visitor.open("/").await;
    assert_eq!(page.one("h1"), "Build with Meridian <Bank>");
    assert_eq!(page.all(".hero strong"), ["moves"]);
    assert_eq!(page.link("Terms of use"), "https://meridian.example/terms");
    page.assert_shows("© Meridian");
    assert!(!page.answer.text().contains("<script>alert"));
    assert_eq!(visitor.open("/brand/0000000000/logo.svg").await.status(), 404);
}

#[tokio::test]
async fn the_first_steps_are_ticked_by_what_there_is() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/").await;
    assert_eq!(page.one("h1"), "Hello, ada");
    page.assert_shows("0 of 4 done");
    assert_eq!(page.one(".step.is-next strong"), "Create an application");

    let application = shop::application(&app, &ada, "Storefront").await;
    visitor.open("/").await.assert_shows("1 of 4 done");
    shop::subscribe(&app, &ada, &application).await;
    let page = visitor.open("/").await;
    page.assert_shows("Pets v1, Bronze");
    let page = visitor.follow(&page, "Generate Credentials").await;
    assert_eq!(page.at, format!("/applications/{}/credentials/sandbox", application.id));
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    let page = visitor.open("/").await;
    page.assert_shows("3 of 4 done");
    assert_eq!(page.one(".step.is-next strong"), "Call the API");

    // Put away, they stay away; and whoever may not create applications never sees them.
    let page = visitor.submit(page.form("Hide the first steps")).await;
    assert!(page.at == "/" && !page.shows("of 4 done"), "{}", page.text());
    page.assert_shows("Storefront");
    make::member(&app, "guest", &[]).await;
    let page = Visitor::signed_in(&app, "guest").await.open("/").await;
    page.assert_shows("takes the role developer");
    assert!(!page.shows("of 4 done"));
}
