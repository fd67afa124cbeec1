//! Sends the letters that wait. What a letter says depends on the account at the moment of sending, and a link is made
//! only now, so that no secret waits in the database.

use crate::base::error::Result;
use crate::base::secret::Plain;
use crate::config::{Accounts, Config, Urls};
use crate::domain::Ctx;
use crate::domain::accounts::link_store::{self, Purpose};
use crate::domain::accounts::links;
use crate::domain::accounts::model::ADMIN;
use crate::domain::accounts::store::{self, UserRow};
use crate::domain::mail::model::{Letter, Mail};
use crate::domain::mail::outbox::{self, Next};
use crate::domain::mail::words::{self, Reader};
use crate::infra::mail::{MailError, Mailer, Outgoing};
use time::Duration;
use tokio::sync::Mutex;

/// Letters that one round sends, at most: a stop need not wait for more.
const ROUND: usize = 100;

/// What sending takes.
#[derive(Debug)]
pub struct Delivery {
    mailer: Mailer,
    portal: String,
    brand: String,
    accounts: Accounts,
    /// One round at a time.
    running: Mutex<()>,
}

/// Where the link of a letter leads.
enum Target {
    /// To this path.
    Plain(String),
    /// To this path with a secret behind it, that does this for so long.
    Secret(&'static str, Purpose, Duration),
}

impl Delivery {
    /// From the configuration.
    pub fn new(config: &Config, mailer: Mailer, urls: &Urls) -> Self {
        Self {
            mailer,
            portal: urls.portal.clone(),
            brand: config.brand.name.clone(),
            accounts: config.accounts.clone(),
            running: Mutex::new(()),
        }
    }

    /// Sends what is due; answers how many letters were taken. A letter may come twice when we stop between sending it and
    /// noting so, and never not at all.
    pub async fn run(&self, ctx: &Ctx) -> Result<usize> {
        let _one_at_a_time = self.running.lock().await;
        for count in 0..ROUND {
            let Some(mail) = outbox::take(ctx).await? else { return Ok(count) };
            self.deliver(ctx, &mail).await?;
        }
        Ok(ROUND)
    }

    async fn deliver(&self, ctx: &Ctx, mail: &Mail) -> Result<()> {
        let Some((reader, target)) = self.meaning(ctx, mail).await? else { return outbox::done(ctx, mail).await };
        let (link, secret) = self.link(ctx, target).await?;
        let words = words::of(&mail.letter, &reader, &self.brand, &link);
        let outgoing = Outgoing {
            id: mail.id,
            at: ctx.clock.now(),
            to: mail.to.to_string(),
            subject: words.subject,
            text: words.text,
        };
        let Err(error) = self.mailer.send(&outgoing).await else { return outbox::done(ctx, mail).await };
        // The link was never read; the next try makes another one.
        if let Some(secret) = secret {
            link_store::delete(&mut *ctx.conn().await?, &secret.digest()).await?;
        }
        let next = if matches!(error, MailError::Never(_)) { Next::Never } else { Next::Again };
        let (id, attempts) = (mail.id, mail.attempts);
        match outbox::failed(ctx, mail, next).await? {
            Next::Again => {
                tracing::warn!(%error, mail.id = %id, attempts, "a mail could not be sent and is tried again");
            }
            Next::Never => tracing::error!(%error, mail.id = %id, attempts, "a mail could not be sent and is given up"),
        }
        Ok(())
    }

    /// Who reads the letter and where its link leads; none when there is nothing to say any more.
    async fn meaning(&self, ctx: &Ctx, mail: &Mail) -> Result<Option<(Reader, Target)>> {
        let user = store::user_by_email(&mut *ctx.conn().await?, &mail.to).await?;
        let sign_up = |name: &str, lifetime| {
            let purpose = Purpose::SignUp(mail.to.clone(), name.to_owned());
            self.accounts.takes(&mail.to).then_some((Reader::Stranger, Target::Secret("/sign-up", purpose, lifetime)))
        };
        let Some(UserRow { member, password_hash, disabled: false, .. }) = user else {
            // A disabled account is told nothing, and nobody gets a second one beside it.
            return Ok(match &mail.letter {
                _ if user.is_some() => None,
                Letter::SignUp { name } => sign_up(name, links::OF_SIGN_UP),
                Letter::Shared { .. } => sign_up("", links::OF_INVITATION),
                // The owners of an API need no account to be written to; a team has one address, say.
                letter @ Letter::SubscriptionRequested { .. } => {
                    plain(letter).map(|path| (Reader::Stranger, Target::Plain(path)))
                }
                Letter::PasswordReset
                | Letter::Invitation { .. }
                | Letter::PasswordChanged
                | Letter::SubscriptionDecided { .. }
                | Letter::RoleRequested { .. }
                | Letter::RoleDecided { .. }
                | Letter::Given { .. }
                | Letter::GivenAway { .. } => None,
            });
        };
        let takes_password = self.accounts.password_sign_in || member.has(ADMIN);
        // Where a password opens nothing, a link leads to the way that does.
        let password = |lifetime| {
            if takes_password {
                Target::Secret("/password", Purpose::Password(member.id), lifetime)
            } else {
                Target::Plain("/sign-in".to_owned())
            }
        };
        let target = match &mail.letter {
            Letter::PasswordReset if !takes_password => return Ok(None),
            // Whoever was invited and has not chosen a password yet does so now.
            Letter::SignUp { .. } if password_hash.is_some() => Target::Plain("/password-reset".to_owned()),
            Letter::SignUp { .. } | Letter::PasswordReset => password(links::OF_RESET),
            Letter::Invitation { .. } if password_hash.is_none() => password(links::OF_INVITATION),
            Letter::Invitation { .. } => return Ok(None),
            other => match plain(other) {
                Some(path) => Target::Plain(path),
                None => return Ok(None),
            },
        };
        let reader = if takes_password { Reader::Member(member.name) } else { Reader::Guest(member.name) };
        Ok(Some((reader, target)))
    }

    async fn link(&self, ctx: &Ctx, target: Target) -> Result<(String, Option<Plain>)> {
        match target {
            Target::Plain(path) => Ok((format!("{}{path}", self.portal), None)),
            Target::Secret(path, purpose, lifetime) => {
                let secret = links::make(&mut *ctx.conn().await?, ctx, &purpose, lifetime).await?;
                Ok((format!("{}{path}/{}", self.portal, secret.expose()), Some(secret)))
            }
        }
    }
}

/// Where a letter leads whose link opens nothing by itself.
fn plain(letter: &Letter) -> Option<String> {
    Some(match letter {
        Letter::PasswordChanged => "/password-reset".to_owned(),
        Letter::Shared { application, .. } | Letter::Given { application, .. } => {
            format!("/applications/{application}")
        }
        Letter::GivenAway { .. } => "/applications".to_owned(),
        Letter::SubscriptionRequested { api, major, .. } => format!("/apis/{api}/v{major}/subscribers"),
        Letter::SubscriptionDecided { application: Some(application), .. } => {
            format!("/applications/{application}/subscriptions")
        }
        Letter::SubscriptionDecided { application: None, api, major, .. } => format!("/apis/{api}/v{major}"),
        Letter::RoleRequested { .. } => "/approvals".to_owned(),
        Letter::RoleDecided { .. } => "/account".to_owned(),
        Letter::SignUp { .. } | Letter::PasswordReset | Letter::Invitation { .. } => return None,
    })
}
