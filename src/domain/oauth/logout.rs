//! Signing out at the wish of a client (OIDC RP-Initiated Logout).

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::domain::Ctx;
use crate::domain::accounts::model::Viewer;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::mint::ID_TOKEN;
use crate::domain::oauth::request::decode;
use serde::Deserialize;
use std::sync::Arc;

/// Bytes of a query: a long ID token and a long `state` fit.
const LONGEST: usize = 16 * 1024;
/// Parameters a request may have.
const MOST: usize = 64;

/// A request to sign out, understood.
#[derive(Debug)]
pub struct Logout {
    /// Whose session is to end, proved by an ID token of ours.
    user: Option<UserId>,
    onward: Onward,
}

/// Where the browser goes after signing out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Onward {
    /// To the client, whose registered address this is.
    Client(Way),
    /// Nowhere in particular.
    Nowhere,
    /// Nowhere, although an address was named: it is not registered for the client, so it is never followed (§3).
    Unregistered,
}

/// The way back to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Which client.
    pub client: String,
    /// What people call its application.
    pub application: String,
    /// One of the client's registered addresses.
    pub redirect_uri: String,
    /// What the client sent to recognise its own request by; may be empty.
    pub state: String,
}

impl Way {
    /// The address with `state`.
    pub fn location(&self) -> String {
        if self.state.is_empty() {
            return self.redirect_uri.clone();
        }
        let separator = if self.redirect_uri.contains('?') { '&' } else { '?' };
        let state = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", &self.state).finish();
        format!("{}{separator}{state}", self.redirect_uri)
    }
}

/// The request contradicts itself or cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The parameters that mean something here.
#[derive(Default, PartialEq, Eq, Debug)]
struct Parameters {
    id_token_hint: Option<String>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// What an ID token tells about whom it was issued to.
#[derive(Clone, Deserialize)]
pub(super) struct Hint {
    iss: String,
    /// The user.
    pub(super) sub: UserId,
    /// The client.
    pub(super) aud: String,
}

impl Logout {
    /// Reads a request.
    pub async fn read(ctx: &Ctx, issuer: &Issuer, query: &str) -> Result<Result<Self, Unreadable>> {
        let Ok(parameters) = Parameters::parse(query) else { return Ok(Err(Unreadable)) };
        let hint = parameters.id_token_hint.as_deref().and_then(|token| verify(issuer, token));
        let id = match (&hint, &parameters.client_id) {
            // §2: the two must agree where both are there.
            (Some(hint), Some(id)) if hint.aud != *id => return Ok(Err(Unreadable)),
            (Some(hint), _) => Some(&hint.aud),
            (None, id) => id.as_ref(),
        };
        let client = match id {
            Some(id) => issuer.registry().client(ctx, id).await?,
            None => None,
        };
        // An ID token for a client that is gone says nothing any more.
        let user = hint.as_ref().filter(|_| client.is_some()).map(|hint| hint.sub);
        Ok(Ok(Self { user, onward: onward(client, parameters) }))
    }

    /// Whether the user has to be asked: somebody is signed in, and it is not shown that the request is about them (§2).
    pub fn must_ask(&self, viewer: &Viewer) -> bool {
        viewer.member().is_some_and(|member| self.user != Some(member.id))
    }

    /// Where to go on.
    pub fn onward(&self) -> &Onward {
        &self.onward
    }
}

impl Parameters {
    /// Each at most once; empty ones count as left out, unknown ones are ignored.
    fn parse(query: &str) -> Result<Self, Unreadable> {
        if query.len() > LONGEST {
            return Err(Unreadable);
        }
        let (mut read, mut seen) = (Self::default(), Vec::new());
        for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = decode(name).zip(decode(value)).ok_or(Unreadable)?;
            if count >= MOST || seen.contains(&name) {
                return Err(Unreadable);
            }
            let place = match name.as_str() {
                "id_token_hint" => Some(&mut read.id_token_hint),
                "client_id" => Some(&mut read.client_id),
                "post_logout_redirect_uri" => Some(&mut read.post_logout_redirect_uri),
                "state" => Some(&mut read.state),
                _ => None,
            };
            if let Some(place) = place.filter(|_| !value.is_empty()) {
                *place = Some(value);
            }
            seen.push(name);
        }
        Ok(read)
    }
}

/// An ID token that we have signed, also an expired one (§2): the user may have been away for long.
pub(super) fn verify(issuer: &Issuer, token: &str) -> Option<Hint> {
    let hint: Hint = issuer.trusted(|keys| keys.verify(token, ID_TOKEN)).ok()?;
    (hint.iss == issuer.name()).then_some(hint)
}

fn onward(client: Option<Arc<RegisteredClient>>, parameters: Parameters) -> Onward {
    let Some(redirect_uri) = parameters.post_logout_redirect_uri else { return Onward::Nowhere };
    match client {
        Some(client) if client.settings.post_logout_redirect_uris.contains(&redirect_uri) => Onward::Client(Way {
            client: client.id.clone(),
            application: client.application_name.clone(),
            redirect_uri,
            state: parameters.state.unwrap_or_default(),
        }),
        _ => Onward::Unregistered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_count_once_and_empty_ones_not_at_all() {
        let read = Parameters::parse("state=a%20b&client_id=&x=1").unwrap();
        assert_eq!(read, Parameters { state: Some("a b".to_owned()), ..Parameters::default() });
        for wrong in ["state=a&state=b", "x=1&x=1", "state=%00", "state=%ff", "%", &"a".repeat(LONGEST + 1)] {
            assert_eq!(Parameters::parse(wrong), Err(Unreadable), "{wrong:.20}");
        }
        let many = (0..=MOST).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(Parameters::parse(&many), Err(Unreadable));
    }

    #[test]
    fn state_goes_into_the_query_and_can_break_out_of_nothing() {
        let way = |redirect_uri: &str, state: &str| {
            let (redirect_uri, state) = (redirect_uri.to_owned(), state.to_owned());
            Way { client: String::new(), application: String::new(), redirect_uri, state }.location()
        };
        assert_eq!(way("https://a.example/out", ""), "https://a.example/out");
        assert_eq!(way("https://a.example/out", "a b&c=d#\r\n"), "https://a.example/out?state=a+b%26c%3Dd%23%0D%0A");
        assert_eq!(way("https://a.example/out?x=1", "s"), "https://a.example/out?x=1&state=s");
        assert_eq!(way("com.example.app:/out", "s"), "com.example.app:/out?state=s");
    }
}
