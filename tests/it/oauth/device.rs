//! OPT-3: devices without a browser (RFC 8628).

use crate::oauth::{Registered, access_token, assert_refused, basic, part, post, register};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::{ClientKind, GrantType};
use time::Duration;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device that has begun.
pub(super) struct Device {
    client: String,
    code: String,
    pub(super) user_code: String,
}

/// A public client that may use devices, and refresh.
pub(super) async fn client(app: &TestApp) -> Registered {
    let client = register(app, Environment::Sandbox).await;
    let settings = |settings: &mut portico::domain::credentials::client_model::ClientSettings| {
        settings.kind = ClientKind::Public;
        settings.grant_types = vec![GrantType::DeviceCode, GrantType::RefreshToken];
    };
    client.configure(app, settings).await;
    client
}

async fn begin_with(app: &TestApp, client: &str, form: &[(&str, &str)]) -> Answer {
    let form: Vec<_> = form.iter().copied().chain([("client_id", client)]).collect();
    http::post_form(&app.portal("/oauth2/device_authorization"), &[], &form).await
}

pub(super) async fn begin(app: &TestApp, client: &str) -> Device {
    let answer = begin_with(app, client, &[("scope", "openid email")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    Device { client: client.to_owned(), code: text("device_code"), user_code: text("user_code") }
}

impl Device {
    pub(super) async fn asks(&self, app: &TestApp) -> Answer {
        let form = [("grant_type", DEVICE_CODE), ("client_id", &self.client), ("device_code", &self.code)];
        post(app, &[], &form).await
    }

    /// Waits for its interval, then asks.
    async fn asks_in_time(&self, app: &TestApp) -> Answer {
        app.clock.advance(Duration::seconds(5));
        self.asks(app).await
    }
}

/// Types a code as a person would.
async fn enter(visitor: &mut Visitor, code: &str) -> Page {
    let page = visitor.open("/device").await;
    visitor.submit(page.form("Continue").fill("Code", code)).await
}

async fn press(visitor: &mut Visitor, page: &Page, button: &str) -> Page {
    visitor.submit(page.form(button)).await
}

#[tokio::test]
async fn opt_3_a_user_allows_and_the_device_gets_tokens_once() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let device = begin(&app, &client.id).await;
    assert_refused(&device.asks(&app).await, 400, "authorization_pending");

    let signed_in_at = app.clock.now().unix_timestamp();
    let mut ada = Visitor::signed_in(&app, "ada").await;
    app.clock.advance(Duration::seconds(30));
    let page = enter(&mut ada, &device.user_code.to_lowercase().replace('-', " ")).await;
    assert_eq!(page.status(), 200);
    for words in ["Shop", "ada", &device.user_code, "Did you start this yourself?"] {
        page.assert_shows(words);
    }
    assert_refused(&device.asks_in_time(&app).await, 400, "authorization_pending");
    let page = press(&mut ada, &page, "Allow").await;
    page.assert_shows("You can close this page.");

    let answer = device.asks_in_time(&app).await;
    let claims = part(&access_token(&answer), 1);
    let user: uuid::Uuid =
        sqlx::query_scalar("select id from users where name = 'ada'").fetch_one(app.pool()).await.unwrap();
    assert_eq!((&claims["sub"], &claims["client_id"]), (&user.to_string().into(), &client.id.clone().into()));
    assert_eq!((&answer.json()["scope"], &answer.json()["token_type"]), (&"openid email".into(), &"Bearer".into()));
    let id = part(answer.json()["id_token"].as_str().unwrap(), 1);
    assert_eq!((&id["sub"], &id["aud"], &id["auth_time"]), (&claims["sub"], &client.id.into(), &signed_in_at.into()));
    let granted: (String, String) =
        sqlx::query_as("select id::text, grant_type from grants").fetch_one(app.pool()).await.unwrap();
    assert_eq!(granted, (claims["gid"].as_str().unwrap().to_owned(), DEVICE_CODE.to_owned()));
    assert_refused(&device.asks_in_time(&app).await, 400, "invalid_grant");
    let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type", "refresh_token"), ("client_id", &device.client), ("refresh_token", &refresh)];
    assert_eq!(part(&access_token(&post(&app, &[], &form).await), 1)["gid"], claims["gid"]);
}

#[tokio::test]
async fn opt_3_the_answer_has_what_the_device_shows() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let answer = begin_with(&app, &client.id, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    let body = answer.json();
    let code = body["user_code"].as_str().unwrap();
    let (left, right) = code.split_once('-').unwrap();
    assert!(
        [left, right].iter().all(|half| half.len() == 4 && half.bytes().all(|b| b"BCDFGHJKLMNPQRSTVWXZ".contains(&b)))
    );
    assert_eq!(body["verification_uri"], app.portal("/device"));
    assert_eq!(body["verification_uri_complete"], app.portal(&format!("/device?user_code={code}")));
    assert_eq!((&body["expires_in"], &body["interval"]), (&600.into(), &5.into()));
    assert!(body["device_code"].as_str().unwrap().len() > 40);
    let dump = format!("{:?}", shop::dump(&app).await);
    assert!(!dump.contains(body["device_code"].as_str().unwrap()), "the device code is stored");
    assert!(!dump.contains(code) && !dump.contains(&code.replace('-', "")), "the user code is stored");
}

#[tokio::test]
async fn opt_3_only_clients_that_have_chosen_it_may_begin_and_only_with_what_they_may_have() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    assert_refused(&begin_with(&app, "nobody", &[]).await, 401, "invalid_client");
    assert_refused(&begin_with(&app, &client.id, &[("client_secret", "wrong")]).await, 401, "invalid_client");
    assert_refused(&begin_with(&app, &client.id, &[("scope", "made-up")]).await, 400, "invalid_scope");
    assert_refused(&begin_with(&app, &client.id, &[("resource", "https://a.example")]).await, 400, "invalid_target");
    let url = app.portal("/oauth2/device_authorization");
    let get = http::get(&url, &[]).await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
    assert_refused(&http::post_form(&url, &[], &[]).await, 401, "invalid_client");

    // A confidential one proves itself here too.
    client.configure(&app, |settings| settings.kind = ClientKind::Confidential).await;
    assert_refused(&begin_with(&app, &client.id, &[]).await, 401, "invalid_client");
    let basic = basic(&client.id, &client.secret);
    assert_eq!(http::post_form(&url, &[("authorization", &basic)], &[]).await.status, 200);
    client.configure(&app, |settings| settings.grant_types = vec![GrantType::ClientCredentials]).await;
    let answer = http::post_form(&url, &[("authorization", &basic)], &[]).await;
    assert_refused(&answer, 400, "unauthorized_client");
    let form = [("grant_type", DEVICE_CODE), ("device_code", "x")];
    assert_refused(&post(&app, &[("authorization", &basic)], &form).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn opt_3_a_refused_device_is_told_so() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let device = begin(&app, &client.id).await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = enter(&mut ada, &device.user_code).await;
    press(&mut ada, &page, "Deny").await.assert_shows("is refused");
    for _ in 0..2 {
        assert_refused(&device.asks_in_time(&app).await, 400, "access_denied");
    }
    // What is decided stays decided, also for a page that was open all the time.
    assert_eq!(press(&mut ada, &page, "Allow").await.status(), 422);
    assert_refused(&device.asks_in_time(&app).await, 400, "access_denied");
    let grants: i64 = sqlx::query_scalar("select count(*) from grants").fetch_one(app.pool()).await.unwrap();
    assert_eq!(grants, 0);
}

#[tokio::test]
async fn opt_3_codes_end_after_ten_minutes() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let (device, other) = (begin(&app, &client.id).await, begin(&app, &client.id).await);
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = enter(&mut ada, &other.user_code).await;
    press(&mut ada, &page, "Allow").await;
    let page = enter(&mut ada, &device.user_code).await;
    app.clock.advance(Duration::seconds(600));
    let late = press(&mut ada, &page, "Allow").await;
    assert_eq!(late.status(), 422);
    late.assert_shows("No device is waiting with this code.");
    assert_refused(&device.asks(&app).await, 400, "expired_token");
    assert_refused(&other.asks(&app).await, 400, "expired_token");
}

#[tokio::test]
async fn opt_3_a_device_that_does_not_wait_is_slowed_down() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let device = begin(&app, &client.id).await;
    let after = async |seconds: i64| {
        app.clock.advance(Duration::seconds(seconds));
        device.asks(&app).await
    };
    assert_refused(&after(0).await, 400, "authorization_pending");
    assert_refused(&after(3).await, 400, "slow_down"); // from now on 10 seconds
    assert_refused(&after(5).await, 400, "slow_down"); // 15
    assert_refused(&after(15).await, 400, "authorization_pending");
    assert_refused(&after(14).await, 400, "authorization_pending"); // a second is forgiven
    assert_refused(&after(10).await, 400, "slow_down");
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = enter(&mut ada, &device.user_code).await;
    press(&mut ada, &page, "Allow").await;
    access_token(&after(0).await); // there is nothing left to wait for
}

#[tokio::test]
async fn opt_3_a_device_code_belongs_to_its_client() {
    let app = TestApp::start().await;
    let owner = client(&app).await;
    let device = begin(&app, &owner.id).await;
    let bob = make::developer(&app, "bob").await;
    let application = shop::application(&app, &bob, "Thief").await.id;
    let made = portico::domain::credentials::clients::generate(&app.ctx, &bob, application, Environment::Sandbox).await;
    let made = made.unwrap();
    let thief = Registered {
        member: bob,
        application,
        environment: Environment::Sandbox,
        id: made.client.id,
        secret: made.secret.expose().to_owned(),
    };
    thief.configure(&app, |settings| settings.grant_types = vec![GrantType::DeviceCode]).await;
    let basic = basic(&thief.id, &thief.secret);
    let steal = async || {
        let form = [("grant_type", DEVICE_CODE), ("device_code", device.code.as_str())];
        post(&app, &[("authorization", &basic)], &form).await
    };
    assert_refused(&steal().await, 400, "invalid_grant");
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = enter(&mut ada, &device.user_code).await;
    press(&mut ada, &page, "Allow").await;
    assert_refused(&steal().await, 400, "invalid_grant");
    for wrong in ["", "x", &"ptd_".repeat(20), &device.code.replace("ptd_", "ptr_")] {
        let form = [("grant_type", DEVICE_CODE), ("client_id", &owner.id), ("device_code", wrong)];
        let error = if wrong.is_empty() { "invalid_request" } else { "invalid_grant" };
        assert_refused(&post(&app, &[], &form).await, 400, error);
    }
    access_token(&device.asks_in_time(&app).await);
}

#[tokio::test]
async fn opt_3_of_parallel_questions_one_gets_the_tokens() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let device = begin(&app, &client.id).await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = enter(&mut ada, &device.user_code).await;
    press(&mut ada, &page, "Allow").await;
    let asked = futures_util::future::join_all((0..8).map(|_| device.asks(&app))).await;
    let won = asked.iter().filter(|answer| answer.status == 200).count();
    let lost = asked.iter().filter(|answer| answer.text().contains("invalid_grant")).count();
    assert_eq!((won, lost), (1, 7));
}

#[tokio::test]
async fn opt_3_a_link_with_the_code_fills_it_in_and_still_asks() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let device = begin(&app, &client.id).await;
    let path = format!("/device?user_code={}", device.user_code);

    // Whoever is not signed in signs in first and comes back.
    let mut ada = Visitor::new(&app);
    let page = ada.open(&path).await;
    let form = page.form("Sign in").fill("E-mail address", "ada@example.com").fill("Password", make::PASSWORD);
    let page = ada.submit(form).await;
    assert_eq!(page.at, path);
    let mut form = page.form("Continue");
    assert_eq!(form.value("Code"), device.user_code);
    page.assert_shows("Go on only if your device or program shows this code right now.");
    assert!(page.find_form("Allow").is_none());
    assert_refused(&device.asks(&app).await, 400, "authorization_pending");
    let page = ada.submit(form).await;
    press(&mut ada, &page, "Allow").await;
    access_token(&device.asks(&app).await);

    for nonsense in ["%3Cscript%3E", "WDJB-MJHA", "%00", ""] {
        let page = ada.open(&format!("/device?user_code={nonsense}")).await;
        assert_eq!((page.status(), page.form("Continue").value("Code").as_str()), (200, ""));
    }
}

#[tokio::test]
async fn opt_3_guessing_user_codes_is_slowed_down() {
    let app = TestApp::start_with(|config| config.portal.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let client = client(&app).await;
    let (device, own) = (begin(&app, &client.id).await, begin(&app, &client.id).await);
    make::developer(&app, "eve").await;
    let mut eve = Visitor::signed_in(&app, "eve").await;
    for guess in ["BBBB-BBBB", "BBBB-BBBC", "BBBB-BBBD", "BBBB-BBBF"] {
        assert_eq!(enter(&mut eve, guess).await.status(), 422, "{guess}");
    }
    // A right code of one's own does not begin the count anew; neither does another way to ask.
    assert_eq!(enter(&mut eve, &own.user_code).await.status(), 200);
    let fields = [("user_code", "BBBB-BBBG"), ("decision", "allow")];
    assert_eq!(eve.post("/device/decision", &fields).await.status, 422);
    let slowed = enter(&mut eve, &device.user_code).await;
    assert_eq!((slowed.status(), slowed.answer.header("retry-after")), (429, "3"));
    slowed.assert_shows("Too many wrong codes.");
    let fields = [("user_code", device.user_code.as_str()), ("decision", "allow")];
    assert_eq!(eve.post("/device/decision", &fields).await.status, 429);
    // What cannot be a code costs nothing.
    assert_eq!(enter(&mut eve, "nonsense").await.status(), 422);
    // Nobody else has to wait.
    let mut ada = Visitor::signed_in(&app, "ada").await;
    assert_eq!(enter(&mut ada, &device.user_code).await.status(), 200);
    app.clock.advance(Duration::seconds(2));
    assert_eq!(enter(&mut eve, &device.user_code).await.status(), 200);
}

#[tokio::test]
async fn opt_3_how_many_devices_may_wait_is_bounded() {
    let app = TestApp::start_with(|config| config.portal.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let client = client(&app).await;
    let many =
        "insert into device_codes (digest, user_code, client_id, address, interval_seconds, created_at, expires_at)
         select sha256(int4send(n)), sha256(int4send(n)), $1, $2 || n / $3, 5, $4, $4 + interval '600 s'
         from generate_series(1, $5) n";
    let fill = async |address: &str, each: i32, count: i32| {
        let fill = sqlx::query(many).bind(&client.id).bind(address).bind(each).bind(app.clock.now()).bind(count);
        fill.execute(app.pool()).await.unwrap();
    };
    let from = async |address: &str| {
        let url = app.portal("/oauth2/device_authorization");
        http::post_form(&url, &[("x-forwarded-for", address)], &[("client_id", &client.id)]).await
    };
    fill("192.0.2.", 1000, 99).await;
    assert_eq!(from("192.0.2.0").await.status, 200);
    let refused = from("192.0.2.0").await;
    assert_refused(&refused, 429, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(from("192.0.2.1").await.status, 200);
    sqlx::query("delete from device_codes").execute(app.pool()).await.unwrap();
    fill("10.0.0.", 1, 5000).await;
    assert_refused(&from("192.0.2.0").await, 429, "temporarily_unavailable");
    app.clock.advance(Duration::seconds(600));
    assert_eq!(from("192.0.2.0").await.status, 200);
}

#[tokio::test]
async fn opt_3_a_scope_that_is_not_the_users_to_grant_is_neither_granted_nor_dropped() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let client = client(&app).await;
    let application = portico::domain::applications::manage::get(&app.ctx, &client.member, client.application).await;
    shop::subscribe(&app, &client.member, &application.unwrap().application).await;
    let scopes = "insert into api_scopes (api_id, name, roles, position)
         select a.id, s.name, s.roles, 1 from apis a, (values ('pets:read', '{}'::text[]), ('pets:cull', '{partner}')) s (name, roles)
         where a.name = 'pets'";
    sqlx::query(scopes).execute(app.pool()).await.unwrap();
    app.settle().await;
    let begin = async |form: &[(&str, &str)]| {
        let answer = begin_with(&app, &client.id, form).await.json();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Device { client: client.id.clone(), code: text("device_code"), user_code: text("user_code") }
    };
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let device = begin(&[("scope", "pets:read pets:cull")]).await;
    let page = enter(&mut ada, &device.user_code).await;
    page.assert_shows("Your account cannot grant what it asks for.");
    assert!(page.find_form("Allow").is_none());
    let seal = page.attributes("input[name=seal]", "value").remove(0);
    let fields = [("user_code", device.user_code.as_str()), ("decision", "allow"), ("seal", &seal)];
    assert_eq!(ada.post("/device/decision", &fields).await.status, 422);
    assert_refused(&device.asks(&app).await, 400, "authorization_pending");
    press(&mut ada, &page, "Deny").await;
    assert_refused(&device.asks_in_time(&app).await, 400, "access_denied");

    // Nobody agrees to what they have not seen.
    let device = begin(&[]).await;
    let page = enter(&mut ada, &device.user_code).await;
    sqlx::query("update api_scopes set roles = '{}'").execute(app.pool()).await.unwrap();
    app.settle().await;
    let again = press(&mut ada, &page, "Allow").await;
    assert_eq!(again.status(), 422);
    again.assert_shows("pets:cull");
    assert_refused(&device.asks_in_time(&app).await, 400, "authorization_pending");
    sqlx::query("update api_scopes set roles = '{partner}' where name = 'pets:cull'")
        .execute(app.pool())
        .await
        .unwrap();
    app.settle().await;

    // Asked for nothing in particular, it gets what this user may grant.
    let device = begin(&[]).await;
    let page = enter(&mut ada, &device.user_code).await;
    press(&mut ada, &page, "Allow").await;
    let answer = device.asks(&app).await;
    access_token(&answer);
    assert_eq!(answer.json()["scope"], "pets:read");
}

#[tokio::test]
async fn opt_3_what_changed_after_the_decision_counts() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let device = begin(&app, &client.id).await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = enter(&mut ada, &device.user_code).await;
    press(&mut ada, &page, "Allow").await;
    sqlx::query("update users set disabled_at = $1").bind(app.clock.now()).execute(app.pool()).await.unwrap();
    assert_refused(&device.asks(&app).await, 400, "access_denied");
    assert_refused(&device.asks(&app).await, 400, "invalid_grant");
}
