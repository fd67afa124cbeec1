//! AZ-18, AZ-27: the question, and what is remembered of its answer.

use crate::oauth::authorize::{CALLBACK, Sent, Stage, agree, ask, assert_stays, refused, signing_in};
use crate::support::make;
use crate::support::visitor::Visitor;

#[tokio::test]
async fn az_18_a_denied_consent_is_told_to_the_client_and_not_remembered() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let at = page.at.clone();
    let sent = Sent::read(&bob.send_form(page.form("Deny")).await.left());
    sent.assert_refused(&stage, "access_denied");
    assert_eq!((stage.count("consents").await, stage.count("grants").await), (0, 0));
    assert_stays(ask(&mut bob, &at).await, 404, "This request has ended");
    // The next time the question comes again.
    assert!(ask(&mut bob, &stage.request(&[])).await.here().find_form("Allow").is_some());
    // Whatever is not a clear yes is a no.
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let answer = bob.post(&page.at, &[("decision", "Allow"), ("seal", "x")]).await;
    Sent::read(answer.header("location")).assert_refused(&stage, "access_denied");
}

#[tokio::test]
async fn az_27_the_question_names_application_owner_environment_and_scopes_in_words() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let scope = "openid profile email offline_access zoo:read birds:read";
    let page = ask(&mut bob, &stage.request(&[("scope", scope)])).await.here();
    assert_eq!(page.one("h1"), "Let Shop act for you?");
    for text in [
        "An application of ada",
        "Sandbox",
        "See that it is you, by an identifier",
        "See your name",
        "See your e-mail address",
        "Keep this access while you are away",
        "The zoo: See the animals zoo:read",
        "The aviary: See the birds birds:read",
        "you go on to shop.example",
        "Signed in as bob (bob@example.com).",
    ] {
        page.assert_shows(text);
    }
    assert!(!page.shows("zoo:write"));
}

#[tokio::test]
async fn az_27_consent_is_remembered_and_only_what_is_new_is_asked_for() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    agree(&mut bob, &stage.request(&[("scope", "openid zoo:read")])).await;
    for known in ["openid zoo:read", "zoo:read", "zoo:read openid", "openid"] {
        let sent = refused(&mut bob, &stage.request(&[("scope", known)])).await;
        assert_eq!(sent.error(), "", "{known}");
        assert_eq!(stage.tokens(sent.get("code")).await["scope"], known);
    }
    let page = ask(&mut bob, &stage.request(&[("scope", "openid zoo:read email")])).await.here();
    assert_eq!(page.all("section[aria-labelledby=asked] li"), ["See your e-mail address email"]);
    assert_eq!(page.all("details li").len(), 2);
    let sent = Sent::read(&bob.send_form(page.form("Allow")).await.left());
    assert_eq!(stage.tokens(sent.get("code")).await["scope"], "openid zoo:read email");
    let sent = refused(&mut bob, &stage.request(&[("scope", "email zoo:read")])).await;
    assert_eq!(sent.error(), "");
    // It holds for this user alone, and in another browser of theirs too.
    assert_eq!(refused(&mut stage.bob().await, &stage.request(&[("scope", "email")])).await.error(), "");
    make::member(&stage.app, "carol", &[]).await;
    let mut carol = Visitor::signed_in(&stage.app, "carol").await;
    assert!(ask(&mut carol, &stage.request(&[("scope", "email")])).await.here().find_form("Allow").is_some());
    // Each consent is in the audit trail.
    let given: i64 = sqlx::query_scalar("select count(*) from audit_events where action = 'consent.given'")
        .fetch_one(stage.app.pool())
        .await
        .unwrap();
    assert_eq!(given, 2);
}

#[tokio::test]
async fn az_27_an_application_that_asks_for_no_scope_is_asked_about_once_too() {
    let stage = Stage::set().await;
    stage.configure(|settings| settings.scopes = Some(Vec::new())).await;
    let mut bob = stage.bob().await;
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    page.assert_shows("It asks to call the APIs that it is subscribed to in your name, and for nothing else.");
    let sent = Sent::read(&bob.send_form(page.form("Allow")).await.left());
    assert_eq!(stage.tokens(sent.get("code")).await["scope"], "");
    assert_eq!(refused(&mut bob, &stage.request(&[])).await.error(), "");
}

#[tokio::test]
async fn az_27_nobody_agrees_to_what_they_have_not_seen() {
    let stage = Stage::set().await;
    stage.configure(|settings| settings.scopes = Some(vec!["zoo:read".to_owned()])).await;
    let mut bob = stage.bob().await;
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    // Meanwhile the owner lets the application have more: the button of the old page leads to the new question.
    stage.configure(|settings| settings.scopes = Some(vec!["zoo:read".to_owned(), "zoo:write".to_owned()])).await;
    let page = bob.submit(page.form("Allow")).await;
    page.assert_shows("The zoo: Change the animals");
    assert_eq!(stage.count("grants").await, 0);
    // And so it does when somebody else has signed in meanwhile.
    make::member(&stage.app, "carol", &[]).await;
    let sign_in = bob.open("/oauth2/authorize").await; // any page: the session is what counts
    assert_eq!(sign_in.status(), 400);
    let other = bob.follow(&page, "Not you?").await;
    let again = bob.submit(signing_in(&other, "carol")).await;
    again.assert_shows("Signed in as carol");
    let again = bob.submit(page.form("Allow")).await;
    again.assert_shows("Signed in as carol");
    assert_eq!(stage.count("grants").await, 0);
    let sent = bob.send_form(again.form("Allow")).await.left();
    assert!(sent.starts_with(CALLBACK) && sent.contains("code="), "{sent}");
    let user: String = sqlx::query_scalar("select u.name from grants g join users u on u.id = g.user_id")
        .fetch_one(stage.app.pool())
        .await
        .unwrap();
    assert_eq!(user, "carol");
}
