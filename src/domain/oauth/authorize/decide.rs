//! What happens next with a request: sign in, ask, refuse or grant.

use crate::base::error::Result;
use crate::base::id::SessionId;
use crate::base::scope::Scopes;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::sessions;
use crate::domain::oauth::authorize::answer::Problem;
use crate::domain::oauth::authorize::consents;
use crate::domain::oauth::authorize::request::{Expected, Prompt, Request, ResponseType};
use crate::domain::oauth::scopes::{self, OPENID, Subject};
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// What happens next.
pub(super) enum Decision {
    /// The client cannot have this from this user.
    Refuse(Problem),
    /// The user has to sign in.
    SignIn,
    /// The user has to be asked.
    Ask(Permit, Unanswered),
    /// All is said.
    Grant(Permit),
}

/// A user who is signed in as the request wants it, and what the client may have of that user's. Only [`decide`] makes
/// one; it says nothing about what the user has agreed to.
pub(super) struct Permit {
    pub(super) member: Member,
    pub(super) scopes: Scopes,
    pub(super) auth_time: OffsetDateTime,
}

impl Permit {
    /// Stands for what a user is asked, and of whom it is asked. It needs no secret: whoever could forge it could as
    /// well press the button.
    pub(super) fn seal(&self) -> String {
        format!("{} {}", self.member.id, self.scopes)
    }
}

/// What a user is asked about.
pub(super) struct Unanswered {
    /// What is new.
    pub(super) asked: Scopes,
    /// What was agreed to before.
    pub(super) known: Scopes,
}

/// Decides for whoever is signed in. `signed_in_for_this` is the session that was opened on the request's own sign-in
/// page, if there was one: it satisfies `prompt=login` and any `max_age`, however long the user then thinks.
pub(super) async fn decide(
    conn: &mut Conn,
    ctx: &Ctx,
    request: &Request,
    member: Option<&Member>,
    signed_in_for_this: Option<SessionId>,
) -> Result<Decision> {
    let Some((member, session)) = member.and_then(|member| Some((member, member.session?))) else {
        return Ok(Decision::SignIn);
    };
    let Some(auth_time) = sessions::opened_at(conn, session).await? else {
        return Ok(Decision::SignIn);
    };
    let is_too_old = request.max_age.is_some_and(|max_age| ctx.clock.now() - auth_time > max_age);
    if (is_too_old || request.prompt.wants_sign_in()) && signed_in_for_this != Some(session) {
        return Ok(Decision::SignIn);
    }
    let is_somebody_else = match request.expected {
        Expected::Anybody => false,
        Expected::User(user) => user != member.id,
        // Whom the client means cannot be told. A page asks the user; without one there is nobody to ask.
        Expected::Unknown => request.prompt == Prompt::Nothing,
    };
    if is_somebody_else {
        let has_tried = signed_in_for_this == Some(session);
        return Ok(if has_tried { Decision::Refuse(Problem::LoginRequired) } else { Decision::SignIn });
    }
    let scopes = match scopes::resolve(&request.client, Subject::User(member), request.scope.as_deref()) {
        Ok(scopes) => scopes,
        Err(refusal) => return Ok(Decision::Refuse(Problem::Refused(refusal))),
    };
    if request.kind == ResponseType::IdTokenToken && !scopes.contains(OPENID) {
        return Ok(Decision::Refuse(Problem::InvalidRequest("The response type id_token takes the scope openid.")));
    }
    let agreed = consents::agreed(conn, member.id, &request.client.id).await?;
    let permit = Permit { member: member.clone(), scopes, auth_time };
    Ok(match agreed {
        Some(agreed) if permit.scopes.is_subset_of(&agreed) && !request.prompt.wants_consent() => {
            Decision::Grant(permit)
        }
        agreed => {
            let agreed = agreed.filter(|_| !request.prompt.wants_consent()).unwrap_or_default();
            let (known, asked): (Vec<_>, Vec<_>) = permit.scopes.iter().partition(|name| agreed.contains(name));
            let unanswered = Unanswered { asked: Scopes::new(asked), known: Scopes::new(known) };
            Decision::Ask(permit, unanswered)
        }
    })
}
