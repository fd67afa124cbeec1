//! An OpenID Connect provider that keeps to the rules until a test tells it not to: with a real key, real codes and PKCE.

use crate::support::app::TestApp;
use crate::support::upstream::{Seen, Upstream};
use crate::support::visitor::{Page, Visitor};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use portico::config::{Config, IdentityProvider};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use url::form_urlencoded;

pub(crate) const CLIENT: &str = "portal";
pub(crate) const SECRET: &str = "s3cret+/of the portal";

/// How the ID token is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signed {
    ByOurKey,
    ByAnotherKey,
    /// `alg: none`.
    ByNobody,
    /// HS256 with the client's secret.
    WithTheSecret,
}

/// What it does; a test changes it.
pub(crate) struct Script {
    pub(crate) claims: Value,
    pub(crate) userinfo: Value,
    pub(crate) signed: Signed,
    pub(crate) kid: &'static str,
    /// Names of the keys that it publishes; all of them are the same key.
    pub(crate) published: Vec<&'static str>,
    pub(crate) token_status: u16,
    pub(crate) metadata: Value,
    pub(crate) is_down: bool,
    pub(crate) header: Value,
    codes: HashMap<String, Begun>,
}

#[derive(Clone)]
struct Begun {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

/// A running provider.
pub(crate) struct Op {
    upstream: Upstream,
    script: Arc<Mutex<Script>>,
}

/// A browser on its way to the provider.
pub(crate) struct Away {
    pub(crate) to: String,
    pub(crate) parameters: HashMap<String, String>,
}

impl Op {
    /// One that says of whoever comes that it is Ada. `now` is the time of the portal.
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script {
            claims: json!({ "sub": "ada-1", "email": "ada@acme.example", "email_verified": true, "name": "Ada L." }),
            userinfo: json!({}),
            signed: Signed::ByOurKey,
            kid: "k1",
            published: vec!["k1"],
            token_status: 200,
            metadata: json!({}),
            is_down: false,
            header: json!({}),
            codes: HashMap::new(),
        }));
        let keys = [(); 2].map(|()| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
        let told = Arc::clone(&script);
        let upstream = Upstream::answering(move |seen| answer(seen, &mut told.lock().unwrap(), &keys)).await;
        Self { upstream, script }
    }

    pub(crate) fn issuer(&self) -> String {
        self.upstream.url("")
    }

    pub(crate) fn tell(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// How often it was asked for a path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.upstream.seen().iter().filter(|seen| seen.target == path).count()
    }

    /// A portal that knows it as `acme`.
    pub(crate) async fn portal(&self, change: impl FnOnce(&mut Config, &mut IdentityProvider)) -> TestApp {
        let issuer = self.issuer();
        TestApp::start_with(move |config| {
            let mut provider = IdentityProvider {
                title: Some("Acme".to_owned()),
                issuer,
                client_id: CLIENT.to_owned(),
                client_secret: Some(SECRET.to_owned()),
                ..IdentityProvider::default()
            };
            change(config, &mut provider);
            config.identity_providers.insert("acme".to_owned(), provider);
        })
        .await
    }

    /// A browser that has pressed the button on this page.
    pub(crate) async fn away(visitor: &mut Visitor, page: &Page) -> Away {
        Self::away_by(visitor, page, "Sign in with Acme").await
    }

    /// The same, by another button.
    pub(crate) async fn away_by(visitor: &mut Visitor, page: &Page, button: &str) -> Away {
        let to = visitor.send_form(page.form(button)).await.left();
        let query = to.split_once('?').unwrap().1.as_bytes();
        let parameters = form_urlencoded::parse(query).into_owned().collect();
        Away { to, parameters }
    }

    /// Where the provider sends a browser back to with a code, after it has signed somebody in.
    pub(crate) fn back(&self, away: &Away, app: &TestApp) -> String {
        let get = |name: &str| away.parameters[name].clone();
        let begun = Begun { nonce: get("nonce"), challenge: get("code_challenge"), redirect_uri: get("redirect_uri") };
        let now = app.clock.now().unix_timestamp();
        self.tell(|script| {
            script.codes.insert("a code".to_owned(), begun);
            script.claims["iat"] = now.into();
            script.claims["exp"] = (now + 300).into();
        });
        let pairs = [("code", "a code"), ("state", &away.parameters["state"]), ("iss", &self.issuer())];
        format!("{}?{}", get("redirect_uri"), encode(&pairs))
    }

    /// Signs in from the sign-in page; where that ends.
    pub(crate) async fn sign_in(&self, visitor: &mut Visitor, app: &TestApp) -> Page {
        let page = visitor.open("/sign-in").await;
        let away = Self::away(visitor, &page).await;
        visitor.go(&self.back(&away, app)).await.here()
    }

    /// The same, changed: `forge` changes the claims after the provider has made them.
    pub(crate) async fn sign_in_as(&self, app: &TestApp, claims: Value) -> Page {
        self.tell(|script| script.claims = claims);
        self.sign_in(&mut Visitor::new(app), app).await
    }
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Away {
    /// An error of the provider in place of a code.
    pub(crate) fn refused(&self, error: &str, issuer: &str) -> String {
        let pairs = [("error", error), ("state", &self.parameters["state"]), ("iss", issuer)];
        format!("{}?{}", self.parameters["redirect_uri"], encode(&pairs))
    }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn json_answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(body.to_string())).unwrap()
}

fn answer(seen: &Seen, script: &mut Script, keys: &[EcdsaKeyPair; 2]) -> Response<Full<Bytes>> {
    let issuer = format!("http://{}", seen.header("host"));
    if script.is_down {
        return json_answer(503, &json!({}));
    }
    match seen.target.as_str() {
        "/.well-known/openid-configuration" => {
            let at = |path: &str| format!("{issuer}{path}");
            let mut metadata = json!({
                "issuer": issuer,
                "authorization_endpoint": at("/authorize?tenant=1"),
                "token_endpoint": at("/token"),
                "userinfo_endpoint": at("/me"),
                "jwks_uri": at("/keys"),
                "authorization_response_iss_parameter_supported": true,
            });
            metadata.as_object_mut().unwrap().extend(script.metadata.as_object().unwrap().clone());
            json_answer(200, &metadata)
        }
        "/keys" => {
            let (x, y) = keys[0].public_key().as_ref()[1..].split_at(32);
            let key = |kid: &&str| json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": kid });
            json_answer(200, &json!({ "keys": script.published.iter().map(key).collect::<Vec<_>>() }))
        }
        "/me" if seen.header("authorization") == "Bearer an access token" => {
            let mut userinfo = json!({ "sub": script.claims["sub"] });
            userinfo.as_object_mut().unwrap().extend(script.userinfo.as_object().unwrap().clone());
            json_answer(200, &userinfo)
        }
        "/token" => token(seen, script, &issuer, keys),
        _ => json_answer(404, &json!({})),
    }
}

fn token(seen: &Seen, script: &mut Script, issuer: &str, keys: &[EcdsaKeyPair; 2]) -> Response<Full<Bytes>> {
    if script.token_status != 200 {
        return json_answer(script.token_status, &json!({ "error": "invalid_client" }));
    }
    let form: HashMap<String, String> = form_urlencoded::parse(&seen.body).into_owned().collect();
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    let is_posted = get("client_id") == CLIENT && get("client_secret") == SECRET;
    let takes_post = script.metadata.get("token_endpoint_auth_methods_supported").is_some();
    let is_client = if takes_post { is_posted } else { seen.header("authorization") == basic };
    let Some(begun) = script.codes.remove(get("code")).filter(|_| is_client) else {
        return json_answer(400, &json!({ "error": "invalid_grant" }));
    };
    let is_whole = get("grant_type") == "authorization_code"
        && get("redirect_uri") == begun.redirect_uri
        && text(Sha256::digest(get("code_verifier"))) == begun.challenge;
    if !is_whole {
        return json_answer(400, &json!({ "error": "invalid_grant" }));
    }
    let mut claims = json!({ "iss": issuer, "aud": CLIENT, "nonce": begun.nonce });
    claims.as_object_mut().unwrap().extend(script.claims.as_object().unwrap().clone());
    let id_token = sign(script, &claims, keys);
    json_answer(200, &json!({ "id_token": id_token, "access_token": "an access token", "token_type": "Bearer" }))
}

fn sign(script: &Script, claims: &Value, keys: &[EcdsaKeyPair; 2]) -> String {
    let alg = match script.signed {
        Signed::ByOurKey | Signed::ByAnotherKey => "ES256",
        Signed::ByNobody => "none",
        Signed::WithTheSecret => "HS256",
    };
    let mut header = json!({ "alg": alg, "typ": "JWT", "kid": script.kid });
    header.as_object_mut().unwrap().extend(script.header.as_object().unwrap().clone());
    let message = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
    let by = |key: &EcdsaKeyPair| text(key.sign(&SystemRandom::new(), message.as_bytes()).unwrap());
    let signature = match script.signed {
        Signed::ByOurKey => by(&keys[0]),
        Signed::ByAnotherKey => by(&keys[1]),
        Signed::ByNobody => String::new(),
        Signed::WithTheSecret => {
            text(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), message.as_bytes()))
        }
    };
    format!("{message}.{signature}")
}
