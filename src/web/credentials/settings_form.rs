//! Advanced configurations as a form: settings as fields, fields as settings, and what stands beside each.

use crate::domain::credentials::client_model::{ClientKind, ClientSettings, GrantType, Legacy, SubscribedApi};
use crate::domain::oauth::scopes::OPENID_CONNECT;
use crate::web::form::Pairs;

/// The form, filled with what is stored or with what was typed. For `credentials/_settings.html`.
#[derive(Clone, Debug)]
pub(super) struct SettingsForm {
    fields: Pairs,
    apis: Vec<SubscribedApi>,
    legacy: Legacy,
}

/// A check box of the grant types.
pub(super) struct GrantBox {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// Why to think twice; empty for most.
    pub(super) warning: &'static str,
    pub(super) checked: bool,
    /// Whether the instance forbids it.
    pub(super) forbidden: bool,
}

/// Check boxes of the scopes that belong together.
pub(super) struct ScopeGroup {
    pub(super) title: String,
    pub(super) scopes: Vec<ScopeBox>,
}

/// A check box of a scope.
pub(super) struct ScopeBox {
    pub(super) name: String,
    /// What it lets an application do; may be empty.
    pub(super) title: String,
    pub(super) checked: bool,
}

impl SettingsForm {
    /// Filled with settings.
    pub(super) fn of(settings: &ClientSettings, apis: Vec<SubscribedApi>, legacy: Legacy) -> Self {
        Self::typed(fields(settings), apis, legacy)
    }

    /// Filled with what was sent.
    pub(super) fn typed(fields: Pairs, apis: Vec<SubscribedApi>, legacy: Legacy) -> Self {
        Self { fields, apis, legacy }
    }

    /// The same form, filled with something else.
    pub(super) fn with(self, fields: Pairs) -> Self {
        Self { fields, ..self }
    }

    /// What a text field holds.
    pub(super) fn text(&self, field: &str) -> &str {
        self.fields.one(field)
    }

    /// Whether a box or radio is on.
    pub(super) fn has(&self, field: &str, value: &str) -> bool {
        self.fields.all(field).any(|chosen| chosen == value)
    }

    /// The grant types in the order of the guide.
    pub(super) fn grants(&self) -> Vec<GrantBox> {
        let grant = |grant: GrantType| GrantBox {
            name: grant.as_str(),
            title: title(grant),
            text: text(grant),
            warning: warning(grant),
            checked: self.has("grant_types", grant.as_str()),
            forbidden: grant.is_legacy() && self.legacy == Legacy::Forbidden,
        };
        GrantType::ALL.into_iter().map(grant).collect()
    }

    /// Every scope there is to choose: of each API, of OIDC, and those that were chosen and have gone since.
    pub(super) fn scopes(&self) -> Vec<ScopeGroup> {
        let scope = |name: &str, title: &str| ScopeBox {
            name: name.to_owned(),
            title: title.to_owned(),
            checked: self.has("scopes", name),
        };
        let mut groups: Vec<ScopeGroup> = Vec::new();
        let mut seen: Vec<&str> = OPENID_CONNECT.to_vec();
        for api in &self.apis {
            // A name is one scope, however many of the APIs have it.
            let new: Vec<_> = api.scopes.iter().filter(|s| !seen.contains(&s.name.as_str())).collect();
            seen.extend(new.iter().map(|s| s.name.as_str()));
            let scopes: Vec<_> = new.iter().map(|s| scope(&s.name, &s.title)).collect();
            if !scopes.is_empty() {
                groups.push(ScopeGroup { title: format!("{} v{}", api.title, api.major), scopes });
            }
        }
        let of_users = OPENID_CONNECT.into_iter().zip([
            "Who the user is",
            "The user's name",
            "The user's e-mail address",
            "Access while the user is away",
        ]);
        let scopes = of_users.map(|(name, title)| scope(name, title)).collect();
        groups.push(ScopeGroup { title: "Users, with OpenID Connect".to_owned(), scopes });
        let gone: Vec<_> =
            self.fields.all("scopes").filter(|name| !seen.contains(name)).map(|n| scope(n, "")).collect();
        if !gone.is_empty() {
            groups.push(ScopeGroup { title: "No longer of any API here".to_owned(), scopes: gone });
        }
        groups
    }
}

/// A grant in words.
pub(super) fn title(grant: GrantType) -> &'static str {
    match grant {
        GrantType::ClientCredentials => "Client credentials",
        GrantType::AuthorizationCode => "Authorization code",
        GrantType::RefreshToken => "Refresh token",
        GrantType::DeviceCode => "Device code",
        GrantType::Password => "Password",
        GrantType::Implicit => "Implicit",
    }
}

fn text(grant: GrantType) -> &'static str {
    match grant {
        GrantType::ClientCredentials => "The application acts for itself; no user signs in.",
        GrantType::AuthorizationCode => {
            "Users sign in here, in their browser, and the application never sees a password."
        }
        GrantType::RefreshToken => {
            "New access tokens without asking the user again. Comes with every grant but client credentials and implicit."
        }
        GrantType::DeviceCode => "For command lines, televisions and machines: users agree in a browser elsewhere.",
        GrantType::Password | GrantType::Implicit => "",
    }
}

/// What the guide for consumers says against a grant.
fn warning(grant: GrantType) -> &'static str {
    match grant {
        GrantType::Password => {
            "Less secure: the application itself handles the user's name and password. Only for highly trusted applications, \
             never for public ones or sensitive data."
        }
        GrantType::Implicit => {
            "Not recommended: the access token is exposed in the address of the page, where injected scripts can read it. Use \
             authorization code with PKCE."
        }
        _ => "",
    }
}

/// The settings that the fields say. What cannot be read becomes a value that the domain refuses with the right sentence.
pub(super) fn settings(fields: &Pairs) -> ClientSettings {
    let on = |field: &str| !fields.one(field).is_empty();
    let seconds = |field: &str| fields.one(field).trim().parse().unwrap_or(u32::MAX);
    ClientSettings {
        grant_types: fields.all("grant_types").filter_map(GrantType::parse).collect(),
        kind: if on("public") { ClientKind::Public } else { ClientKind::Confidential },
        pkce_mandatory: on("pkce_mandatory"),
        pkce_plain_allowed: on("pkce_plain_allowed"),
        redirect_uris: lines(fields.one("redirect_uris")),
        post_logout_redirect_uris: lines(fields.one("post_logout_redirect_uris")),
        cors_origins: lines(fields.one("cors_origins")),
        access_token_seconds: seconds("access_token_seconds"),
        refresh_token_seconds: seconds("refresh_token_seconds"),
        id_token_seconds: seconds("id_token_seconds"),
        refresh_leeway_seconds: seconds("refresh_leeway_seconds"),
        scopes: (fields.one("scopes_of") == CHOSEN).then(|| fields.all("scopes").map(str::to_owned).collect()),
        jwks: Some(fields.one("jwks").trim()).filter(|text| !text.is_empty()).map(json),
    }
}

/// The radio for a choice of scopes.
const CHOSEN: &str = "chosen";
/// The radio for all scopes.
const ALL: &str = "all";
/// A box that is on.
const ON: &str = "on";

/// The fields that say the settings.
fn fields(settings: &ClientSettings) -> Pairs {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    pairs.extend(settings.grant_types.iter().map(|grant| ("grant_types", grant.as_str().to_owned())));
    let boxes = [
        ("public", settings.kind == ClientKind::Public),
        ("pkce_mandatory", settings.pkce_mandatory),
        ("pkce_plain_allowed", settings.pkce_plain_allowed),
    ];
    pairs.extend(boxes.into_iter().filter(|(_, on)| *on).map(|(field, _)| (field, ON.to_owned())));
    pairs.extend([
        ("redirect_uris", settings.redirect_uris.join("\n")),
        ("post_logout_redirect_uris", settings.post_logout_redirect_uris.join("\n")),
        ("cors_origins", settings.cors_origins.join("\n")),
        ("access_token_seconds", settings.access_token_seconds.to_string()),
        ("refresh_token_seconds", settings.refresh_token_seconds.to_string()),
        ("id_token_seconds", settings.id_token_seconds.to_string()),
        ("refresh_leeway_seconds", settings.refresh_leeway_seconds.to_string()),
        ("scopes_of", if settings.scopes.is_some() { CHOSEN } else { ALL }.to_owned()),
        ("jwks", settings.jwks.as_ref().map(|set| format!("{set:#}")).unwrap_or_default()),
    ]);
    pairs.extend(settings.scopes.iter().flatten().map(|name| ("scopes", name.clone())));
    Pairs::new(pairs.into_iter().map(|(field, value)| (field.to_owned(), value)))
}

/// One entry a line.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_no_json| serde_json::Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_pass_through_the_form_unchanged() {
        let full = ClientSettings {
            grant_types: GrantType::ALL.to_vec(),
            kind: ClientKind::Public,
            pkce_mandatory: true,
            pkce_plain_allowed: true,
            redirect_uris: vec!["https://a.example/cb?x=1&y='".to_owned(), "com.example.app:/cb".to_owned()],
            post_logout_redirect_uris: vec!["https://a.example/".to_owned()],
            cors_origins: vec!["https://b.example".to_owned()],
            access_token_seconds: 60,
            refresh_token_seconds: 300,
            id_token_seconds: 61,
            refresh_leeway_seconds: 0,
            scopes: Some(vec!["pets:read".to_owned(), "openid".to_owned()]),
            jwks: Some(json!({"keys": [{"kty": "EC", "kid": "a"}]})),
        };
        let none = ClientSettings { scopes: Some(Vec::new()), pkce_mandatory: false, ..ClientSettings::default() };
        for expected in [ClientSettings::default(), full, none] {
            assert_eq!(settings(&fields(&expected)), expected);
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_for_the_domain_to_refuse() {
        let pairs = [
            ("access_token_seconds", "fifteen minutes"),
            ("refresh_leeway_seconds", ""),
            ("jwks", "-----BEGIN PUBLIC KEY-----"),
            ("redirect_uris", " https://a.example \r\n\r\n\thttps://b.example"),
        ];
        let read = settings(&Pairs::new(pairs.map(|(field, value)| (field.to_owned(), value.to_owned()))));
        assert_eq!((read.access_token_seconds, read.refresh_leeway_seconds), (u32::MAX, u32::MAX));
        assert_eq!(read.jwks, Some(json!("-----BEGIN PUBLIC KEY-----")));
        assert_eq!(read.redirect_uris, ["https://a.example", "https://b.example"]);
    }
}
