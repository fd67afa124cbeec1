//! The consent page of an authorization request: who asks for what, and the user's answer.

use crate::domain::oauth::authorize::flow::{self, Look, Question};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::form::Fields;
use crate::web::oauth::authorize::reply;
use crate::web::page::{self, Shell};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "oauth/consent.html")]
struct ConsentPage {
    shell: Shell,
    handle: String,
    question: Question,
    /// Where the browser goes in the end, for people to read.
    host: String,
}

/// The question, or whatever comes instead of it.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At(handle): At<String>,
    shell: Shell,
) -> Result {
    let question = match flow::look(&state.ctx, &state.issuer, &handle, &viewer).await? {
        Look::Ask(question) => *question,
        Look::Step(step) => return reply::step(&state, shell, step),
    };
    let redirect_uri = question.redirect_uri.clone();
    let page = ConsentPage { shell, handle, host: reply::host(&redirect_uri), question };
    Ok(reply::guarded(&state, page::show(&page)?, Some(&redirect_uri)))
}

/// What the form sends.
#[derive(serde::Deserialize)]
pub struct Decision {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    seal: String,
}

/// Takes the user's answer. Whatever is not a clear yes is a no.
pub async fn decide(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At(handle): At<String>,
    shell: Shell,
    Fields(form): Fields<Decision>,
) -> Result {
    let step = match form.decision.as_str() {
        "allow" => flow::allow(&state.ctx, &state.issuer, &handle, &viewer, &form.seal).await?,
        _ => flow::deny(&state.ctx, &state.issuer, &handle).await?,
    };
    reply::step(&state, shell, step)
}
