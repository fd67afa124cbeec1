//! Consumer key and secret as pages show them, whether an application's or directly on an API.

use crate::domain::credentials::client_model::{Client, ClientKind, ClientSettings, GrantType};
use crate::domain::oauth::metadata::{AUTHORIZE, DEVICE_AUTHORIZATION, REVOKE, TOKEN};
use crate::domain::oauth::testing;
use crate::web::credentials::{commands, settings_facts};
use crate::web::words;
use time::OffsetDateTime;

/// For `credentials/_client.html`.
pub(super) struct ClientView {
    pub(super) id: String,
    /// The end of the secret.
    pub(super) hint: String,
    /// The secret, in the one answer that has it.
    pub(super) secret: Option<String>,
    pub(super) created_at: OffsetDateTime,
    pub(super) last_used_at: Option<OffsetDateTime>,
    pub(super) token_seconds: u32,
    /// How long the old secret still works: seconds, and in words.
    pub(super) grace: Option<(i64, String)>,
    pub(super) old_hint: String,
    pub(super) is_public: bool,
    pub(super) grants: Vec<&'static str>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) examples: Vec<Example>,
    pub(super) links: Links,
    /// Whether Generate Token may be used: it gets what the client credentials grant would.
    pub(super) may_have_token: bool,
}

/// What may be done with it, and where.
pub(super) struct Links {
    /// Where it stands.
    pub(super) pane: String,
    /// Generate Token (POST); empty where the viewer may not.
    pub(super) token: String,
    /// A new secret; empty where the viewer may make none.
    pub(super) regeneration: String,
    /// The end of the old secret (POST); empty where the viewer may only read.
    pub(super) old_secret_deletion: String,
}

/// An endpoint that the client needs.
pub(super) struct Endpoint {
    pub(super) name: &'static str,
    /// The name in the middle of a sentence.
    pub(super) label: &'static str,
    pub(super) url: String,
}

/// Commands for one of its grants, with the secret and without.
pub(super) struct Example {
    pub(super) title: &'static str,
    pub(super) text: String,
    pub(super) masked: String,
}

impl ClientView {
    /// The first command, which the button cURL copies.
    pub(super) fn first_command(&self) -> &str {
        self.examples.first().map_or("", |example| &example.text)
    }

    /// `secret` only in the answer to a POST. `issuer` is the portal's URL.
    pub(super) fn new(client: Client, issuer: &str, secret: Option<&str>, links: Links, now: OffsetDateTime) -> Self {
        let grace = client.grace_until(now).map(|until| (words::seconds_left(now, until), words::left(now, until)));
        let masked = format!("••••{}", client.secret_hint);
        let commands = |secret| commands::all(issuer, (&client.id, secret), &client.settings);
        let examples = commands(secret.unwrap_or(commands::SECRET)).into_iter().zip(commands(&masked));
        Self {
            examples: examples
                .map(|(command, masked)| Example { title: command.title, text: command.text, masked: masked.text })
                .collect(),
            endpoints: endpoints(issuer, &client.settings),
            is_public: client.settings.kind == ClientKind::Public,
            may_have_token: testing::may_have_token(&client.settings),
            grants: settings_facts::grants(&client.settings),
            old_hint: client.old_secret.map(|(hint, _)| hint).unwrap_or_default(),
            hint: client.secret_hint,
            id: client.id,
            secret: secret.map(str::to_owned),
            created_at: client.created_at,
            last_used_at: client.last_used_at,
            token_seconds: client.settings.access_token_seconds,
            grace,
            links,
        }
    }
}

fn endpoints(issuer: &str, settings: &ClientSettings) -> Vec<Endpoint> {
    let browser = [GrantType::AuthorizationCode, GrantType::Implicit].into_iter().any(|grant| settings.has(grant));
    let all = [
        (true, "Token endpoint", "token endpoint", TOKEN),
        (true, "Revoke endpoint", "revoke endpoint", REVOKE),
        (browser, "Authorization endpoint", "authorization endpoint", AUTHORIZE),
        (settings.has(GrantType::DeviceCode), "Device endpoint", "device endpoint", DEVICE_AUTHORIZATION),
    ];
    let needed = all.into_iter().filter(|(is_needed, ..)| *is_needed);
    needed.map(|(_, name, label, path)| Endpoint { name, label, url: format!("{issuer}{path}") }).collect()
}
