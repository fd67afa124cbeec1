//! Adding people and giving them roles.

use crate::base::error::{Error, FieldError, Result};
use crate::base::id::UserId;
use crate::base::text::{self, Email};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::{access, password, store};
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::infra::db::{Conn, OnConstraint as _};

/// A person to add, checked.
#[derive(Clone)]
pub struct NewUser {
    name: String,
    email: Email,
    roles: Vec<String>,
    password: Option<String>,
}

impl NewUser {
    /// Checks every field and names all that are wrong.
    pub fn parse(name: &str, email: &str, roles: Vec<String>, password: Option<&str>) -> Result<Self> {
        let mut wrong = Vec::new();
        let (typed, name_typed) = (email, name);
        let name = text::line("name", "a name", name, 100).map_err(|e| wrong.push(e));
        let email = Email::parse(email).ok_or_else(|| {
            let message = "Enter an e-mail address such as ada@example.com.".to_owned();
            wrong.push(FieldError { field: "email", message });
        });
        if let Some(Err(error)) = password.map(|password| password::check(password, &[typed, name_typed])) {
            wrong.push(error);
        }
        match (name, email) {
            (Ok(name), Ok(email)) if wrong.is_empty() => {
                Ok(Self { name, email, roles, password: password.map(str::to_owned) })
            }
            _ => Err(Error::Invalid(wrong)),
        }
    }
}

/// A person to add whose password is hashed already.
pub(super) struct Hashed {
    new: NewUser,
    hash: Option<String>,
}

pub(super) async fn hashed(ctx: &Ctx, new: NewUser) -> Result<Hashed> {
    let hash = match &new.password {
        Some(password) => Some(password::hash(ctx, password).await?),
        None => None,
    };
    Ok(Hashed { new, hash })
}

/// Adds a person; a clear error when the address is taken or a role does not exist.
pub async fn add(ctx: &Ctx, new: NewUser, actor: &Actor) -> Result<Member> {
    let new = hashed(ctx, new).await?;
    let mut tx = ctx.db.begin().await?;
    let member = insert(&mut tx, ctx, new, actor).await?;
    tx.commit().await?;
    Ok(member)
}

pub(super) async fn insert(conn: &mut Conn, ctx: &Ctx, new: Hashed, actor: &Actor) -> Result<Member> {
    let Hashed { new, hash } = new;
    let now = ctx.clock.now();
    let id = UserId(ctx.random.uuid(now));
    store::insert_user(conn, id, &new.email, &new.name, hash.as_deref(), now)
        .await
        .on_constraint("users_email_key", || {
            Error::field("email", format!("There is an account with the address {} already.", new.email))
        })?;
    for role in &new.roles {
        store::grant_role(conn, id, role, now)
            .await
            .on_constraint("role_grants_role_fkey", || access::unknown_role(role))?;
    }
    let detail = serde_json::json!({ "email": new.email.as_str(), "roles": new.roles });
    audit::record(conn, ctx, actor, ("user.added", &id.to_string()), None, detail).await?;
    store::member(conn, id).await?.ok_or(Error::NotFound)
}

/// The person with this address.
pub async fn by_email(ctx: &Ctx, email: &str) -> Result<Member> {
    let email = Email::parse(email).ok_or(Error::NotFound)?;
    let user = store::user_by_email(&mut *ctx.conn().await?, &email).await?.ok_or(Error::NotFound)?;
    Ok(user.member)
}

/// The person with this address, unless the account is disabled.
pub async fn active(conn: &mut Conn, email: &Email) -> Result<Option<Member>> {
    Ok(store::user_by_email(conn, email).await?.filter(|user| !user.disabled).map(|user| user.member))
}

/// The person with this id, unless the account is disabled.
pub async fn by_id(conn: &mut Conn, id: UserId) -> Result<Option<Member>> {
    store::member(conn, id).await
}

/// Defines a role of the organisation, or renames it; true when something changed.
pub async fn define_role(conn: &mut Conn, ctx: &Ctx, name: &str, title: &str) -> Result<bool> {
    store::upsert_role(conn, name, title, ctx.clock.now()).await
}

/// Every role with its title: `(name, title, built in)`, by name.
pub async fn roles(conn: &mut Conn) -> Result<Vec<(String, String, bool)>> {
    store::roles(conn).await
}
