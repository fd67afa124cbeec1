//! From an authorization request to its answer: at once, or over pages while the request waits here.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::secret::Plain;
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::oauth::authorize::answer::{Answer, Fault, Problem};
use crate::domain::oauth::authorize::consents::{self, Permission};
use crate::domain::oauth::authorize::decide::{Decision, Permit, Unanswered, decide};
use crate::domain::oauth::authorize::parameters::Parameters;
use crate::domain::oauth::authorize::request::{Prompt, Request, ResponseType};
use crate::domain::oauth::authorize::waiting::{self, Waiting};
use crate::domain::oauth::codes::{self, NewCode};
use crate::domain::oauth::grant;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::mint::{self, Wanted};
use crate::infra::db::Conn;
use std::net::IpAddr;

/// Where a request goes on.
pub enum Step {
    /// Nowhere: the page says why.
    Fault(Fault),
    /// Back to the client.
    Answer(Answer),
    /// To the sign-in page of the request with this handle.
    SignIn(Plain),
    /// To the consent page of the request with this handle.
    Consent(Plain),
}

/// What the sign-in page says.
pub struct Invitation {
    /// The application's name.
    pub application: String,
    /// An e-mail address to begin with; may be empty.
    pub login_hint: String,
    /// Where the browser goes in the end.
    pub redirect_uri: String,
}

/// What the consent page says.
pub struct Question {
    /// The application's name.
    pub application: String,
    /// Whose it is.
    pub owner: String,
    /// Where its tokens will work.
    pub environment: Environment,
    /// What the user is asked for.
    pub asked: Vec<Permission>,
    /// What was agreed to before.
    pub known: Vec<Permission>,
    /// Who is asked.
    pub member: Member,
    /// Stands for what is asked, and of whom: it comes back with the answer, so that nobody agrees to what they have
    /// not seen.
    pub seal: String,
    /// Where the browser goes in the end.
    pub redirect_uri: String,
}

/// What a look at a waiting request finds.
pub enum Look {
    /// The question for its user.
    Ask(Box<Question>),
    /// No question is open.
    Step(Step),
}

/// Takes a request at the endpoint.
pub async fn begin(ctx: &Ctx, issuer: &Issuer, query: &str, viewer: &Viewer, from: IpAddr) -> Result<Step> {
    let parameters = match Parameters::parse(query) {
        Ok(parameters) => parameters,
        Err(fault) => return Ok(Step::Fault(fault)),
    };
    let request = match waiting::understand(ctx, issuer, &parameters).await? {
        Ok(request) => request,
        Err(step) => return Ok(step),
    };
    let refused = |problem| Step::Answer(Answer::refused(issuer, &request.to, problem));
    let mut tx = ctx.db.begin().await?;
    let next = match decide(&mut tx, ctx, &request, viewer.member(), None).await? {
        Decision::Refuse(problem) => return Ok(refused(problem)),
        Decision::SignIn if request.prompt == Prompt::Nothing => return Ok(refused(Problem::LoginRequired)),
        Decision::Ask(..) if request.prompt == Prompt::Nothing => return Ok(refused(Problem::ConsentRequired)),
        Decision::Grant(permit) => Step::Answer(grant(&mut tx, ctx, issuer, &request, &permit).await?),
        decision @ (Decision::SignIn | Decision::Ask(..)) => {
            let page = if matches!(decision, Decision::SignIn) { Step::SignIn } else { Step::Consent };
            waiting::keep(&mut tx, ctx, &request, parameters, from).await?.map_or_else(Step::Fault, page)
        }
    };
    tx.commit().await?;
    Ok(next)
}

/// What the sign-in page of a request says, whoever is signed in now.
pub async fn invitation(ctx: &Ctx, issuer: &Issuer, handle: &str) -> Result<Result<Invitation, Step>> {
    Ok(Waiting::find(ctx, issuer, handle).await?.map(|waiting| Invitation {
        application: waiting.request.client.application_name.clone(),
        login_hint: waiting.request.login_hint.unwrap_or_default(),
        redirect_uri: waiting.request.to.redirect_uri,
    }))
}

/// Goes on after the member has signed in on the request's page, in a new session.
pub async fn signed_in(ctx: &Ctx, issuer: &Issuer, handle: &str, member: &Member) -> Result<Step> {
    let mut waiting = match Waiting::find(ctx, issuer, handle).await? {
        Ok(waiting) => waiting,
        Err(step) => return Ok(step),
    };
    if let Some(session) = member.session {
        waiting.note_session(&mut *ctx.conn().await?, session).await?;
    }
    match proceed(ctx, issuer, &waiting, Some(member)).await? {
        Open::Closed(step) => Ok(step),
        Open::SignIn => Ok(Step::SignIn(waiting.handle)),
        Open::Question(..) => Ok(Step::Consent(waiting.handle)),
    }
}

/// What the consent page of a request says to whoever looks.
pub async fn look(ctx: &Ctx, issuer: &Issuer, handle: &str, viewer: &Viewer) -> Result<Look> {
    let waiting = match Waiting::find(ctx, issuer, handle).await? {
        Ok(waiting) => waiting,
        Err(step) => return Ok(Look::Step(step)),
    };
    Ok(match proceed(ctx, issuer, &waiting, viewer.member()).await? {
        Open::Closed(step) => Look::Step(step),
        Open::SignIn => Look::Step(Step::SignIn(waiting.handle)),
        Open::Question(permit, unanswered) => Look::Ask(Box::new(question(&waiting.request, permit, &unanswered))),
    })
}

/// The viewer agrees to the question with this seal. Where the question has changed since it was shown, the browser is
/// sent to look at it again.
pub async fn allow(ctx: &Ctx, issuer: &Issuer, handle: &str, viewer: &Viewer, seal: &str) -> Result<Step> {
    let waiting = match Waiting::find(ctx, issuer, handle).await? {
        Ok(waiting) => waiting,
        Err(step) => return Ok(step),
    };
    let permit = match proceed(ctx, issuer, &waiting, viewer.member()).await? {
        Open::Closed(step) => return Ok(step),
        Open::SignIn => return Ok(Step::SignIn(waiting.handle)),
        Open::Question(permit, _) if permit.seal() != seal => return Ok(Step::Consent(waiting.handle)),
        Open::Question(permit, _) => permit,
    };
    let request = &waiting.request;
    let mut tx = ctx.db.begin().await?;
    if let Err(step) = waiting.use_up(&mut tx).await? {
        return Ok(step);
    }
    consents::remember(&mut tx, ctx, &permit.member, &request.client, &permit.scopes).await?;
    let answer = grant(&mut tx, ctx, issuer, request, &permit).await?;
    tx.commit().await?;
    Ok(Step::Answer(answer))
}

/// The user says no.
pub async fn deny(ctx: &Ctx, issuer: &Issuer, handle: &str) -> Result<Step> {
    let waiting = match Waiting::find(ctx, issuer, handle).await? {
        Ok(waiting) => waiting,
        Err(step) => return Ok(step),
    };
    if let Err(step) = waiting.use_up(&mut *ctx.conn().await?).await? {
        return Ok(step);
    }
    Ok(Step::Answer(Answer::refused(issuer, &waiting.request.to, Problem::AccessDenied)))
}

/// How far a waiting request goes without a word from its user.
enum Open {
    /// Up to a question.
    Question(Permit, Unanswered),
    /// Not beyond signing in.
    SignIn,
    /// To its end.
    Closed(Step),
}

async fn proceed(ctx: &Ctx, issuer: &Issuer, waiting: &Waiting, member: Option<&Member>) -> Result<Open> {
    let request = &waiting.request;
    let mut tx = ctx.db.begin().await?;
    let decision = decide(&mut tx, ctx, request, member, waiting.session).await?;
    let outcome = match decision {
        Decision::Ask(permit, unanswered) => return Ok(Open::Question(permit, unanswered)),
        Decision::SignIn => return Ok(Open::SignIn),
        Decision::Refuse(problem) => Err(problem),
        Decision::Grant(permit) => Ok(permit),
    };
    if let Err(step) = waiting.use_up(&mut tx).await? {
        return Ok(Open::Closed(step));
    }
    let answer = match outcome {
        Ok(permit) => grant(&mut tx, ctx, issuer, request, &permit).await?,
        Err(problem) => Answer::refused(issuer, &request.to, problem),
    };
    tx.commit().await?;
    Ok(Open::Closed(Step::Answer(answer)))
}

fn question(request: &Request, permit: Permit, unanswered: &Unanswered) -> Question {
    let client = &request.client;
    Question {
        application: client.application_name.clone(),
        owner: client.owner_name.clone(),
        environment: client.environment,
        asked: consents::in_words(client, &unanswered.asked),
        known: consents::in_words(client, &unanswered.known),
        seal: permit.seal(),
        member: permit.member,
        redirect_uri: request.to.redirect_uri.clone(),
    }
}

/// Begins a grant, and answers with what the response type asks for.
async fn grant(conn: &mut Conn, ctx: &Ctx, issuer: &Issuer, request: &Request, permit: &Permit) -> Result<Answer> {
    let client = &request.client;
    let about = (request.kind.grant_type(), permit.member.id, permit.auth_time);
    let what = (permit.scopes.clone(), request.resources.clone());
    let grant = grant::begin(conn, ctx, client, about, what).await?;
    let nonce = request.nonce.as_deref();
    if request.kind == ResponseType::Code {
        let redirect_uri = &request.to.redirect_uri;
        let new = NewCode { redirect_uri, challenge: request.challenge.as_ref(), nonce };
        let code = codes::issue(conn, ctx, &grant, new).await?;
        return Ok(Answer::new(issuer, &request.to, vec![("code", code.expose().to_owned())]));
    }
    let wanted = Wanted { scopes: &grant.scopes, resources: &grant.resources, nonce };
    let tokens = mint::for_grant(conn, ctx, issuer, (client, &grant), wanted).await?;
    // RFC 6749 §4.2.2: never a refresh token.
    let mut parameters = vec![
        ("access_token", tokens.access_token),
        ("token_type", "Bearer".to_owned()),
        ("expires_in", tokens.expires_in.to_string()),
        ("scope", tokens.scope),
    ];
    if let (ResponseType::IdTokenToken, Some(id_token)) = (request.kind, tokens.id_token) {
        parameters.push(("id_token", id_token));
    }
    Ok(Answer::new(issuer, &request.to, parameters))
}
