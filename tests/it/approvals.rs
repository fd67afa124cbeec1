//! Subscriptions that somebody has to approve, and what a publisher blocks: asked for on every page where one subscribes,
//! decided by whoever looks after the API, heard by the gateway.

use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::mail;
use crate::support::upstream::Upstream;
use crate::support::visitor::{Page, Visitor};
use crate::support::{http, make, shop};
use portico::base::environment::Environment;
use portico::base::environment::Environment::{Production, Sandbox};
use portico::base::id::SubscriptionId;
use portico::domain::accounts::model::Member;
use portico::domain::applications::model::Application;
use portico::domain::credentials::clients;
use portico::domain::subscriptions::decide::{self, Extent};
use portico::domain::subscriptions::model::State;
use portico::domain::subscriptions::subscribe;
use serde_json::json;
use sqlx::Executor as _;
use time::Duration;

const GOLD: &str = "{kind: plan, name: gold, title: Gold, rate: {count: 5000, per: minute}, approval: true}\n";
const CALL: &str = "/pets/v1/pets";

/// The shop, in which `gold` needs approval and Olga looks after `pets`; Dana develops.
struct Place {
    app: TestApp,
    dana: Member,
    olga: Member,
    application: Application,
}

impl Place {
    async fn new(backend: &str) -> Self {
        let app = TestApp::start().await;
        shop::publish(&app, backend).await;
        make::publish(&app, GOLD).await;
        let dana = make::developer(&app, "dana").await;
        let olga = make::member(&app, "olga", &[]).await;
        let owner =
            "insert into api_owners (api_id, email) select id, 'olga@example.com' from apis where name = 'pets'";
        app.pool().execute(owner).await.unwrap();
        let application = shop::application(&app, &dana, "Storefront").await;
        Self { app, dana, olga, application }
    }

    async fn call(&self, environment: Environment, key: &str) -> (u16, String) {
        self.app.settle().await;
        let answer = http::get(&self.app.gateway(environment, CALL), &[("api-key", key)]).await;
        let code = serde_json::from_str::<serde_json::Value>(&answer.text()).unwrap_or_default();
        (answer.status.as_u16(), code["code"].as_str().unwrap_or_default().to_owned())
    }

    /// The state of the only subscription, and its plan.
    async fn there(&self) -> (SubscriptionId, State, String) {
        let all = subscribe::of_application(&self.app.ctx, &self.dana, self.application.id).await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        (all[0].id, all[0].state, all[0].plan_name.clone())
    }
}

fn passes() -> (u16, String) {
    (200, String::new())
}

fn refused(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

#[tokio::test]
async fn a_plan_that_needs_approval_makes_a_pending_subscription_that_opens_once_an_owner_approves() {
    let upstream = Upstream::start().await;
    let place = Place::new(&upstream.url("")).await;
    let app = &place.app;
    let mut dana = Visitor::signed_in(app, "dana").await;
    let page = dana.open("/apis/pets/v1").await;
    page.assert_shows("Needs approval by one of the API's owners");
    let page = dana.open("/apis/pets/v1/subscriptions/new").await;
    page.assert_shows("5,000 requests a minute, needs approval");
    let form = page.form("Request Subscription").fill("Application", "Storefront").tick("Gold");
    let page = dana.submit(form).await;
    page.assert_shows("The subscription is requested.");
    page.assert_shows("Storefront v1 Gold Pending");
    let key = shop::key(app, &place.dana, (&place.application, "ci"), Sandbox).await;
    let secret = key.secret.expose();
    assert_eq!(place.call(Sandbox, secret).await, refused("900909"));
    let page = dana.open("/apis/pets/v1/keys/sandbox").await;
    page.assert_shows("Subscription pending");
    let letter = mail::letter(app).await;
    assert_eq!((&*letter.to, &*letter.subject), ("olga@example.com", "dana@example.com asks for Gold of Pets v1"));

    let mut olga = Visitor::signed_in(app, "olga").await;
    let page = olga.open(&letter.path(app)).await;
    page.assert_shows("Approvals 1");
    page.assert_shows("Pending requests");
    let approve = || page.form("Approve Gold for Storefront");
    olga.submit(approve()).await.assert_shows("Approved.");
    assert_eq!(place.call(Sandbox, secret).await, passes());
    olga.submit(approve()).await.assert_shows("That request was decided, changed or withdrawn meanwhile");
    let letter = mail::letter(app).await;
    assert_eq!((&*letter.to, &*letter.subject), ("dana@example.com", "Storefront: Gold of Pets v1 is approved"));
    let page = dana.open(&format!("/applications/{}/activity", place.application.id)).await;
    page.assert_shows("Subscription requested");
    page.assert_shows("Subscription approved");
}

#[tokio::test]
async fn a_rejected_subscription_tells_why_and_can_be_asked_for_again_and_withdrawn() {
    let place = Place::new("http://127.0.0.1:1").await;
    let app = &place.app;
    let mut dana = Visitor::signed_in(app, "dana").await;
    let page = dana.open(&format!("/applications/{}/subscriptions/new?q=pets", place.application.id)).await;
    let fields = [("only", "pets/1"), ("plan:pets/1", "gold")];
    assert!(page.find_form("Add Pets v1").is_some());
    dana.post(&format!("/applications/{}/subscriptions", place.application.id), &fields).await;
    let page = dana.open(&format!("/applications/{}/subscriptions/new?q=pets", place.application.id)).await;
    page.assert_shows("latest 1.1 Pending");
    let (id, state, _) = place.there().await;
    assert_eq!(state, State::Pending);

    let mut olga = Visitor::signed_in(app, "olga").await;
    let page = olga.open("/approvals").await;
    let page = olga.follow(&page, "Reject Gold for Storefront").await;
    let long = olga.submit(page.form("Reject").fill("Reason", &"x".repeat(501))).await;
    assert_eq!(long.status(), 422);
    let page = olga.submit(long.form("Reject").fill("Reason", "Tell us <b>more</b>.")).await;
    assert_eq!(page.at, "/approvals");
    page.assert_shows("No subscription waits for you");
    let key = shop::key(app, &place.dana, (&place.application, "ci"), Sandbox).await;
    assert_eq!(place.call(Sandbox, key.secret.expose()).await, refused("900909"));
    wait_for_refusal(&mut dana).await.assert_shows("The reason given: Tell us <b>more</b>.");
    let list = format!("/applications/{}/subscriptions", place.application.id);
    let page = dana.open(&list).await;
    page.assert_shows("Rejected Tell us <b>more</b>.");

    let page = dana.follow(&page, "Request again").await;
    let page = dana.submit(page.form("Request Subscription").tick("Gold")).await;
    page.assert_shows("The subscription is requested.");
    assert_eq!(place.there().await, (id, State::Pending, "gold".to_owned()));
    let page = dana.follow(&page, "Withdraw request").await;
    dana.submit(page.form("Withdraw request")).await.assert_shows("The request is withdrawn.");
    assert!(olga.open("/approvals").await.shows("No subscription waits for you"));
    assert_eq!(olga.peek(&format!("/subscriptions/{id}/rejection")).await.status, 404);
}

async fn wait_for_refusal(visitor: &mut Visitor) -> Page {
    loop {
        let page = visitor.open("/refusals").await;
        if !page.shows("No refused calls") {
            return page;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_change_to_a_plan_that_needs_approval_leaves_the_plan_in_force_until_it_is_decided() {
    let place = Place::new("http://127.0.0.1:1").await;
    let app = &place.app;
    shop::subscribe(app, &place.dana, &place.application).await;
    let (id, ..) = place.there().await;
    let mut dana = Visitor::signed_in(app, "dana").await;
    let plan = format!("/subscriptions/{id}/plan");
    let ask = async |dana: &mut Visitor| {
        let page = dana.open(&plan).await;
        dana.submit(page.form("Save").tick("Gold")).await
    };
    let page = ask(&mut dana).await;
    page.assert_shows("The change is requested.");
    page.assert_shows("Bronze");
    page.assert_shows("Active Change to Gold requested");
    dana.submit(page.form("Withdraw change")).await;
    assert!(decide::approve(&app.ctx, &place.olga, id, "gold").await.is_err(), "withdrawn");
    ask(&mut dana).await;
    ask(&mut dana).await;
    assert_eq!(mail::letters(app).await.len(), 2, "asking twice for the same is asking once");
    decide::reject(&app.ctx, &place.olga, id, ("gold", "Not yet.")).await.unwrap();
    assert_eq!(place.there().await, (id, State::Active, "bronze".to_owned()));
    dana.open("/apis/pets/v1").await.assert_shows("Active Change to Gold rejected: Not yet.");
    ask(&mut dana).await;
    assert!(decide::approve(&app.ctx, &place.olga, id, "bronze").await.is_err(), "what the page did not show");
    decide::approve(&app.ctx, &place.olga, id, "gold").await.unwrap();
    assert_eq!(place.there().await, (id, State::Active, "gold".to_owned()));
    let page = dana.open(&plan).await;
    dana.submit(page.form("Save").tick("Bronze")).await;
    assert_eq!(place.there().await, (id, State::Active, "bronze".to_owned()), "that one needs nobody");
}

#[tokio::test]
async fn a_block_stops_production_or_everything_and_only_those_who_look_after_the_api_lift_it() {
    let upstream = Upstream::start().await;
    let place = Place::new(&upstream.url("")).await;
    let app = &place.app;
    shop::subscribe(app, &place.dana, &place.application).await;
    let (id, ..) = place.there().await;
    let live = shop::key(app, &place.dana, (&place.application, "live"), Production).await;
    let test = shop::key(app, &place.dana, (&place.application, "test"), Sandbox).await;
    let (live, test) = (live.secret.expose(), test.secret.expose());
    clients::generate(&app.ctx, &place.dana, place.application.id, Production).await.unwrap();
    let mut olga = Visitor::signed_in(app, "olga").await;
    let mut dana = Visitor::signed_in(app, "dana").await;
    let page = olga.open("/apis/pets/v1/subscribers").await;
    let page = olga.follow(&page, "Block").await;
    let form = page.form("Block").tick("Production only").fill("Reason", "Unpaid.");
    olga.submit(form).await.assert_shows("Blocked in production Unpaid.");
    assert_eq!(place.call(Production, live).await, refused("900907"));
    assert_eq!(place.call(Sandbox, test).await, passes());
    let try_it =
        [("endpoint", "default"), ("operation", "list-pets"), ("environment", "production"), ("kind", "api-key")];
    let application = place.application.id.to_string();
    let with = [&try_it[..], &[("application", application.as_str())]].concat();
    assert!(dana.post("/apis/pets/v1/calls", &with).await.text().contains("is blocked in production by its publisher"));

    decide::block(&app.ctx, &place.olga, id, (Extent::All, "Unpaid.")).await.unwrap();
    assert_eq!(place.call(Production, live).await, refused("900907"));
    assert_eq!(place.call(Sandbox, test).await, refused("900907"));
    let page = dana.open(&format!("/applications/{application}/subscriptions")).await;
    page.assert_shows("Blocked Unpaid.");
    assert!(!page.shows("Remove"));
    assert_eq!(dana.post(&format!("/subscriptions/{id}/deletion"), &[]).await.status, 409, "else a new one lifted it");
    assert_eq!(dana.post(&format!("/subscriptions/{id}/plan"), &[("plan", "bronze")]).await.status, 422);
    for decision in ["approval", "block/deletion"] {
        assert_eq!(dana.post(&format!("/subscriptions/{id}/{decision}"), &[]).await.status, 404);
    }
    let page = olga.open("/apis/pets/v1/subscribers").await;
    olga.submit(page.form("Unblock")).await.assert_shows("Its calls pass again.");
    assert_eq!(place.call(Production, live).await, passes());
    let letters: Vec<String> = mail::letters(app).await.into_iter().map(|letter| letter.subject).collect();
    assert_eq!(letters.len(), 3, "{letters:?}");
}

#[tokio::test]
async fn generating_a_key_asks_and_trying_it_out_needs_no_approval_or_says_so() {
    let place = Place::new("http://127.0.0.1:1").await;
    let app = &place.app;
    let mut dana = Visitor::signed_in(app, "dana").await;
    let page = dana.open("/apis/pets/v1/keys/sandbox/new").await;
    let form = page.form("Generate").fill("Key Name", "ci").fill("Application", "Storefront");
    let page = dana.submit(form.tick("Gold")).await;
    page.assert_shows("Calls with this key are refused for now");
    assert_eq!(place.there().await.1, State::Pending);
    let call = [("endpoint", "default"), ("operation", "list-pets"), ("environment", "sandbox"), ("kind", "api-key")];
    let chosen = place.application.id.to_string();
    let with = [&call[..], &[("application", chosen.as_str())]].concat();
    let answer = dana.post("/apis/pets/v1/calls", &with).await;
    assert!(answer.text().contains("waits for one of the API"), "{}", answer.text());
    let answer = dana.post("/apis/pets/v1/calls", &call).await;
    assert_eq!(answer.status, 200, "under bronze: {}", answer.text());
    make::publish(app, &GOLD.replace("gold", "bronze").replace("Gold", "Bronze")).await;
    make::developer(app, "eve").await;
    let answer = Visitor::signed_in(app, "eve").await.post("/apis/pets/v1/calls", &call).await;
    assert!(answer.text().contains("wait where the policy needs approval"), "{}", answer.text());
}

#[tokio::test]
async fn what_waits_is_shown_to_whoever_looks_after_the_api_and_to_nobody_else() {
    let place = Place::new("http://127.0.0.1:1").await;
    let app = &place.app;
    for name in ["eve", "paul", "root"] {
        make::member(
            app,
            name,
            match name {
                "paul" => &["publisher"],
                "root" => &["admin"],
                _ => &["developer"],
            },
        )
        .await;
    }
    for number in 0..51 {
        let application = shop::application(app, &place.dana, &format!("Shop {number:02}")).await;
        subscribe::add(&app.ctx, &place.dana, application.id, ("pets", 1), "gold").await.unwrap();
        app.clock.advance(Duration::seconds(1));
    }
    for name in ["olga", "paul", "root"] {
        let mut visitor = Visitor::signed_in(app, name).await;
        let page = visitor.open("/approvals").await;
        page.assert_shows("Approvals 51");
        assert_eq!(page.all("tbody tr").len(), 50, "{name}");
        let page = visitor.follow(&page, "Next").await;
        assert_eq!(page.all("tbody strong"), ["Shop 50"], "the oldest come first");
    }
    let mut eve = Visitor::signed_in(app, "eve").await;
    assert_eq!(eve.open("/approvals").await.status(), 404);
    assert!(!eve.open("/apis").await.shows("Approvals"));
    assert_eq!(mail::letters(app).await.len(), 5, "an address gets a few only");
}

#[tokio::test]
async fn every_state_of_approval_is_accessible_and_fits_a_phone() {
    let place = Place::new("http://127.0.0.1:1").await;
    let app = &place.app;
    let long = "A reason that says at length why it cannot be, and what would have to change first. ".repeat(5);
    let mut ids = Vec::new();
    for name in ["Pending", "Rejected", "Blocked", "Live blocked", "Changing", "Refused change"] {
        let application = shop::application(app, &place.dana, name).await;
        let plan = if matches!(name, "Pending" | "Rejected") { "gold" } else { "bronze" };
        ids.push(subscribe::add(&app.ctx, &place.dana, application.id, ("pets", 1), plan).await.unwrap().id);
    }
    for index in [4, 5] {
        subscribe::change_plan(&app.ctx, &place.dana, ids[index], "gold").await.unwrap();
    }
    decide::reject(&app.ctx, &place.olga, ids[1], ("gold", &long)).await.unwrap();
    decide::block(&app.ctx, &place.olga, ids[2], (Extent::All, "Unpaid.")).await.unwrap();
    decide::block(&app.ctx, &place.olga, ids[3], (Extent::Production, "")).await.unwrap();
    decide::reject(&app.ctx, &place.olga, ids[5], ("gold", "Not yet.")).await.unwrap();
    // One application with all of it.
    let names = "update subscriptions set application_id = $1 where id = $2 and not exists
        (select from subscriptions s where s.application_id = $1 and s.api_id = subscriptions.api_id)";
    sqlx::query(names).bind(place.application.id.0).bind(ids[1].0).execute(app.pool()).await.unwrap();
    let key = shop::key(app, &place.dana, (&place.application, "ci"), Sandbox).await.key;
    assert!(key.subscription.is_some());
    let browser = Browser::start().await;
    sign_in(&browser, app, "dana").await;
    let storefront = place.application.id;
    let (rejected, changing, pending) = (ids[1], ids[4], ids[0]);
    let mut wrong = Vec::new();
    for (name, path) in [
        ("approval-api", "/apis/pets/v1".to_owned()),
        ("approval-subscriptions", format!("/applications/{storefront}/subscriptions")),
        ("approval-application", format!("/applications/{storefront}")),
        ("approval-again", format!("/subscriptions/{rejected}/plan")),
        ("approval-change", format!("/subscriptions/{changing}/plan")),
        ("approval-withdraw", format!("/subscriptions/{pending}/deletion")),
        ("approval-add", format!("/applications/{storefront}/subscriptions/new")),
        ("approval-keys", "/apis/pets/v1/keys/sandbox".to_owned()),
        ("approval-new-key", "/apis/pets/v1/keys/sandbox/new".to_owned()),
        ("approval-subscribe", "/apis/pets/v1/subscriptions/new".to_owned()),
    ] {
        browser.open(&app.portal(&path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    browser.click("label:has(input[value=gold])").await;
    wrong.extend(faults(&browser, "approval-subscribe-gold").await);
    let shown = "return [...document.querySelectorAll('main form .row .btn')].find(b => !b.hidden).textContent";
    assert_eq!(browser.script(shown, json!([])).await, "Request Subscription");
    browser.script("document.querySelector('form[action$=\"/sign-out\"]').requestSubmit()", json!([])).await;
    browser.wait_until("return !document.querySelector('[popovertarget=me]')").await;
    sign_in(&browser, app, "olga").await;
    for (name, path) in [
        ("approvals", "/approvals".to_owned()),
        ("approval-subscribers", "/apis/pets/v1/subscribers".to_owned()),
        ("approval-reject", format!("/subscriptions/{pending}/rejection")),
        ("approval-block", format!("/subscriptions/{changing}/block")),
    ] {
        browser.open(&app.portal(&path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    browser.open(&app.portal("/approvals")).await;
    browser.click("[popovertarget=me]").await;
    wrong.extend(faults(&browser, "approvals-menu").await);
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
