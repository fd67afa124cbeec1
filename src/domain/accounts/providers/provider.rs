//! The providers of the configuration, and what each was last heard to say of itself.

use crate::base::id::UserId;
use crate::config::{Config, IdentityProvider};
use crate::domain::Ctx;
use crate::domain::accounts::providers::metadata::Metadata;
use crate::domain::accounts::providers::refusal::Refusal;
use crate::domain::accounts::providers::remembered::Remembered;
use crate::infra::elsewhere::Caller;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use time::Duration;
use url::Url;

/// How long what a provider says of itself counts, its keys included.
const KEPT: Duration = Duration::HOUR;
/// How old keys may be when a token names one that is not among them: so often, and no more, a stranger's token makes us ask.
const KEPT_WITHOUT_KEY: Duration = Duration::seconds(30);
/// Keys of a provider, at most.
const MOST_KEYS: usize = 100;

/// All of them, by name.
#[derive(Debug, Default)]
pub struct Providers(Vec<Provider>);

/// One.
pub struct Provider {
    /// Its name in addresses and in the database.
    pub name: String,
    /// What people call it.
    pub title: String,
    pub(super) settings: IdentityProvider,
    pub(super) secret: String,
    caller: Caller,
    metadata: Remembered<Metadata>,
    keys: Remembered<Value>,
}

/// How fresh the keys must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// As usual.
    Usual,
    /// Fresher, for one was missing.
    Fresher,
}

impl Providers {
    /// From the configuration. Reads files, and blocks for that; asks no provider anything. The error is one line that says what
    /// to do.
    pub fn open(config: &Config) -> Result<Self, String> {
        let open = |(name, settings): (&String, &IdentityProvider)| {
            Ok(Provider {
                name: name.clone(),
                title: settings.title.clone().unwrap_or_else(|| name.clone()),
                secret: settings.read_secret(name)?,
                caller: Caller::open(&format!("identity_providers.{name}"), settings.roots.as_deref())?,
                settings: settings.clone(),
                metadata: Remembered::default(),
                keys: Remembered::default(),
            })
        };
        config.identity_providers.iter().map(open).collect::<Result<_, String>>().map(Self)
    }

    /// In the order of their names.
    pub fn all(&self) -> &[Provider] {
        &self.0
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.name == name)
    }

    /// What people call the one of this name; the name itself once it is gone from the configuration.
    pub fn title<'a>(&'a self, name: &'a str) -> &'a str {
        self.find(name).map_or(name, |provider| &provider.title)
    }
}

impl Provider {
    /// Whether somebody without an account gets one.
    pub fn makes_accounts(&self) -> bool {
        self.settings.create_accounts
    }

    /// The scheme of the addresses that a browser meets on its way there.
    pub fn scheme(&self) -> &'static str {
        if self.settings.issuer.starts_with("http:") { "http:" } else { "https:" }
    }

    /// What it says of itself.
    pub(super) async fn metadata(&self, ctx: &Ctx) -> Result<Arc<Metadata>, Refusal> {
        let fetch = async {
            let address =
                Metadata::address(&self.settings.issuer).map_err(|error| self.unusable("discovery", &error))?;
            let text = self.fetch("discovery", &address, Request::new(Bytes::new())).await?;
            Metadata::read(&self.settings, &text).map_err(|error| self.unusable("discovery", &error))
        };
        self.metadata.get(ctx.clock.now(), KEPT, fetch).await
    }

    /// The keys that it signs with.
    pub(super) async fn keys(&self, ctx: &Ctx, metadata: &Metadata, keys: Keys) -> Result<Arc<Value>, Refusal> {
        let fetch = async {
            let text = self.fetch("keys", &metadata.jwks, Request::new(Bytes::new())).await?;
            let set: Value = serde_json::from_slice(&text).map_err(|error| self.unusable("keys", &error))?;
            match set.get("keys").and_then(Value::as_array).map(Vec::len) {
                Some(1..=MOST_KEYS) => Ok(set),
                _ => Err(self.unusable("keys", &format!("there must be 1 to {MOST_KEYS}"))),
            }
        };
        let age = if keys == Keys::Fresher { KEPT_WITHOUT_KEY } else { KEPT };
        self.keys.get(ctx.clock.now(), age, fetch).await
    }

    /// The body of an answer with status 200 and JSON in it.
    pub(super) async fn fetch(&self, what: &str, url: &Url, request: Request<Bytes>) -> Result<Bytes, Refusal> {
        let (status, body) = self.call(what, url, request).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        let refusal = self.unusable(what, &format!("status {}", status.as_u16()));
        Err(if status.is_server_error() { Refusal::Unreachable } else { refusal })
    }

    /// An answer, whatever its status.
    pub(super) async fn call(
        &self,
        what: &str,
        url: &Url,
        mut request: Request<Bytes>,
    ) -> Result<(StatusCode, Bytes), Refusal> {
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        match self.caller.call(url, request).await {
            Ok(answer) => Ok((answer.status(), answer.into_body())),
            Err(error) => {
                let provider = &self.name;
                tracing::error!(provider, %error, "identity provider {provider} does not answer ({what}): {error}");
                Err(Refusal::Unreachable)
            }
        }
    }

    /// Logs what is wrong with an answer. `why` must not hold what the provider or somebody's browser has sent.
    pub(super) fn unusable(&self, what: &str, why: &dyn std::fmt::Display) -> Refusal {
        let provider = &self.name;
        tracing::error!(provider, "an answer of identity provider {provider} cannot be used ({what}): {why}");
        Refusal::Unusable
    }

    /// Logs that somebody was not let in who has proved to the provider who they are.
    pub(super) fn refused(&self, user: Option<UserId>, refusal: Refusal) -> Refusal {
        let (provider, user) = (&self.name, user.map(|user| user.to_string()).unwrap_or_default());
        tracing::warn!(provider, user.id = user, "a sign-in with {provider} was refused: {refusal:?}");
        refusal
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).finish_non_exhaustive()
    }
}
