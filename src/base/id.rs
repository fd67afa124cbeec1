//! Identifiers: a type for each noun, so that one cannot be passed for another.

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type, serde::Serialize, serde::Deserialize)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    /// A person with an account.
    UserId,
    /// A signed-in browser.
    SessionId,
    /// An API, all its versions together.
    ApiId,
    /// One `major.minor` of an API.
    ApiVersionId,
    /// One endpoint of one version.
    EndpointId,
    /// A Markdown document of an API.
    DocumentId,
    /// A consumer's application.
    ApplicationId,
    /// A usage plan.
    PlanId,
    /// An application's subscription to a major version.
    SubscriptionId,
    /// An API key (the record, not the secret).
    ApiKeyId,
    /// A consumer secret (the record, not the secret).
    ClientSecretId,
    /// What a user has granted to a client; the claim `gid`.
    GrantId,
    /// An entry of the audit trail.
    AuditEventId,
    /// A manifest that was applied.
    ManifestId,
}
