//! Who may hold production credentials: the one place that decides.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::domain::accounts::model::{Member, PRODUCTION};

/// Refuses production to members without the role.
pub fn check(member: &Member, environment: Environment) -> Result<()> {
    if environment == Environment::Sandbox || member.may_hold_production() {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "Production credentials take the role {PRODUCTION}. Ask an administrator for it; sandbox credentials are open to you."
    )))
}
