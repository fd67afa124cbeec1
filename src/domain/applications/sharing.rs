//! Sharing an application with people who may read it. They are known by e-mail address: one that has no account yet
//! waits for the person to register.

use crate::base::error::{Error, Result};
use crate::base::id::ApplicationId;
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::model::{Access, Reached};
use crate::domain::applications::{manage, share_store as store};
use crate::domain::audit;
use crate::domain::mail;
use crate::domain::mail::model::Letter;
use serde_json::json;
use time::OffsetDateTime;

/// People with whom one application is shared, at most.
pub const MOST: usize = 100;

/// Somebody with whom an application is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The e-mail address.
    pub email: String,
    /// The person's name; nothing while there is no account with that address.
    pub name: Option<String>,
    /// Since when.
    pub shared_at: OffsetDateTime,
}

/// With whom an application of the member's is shared, by address.
pub async fn readers(ctx: &Ctx, member: &Member, id: ApplicationId) -> Result<(Reached, Vec<Reader>)> {
    let mut conn = ctx.conn().await?;
    let reached = manage::reach(&mut conn, member, id).await?;
    reached.clone().for_change()?;
    let readers = store::readers(&mut conn, id).await?;
    Ok((reached, readers))
}

/// Shares it with the people at these addresses, which may be separated by commas, semicolons and spaces. Those with
/// whom it is shared already stay; the answer has the new ones.
pub async fn add(ctx: &Ctx, member: &Member, id: ApplicationId, typed: &str) -> Result<Vec<String>> {
    let mut tx = ctx.db.begin().await?;
    let application = manage::reach(&mut tx, member, id).await?.for_change()?;
    let wanted = parse(typed, &member.email)?;
    // Two forms at once must not pass the limit together.
    store::lock(&mut tx, id).await?;
    let mut added = store::insert(&mut tx, id, &wanted, ctx.clock.now()).await?;
    // In one order for all, so that two who share at once never wait for one another's letters.
    added.sort();
    if store::count(&mut tx, id).await? > i64::try_from(MOST).unwrap_or(i64::MAX) {
        let what = format!("An application can be shared with {MOST} people. Remove some, or name fewer.");
        return Err(Error::field("emails", what));
    }
    let by = &member.name;
    for email in added.iter().filter_map(|email| Email::parse(email)) {
        let letter = Letter::Shared { application: id, name: application.name.clone(), by: by.clone() };
        // Whoever has had many letters gets no other; the application is in their list all the same.
        mail::queue(&mut tx, ctx, &email, &letter).await?;
    }
    if !added.is_empty() {
        let what = ("application.shared", &*application.name);
        audit::record(&mut tx, ctx, &member.into(), what, Some(id), json!({ "emails": added })).await?;
    }
    tx.commit().await?;
    Ok(added)
}

/// Takes it back from somebody. Doing so twice changes nothing.
pub async fn remove(ctx: &Ctx, member: &Member, id: ApplicationId, email: &str) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let application = manage::reach(&mut tx, member, id).await?.for_change()?;
    let email = email.trim().to_lowercase();
    if store::delete(&mut tx, id, &email).await? {
        let what = ("application.unshared", &*application.name);
        audit::record(&mut tx, ctx, &member.into(), what, Some(id), json!({ "email": email })).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Leaves an application that is shared with the member.
pub async fn leave(ctx: &Ctx, member: &Member, id: ApplicationId) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let application = for_leaving(manage::reach(&mut tx, member, id).await?)?.application;
    store::delete(&mut tx, id, member.email.as_str()).await?;
    let what = ("application.left", &*application.name);
    audit::record(&mut tx, ctx, &member.into(), what, Some(id), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Refuses the owner, who cannot leave.
pub fn for_leaving(reached: Reached) -> Result<Reached> {
    match reached.access {
        Access::Reader => Ok(reached),
        Access::Owner => Err(Error::Forbidden(format!(
            "{} is yours, so you cannot leave it. Delete it if it is no longer needed.",
            reached.application.name
        ))),
    }
}

/// The addresses, each once, sorted.
fn parse(typed: &str, own: &Email) -> Result<Vec<String>> {
    let mut wanted = Vec::new();
    let mut wrong = Vec::new();
    let parts = typed.split(|c: char| c.is_whitespace() || ",;".contains(c));
    for part in parts.map(|part| part.trim_matches(['<', '>'])).filter(|part| !part.is_empty()) {
        if wanted.len() + wrong.len() > MOST {
            return Err(Error::field("emails", format!("Name {MOST} people at most.")));
        }
        match Email::parse(part) {
            Some(email) if email == *own => {
                return Err(Error::field("emails", format!("{email} owns it: that is you.")));
            }
            Some(email) => wanted.push(email.to_string()),
            None => wrong.push(part.chars().take(100).collect::<String>()),
        }
    }
    if !wrong.is_empty() {
        let what = if wrong.len() == 1 { "is not a complete address" } else { "are not complete addresses" };
        return Err(Error::field("emails", format!("{} {what}, such as ada@example.com.", wrong.join(", "))));
    }
    if wanted.is_empty() {
        return Err(Error::field("emails", "Enter an e-mail address."));
    }
    wanted.sort();
    wanted.dedup();
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_as_people_write_and_paste_them() {
        let own = Email::parse("ada@example.com").unwrap();
        let parsed = |typed: &str| parse(typed, &own);
        let both = parsed(" Bob@Example.com;\n<eve@example.com>, bob@example.com ").unwrap();
        assert_eq!(both, ["bob@example.com", "eve@example.com"]);
        for (typed, said) in [
            (" , ; ", "emails: Enter an e-mail address."),
            ("bob@, eve@example.com", "emails: bob@ is not a complete address, such as ada@example.com."),
            ("a b", "emails: a, b are not complete addresses, such as ada@example.com."),
            ("ADA@example.com", "emails: ada@example.com owns it: that is you."),
        ] {
            assert_eq!(parsed(typed).unwrap_err().to_string(), said);
        }
        let many = |n: usize| (0..n).map(|n| format!("a{n}@example.com")).collect::<Vec<_>>().join(" ");
        assert!(parsed(&many(MOST)).is_ok());
        assert!(parsed(&many(MOST + 2)).is_err());
    }
}
