//! OAuth clients: what their owner chose, and what the authorization server knows of them.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId, UserId};
use crate::base::secret::{Digest, Plain};
use time::OffsetDateTime;

/// A way to get tokens that an application may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum GrantType {
    /// The application itself (RFC 6749 §4.4).
    ClientCredentials,
    /// A user, through the browser (RFC 6749 §4.1).
    AuthorizationCode,
    /// New access tokens without asking the user again (RFC 6749 §6).
    RefreshToken,
    /// The user's password in the application's hands (RFC 6749 §4.3).
    Password,
    /// Tokens in the address of a page (RFC 6749 §4.2).
    Implicit,
    /// A device without a browser (RFC 8628).
    DeviceCode,
}

impl GrantType {
    /// All of them, in the order in which pages list them.
    pub const ALL: [Self; 6] = [
        Self::ClientCredentials,
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::DeviceCode,
        Self::Password,
        Self::Implicit,
    ];

    /// As in `grant_type`, in the metadata and in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::Password => "password",
            Self::Implicit => "implicit",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    /// The one of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }

    /// Whether it is one of those that RFC 9700 advises against and an instance may forbid.
    pub const fn is_legacy(self) -> bool {
        matches!(self, Self::Password | Self::Implicit)
    }
}

/// Whether the grants `password` and `implicit` may be used where an application has chosen them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Legacy {
    /// They may.
    Allowed,
    /// The instance forbids them.
    Forbidden,
}

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// It can, and must send it.
    Confidential,
    /// It cannot: an application in a browser or on a phone.
    Public,
}

/// What the owner of a client has chosen (Advanced configurations).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Grants it may use.
    pub grant_types: Vec<GrantType>,
    /// Whether it has to prove itself.
    pub kind: ClientKind,
    /// Whether a code needs a challenge (RFC 7636). Always for public clients.
    pub pkce_mandatory: bool,
    /// Whether the challenge method `plain` is taken.
    pub pkce_plain_allowed: bool,
    /// Where the browser may be sent with an answer: exact strings.
    pub redirect_uris: Vec<String>,
    /// Where it may be sent after signing out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Origins whose pages may read the answers of our endpoints, beyond those of the redirect URIs.
    pub cors_origins: Vec<String>,
    /// Lifetime of its access tokens, in seconds.
    pub access_token_seconds: u32,
    /// For how long a refresh token may lie unused, in seconds.
    pub refresh_token_seconds: u32,
    /// Lifetime of its ID tokens, in seconds.
    pub id_token_seconds: u32,
    /// For how long a refresh token that was just used may be sent again, because the answer was lost; in seconds.
    pub refresh_leeway_seconds: u32,
    /// Scopes it may ask for; none: all of its application's APIs and of OIDC.
    pub scopes: Option<Vec<String>>,
    /// Public keys with which it may sign instead of sending a secret (RFC 7523): a JWK set.
    pub jwks: Option<serde_json::Value>,
}

impl Default for ClientSettings {
    /// What a new client starts with: `client_credentials` alone.
    fn default() -> Self {
        Self {
            grant_types: vec![GrantType::ClientCredentials],
            kind: ClientKind::Confidential,
            pkce_mandatory: true,
            pkce_plain_allowed: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            cors_origins: Vec::new(),
            access_token_seconds: 900,
            refresh_token_seconds: 86_400,
            id_token_seconds: 3600,
            refresh_leeway_seconds: 5,
            scopes: None,
            jwks: None,
        }
    }
}

impl ClientSettings {
    /// Whether the grant was chosen.
    pub fn has(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }
}

/// An OAuth client: the Application Keys of an application in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The consumer key.
    pub id: String,
    /// Whose it is.
    pub application: ApplicationId,
    /// Where its tokens work.
    pub environment: Environment,
    /// What its owner chose.
    pub settings: ClientSettings,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last got a call through the gateway, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// The last four characters of the current secret.
    pub secret_hint: String,
    /// The old secret's last four characters and its end, while it is remembered.
    pub old_secret: Option<(String, OffsetDateTime)>,
}

impl Client {
    /// Until when the old secret still works, if it does at `now`.
    pub fn grace_until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.old_secret.as_ref().map(|(_, at)| *at).filter(|at| *at > now)
    }
}

/// A client whose secret was just made: the one time it is seen.
#[derive(Debug)]
pub struct IssuedClient {
    /// The record.
    pub client: Client,
    /// The consumer secret.
    pub secret: Plain,
}

/// A client as the authorization server knows it, with the digests of its secrets and all that its application is
/// subscribed to.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    /// The consumer key.
    pub id: String,
    /// Whose it is.
    pub application: ApplicationId,
    /// What the consent page calls it.
    pub application_name: String,
    /// The owner of the application.
    pub owner: UserId,
    /// The owner's name, for the consent page.
    pub owner_name: String,
    /// Where its tokens work.
    pub environment: Environment,
    /// What its owner chose.
    pub settings: ClientSettings,
    /// The current secret, which has no end, and the one before, which has.
    pub secrets: Vec<(Digest, Option<OffsetDateTime>)>,
    /// Active subscriptions of its application, by API.
    pub apis: Vec<SubscribedApi>,
    /// APIs whose tokens it may introspect.
    pub resource_server_of: Vec<ApiId>,
}

/// A major version that a client's application is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedApi {
    /// Its API.
    pub api: ApiId,
    /// The API's name for people.
    pub title: String,
    /// The API's first path segments at the gateway.
    pub context: String,
    /// Which major version.
    pub major: u16,
    /// What its scopes are.
    pub scopes: Vec<ApiScope>,
}

impl SubscribedApi {
    /// Its identifier (RFC 8707): the URL that consumers call, below a gateway's base URL.
    pub fn identifier(&self, gateway: &str) -> String {
        format!("{gateway}/{}/v{}", self.context, self.major)
    }
}

/// A scope of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiScope {
    /// Its name.
    pub name: String,
    /// What it lets an application do, in words; may be empty.
    pub title: String,
    /// Roles of which a user needs one to grant it; none: everybody may.
    pub roles: Vec<String>,
}
