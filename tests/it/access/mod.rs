//! Who may use which route: each one, asked by a visitor, the owner of what it is about, another developer, somebody the
//! application is shared with, a publisher and an administrator. A route that the table leaves out is an error.

pub(crate) mod table;

use crate::access::table::Gets::{self, Again, Away, No, Nothing, Ok, On, SignIn, Unknown};
use crate::access::table::{Row, TABLE, WHO};
use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::routes;
use crate::support::visitor::Visitor;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::config::IdentityProvider;
use portico::domain::accounts::model::Member;
use portico::domain::credentials::model::Grace;
use portico::domain::credentials::{api_keys, clients};
use std::collections::BTreeSet;

/// What one row is about: an application with everything that hangs off it, made for this row if it speaks of one.
#[derive(Default)]
struct Fixture {
    number: usize,
    application: String,
    subscription: String,
    key: String,
}

impl Fixture {
    async fn make(app: &TestApp, owner: &Member, number: usize, row: &Row) -> Self {
        let texts = || std::iter::once(row.path).chain(row.form.iter().map(|(_, value)| *value));
        if !texts().any(|text| ["{id}", "{subscription}", "{key}"].iter().any(|part| text.contains(part))) {
            return Self { number, ..Self::default() };
        }
        let application = shop::application(app, owner, &format!("Shop {number}")).await;
        shop::subscribe(app, owner, &application).await;
        shop::share(app, &application, "reader@example.com").await;
        let key = shop::key(app, owner, (&application, "ci"), Environment::Sandbox).await.key;
        api_keys::regenerate(&app.ctx, owner, key.id, Grace::Hour).await.unwrap();
        clients::generate(&app.ctx, owner, application.id, Environment::Sandbox).await.unwrap();
        let subscription: uuid::Uuid = sqlx::query_scalar("select id from subscriptions where application_id = $1")
            .bind(application.id.0)
            .fetch_one(app.pool())
            .await
            .unwrap();
        let (application, key) = (application.id.to_string(), key.id.to_string());
        Self { number, application, subscription: subscription.to_string(), key }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{id}", &self.application)
            .replace("{subscription}", &self.subscription)
            .replace("{key}", &self.key)
            .replace("{environment}", "sandbox")
            .replace("{token}", "ptl_none")
            .replace("{n}", &self.number.to_string())
    }
}

fn gets(answer: &Answer) -> Option<Gets> {
    let signs_in = answer.header("location").starts_with("/sign-in");
    Some(match answer.status.as_u16() {
        200 => Ok,
        303 if signs_in => SignIn,
        303 => On,
        401 => Unknown,
        403 => No,
        404 => Nothing,
        503 => Away,
        400 | 422 => Again,
        _ => return None,
    })
}

#[tokio::test]
async fn every_route_is_open_to_whom_it_should_be_and_to_nobody_else() {
    let app = TestApp::start_with(|config| {
        config.accounts.sign_up = true;
        let nowhere = IdentityProvider {
            issuer: "http://127.0.0.1:1".to_owned(),
            client_id: "portal".to_owned(),
            client_secret: Some("secret".to_owned()),
            ..IdentityProvider::default()
        };
        config.identity_providers.insert("acme".to_owned(), nowhere);
    })
    .await;
    shop::publish_unserved(&app).await;
    let owner = make::developer(&app, "owner").await;
    make::developer(&app, "other").await;
    make::developer(&app, "reader").await;
    make::member(&app, "publisher", &["publisher"]).await;
    make::member(&app, "admin", &["admin"]).await;
    let mut visitors = Vec::new();
    for name in WHO {
        visitors.push(match name {
            "visitor" => Visitor::new(&app),
            name => Visitor::signed_in(&app, name).await,
        });
    }
    let mut wrong = Vec::new();
    for (number, row) in TABLE.iter().enumerate() {
        let fixture = Fixture::make(&app, &owner, number, row).await;
        let path = fixture.fill(row.path);
        for ((name, visitor), expected) in WHO.iter().zip(&mut visitors).zip(row.gets) {
            let form: Vec<_> =
                row.form.iter().map(|(key, value)| (*key, fixture.fill(value).replace("{who}", name))).collect();
            let form: Vec<_> = form.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let answer = match row.method {
                "get" => visitor.peek(&path).await,
                _ => visitor.post(&path, &form).await,
            };
            if gets(&answer) != Some(expected) {
                wrong.push(format!("{} {}: {name} gets {}, not {expected:?}", row.method, row.path, answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_route_is_left_out() {
    let source =
        |file: &str| std::fs::read_to_string(format!("{}/src/web/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let routes: BTreeSet<_> = routes::all().into_iter().collect();
    let name = |path: &str| match path {
        p if p.starts_with("/subscriptions/") => p.replace("{subscription}", "{id}"),
        p if p.starts_with("/api-keys/") => p.replace("{key}", "{id}"),
        p => p.to_owned(),
    };
    let listed = TABLE.iter().map(|row| (row.method.to_owned(), name(row.route)));
    let is_of_machines = |path: &str| ["/oauth2/", "/.well-known/"].iter().any(|start| path.starts_with(start));
    let (listed, others): (BTreeSet<_>, BTreeSet<_>) = listed.partition(|row| routes.contains(row));
    assert_eq!(routes, listed);
    assert!(others.iter().all(|(_, path)| is_of_machines(path)), "no such routes: {others:?}");
    assert_eq!(source("oauth/mod.rs").matches(".route(").count(), others.len(), "routes of web/oauth");
}
