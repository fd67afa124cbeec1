//! What an authorization request asks for, and where its answer may go.

use crate::base::id::UserId;
use crate::domain::credentials::client_model::{GrantType, RegisteredClient};
use crate::domain::oauth::authorize::answer::{Fault, Problem, ResponseMode, ReturnTo};
use crate::domain::oauth::authorize::parameters::Parameters;
use crate::domain::oauth::authorize::redirect_uri;
use crate::domain::oauth::issuer::{Issuer, Legacy};
use crate::domain::oauth::pkce::Challenge;
use crate::domain::oauth::scopes::{OPENID, Subject};
use crate::domain::oauth::{logout, resources, scopes};
use std::sync::Arc;
use time::Duration;

/// A request that was understood: nothing in it is wrong, whoever the user will be.
pub(super) struct Request {
    pub(super) client: Arc<RegisteredClient>,
    pub(super) to: ReturnTo,
    pub(super) kind: ResponseType,
    /// As it was asked for; none: the defaults.
    pub(super) scope: Option<String>,
    pub(super) resources: Vec<String>,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
    pub(super) prompt: Prompt,
    /// How long ago the user may have signed in.
    pub(super) max_age: Option<Duration>,
    /// An e-mail address to begin the form with.
    pub(super) login_hint: Option<String>,
    /// Whom the client expects.
    pub(super) expected: Expected,
}

/// Whom `id_token_hint` names (OIDC Core §3.1.2.1): the answer is about that user, or an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// It was not sent.
    Anybody,
    /// This one.
    User(UserId),
    /// It is no ID token that this client has from us, or one from so long ago that its key is gone.
    Unknown,
}

/// What the answer is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ResponseType {
    /// A code (RFC 6749 §4.1).
    Code,
    /// An access token (RFC 6749 §4.2).
    Token,
    /// An access token and an ID token (OIDC Core §3.2).
    IdTokenToken,
}

/// What the user is to be shown (OIDC Core §3.1.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Prompt {
    /// What is needed.
    AsNeeded,
    /// Nothing at all.
    Nothing,
    /// These pages, needed or not.
    Pages(SignInPage, ConsentPage),
}

/// Whether `prompt` names `login` or `select_account`: we know of one account a session, so both mean signing in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SignInPage {
    Wanted,
    AsNeeded,
}

/// Whether `prompt` names `consent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ConsentPage {
    Wanted,
    AsNeeded,
}

/// Characters of a nonce: more than any library sends.
const LONGEST_NONCE: usize = 512;
/// Characters of an e-mail address.
const LONGEST_HINT: usize = 254;

impl Prompt {
    fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else { return Ok(Self::AsNeeded) };
        let (mut sign_in, mut consent) = (SignInPage::AsNeeded, ConsentPage::AsNeeded);
        let words: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).collect();
        for word in &words {
            match *word {
                "login" | "select_account" => sign_in = SignInPage::Wanted,
                "consent" => consent = ConsentPage::Wanted,
                "none" if words.len() == 1 => return Ok(Self::Nothing),
                "none" => {
                    return Err(Problem::InvalidRequest("The prompt none goes with no other prompt."));
                }
                _ => return Err(Problem::InvalidRequest("The prompt is not known.")),
            }
        }
        Ok(Self::Pages(sign_in, consent))
    }

    pub(super) fn wants_sign_in(self) -> bool {
        matches!(self, Self::Pages(SignInPage::Wanted, _))
    }

    pub(super) fn wants_consent(self) -> bool {
        matches!(self, Self::Pages(_, ConsentPage::Wanted))
    }
}

impl ResponseType {
    /// The order of the words means nothing (OAuth 2.0 Multiple Response Type Encoding §3).
    fn parse(text: &str) -> Option<Self> {
        let mut words: Vec<_> = text.split(' ').collect();
        words.sort_unstable();
        match words.as_slice() {
            ["code"] => Some(Self::Code),
            ["token"] => Some(Self::Token),
            ["id_token", "token"] => Some(Self::IdTokenToken),
            _ => None,
        }
    }

    /// The grant that a client must have chosen for it.
    pub(super) fn grant_type(self) -> GrantType {
        match self {
            Self::Code => GrantType::AuthorizationCode,
            Self::Token | Self::IdTokenToken => GrantType::Implicit,
        }
    }
}

/// Where the client may be answered. Until this is known, nothing is sent anywhere.
pub(super) fn return_to(client: &RegisteredClient, parameters: &Parameters) -> Result<ReturnTo, Fault> {
    let redirect_uri = parameters.get("redirect_uri").ok_or(Fault::NoRedirectUri)?;
    if !redirect_uri::is_registered(&client.settings.redirect_uris, redirect_uri) {
        return Err(Fault::UnknownRedirectUri);
    }
    // Tokens never travel in a query: it ends up in logs and histories (Multiple Response Type Encoding §3.0). That
    // holds for errors too, so that a client finds them where it looks for the answer.
    let words = parameters.get("response_type").unwrap_or_default();
    let is_implicit = words.split(' ').any(|word| word == "token" || word == "id_token");
    let mode = match parameters.get("response_mode") {
        Some("form_post") => ResponseMode::FormPost,
        Some("fragment") => ResponseMode::Fragment,
        _ if is_implicit => ResponseMode::Fragment,
        _ => ResponseMode::Query,
    };
    Ok(ReturnTo { redirect_uri: redirect_uri.to_owned(), mode, state: parameters.get("state").map(str::to_owned) })
}

/// What is asked for, or why the client cannot have it.
pub(super) fn understand(
    issuer: &Issuer,
    client: Arc<RegisteredClient>,
    to: ReturnTo,
    parameters: &Parameters,
) -> Result<Request, Problem> {
    if parameters.has_repeated() {
        return Err(Problem::InvalidRequest("A parameter is repeated."));
    }
    for (name, problem) in [
        ("request", Problem::RequestNotSupported),
        ("request_uri", Problem::RequestUriNotSupported),
        ("registration", Problem::RegistrationNotSupported),
    ] {
        if parameters.get(name).is_some() {
            return Err(problem);
        }
    }
    let kind = response_type(issuer, &client, parameters)?;
    let (challenge, method) = (parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    let challenge = match kind {
        ResponseType::Code => Challenge::parse(&client.settings, challenge, method).map_err(Problem::InvalidRequest)?,
        // There is no code to bind.
        ResponseType::Token | ResponseType::IdTokenToken => None,
    };
    let scope = parameters.get("scope").map(str::to_owned);
    let possible = scopes::resolve(&client, Subject::SomeUser, scope.as_deref()).map_err(Problem::Refused)?;
    if kind == ResponseType::IdTokenToken && !possible.contains(OPENID) {
        return Err(Problem::InvalidRequest("The response type id_token takes the scope openid."));
    }
    Ok(Request {
        resources: resources::resolve(&client, issuer, parameters.resources()).map_err(Problem::Refused)?,
        nonce: nonce(kind, parameters)?,
        prompt: Prompt::parse(parameters.get("prompt"))?,
        max_age: parameters.get("max_age").map(max_age).transpose()?,
        login_hint: parameters.get("login_hint").filter(|hint| hint.chars().count() <= LONGEST_HINT).map(str::to_owned),
        expected: expected(issuer, &client.id, parameters),
        client,
        to,
        kind,
        scope,
        challenge,
    })
}

/// A response type that server and client have, and a mode in which it may be answered.
fn response_type(issuer: &Issuer, client: &RegisteredClient, parameters: &Parameters) -> Result<ResponseType, Problem> {
    let asked = parameters.get("response_type");
    let asked = asked.ok_or(Problem::InvalidRequest("The parameter response_type is missing."))?;
    let kind = ResponseType::parse(asked).ok_or(Problem::UnsupportedResponseType)?;
    let grant = kind.grant_type();
    if grant.is_legacy() && issuer.legacy() == Legacy::Forbidden {
        return Err(Problem::UnsupportedResponseType);
    }
    if !client.settings.has(grant) {
        return Err(Problem::UnauthorizedClient);
    }
    match parameters.get("response_mode") {
        Some(mode) if ResponseMode::ALL.iter().all(|known| known.as_str() != mode) => {
            Err(Problem::InvalidRequest("The response_mode is not known."))
        }
        Some("query") if kind != ResponseType::Code => {
            Err(Problem::InvalidRequest("Tokens are not sent in a query. Use the response_mode fragment or form_post."))
        }
        _ => Ok(kind),
    }
}

fn nonce(kind: ResponseType, parameters: &Parameters) -> Result<Option<String>, Problem> {
    match parameters.get("nonce") {
        Some(nonce) if nonce.chars().count() > LONGEST_NONCE => {
            Err(Problem::InvalidRequest("The nonce is longer than 512 characters."))
        }
        None if kind == ResponseType::IdTokenToken => {
            Err(Problem::InvalidRequest("The response type id_token takes a nonce."))
        }
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

fn expected(issuer: &Issuer, client: &str, parameters: &Parameters) -> Expected {
    let Some(token) = parameters.get("id_token_hint") else { return Expected::Anybody };
    let hint = logout::verify(issuer, token).filter(|hint| hint.aud == client);
    hint.map_or(Expected::Unknown, |hint| Expected::User(hint.sub))
}

fn max_age(text: &str) -> Result<Duration, Problem> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    let seconds = text.parse::<u32>().ok().filter(|_| is_number);
    seconds
        .map(|seconds| Duration::seconds(seconds.into()))
        .ok_or(Problem::InvalidRequest("The max_age is not a number of seconds."))
}
