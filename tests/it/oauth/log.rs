//! TOK-12, KEY-4: whatever passes through the OAuth endpoints and their pages, no secret reaches a log or a metric.

use crate::oauth::{GRANT, Registered, access_token, basic, post, refresh_token, register};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::visitor::Visitor;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::GrantType;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://shop.example/callback";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// An instance, a client with all grants, and what must not be told.
struct Stage {
    app: TestApp,
    client: Registered,
    secrets: Vec<String>,
}

impl Stage {
    /// Notes the tokens of an answer.
    fn note(&mut self, answer: &Answer) {
        let body = answer.json();
        for name in ["access_token", "refresh_token", "id_token", "device_code", "user_code"] {
            self.secrets.extend(body[name].as_str().map(str::to_owned));
        }
    }

    async fn post(&mut self, form: &[(&str, &str)]) -> Answer {
        let answer = self.client.post(&self.app, form).await;
        self.note(&answer);
        answer
    }

    /// At an endpoint other than the token endpoint.
    async fn post_at(&mut self, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        let basic = basic(&self.client.id, &self.client.secret);
        let url = self.app.portal(&format!("/oauth2/{endpoint}"));
        let answer = http::post_form(&url, &[("authorization", &basic)], form).await;
        self.secrets.extend(basic.strip_prefix("Basic ").map(str::to_owned));
        answer
    }

    async fn clients_prove_themselves(&mut self) {
        let (id, secret) = (self.client.id.clone(), self.client.secret.clone());
        self.secrets.push(secret.clone());
        access_token(&self.post(&[GRANT]).await);
        let in_body = ("client_secret", secret.as_str());
        post(&self.app, &[], &[GRANT, ("client_id", &id), in_body]).await;
        let encoded = basic(&id, &secret);
        post(&self.app, &[("authorization", &encoded)], &[GRANT, in_body]).await;
        post(&self.app, &[], &[GRANT, ("client_id", &secret), ("client_secret", "hunter2-hunter2")]).await;
        let url = self.app.portal(&format!("/oauth2/token?client_secret={secret}"));
        http::post_form(&url, &[], &[GRANT]).await;
        let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        post(&self.app, &[], &[GRANT, kind, ("client_assertion", "e30.assertion-assertion.e30")]).await;
        self.secrets.extend(["hunter2-hunter2", "assertion-assertion"].map(str::to_owned));
    }

    async fn people_use_their_password(&mut self) -> (String, String) {
        let with = |word| {
            [("grant_type", "password"), ("username", "ada@example.com"), ("password", word), ("scope", "openid")]
        };
        self.post(&with("wrong-wrong-wrong")).await;
        let answer = self.post(&with(make::PASSWORD)).await;
        self.secrets.extend(["wrong-wrong-wrong", make::PASSWORD].map(str::to_owned));
        (access_token(&answer), refresh_token(&answer))
    }

    async fn tokens_come_back(&mut self, access: &str, refresh: &str) {
        let new = self.post(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
        let new = refresh_token(&new);
        for endpoint in ["introspect", "revoke"] {
            for token in [access, &new, "ptr_token-of-nobody", "a.token-of-nobody.b"] {
                assert_eq!(self.post_at(endpoint, &[("token", token)]).await.status, 200);
            }
        }
        self.secrets.push("token-of-nobody".to_owned());
        let userinfo = self.app.portal("/oauth2/userinfo");
        for token in [access, "a.token-of-nobody.b"] {
            http::get(&userinfo, &[("authorization", &format!("Bearer {token}"))]).await;
            http::get(&format!("{userinfo}?access_token={token}"), &[]).await;
        }
        self.post(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    }

    async fn a_device_is_connected(&mut self, visitor: &mut Visitor) {
        let begun = self.post_at("device_authorization", &[]).await;
        self.note(&begun);
        let begun = begun.json();
        let (code, user_code) = (begun["device_code"].as_str().unwrap(), begun["user_code"].as_str().unwrap());
        let form = [("grant_type", GrantType::DeviceCode.as_str()), ("device_code", code)];
        self.post(&form).await;
        let page = visitor.open(&format!("/device?user_code={user_code}")).await;
        let page = visitor.submit(page.form("Continue")).await;
        visitor.submit(page.form("Allow")).await.assert_shows("You can close this page.");
        access_token(&self.post(&form).await);
        self.secrets.push(user_code.replace('-', ""));
    }

    async fn a_user_comes_by_the_browser(&mut self, visitor: &mut Visitor) {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("response_type", "code")
            .append_pair("scope", "openid profile")
            .append_pair("state", "state-state-state")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let page = visitor.open(&format!("/oauth2/authorize?{query}")).await;
        let seal = page.attributes("input[name=seal]", "value").remove(0);
        let answer = visitor.post(&page.at, &[("decision", "allow"), ("seal", &seal)]).await;
        let at: url::Url = answer.header("location").parse().unwrap();
        let code = at.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let handle = page.at.rsplit('/').next().unwrap();
        let form = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code", &code)];
        self.post(&form).await;
        access_token(&self.post(&[form.as_slice(), &[("code_verifier", VERIFIER)]].concat()).await);
        self.post(&[form.as_slice(), &[("code_verifier", VERIFIER)]].concat()).await;
        self.secrets.extend([code.as_str(), handle, VERIFIER, "state-state-state"].map(str::to_owned));
    }
}

#[tokio::test]
async fn tok_12_key_4_no_secret_and_no_token_reaches_the_log_at_any_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(portico::telemetry::filter("trace").unwrap())
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(log.clone())
        .finish();
    // The test's runtime has one thread, and so has all of the portal.
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    client
        .configure(&app, |settings| {
            settings.grant_types = GrantType::ALL.into_iter().filter(|grant| *grant != GrantType::Implicit).collect();
            settings.redirect_uris = vec![CALLBACK.to_owned()];
        })
        .await;
    let mut stage = Stage { app, client, secrets: Vec::new() };
    stage.clients_prove_themselves().await;
    let (access, refresh) = stage.people_use_their_password().await;
    stage.tokens_come_back(&access, &refresh).await;
    let mut ada = Visitor::signed_in(&stage.app, "ada").await;
    stage.a_device_is_connected(&mut ada).await;
    stage.a_user_comes_by_the_browser(&mut ada).await;
    stage.secrets.extend(ada.cookie("portico-session").map(str::to_owned));

    let app = &stage.app;
    app.app.issuer.refresh(&app.ctx).await.unwrap();
    tracing::info!("{:?}", app.app.issuer);
    let master_key = std::fs::read_to_string(app.app.data_dir().join("master.key")).unwrap();
    stage.secrets.push(master_key.trim().to_owned());
    let metrics = http::get(&format!("http://{}/metrics", app.app.operations), &[]).await;
    assert_eq!(metrics.status, 200);
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("MasterKey(…)") && log.contains("/oauth2/introspect"), "the log was captured");
    assert!(stage.secrets.len() > 20, "{}", stage.secrets.len());
    for secret in &stage.secrets {
        assert!(secret.len() >= 8, "{secret} may stand there by chance");
        let told = log.lines().find(|line| line.contains(secret));
        assert_eq!(told, None, "{secret} is in the log");
        assert!(!metrics.text().contains(secret), "{secret} is in a metric");
    }
}
