//! Tokens: a client that gets them for itself and, knowing a user's password, for users; and what becomes of them.

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portico::base::environment::Environment;
use portico::base::id::ApplicationId;
use portico::domain::accounts::model::Member;
use portico::domain::credentials::client_model::{ClientSettings, GrantType};
use portico::domain::credentials::{clients, settings};
use serde_json::Value;

/// The Application Keys of an application in an environment.
pub(crate) struct Client {
    owner: Member,
    pub(crate) application: ApplicationId,
    pub(crate) environment: Environment,
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What a user has let a client have.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: Option<String>,
}

impl Client {
    /// A confidential client with the grants that these tests use.
    pub(crate) async fn of(
        app: &TestApp,
        owner: &Member,
        application: ApplicationId,
        environment: Environment,
    ) -> Self {
        let issued = clients::generate(&app.ctx, owner, application, environment).await.unwrap();
        let secret = issued.secret.expose().to_owned();
        let client = Self { owner: owner.clone(), application, environment, id: issued.client.id, secret };
        let grants = [GrantType::ClientCredentials, GrantType::Password, GrantType::RefreshToken];
        client.configure(app, |settings| settings.grant_types = grants.to_vec()).await;
        client
    }

    /// Changes the settings as the owner would.
    pub(crate) async fn configure(&self, app: &TestApp, change: impl FnOnce(&mut ClientSettings)) {
        let found = clients::get(&app.ctx, &self.owner, self.application, self.environment).await.unwrap().unwrap();
        let mut wanted = found.settings;
        change(&mut wanted);
        let place = (self.application, self.environment);
        settings::save(&app.ctx, &self.owner, place, wanted, app.app.issuer.legacy()).await.unwrap();
        app.settle().await;
    }

    /// The `Authorization` header that proves the client.
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret)))
    }

    /// Posts to one of the endpoints that want to know the client.
    pub(crate) async fn post(&self, app: &TestApp, path: &str, form: &[(&str, &str)]) -> Answer {
        http::post_form(&app.portal(path), &[("authorization", &self.basic())], form).await
    }

    /// An access token of its own.
    pub(crate) async fn token(&self, app: &TestApp) -> String {
        let answer = self.post(app, "/oauth2/token", &[("grant_type", "client_credentials")]).await;
        text(&answer.json()["access_token"])
    }

    /// Tokens for a user made by [`make`].
    pub(crate) async fn tokens_of(&self, app: &TestApp, user: &str, scope: &str) -> Tokens {
        let user = format!("{user}@example.com");
        let form = [("grant_type", "password"), ("username", &*user), ("password", make::PASSWORD), ("scope", scope)];
        Tokens::read(&self.post(app, "/oauth2/token", &form).await)
    }

    /// What the token endpoint says to a refresh token.
    pub(crate) async fn refresh(&self, app: &TestApp, token: &str) -> Answer {
        self.post(app, "/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Revokes a token; it must be done, and nothing said.
    pub(crate) async fn revoke(&self, app: &TestApp, token: &str) {
        let answer = self.post(app, "/oauth2/revoke", &[("token", token)]).await;
        assert_eq!((answer.status.as_u16(), &*answer.text()), (200, ""));
        app.settle().await;
    }

    /// What the introspection endpoint says of a token.
    pub(crate) async fn introspect(&self, app: &TestApp, token: &str) -> Value {
        let answer = self.post(app, "/oauth2/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
        answer.json()
    }

    /// Whether it says that the token is good; if not, that is all that it says.
    pub(crate) async fn is_active(&self, app: &TestApp, token: &str) -> bool {
        let said = self.introspect(app, token).await;
        let is_active = said["active"].as_bool().unwrap();
        assert!(is_active || said == serde_json::json!({ "active": false }), "{said}");
        is_active
    }
}

impl Tokens {
    pub(crate) fn read(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        Self {
            access: text(&json["access_token"]),
            refresh: text(&json["refresh_token"]),
            id: json["id_token"].as_str().map(str::to_owned),
        }
    }
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no token: {value}")).to_owned()
}
