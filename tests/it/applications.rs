//! Applications and subscriptions, as their owner, a reader and a stranger see them.

use crate::support::app::TestApp;
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::credentials::clients;

#[tokio::test]
async fn an_application_is_created_as_the_guide_says() {
    let app = TestApp::start().await;
    make::developer(&app, "ada").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open("/apis").await;
    let page = ada.follow(&page, "Applications").await;
    assert_eq!(page.one("h1"), "My Applications");
    let page = ada.follow(&page, "Create").await;
    let form = page.form("Create").fill("Name", "Storefront").fill("Description", "The web shop.");
    let page = ada.submit(form).await;
    assert_eq!(page.one("h1"), "Storefront");
    page.assert_shows("Application Overview");
    for fact in
        ["Token type JWT", "Workflow status Approved", "Application owner ada@example.com", "Shared with Nobody"]
    {
        page.assert_shows(fact);
    }
    page.assert_shows("Description The web shop.");
    let page = ada.open("/applications").await;
    assert_eq!(page.all("tbody tr").len(), 1);
    page.assert_shows("Storefront The web shop. You Approved 0 24 November 2026");
}

#[tokio::test]
async fn a_form_with_an_error_keeps_what_was_typed_and_says_where() {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/applications/new").await;
    let page = visitor.submit(page.form("Create").fill("Name", " ").fill("Description", "Kept <b>.")).await;
    assert_eq!(page.status(), 422);
    assert_eq!(page.one("#name-e"), "Enter a name.");
    assert_eq!(page.form("Create").value("Description"), "Kept <b>.");
    let page = visitor.submit(page.form("Create").fill("Name", "storefront")).await;
    let taken = "You have an application named storefront already. Choose another name.";
    assert_eq!((page.status(), page.one("#name-e").as_str()), (422, taken));
    assert_eq!(page.form("Create").value("Name"), "storefront");
    let page = visitor.submit(page.form("Create").fill("Name", &"x".repeat(71))).await;
    assert_eq!(page.one("#name-e"), "Shorten a name to 70 characters or fewer.");
    assert_eq!(visitor.open("/applications").await.all("tbody tr").len(), 1);
}

#[tokio::test]
async fn an_application_is_edited() {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/applications").await;
    let page = visitor.follow(&page, "Storefront").await;
    let page = visitor.follow(&page, "Edit").await;
    let page = visitor.submit(page.form("Save").fill("Name", "Web shop").fill("Description", "New words.")).await;
    assert_eq!(page.one("h1"), "Web shop");
    page.assert_shows("The application is saved.");
    page.assert_shows("New words.");
}

#[tokio::test]
async fn deleting_says_what_dies_with_it_and_takes_the_name_typed() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::key(&app, &ada, (&application, "one"), Environment::Sandbox).await;
    shop::key(&app, &ada, (&application, "two"), Environment::Production).await;
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("/applications/{}", application.id)).await;
    let page = visitor.follow(&page, "Delete").await;
    page.assert_shows("1 subscription, 2 API keys and 1 OAuth client go with it");
    let page = visitor.submit(page.form("Delete application").fill("Type", "storefront")).await;
    assert_eq!(page.status(), 422);
    assert_eq!(page.one("#confirm-e"), "Type Storefront exactly as it is written here.");
    let page = visitor.submit(page.form("Delete application").fill("Type", "Storefront")).await;
    assert_eq!(page.at, "/applications");
    page.assert_shows("The application is deleted.");
    page.assert_shows("Create your first application");
    for table in ["applications", "subscriptions", "api_keys", "clients", "client_secrets"] {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(app.pool()).await.unwrap();
        assert_eq!(count, 0, "{table}");
    }
}

#[tokio::test]
async fn a_reader_sees_everything_but_secrets_and_changes_nothing() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "bob").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let key = shop::key(&app, &ada, (&application, "checkout-ci"), Environment::Sandbox).await.key;
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    shop::share(&app, &application, "bob@example.com").await;
    let subscription: uuid::Uuid =
        sqlx::query_scalar("select id from subscriptions").fetch_one(app.pool()).await.unwrap();

    let mut bob = Visitor::signed_in(&app, "bob").await;
    let at = format!("/applications/{}", application.id);
    bob.open("/applications").await.assert_shows("ada@example.com Read only");
    let page = bob.open(&at).await;
    page.assert_shows("Read only, shared by ada@example.com");
    page.assert_shows("Shared with bob@example.com");
    for (path, shown) in [
        (format!("{at}/subscriptions"), "Pets v1 every minor"),
        (format!("{at}/credentials/sandbox"), "Consumer key"),
        (format!("{at}/credentials/sandbox"), "checkout-ci"),
        ("/apis/pets/v1/keys/sandbox".to_owned(), "checkout-ci"),
    ] {
        let page = bob.open(&path).await;
        page.assert_shows(shown);
        let mut forms = page.attributes("main form", "action");
        // For credentials of his own, directly on the API: those he may make.
        forms.retain(|action| action != "/apis/pets/v1/credentials/sandbox");
        assert_eq!(forms, Vec::<String>::new(), "{path} has a form that would fail");
        for link in page.attributes("main a", "href") {
            let refused = ["/deletion", "/regeneration", "/plan", "/details", "/subscriptions/new"];
            assert!(!refused.iter().any(|end| link.contains(end)), "{path} links to {link}");
        }
    }
    let acts = [
        format!("{at}/details"),
        format!("{at}/deletion"),
        format!("{at}/subscriptions"),
        format!("{at}/credentials/production"),
        format!("{at}/credentials/sandbox/regeneration"),
        format!("{at}/credentials/sandbox/old-secret/deletion"),
        format!("{at}/credentials/sandbox/deletion"),
        format!("/subscriptions/{subscription}/plan"),
        format!("/subscriptions/{subscription}/deletion"),
        format!("/api-keys/{}/regeneration", key.id),
        format!("/api-keys/{}/old-key/deletion", key.id),
        format!("/api-keys/{}/deletion", key.id),
    ];
    let before = shop::dump(&app).await;
    let fields = [("name", "Mine"), ("confirm", "Storefront"), ("api", "ledger"), ("major", "1"), ("plan", "bronze")];
    for act in &acts {
        assert_eq!(bob.post(act, &fields).await.status, 403, "a reader could post to {act}");
    }
    make::developer(&app, "eve").await;
    let mut eve = Visitor::signed_in(&app, "eve").await;
    for path in acts.iter().chain([&at, &format!("{at}/subscriptions"), &format!("{at}/credentials/sandbox")]) {
        assert_eq!(eve.post(path, &fields).await.status, if *path == at { 405 } else { 404 }, "a stranger, {path}");
        let page = eve.peek(path).await;
        assert!([404, 405].contains(&page.status.as_u16()), "a stranger could open {path}: {}", page.status);
    }
    let mut nobody = Visitor::new(&app);
    for path in &acts {
        let answer = nobody.post(path, &fields).await;
        assert!(answer.header("location").starts_with("/sign-in"), "{path}: {} {answer:?}", answer.status);
    }
    let after = shop::dump(&app).await;
    let changed: Vec<_> = ["applications", "subscriptions", "api_keys", "clients", "client_secrets"]
        .into_iter()
        .filter(|table| before.get(*table) != after.get(*table))
        .collect();
    assert_eq!(changed, Vec::<&str>::new());
}

#[tokio::test]
async fn apis_are_added_under_a_plan_moved_to_another_and_removed() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/applications").await;
    let page = visitor.follow(&page, "Storefront").await;
    let page = visitor.follow(&page, "Subscriptions").await;
    page.assert_shows("Subscription Management");
    let page = visitor.follow(&page, "Add APIs").await;
    assert_eq!(page.all("tbody strong"), ["Ledger", "Pets", "Reports"], "a restricted API is not offered");
    let page = visitor.submit(page.form("Search").fill("Search APIs", "pets")).await;
    assert_eq!(page.all("tbody strong"), ["Pets"]);
    let page = visitor.submit(page.form("Add Pets v1").fill("Subscription Policy for Pets v1", "gold")).await;
    page.assert_shows("The API is added.");
    assert_eq!(page.all("tbody strong"), ["Pets"], "the search is kept");
    page.assert_shows("Added");
    assert!(page.find_form("Add Pets v1").is_none());
    let page = visitor.follow(&page, "Done").await;
    page.assert_shows("Pets v1 every minor Gold Active");
    let page = visitor.follow(&page, "Change plan").await;
    let page = visitor.submit(page.form("Save").tick("Bronze")).await;
    page.assert_shows("Pets v1 every minor Bronze Active");
    let page = visitor.follow(&page, "Remove").await;
    page.assert_shows("Calls to this API fail at once");
    let page = visitor.submit(page.form("Remove subscription")).await;
    page.assert_shows("No subscriptions yet");
}

#[tokio::test]
async fn several_apis_are_added_together_or_none_of_them() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let at = format!("/applications/{}/subscriptions", application.id);
    let refused = [("api", "pets/1"), ("plan:pets/1", "gold"), ("api", "ledger/1"), ("plan:ledger/1", "gold")];
    assert_eq!(visitor.post(&at, &refused).await.status, 422);
    let page = visitor.open(&format!("{at}/new")).await;
    assert!(page.find_form("Add Pets v1").is_some(), "none was added");
    let form = page.form("Add selected").tick("Select Pets v1").tick("Select Ledger v1");
    let page = visitor.submit(form.fill("Subscription Policy for Pets v1", "gold")).await;
    page.assert_shows("The APIs are added.");
    let page = visitor.follow(&page, "Done").await;
    page.assert_shows("Ledger v1 every minor Bronze Active");
    page.assert_shows("Pets v1 every minor Gold Active");
    assert_eq!(page.all("tbody tr").len(), 2);
}

#[tokio::test]
async fn applications_are_searched_sorted_and_leafed_through() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let bob = make::developer(&app, "bob").await;
    for n in 1..=27 {
        shop::application(&app, &ada, &format!("Shop {n:02}")).await;
        app.clock.advance(time::Duration::minutes(1));
    }
    let shared = shop::application(&app, &bob, "100% Back_office").await;
    shop::share(&app, &shared, "ada@example.com").await;
    shop::subscribe(&app, &bob, &shared).await;
    shop::application(&app, &bob, "Nobody else's").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let names = |page: &Page| page.all("tbody strong");
    let page = visitor.open("/applications").await;
    page.assert_shows("1–25 of 28");
    assert_eq!((names(&page).len(), names(&page)[0].as_str()), (25, "100% Back_office"));
    let page = visitor.follow(&page, "Next").await;
    page.assert_shows("26–28 of 28");
    assert_eq!(names(&page), ["Shop 25", "Shop 26", "Shop 27"]);
    let page = visitor.follow(&page, "Previous").await;
    let page = visitor.submit(page.form("Search").fill("Sort by", "Newest first")).await;
    assert_eq!(names(&page)[..2], ["100% Back_office", "Shop 27"]);
    let page = visitor.follow(&page, "Next").await;
    assert_eq!(names(&page), ["Shop 03", "Shop 02", "Shop 01"], "the order is kept");
    let first = async |visitor: &mut Visitor, sort: &str| names(&visitor.open(sort).await)[0].clone();
    assert_eq!(first(&mut visitor, "/applications?sort=oldest").await, "Shop 01");
    assert_eq!(first(&mut visitor, "/applications?sort=subscriptions").await, "100% Back_office");
    for (typed, found) in
        [("SHOP 0", 9), ("%", 1), ("_", 1), ("back\\", 0), ("office", 1), ("nobody", 0), ("  shop 27 ", 1)]
    {
        let page = visitor.submit(page.form("Search").fill("Search applications", typed)).await;
        assert_eq!(names(&page).len(), found, "{typed}");
    }
    let page = visitor.open("/applications?q=nothing&page=9&sort=sideways").await;
    page.assert_shows("No name contains “nothing”");
    assert_eq!(visitor.open("/applications?page=99999999999").await.status(), 200);
}

#[tokio::test]
async fn adding_an_api_twice_or_one_that_is_not_visible_changes_nothing() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::subscribe(&app, &ada, &application).await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let at = format!("/applications/{}/subscriptions", application.id);
    let twice = visitor.post(&at, &[("only", "pets/1"), ("plan:pets/1", "gold")]).await;
    assert_eq!(twice.status, 422);
    assert!(twice.text().contains("Storefront is subscribed to Pets v1 already."), "{}", twice.text());
    for (fields, status) in [
        ([("only", "vault/1"), ("plan:vault/1", "bronze")], 404),
        ([("only", "pets/9"), ("plan:pets/9", "bronze")], 404),
        ([("only", "pets/one"), ("plan:pets/one", "bronze")], 404),
        ([("only", "pets"), ("plan:pets", "bronze")], 404),
        ([("only", "ledger/1"), ("plan:ledger/1", "gold")], 422),
        ([("only", "ledger/1"), ("plan:ledger/1", "")], 422),
        ([("only", "ledger/1"), ("plan", "bronze")], 422),
        ([("only", ""), ("q", "")], 422),
    ] {
        assert_eq!(visitor.post(&at, &fields).await.status, status, "{fields:?}");
    }
    let count: i64 = sqlx::query_scalar("select count(*) from subscriptions").fetch_one(app.pool()).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn without_the_role_nobody_creates_an_application() {
    let app = TestApp::start().await;
    make::member(&app, "guest", &[]).await;
    let mut guest = Visitor::signed_in(&app, "guest").await;
    let page = guest.open("/applications").await;
    page.assert_shows("It takes the role developer.");
    assert_eq!(guest.open("/applications/new").await.status(), 403);
    assert_eq!(guest.post("/applications", &[("name", "Mine")]).await.status, 403);
}

#[tokio::test]
async fn a_zero_byte_is_refused_or_finds_nothing_and_never_breaks_a_page() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let at = format!("/applications/{}", application.id);
    let mut ada = Visitor::signed_in(&app, "ada").await;
    for path in [
        "/applications?q=%00".to_owned(),
        "/applications?sort=%00&page=%00".to_owned(),
        "/refusals?request_id=%00".to_owned(),
        format!("{at}/refusals?request_id=%00"),
        format!("{at}/activity?before=%00&after=%00&page=%00"),
        format!("{at}/usage?period=%00&api=%00&environment=%00&key=%00"),
        format!("{at}/usage/file?key=%00"),
        format!("{at}/subscriptions/new?q=%00"),
    ] {
        let status = ada.peek(&path).await.status.as_u16();
        assert!([200, 422].contains(&status), "{path}: {status}");
    }
    for (path, form) in [
        ("/applications".to_owned(), [("name", "a\0b"), ("description", "")]),
        (format!("{at}/details"), [("name", "Shop"), ("description", "a\0b")]),
        (format!("{at}/sharing"), [("emails", "a\0b@example.com"), ("", "")]),
        (format!("{at}/sharing/deletion"), [("email", "a\0b@example.com"), ("", "")]),
        (format!("{at}/subscriptions"), [("api", "a\0b/1"), ("plan:a\0b/1", "bronze\0")]),
        ("/apis/pets/v1/subscriptions".to_owned(), [("application", "new"), ("application_name", "a\0b")]),
    ] {
        let status = ada.post(&path, &form).await.status.as_u16();
        assert!([422, 404].contains(&status), "{path}: {status}");
    }
}
