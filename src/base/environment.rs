//! Production and sandbox: every credential belongs to one of the two.

/// Which backends a call may reach.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize, sqlx::Type,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Environment {
    /// The real thing.
    Production,
    /// For trying out.
    Sandbox,
}

impl Environment {
    /// Both, in the order in which pages show them.
    pub const ALL: [Self; 2] = [Self::Production, Self::Sandbox];

    /// As in URLs, SQL, manifests and the `env` claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }

    /// As in headings.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Production => "Production",
            Self::Sandbox => "Sandbox",
        }
    }

    /// As in the prefix of a secret.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Production => "prd",
            Self::Sandbox => "sbx",
        }
    }
}

impl std::fmt::Display for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Environment {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|e| e.as_str() == text).ok_or(())
    }
}
