//! What comes after asking for a letter: the same page whether there is an account or not.

use crate::base::error::Error;
use crate::web::accounts::sign_in::again;
use crate::web::error::{Result, in_words};
use crate::web::form::{Outcome, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::urls;
use askama::Template;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// An account.
    SignUp,
    /// A new password.
    Password,
}

#[derive(Template)]
#[template(path = "accounts/sent.html")]
struct SentPage {
    shell: Shell,
    text: &'static str,
    again: String,
}

/// "Look at your mail."
pub(super) fn show(shell: Shell, about: About) -> Result {
    let (text, again) = match about {
        About::SignUp => (
            "If the address can be used, a letter with a link is on its way to it. The link works once, within 24 hours. \
             Whoever has an account already is told so in the letter.",
            urls::sign_up(),
        ),
        About::Password => (
            "If the address has an account, a letter with a link is on its way to it. The link works once, within an hour.",
            urls::password_reset(),
        ),
    };
    page::show(&SentPage { shell, text, again })
}

/// On to the page that says so, or back to the form.
pub(super) fn answer<T: Template>(
    asked: std::result::Result<(), Error>,
    to: &str,
    form: impl FnOnce(Wrong) -> T,
) -> Result {
    if let Err(Error::Busy(wait)) = asked {
        let text = format!("Too many letters were asked for. Try again in {}.", in_words(wait.as_secs()));
        return again(&form(Wrong::summary_only(text)), Some(wait));
    }
    match outcome(asked)? {
        Outcome::Done(()) => page::redirect(to),
        Outcome::Wrong(wrong) => page::refuse(&form(wrong)),
    }
}
