//! The token inspector: what an access token says, and which of the viewer's APIs it opens now.

use crate::base::jwt::TokenError;
use crate::domain::oauth::inspect::{self, Holder, Inspection, Opening, Reason, State as TokenState, Verdict};
use crate::web::error::Result;
use crate::web::form::{Fields, Wrong};
use crate::web::page::{Shell, refuse, show, show_once};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::State;
use time::OffsetDateTime;

/// Longer ones are no tokens of ours.
const LONGEST: usize = 16 * 1024;

#[derive(Template)]
#[template(path = "credentials/tokens.html")]
struct Tokens {
    shell: Shell,
    wrong: Wrong,
    inspection: Option<Inspection>,
}

/// What was pasted. It is never shown again: it may be good for something.
#[derive(Default, serde::Deserialize)]
pub struct Pasted {
    #[serde(default)]
    token: String,
}

/// A claim.
struct Claim {
    name: &'static str,
    /// What it says.
    value: String,
    /// What that means.
    meaning: &'static str,
    /// The time that it names, if it does.
    at: Option<OffsetDateTime>,
}

impl Tokens {
    fn state(inspection: &Inspection) -> (&'static str, &'static str, &'static str) {
        match inspection.state {
            TokenState::Alive => ("is-ok", "The token is genuine and alive", ""),
            TokenState::Expired => {
                ("is-warn", "The token is genuine, but it has expired", "Get another one from the token endpoint.")
            }
            TokenState::Early => (
                "is-warn",
                "The token is genuine, but its time has not begun",
                "Some clock goes wrong; try again soon.",
            ),
            TokenState::Revoked => (
                "is-bad",
                "The token is genuine, but it was revoked",
                "It was ended before its time, or what it hangs on was. Get another one.",
            ),
        }
    }

    fn claims(&self, inspection: &Inspection) -> Vec<Claim> {
        let claims = &inspection.claims;
        let claim = |name, value: &str, meaning| Claim { name, value: value.to_owned(), meaning, at: None };
        let time = |name, seconds: i64, meaning| Claim {
            at: OffsetDateTime::from_unix_timestamp(seconds).ok(),
            ..claim(name, &seconds.to_string(), meaning)
        };
        let is_client = claims.sub == claims.client_id;
        let subject = if is_client { "The application itself: no user is involved" } else { "The user it stands for" };
        let scope = if claims.scope.is_empty() { "No scope" } else { "What it may be used for" };
        let end = if claims.exp > self.shell.now.unix_timestamp() { "It ends" } else { "It ended" };
        let mut all = vec![
            claim("iss", &claims.iss, "Who issued it: this portal"),
            claim("client_id", &claims.client_id, "The consumer key it was issued to"),
            claim("sub", &claims.sub, subject),
        ];
        all.extend(claims.aud.names().iter().map(|name| claim("aud", name, "What it is meant for")));
        all.extend([
            claim("scope", &claims.scope, scope),
            claim("env", claims.env.as_str(), "Where it opens APIs"),
            time("iat", claims.iat, "It was issued"),
            time("exp", claims.exp, end),
            claim("jti", &claims.jti, "Its own name"),
        ]);
        all.extend(claims.gid.map(|grant| claim("gid", &grant.to_string(), "What the user let the application do")));
        all
    }

    fn badge(opening: &Opening) -> (&'static str, &'static str) {
        match &opening.verdict {
            Verdict::Opens => ("Opens", "is-ok"),
            Verdict::But(_) => ("Opens in part", "is-warn"),
            Verdict::No(_) => ("Closed", "is-bad"),
        }
    }

    /// Why a token does not open an API, and what to do.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn why(reason: &Reason, holder: &Holder) -> String {
        let name = &holder.name;
        match *reason {
            Reason::Dead(TokenState::Revoked) => "The token was revoked.".to_owned(),
            Reason::Dead(TokenState::Early) => "The token's time has not begun.".to_owned(),
            Reason::Dead(_) => "The token has expired.".to_owned(),
            Reason::TakesNoTokens => "It takes API keys only. Generate one on its page.".to_owned(),
            Reason::NotSubscribed => format!("{name} is not subscribed to it. Another application of yours is."),
            Reason::SubscriptionPending => {
                format!("The subscription of {name} waits for one of the API's owners to approve it.")
            }
            Reason::SubscriptionRejected => {
                format!("The subscription of {name} was not approved. Its subscriptions say why.")
            }
            Reason::SubscriptionBlocked => format!("Its publisher has blocked the subscription of {name}. Ask them."),
            Reason::OtherResource => {
                "The token was asked for with a resource, and is meant for others only.".to_owned()
            }
            Reason::Gone => "Nothing of this version is published any more. Use another one.".to_owned(),
            Reason::Blocked => "Its publisher has blocked this version for the time being.".to_owned(),
            Reason::NotServed(environment) => format!("It cannot be called in the {environment} environment."),
        }
    }
}

/// The form.
pub async fn ask(shell: Shell, SignedIn(_): SignedIn) -> Result {
    show(&Tokens { shell, wrong: Wrong::default(), inspection: None })
}

/// Looks at a token. It comes by POST so that it stands in no URL and no log.
pub async fn inspect(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    Fields(Pasted { token }): Fields<Pasted>,
) -> Result {
    let token = token.trim();
    let scheme = token.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    let token = token.get(scheme.map_or(0, str::len)..).unwrap_or_default().trim();
    let wrong = |text: &'static str| Wrong::field("token", text);
    let refused = if token.is_empty() {
        wrong("Paste an access token.")
    } else if token.len() > LONGEST {
        wrong("This is too long for one of our tokens.")
    } else if token.starts_with("pt") && token.contains('_') && !token.contains('.') {
        wrong(
            "This is a secret of another kind, such as an API key: only access tokens say something about themselves.",
        )
    } else {
        match inspect::inspect(&state.ctx, &state.issuer, &member, token).await? {
            Ok(inspection) => {
                return show_once(&Tokens { shell, wrong: Wrong::default(), inspection: Some(inspection) });
            }
            Err(error) => wrong(unbelieved(error)),
        }
    };
    refuse(&Tokens { shell, wrong: refused, inspection: None })
}

fn unbelieved(error: TokenError) -> &'static str {
    match error {
        TokenError::Malformed => "This is no token: three parts with dots between them are expected.",
        TokenError::WrongType => "This is no access token. An ID token says who somebody is and opens no API.",
        TokenError::UnknownKey => "No key of this portal has signed it: it comes from elsewhere, or is very old.",
        TokenError::Signature | TokenError::Key => "Its signature does not hold: it was changed, or not copied whole.",
        TokenError::Issuer => "It was issued by somebody else.",
        TokenError::Expired => "It has expired.",
    }
}
