//! Transfer of ownership: by the owner, by an administrator, from whoever has left; what goes along and what does not.

use crate::support::app::TestApp;
use crate::support::upstream::Upstream;
use crate::support::visitor::Visitor;
use crate::support::{http, mail, make, shop};
use portico::base::environment::Environment;
use portico::base::error::Error;
use portico::domain::accounts::access;
use portico::domain::applications::manage;
use portico::domain::applications::transfer::{self, Former};
use portico::domain::audit::model::Actor;
use portico::domain::credentials::direct;

const BOB: &str = "bob@example.com";

#[tokio::test]
async fn an_owner_gives_an_application_away_after_reading_what_it_means_and_stays_as_a_reader() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "bob").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::share(&app, &application, BOB).await;
    let key = shop::key(&app, &ada, (&application, "ci"), Environment::Production).await;
    let at = format!("/applications/{}", application.id);
    let (mut ada, mut bob) = (Visitor::signed_in(&app, "ada").await, Visitor::signed_in(&app, "bob").await);

    let page = ada.open(&at).await;
    let page = ada.follow(&page, "Transfer ownership").await;
    let form = page.form("Continue").fill("E-mail address of the new owner", " Bob@Example.com ");
    let page = ada.submit(form).await;
    page.assert_shows("Transfer Storefront?");
    page.assert_shows("New owner bob bob@example.com");
    page.assert_shows("Former owner ada@example.com (you) stays as a reader");
    assert_eq!(bob.peek(&format!("{at}/transfer")).await.status, 403, "nothing has changed yet");
    assert!(mail::letters(&app).await.is_empty());

    let page = ada.submit(page.form("Transfer ownership")).await;
    page.assert_shows("The application has a new owner.");
    page.assert_shows("Read only, shared by bob@example.com");
    page.assert_shows("Application owner bob@example.com");
    page.assert_shows("Shared with ada@example.com");
    for path in ["/transfer", "/details", "/deletion", "/activity"] {
        assert_eq!(ada.peek(&format!("{at}{path}")).await.status, 403, "{path}");
    }
    let told = mail::letters(&app).await;
    let told: Vec<_> = told.iter().map(|letter| (&*letter.to, &*letter.subject, letter.path(&app))).collect();
    assert_eq!(
        told,
        [
            ("ada@example.com", "Storefront has another owner now", "/applications".to_owned()),
            (BOB, "Storefront is yours now", at.clone()),
        ]
    );

    let page = bob.open(&at).await;
    page.assert_shows("Application owner bob@example.com (you)");
    let page = bob.follow(&page, "Activity").await;
    page.assert_shows("Ownership transferred ada@example.com to bob@example.com ada@example.com");
    page.assert_shows("Application created");
    // What calls with its credentials notices nothing; the new owner rules over them, the former one does not.
    app.settle().await;
    let url = app.gateway(Environment::Production, "/pets/v1/pets");
    assert_eq!(http::get(&url, &[("api-key", key.secret.expose())]).await.status, 200);
    let regeneration = format!("/api-keys/{}/regeneration", key.key.id);
    assert_eq!(ada.post(&regeneration, &[]).await.status, 403);
    assert_eq!(bob.post(&regeneration, &[]).await.status, 200);
}

#[tokio::test]
async fn who_leaves_an_application_on_giving_it_away_no_longer_reaches_it() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    // Without the role production: what there is stays, and goes on.
    let bob = make::member(&app, "bob", &["developer"]).await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::key(&app, &ada, (&application, "ci"), Environment::Production).await;
    let at = format!("/applications/{}", application.id);
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("{at}/transfer")).await;
    let form = page.form("Continue").fill("E-mail address of the new owner", BOB).untick("Stay as a reader");
    let page = visitor.submit(form).await;
    page.assert_shows("Former owner ada@example.com (you) no longer sees it");
    let page = visitor.submit(page.form("Transfer ownership")).await;
    assert_eq!(page.at, "/applications");
    page.assert_shows("The application has a new owner.");
    assert_eq!(visitor.peek(&at).await.status, 404);
    assert_eq!(
        manage::get(&app.ctx, &bob, application.id).await.unwrap().application.shared_with,
        Vec::<String>::new()
    );
    let keys = Visitor::signed_in(&app, "bob").await.open(&format!("{at}/api-keys/production")).await;
    keys.assert_shows("ci");
    let detail: serde_json::Value =
        sqlx::query_scalar("select detail from audit_events where action = 'application.transferred'")
            .fetch_one(app.pool())
            .await
            .unwrap();
    assert_eq!(detail, serde_json::json!({"from": "ada@example.com", "to": BOB, "former_owner": "leaves"}));
}

#[tokio::test]
async fn whom_it_cannot_be_given_to_is_told_and_nothing_changes() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let bob = make::developer(&app, "bob").await;
    make::developer(&app, "gone").await;
    make::member(&app, "viewer", &[]).await;
    access::disable(&app.ctx, "gone@example.com", &Actor::CommandLine).await.unwrap();
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::application(&app, &bob, "STOREFRONT").await;
    let at = format!("/applications/{}/transfer", application.id);
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let before = shop::dump(&app).await;
    let nobody =
        |email: &str| format!("Nobody with an account here has the address {email}. Ask them to register first.");
    for (email, said) in [
        ("", "Enter an e-mail address such as ada@example.com.".to_owned()),
        ("ADA@example.com", "ada@example.com owns it already.".to_owned()),
        ("nobody@example.com", nobody("nobody@example.com")),
        ("gone@example.com", nobody("gone@example.com")),
        (
            "viewer@example.com",
            "viewer@example.com may not own applications yet: it takes the role developer.".to_owned(),
        ),
        (BOB, "bob@example.com has an application named Storefront already. Rename this one first.".to_owned()),
    ] {
        for confirm in ["", "yes"] {
            let answer = visitor.post(&at, &[("email", email), ("stay", "on"), ("confirm", confirm)]).await;
            assert_eq!(answer.status, 422, "{email}");
            assert!(answer.text().contains(&said), "{email}: {}", answer.text());
            assert!(answer.text().contains("checked") && answer.text().contains(&format!("value=\"{email}\"")));
        }
    }
    let mut after = shop::dump(&app).await;
    after.insert("sessions".to_owned(), before["sessions"].clone());
    assert_eq!(before, after);

    // A hundred readers are the most, the former owner included.
    for n in 0..100 {
        shop::share(&app, &application, &format!("r{n}@example.com")).await;
    }
    manage::edit(&app.ctx, &ada, application.id, "Other", "").await.unwrap();
    let full = transfer::give(&app.ctx, &ada, application.id, BOB, Former::Reads).await.unwrap_err();
    assert!(full.to_string().contains("shared with 100 people already"), "{full}");
    transfer::give(&app.ctx, &ada, application.id, BOB, Former::Leaves).await.unwrap();

    // What stands behind credentials on an API is no application yet.
    direct::generate(&app.ctx, &ada, ("pets", 1, Environment::Sandbox), Some("bronze")).await.unwrap();
    let hidden: uuid::Uuid = sqlx::query_scalar("select id from applications where direct_api_id is not null")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert!(matches!(transfer::give(&app.ctx, &ada, hidden.into(), BOB, Former::Leaves).await, Err(Error::NotFound)));
    assert!(matches!(transfer::give_any(&app.ctx, hidden.into(), BOB, Former::Leaves).await, Err(Error::NotFound)));
    assert_eq!(visitor.peek(&format!("/applications/{hidden}/transfer")).await.status, 404);
}

#[tokio::test]
async fn an_administrator_gives_away_what_somebody_who_has_left_owns() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let bob = make::developer(&app, "bob").await;
    make::member(&app, "root", &["admin"]).await;
    let application = shop::application(&app, &ada, "Storefront").await;
    access::disable(&app.ctx, "ada@example.com", &Actor::CommandLine).await.unwrap();
    let mut root = Visitor::signed_in(&app, "root").await;
    let page = root.open("/people").await;
    let page = root.follow(&page, "Applications of ada").await;
    page.assert_shows("Applications of ada Disabled");
    let page = root.follow(&page, "Transfer Storefront").await;
    let page = root.submit(page.form("Continue").fill("E-mail address of the new owner", BOB)).await;
    page.assert_shows("Former owner ada@example.com stays as a reader");
    let page = root.submit(page.form("Transfer ownership")).await;
    page.assert_shows("The application has a new owner.");
    page.assert_shows("This person owns none.");
    assert_eq!(root.peek(&format!("/applications/{}", application.id)).await.status, 404, "it is none of theirs");
    assert!(manage::get(&app.ctx, &bob, application.id).await.unwrap().for_change().is_ok());
    let letters = mail::letters(&app).await;
    assert_eq!(letters.len(), 1, "a disabled account is told nothing: {letters:?}");
    assert!(letters[0].to == BOB && letters[0].text.contains("root has made you the owner"), "{letters:?}");
    let by: String = sqlx::query_scalar("select actor from audit_events where action = 'application.transferred'")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(by, "root@example.com");
    // To oneself: one sees it then.
    let at = format!("/applications/{}/transfer", application.id);
    let taken = root.post(&at, &[("email", "root@example.com"), ("confirm", "yes")]).await;
    assert_eq!(taken.header("location"), format!("/applications/{}", application.id));
    assert!(matches!(manage::get(&app.ctx, &bob, application.id).await, Err(Error::NotFound)));
}

/// The consent page names the owner, and every node keeps what it knows of a client.
#[tokio::test]
async fn two_transfers_at_once_end_with_one_owner_and_clients_name_the_new_one() {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    let bob = make::developer(&app, "bob").await;
    make::developer(&app, "eve").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let to = async |email: &str| transfer::give(&app.ctx, &ada, application.id, email, Former::Leaves).await;
    let (first, second) = tokio::join!(to(BOB), to("eve@example.com"));
    assert_ne!(first.is_ok(), second.is_ok(), "{first:?} {second:?}");
    let changes: i64 =
        sqlx::query_scalar("select count(*) from gateway_changes where subject = 'application' and subject_id = $1")
            .bind(application.id.0)
            .fetch_one(app.pool())
            .await
            .unwrap();
    assert!(changes > 0, "nobody is told to forget its clients");
    let owned = manage::get(&app.ctx, &bob, application.id).await.is_ok();
    assert_eq!(owned, first.is_ok());
}
