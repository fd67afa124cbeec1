//! Ready commands for a shell that get tokens: one block for each grant of a client.

use crate::domain::credentials::client_model::{ClientKind, ClientSettings, GrantType};
use crate::domain::oauth::metadata::{AUTHORIZE, DEVICE_AUTHORIZATION, TOKEN};

/// Stands for a secret that is not shown any more.
pub(super) const SECRET: &str = "$CONSUMER_SECRET";

/// Commands for one grant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// What the client may do, in the order in which pages list grants. `secret` is the consumer secret, or [`SECRET`].
pub(super) fn all(issuer: &str, (id, secret): (&str, &str), settings: &ClientSettings) -> Vec<Command> {
    let client = Client {
        issuer,
        id,
        authentication: match settings.kind {
            ClientKind::Confidential => format!("-u \"{id}:{secret}\""),
            ClientKind::Public => format!("-d \"client_id={id}\""),
        },
        // Only a placeholder where none is needed: such an application has no use for the command.
        redirect_uri: encoded(settings.redirect_uris.first().map_or("", String::as_str)),
    };
    let mut grants: Vec<_> = GrantType::ALL.into_iter().filter(|grant| settings.has(*grant)).collect();
    // The way to a refresh token comes before what is done with it.
    grants.sort_by_key(|grant| *grant == GrantType::RefreshToken);
    grants.into_iter().map(|grant| client.command(grant)).collect()
}

struct Client<'a> {
    issuer: &'a str,
    id: &'a str,
    authentication: String,
    redirect_uri: String,
}

impl Client<'_> {
    fn command(&self, grant: GrantType) -> Command {
        let title = match grant {
            GrantType::ClientCredentials => "cURL",
            GrantType::AuthorizationCode => "Authorization code",
            GrantType::RefreshToken => "Refresh token",
            GrantType::DeviceCode => "Device code",
            GrantType::Password => "Password",
            GrantType::Implicit => "Implicit",
        };
        let text = match grant {
            GrantType::ClientCredentials => self.token(grant, &[]),
            GrantType::AuthorizationCode => self.authorization_code(),
            GrantType::RefreshToken => self.token(grant, &["-d \"refresh_token=$REFRESH_TOKEN\""]),
            GrantType::DeviceCode => self.device_code(),
            GrantType::Password => self.token(
                grant,
                &["--data-urlencode \"username=$USER_EMAIL\"", "--data-urlencode \"password=$USER_PASSWORD\""],
            ),
            GrantType::Implicit => {
                format!("# Open this address; the token comes back behind #\necho \"{}\"", self.authorize("token"))
            }
        };
        Command { title, text }
    }

    /// A request to the token endpoint.
    fn token(&self, grant: GrantType, more: &[&str]) -> String {
        let grant_type = format!("-d \"grant_type={}\"", grant.as_str());
        let mut lines = vec![format!("curl -X POST {}{TOKEN}", self.issuer), self.authentication.clone(), grant_type];
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        lines.join(" \\\n  ")
    }

    /// Also with PKCE where that is not mandatory: it costs nothing (RFC 9700 §2.1.1).
    fn authorization_code(&self) -> String {
        let redirect_uri = format!("-d \"redirect_uri={}\"", self.redirect_uri);
        let redeem = self.token(
            GrantType::AuthorizationCode,
            &["-d \"code=$CODE\"", "-d \"code_verifier=$VERIFIER\"", &redirect_uri],
        );
        let address = self.authorize("code");
        format!(
            "# 1. A verifier and its challenge (PKCE)\n\
             VERIFIER=$(openssl rand -hex 32)\n\
             CHALLENGE=$(printf %s \"$VERIFIER\" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)\n\
             # 2. Open this address; it comes back with code=…\n\
             echo \"{address}&code_challenge=$CHALLENGE&code_challenge_method=S256\"\n\
             # 3. Within a minute, with CODE set to that\n\
             {redeem}"
        )
    }

    fn device_code(&self) -> String {
        let begin = format!("curl -X POST {}{DEVICE_AUTHORIZATION} \\\n  {}", self.issuer, self.authentication);
        let ask = self.token(GrantType::DeviceCode, &["-d \"device_code=$DEVICE_CODE\""]);
        format!(
            "# 1. Show the user verification_uri and user_code\n{begin}\n\
             # 2. Ask until they have agreed, with DEVICE_CODE set to device_code\n{ask}"
        )
    }

    /// An address to open in a browser.
    fn authorize(&self, response_type: &str) -> String {
        let Self { issuer, id, redirect_uri, .. } = self;
        format!(
            "{issuer}{AUTHORIZE}?response_type={response_type}&client_id={id}&redirect_uri={redirect_uri}&state=$(openssl rand -hex 8)"
        )
    }
}

/// For a form and for a query, and nothing in it that a shell would read.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://portal.example";

    fn commands(settings: &ClientSettings) -> Vec<Command> {
        all(ISSUER, ("key", "secret"), settings)
    }

    #[test]
    fn a_confidential_client_proves_itself_and_a_public_one_says_its_name() {
        let settings = ClientSettings::default();
        let curl = "curl -X POST https://portal.example/oauth2/token \\\n  -u \"key:secret\" \\\n  -d \"grant_type=client_credentials\"";
        assert_eq!(commands(&settings), [Command { title: "cURL", text: curl.to_owned() }]);
        let settings = ClientSettings {
            kind: ClientKind::Public,
            grant_types: vec![GrantType::RefreshToken, GrantType::DeviceCode],
            ..settings
        };
        let commands = commands(&settings);
        assert_eq!(commands.iter().map(|c| c.title).collect::<Vec<_>>(), ["Device code", "Refresh token"]);
        for command in &commands {
            assert!(command.text.contains("-d \"client_id=key\""), "{}", command.text);
            assert!(!command.text.contains("secret"), "{}", command.text);
        }
    }

    #[test]
    fn nothing_that_was_typed_reaches_the_shell() {
        let settings = ClientSettings {
            grant_types: vec![GrantType::AuthorizationCode, GrantType::Implicit],
            redirect_uris: vec!["https://a.example/$(id)'!`&x=1".to_owned()],
            ..ClientSettings::default()
        };
        for command in commands(&settings) {
            assert!(command.text.contains("redirect_uri=https%3A%2F%2Fa.example%2F%24%28id%29%27%21%60%26x%3D1"));
            assert!(!command.text.contains("$(id)"), "{}", command.text);
        }
    }
}
