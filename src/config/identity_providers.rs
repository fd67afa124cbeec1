//! Sections `[identity_providers.NAME]`: the OpenID Connect providers that people may sign in with.

use crate::base::text::{Email, is_slug};
use crate::config::{Config, hidden};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use url::{Host, Url};

/// The longest path of a claim, in characters.
const LONGEST_CLAIM: usize = 200;
/// Rules that turn values into roles, at most.
const MOST_RULES: usize = 200;

/// A provider.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityProvider {
    /// What people call it: the button says "Sign in with" and this. Unset: the section's name.
    pub title: Option<String>,
    /// Its issuer URL, to the letter as its discovery document has it.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// The secret that it gave us.
    pub client_secret: Option<String>,
    /// A file with nothing but that secret, instead of `client_secret`.
    pub client_secret_file: Option<PathBuf>,
    /// What we ask for; `openid` is always among it.
    pub scopes: Vec<String>,
    /// PEM: the roots that are believed in its certificate, in place of the machine's own.
    pub roots: Option<PathBuf>,
    /// The claim with the e-mail address; dots lead into objects.
    pub email_claim: String,
    /// The claim that says whether the provider has checked the address.
    pub email_verified_claim: String,
    /// The claim with what to call a person.
    pub name_claim: String,
    /// The claim with the values that `roles` turns into roles, such as `realm_access.roles`.
    pub roles_claim: Option<String>,
    /// Rules `VALUE = ROLE`.
    pub roles: Vec<String>,
    /// Whether somebody who has no account gets one.
    pub create_accounts: bool,
    /// The roles that a new account gets, once.
    pub account_roles: Vec<String>,
    /// Whether an account that is there already may be entered because the provider vouches for its address.
    pub link_by_email: bool,
    /// The domains of the addresses that may come in; none: all.
    pub email_domains: Vec<String>,
}

impl Default for IdentityProvider {
    fn default() -> Self {
        Self {
            title: None,
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            client_secret_file: None,
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            roots: None,
            email_claim: "email".to_owned(),
            email_verified_claim: "email_verified".to_owned(),
            name_claim: "name".to_owned(),
            roles_claim: None,
            roles: Vec::new(),
            create_accounts: true,
            account_roles: vec!["developer".to_owned()],
            link_by_email: false,
            email_domains: Vec::new(),
        }
    }
}

impl IdentityProvider {
    /// The rules: value and role.
    pub fn role_rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.roles.iter().filter_map(|rule| role_rule(rule))
    }

    /// Whether somebody with this address may come in.
    pub fn takes(&self, email: &Email) -> bool {
        let domain = email.as_str().rsplit('@').next().unwrap_or_default();
        self.email_domains.is_empty() || self.email_domains.iter().any(|one| one == domain)
    }

    /// The secret. The error is one line that says what to do.
    pub fn read_secret(&self, name: &str) -> Result<String, String> {
        let Some(path) = &self.client_secret_file else { return Ok(self.client_secret.clone().unwrap_or_default()) };
        let wrong = |what: &str| format!("identity_providers.{name}.client_secret_file: {}: {what}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        let secret = text.trim_end_matches(['\n', '\r']);
        if is_secret(secret) { Ok(secret.to_owned()) } else { Err(wrong("must hold the secret on one line")) }
    }

    /// Whether URLs of this provider may be without TLS: only where it is on this machine.
    pub fn takes_url(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => url.host_str().is_some_and(|host| !host.is_empty()),
            "http" => is_here(url) && Url::parse(&self.issuer).is_ok_and(|issuer| is_here(&issuer)),
            _ => false,
        }
    }

    fn validate(&self) -> Result<(), (&'static str, String)> {
        let no_url = "write the issuer's URL, such as https://login.example.com/realms/staff";
        if self.issuer.is_empty() {
            return Err(("issuer", format!("is missing; {no_url}")));
        }
        let issuer = Url::parse(&self.issuer).map_err(|error| ("issuer", format!("not a URL ({error}); {no_url}")))?;
        if !self.takes_url(&issuer) {
            return Err(("issuer", "must begin with https://; http:// is for a provider on this machine".to_owned()));
        }
        if issuer.query().is_some() || issuer.fragment().is_some() || !issuer.username().is_empty() {
            return Err(("issuer", format!("must have no user, query or fragment; {no_url}")));
        }
        if self.client_id.is_empty() || !is_secret(&self.client_id) {
            return Err(("client_id", "must be what the provider calls this portal, on one line".to_owned()));
        }
        match (&self.client_secret, &self.client_secret_file) {
            (Some(_), Some(_)) => return Err(("client_secret", "set it or client_secret_file, not both".to_owned())),
            (None, None) => {
                let message = "is missing; set it, client_secret_file, or the variable that ends in _CLIENT_SECRET";
                return Err(("client_secret", message.to_owned()));
            }
            (Some(secret), None) if !is_secret(secret) => {
                return Err(("client_secret", "must be the secret, on one line".to_owned()));
            }
            _ => {}
        }
        self.validate_texts()?;
        self.validate_roles()
    }

    fn validate_texts(&self) -> Result<(), (&'static str, String)> {
        let is_line = |text: &str, most: usize| {
            !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
        };
        if self.title.as_ref().is_some_and(|title| !is_line(title, 40)) {
            return Err(("title", "must have 1 to 40 characters on one line".to_owned()));
        }
        // RFC 6749 §3.3.
        let is_scope = |scope: &String| {
            (1..=100).contains(&scope.len()) && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        if !self.scopes.iter().any(|scope| scope == "openid") || !self.scopes.iter().all(is_scope) {
            return Err(("scopes", "must be names of scopes, openid among them".to_owned()));
        }
        for (key, claim) in [
            ("email_claim", Some(&self.email_claim)),
            ("email_verified_claim", Some(&self.email_verified_claim)),
            ("name_claim", Some(&self.name_claim)),
            ("roles_claim", self.roles_claim.as_ref()),
        ] {
            if claim.is_some_and(|claim| !is_line(claim, LONGEST_CLAIM)) {
                return Err((key, "must be the path of a claim, such as realm_access.roles".to_owned()));
            }
        }
        let is_domain = |domain: &String| {
            Email::parse(&format!("x@{domain}")).is_some_and(|email| email.as_str() == format!("x@{domain}"))
        };
        match self.email_domains.iter().find(|domain| !is_domain(domain)) {
            Some(wrong) => Err(("email_domains", format!("{wrong} is no domain; write one such as example.com"))),
            None => Ok(()),
        }
    }

    fn validate_roles(&self) -> Result<(), (&'static str, String)> {
        if let Some(wrong) = self.roles.iter().find(|rule| role_rule(rule).is_none()) {
            let message = format!("`{wrong}` is no rule; write one such as \"portal-admins = admin\"");
            return Err(("roles", message));
        }
        if self.roles.len() > MOST_RULES {
            return Err(("roles", format!("must have at most {MOST_RULES} rules")));
        }
        if !self.roles.is_empty() && self.roles_claim.is_none() {
            return Err(("roles", "needs roles_claim beside it: where the values are".to_owned()));
        }
        if let Some(wrong) = self.account_roles.iter().find(|role| !is_slug(role)) {
            return Err(("account_roles", format!("{wrong} cannot be the name of a role")));
        }
        if self.account_roles.iter().any(|role| role == "admin") {
            return Err(("account_roles", "not everybody can be an administrator; use roles for that".to_owned()));
        }
        Ok(())
    }
}

/// `VALUE = ROLE`. The last sign counts: names of groups in directories hold some.
fn role_rule(text: &str) -> Option<(&str, &str)> {
    let (value, role) = text.rsplit_once('=')?;
    let (value, role) = (value.trim(), role.trim());
    (!value.is_empty() && value.len() <= 500 && is_slug(role)).then_some((value, role))
}

fn is_secret(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 4096 && !text.chars().any(char::is_control)
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Checks every section, and what hangs on there being one; the error is the setting, and what to do.
pub(super) fn validate(config: &Config) -> Result<(), (String, String)> {
    for (name, provider) in &config.identity_providers {
        provider.validate().map_err(|(key, message)| (format!("identity_providers.{name}.{key}"), message))?;
    }
    if config.accounts.password_sign_in {
        return Ok(());
    }
    let wrong = |key: &str, message: &str| Err((key.to_owned(), message.to_owned()));
    if config.identity_providers.is_empty() {
        return wrong("accounts.password_sign_in", "needs a section [identity_providers.NAME]: nobody could sign in");
    }
    if config.accounts.sign_up {
        return wrong("accounts.sign_up", "makes accounts with passwords, which accounts.password_sign_in has closed");
    }
    if config.oauth.legacy_grants {
        return wrong(
            "accounts.password_sign_in",
            "needs oauth.legacy_grants = false: the password grant would go on taking passwords",
        );
    }
    Ok(())
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider")
            .field("title", &self.title)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("client_secret", &hidden(self.client_secret.as_ref()))
            .field("client_secret_file", &self.client_secret_file)
            .field("scopes", &self.scopes)
            .field("roots", &self.roots)
            .field("email_claim", &self.email_claim)
            .field("email_verified_claim", &self.email_verified_claim)
            .field("name_claim", &self.name_claim)
            .field("roles_claim", &self.roles_claim)
            .field("roles", &self.roles)
            .field("create_accounts", &self.create_accounts)
            .field("account_roles", &self.account_roles)
            .field("link_by_email", &self.link_by_email)
            .field("email_domains", &self.email_domains)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sign_of_a_rule_divides_it() {
        assert_eq!(role_rule("portal admins = admin"), Some(("portal admins", "admin")));
        assert_eq!(role_rule("CN=API Team,OU=x=publisher"), Some(("CN=API Team,OU=x", "publisher")));
        for wrong in ["admin", "= admin", "x = Admin", "x =", ""] {
            assert_eq!(role_rule(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn without_tls_only_what_is_on_this_machine_is_spoken_to() {
        let takes = |issuer: &str, url: &str| {
            let provider = IdentityProvider { issuer: issuer.to_owned(), ..IdentityProvider::default() };
            provider.takes_url(&Url::parse(url).unwrap())
        };
        assert!(takes("https://a.example", "https://b.example/token"));
        assert!(takes("http://127.0.0.1:1", "http://localhost:2/token"));
        assert!(takes("http://[::1]:1", "http://[::1]:1/token"));
        for (issuer, url) in [
            ("https://a.example", "http://a.example/token"),
            ("https://a.example", "http://127.0.0.1/token"),
            ("http://127.0.0.1:1", "http://a.example/token"),
            ("https://a.example", "file:///etc/passwd"),
        ] {
            assert!(!takes(issuer, url), "{issuer} {url}");
        }
    }
}
