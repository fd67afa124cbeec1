//! What waits for somebody's decision, for the menu of every page.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::role_requests;
use crate::domain::subscriptions::approvals::{self, Duty, MOST_COUNTED};

/// How much waits for a person who has something to decide at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting(i64);

impl Waiting {
    /// What waits for the member; none for whoever has nothing to decide, ever.
    pub async fn of(ctx: &Ctx, member: &Member) -> Result<Option<Self>> {
        let people = role_requests::count(ctx, member, MOST_COUNTED).await?;
        Ok(match approvals::duty(ctx, member).await? {
            Duty::None => None,
            Duty::Decides(count) => Some(Self(people + count)),
        })
    }

    /// `3`, `99+`; empty when nothing waits.
    pub fn count(self) -> String {
        match self.0 {
            0 => String::new(),
            count if count >= MOST_COUNTED => format!("{}+", MOST_COUNTED - 1),
            count => count.to_string(),
        }
    }
}
