//! How mail leaves, and who may have an account.

use crate::config::hidden;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// How mail leaves.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// `smtps://…` (TLS), `smtp://…` (STARTTLS, required) or `smtp+insecure://…` of a mail server. Unset: see `to`.
    pub url: Option<String>,
    /// PEM: the roots that are believed in the mail server's certificate, in place of the machine's own.
    pub roots: Option<PathBuf>,
    /// The sender. Default: `noreply@` and the portal's host.
    pub from: Option<String>,
    /// Where mails go without a server.
    pub to: MailTo,
    /// The directory for files. Default: `mail` in the data directory.
    pub directory: Option<PathBuf>,
}

/// Where mails go without a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTo {
    /// Each into a file that only the account of the process can read.
    Files,
    /// Into the log, with the links in them: for trying out.
    Log,
}

/// How the mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smtp {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS, or not at all.
    StartTls,
    /// No TLS: for a relay on the same machine.
    Insecure,
}

/// Who may have an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// Whether people may sign up by themselves.
    pub sign_up: bool,
    /// The roles that they get.
    pub sign_up_roles: Vec<String>,
    /// The domains of the addresses that may; none: all.
    pub sign_up_domains: Vec<String>,
    /// Whether everybody may sign in with a password; `false`: administrators only.
    pub password_sign_in: bool,
}

impl Mail {
    /// The server, and how it is spoken to; the error says how to write it.
    pub fn server(&self) -> Result<Option<(Url, Smtp)>, String> {
        let Some(text) = &self.url else { return Ok(None) };
        let example = "write smtps://USER:PASSWORD@HOST:465, or smtp://USER:PASSWORD@HOST:587 for STARTTLS";
        let url = Url::parse(text).map_err(|error| format!("not a URL ({error}); {example}"))?;
        let smtp = match url.scheme() {
            "smtps" => Smtp::Tls,
            "smtp" => Smtp::StartTls,
            "smtp+insecure" => Smtp::Insecure,
            _ => return Err(format!("not the URL of a mail server; {example}")),
        };
        if url.host_str().is_none_or(str::is_empty) {
            return Err(format!("names no host; {example}"));
        }
        Ok(Some((url, smtp)))
    }
}

impl Accounts {
    /// Whether somebody with an address of this domain may sign up.
    pub fn takes(&self, email: &crate::base::text::Email) -> bool {
        let domain = email.as_str().rsplit('@').next().unwrap_or_default();
        self.sign_up && (self.sign_up_domains.is_empty() || self.sign_up_domains.iter().any(|d| d == domain))
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self { url: None, roots: None, from: None, to: MailTo::Files, directory: None }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            sign_up: false,
            sign_up_roles: vec!["developer".to_owned()],
            sign_up_domains: Vec::new(),
            password_sign_in: true,
        }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("url", &hidden(self.url.as_ref()))
            .field("roots", &self.roots)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("directory", &self.directory)
            .finish()
    }
}
