//! `/device`: where a user enters the code that a device shows, sees who asks for what, and decides (RFC 8628 §3.3).

use crate::base::error::Error;
use crate::domain::oauth::device::{self, Asked, Decided, Decision};
use crate::domain::oauth::user_code::UserCode;
use crate::web::error::{Result, in_words};
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};

#[derive(Template)]
#[template(path = "oauth/device.html")]
struct EnterPage {
    shell: Shell,
    user_code: String,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "oauth/device_consent.html")]
struct ConsentPage {
    shell: Shell,
    asked: Asked,
}

#[derive(Template)]
#[template(path = "oauth/device_done.html")]
struct DonePage {
    shell: Shell,
    application: String,
    is_connected: bool,
}

/// A code, from the form or from the address that the device shows (RFC 8628 §3.3.1).
#[derive(Default, serde::Deserialize)]
pub struct Entered {
    #[serde(default)]
    user_code: String,
}

/// What the buttons of the consent page send.
#[derive(serde::Deserialize)]
pub struct Answered {
    #[serde(default)]
    user_code: String,
    #[serde(default)]
    seal: String,
    #[serde(default)]
    decision: String,
}

/// The form. A code in the address is filled in and nothing more: the user compares it with the device and goes on by
/// hand, because a link may come from somebody else (RFC 8628 §5.4).
pub async fn show(SignedIn(_): SignedIn, Query(entered): Query<Entered>, shell: Shell) -> Result {
    let user_code = UserCode::parse(&entered.user_code).map(|code| code.to_string()).unwrap_or_default();
    page::show(&EnterPage { shell, user_code, wrong: Wrong::default() })
}

/// Takes the code and shows who asks for what.
pub async fn enter(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    shell: Shell,
    Fields(entered): Fields<Entered>,
) -> Result {
    match device::find(&state.ctx, &state.issuer, &member, &entered.user_code).await {
        Ok(asked) => page::show(&ConsentPage { shell, asked }),
        Err(error) => again(shell, entered.user_code, error),
    }
}

/// Takes the decision.
pub async fn decide(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    shell: Shell,
    Fields(answered): Fields<Answered>,
) -> Result {
    // Whatever is not a clear yes is a no.
    let decision = if answered.decision == "allow" { Decision::Allow(&answered.seal) } else { Decision::Deny };
    match device::decide(&state.ctx, &state.issuer, &member, &answered.user_code, decision).await {
        Ok(Decided::Done(asked)) => {
            let is_connected = decision != Decision::Deny;
            page::show(&DonePage { shell, application: asked.application, is_connected })
        }
        Ok(Decided::Again(asked)) => page::refuse(&ConsentPage { shell, asked }),
        Err(error) => again(shell, answered.user_code, error),
    }
}

/// The form once more, with what is wrong.
fn again(shell: Shell, user_code: String, error: Error) -> Result {
    if let Error::Busy(wait) = error {
        let text = format!("Too many wrong codes. Try again in {}.", in_words(wait.as_secs()));
        let page = EnterPage { shell, user_code, wrong: Wrong::summary_only(text) };
        let mut response = page::show_with(StatusCode::TOO_MANY_REQUESTS, &page)?;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        return Ok(response);
    }
    match outcome::<()>(Err(error))? {
        Outcome::Done(()) => page::show(&EnterPage { shell, user_code, wrong: Wrong::default() }),
        Outcome::Wrong(wrong) => page::refuse(&EnterPage { shell, user_code, wrong }),
    }
}
