//! How far somebody is on the way to a first call: told by what there is, never by what was clicked.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::usage::first_steps_store;
use time::OffsetDateTime;

/// The way to a first call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstSteps {
    /// The newest application of one's own.
    pub application: Option<(ApplicationId, String, OffsetDateTime)>,
    /// What was subscribed to last: the API's title and major version, and the plan's title.
    pub subscription: Option<(String, u16, String)>,
    /// Whether any application has a key or client.
    pub has_credential: bool,
    /// Whether a call of any application has arrived.
    pub has_called: bool,
    /// Whether they were put away.
    pub is_hidden: bool,
}

impl FirstSteps {
    /// How many of the four are done.
    pub fn done(&self) -> u8 {
        u8::from(self.application.is_some())
            + u8::from(self.subscription.is_some())
            + u8::from(self.has_credential)
            + u8::from(self.has_called)
    }
}

/// One of one's own applications, as the home page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Which.
    pub id: ApplicationId,
    /// Its name.
    pub name: String,
    /// How many APIs it is subscribed to.
    pub subscriptions: i64,
    /// Calls of the last 24 hours.
    pub calls: i64,
}

/// How far the member is.
pub async fn find(ctx: &Ctx, member: &Member) -> Result<FirstSteps> {
    first_steps_store::find(&mut *ctx.conn().await?, member.id).await
}

/// The newest applications of the member's own, six at most.
pub async fn recent(ctx: &Ctx, member: &Member) -> Result<Vec<Recent>> {
    first_steps_store::recent(&mut *ctx.conn().await?, member.id, ctx.clock.now() - time::Duration::DAY).await
}
