//! The words of each letter: plain text, short, saying who caused it and what to do when it was not you.

use crate::domain::mail::model::{Decision, Letter};

/// Subject and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// Lines.
    pub text: String,
}

/// Who gets the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Somebody with an account; what to call them.
    Member(String),
    /// The same, where members sign in with a provider and not with a password.
    Guest(String),
    /// Somebody without one.
    Stranger,
}

/// The letter, with the link that belongs into it.
pub fn of(letter: &Letter, reader: &Reader, brand: &str, link: &str) -> Words {
    let greeting = match (reader, letter) {
        (Reader::Member(name) | Reader::Guest(name), _) => format!("Hello {name},"),
        (Reader::Stranger, Letter::SignUp { name }) if !name.is_empty() => format!("Hello {name},"),
        (Reader::Stranger, _) => "Hello,".to_owned(),
    };
    let (subject, lines) = match (letter, reader) {
        (Letter::SignUp { .. }, Reader::Stranger) => sign_up(brand, link),
        (Letter::SignUp { .. }, Reader::Member(_) | Reader::Guest(_)) => account_exists(brand, link),
        (Letter::PasswordReset, _) => password_reset(brand, link),
        (Letter::Invitation { by }, Reader::Guest(_)) => invitation_of_guest(brand, by, link),
        (Letter::Invitation { by }, _) => invitation(brand, by, link),
        (Letter::PasswordChanged, _) => password_changed(brand, link),
        (Letter::Shared { name, by, .. }, reader) => shared(brand, (name, by), reader, link),
        (Letter::SubscriptionRequested { title, major, application, plan, by, .. }, _) => {
            subscription_requested(&format!("{title} v{major}"), (application, plan, by), link)
        }
        (Letter::SubscriptionDecided { name, title, major, plan, decision, reason, .. }, _) => {
            subscription_decided(&format!("{title} v{major}"), (name, plan), (*decision, reason), link)
        }
        (Letter::RoleRequested { role, by, note }, _) => role_requested(brand, (role, by, note), link),
        (Letter::RoleDecided { role, decision, reason }, _) => role_decided(brand, role, (*decision, reason), link),
        (Letter::Given { name, by, .. }, _) => given(brand, (name, by), link),
        (Letter::GivenAway { name, to, by }, _) => given_away(brand, (name, to, by), link),
    };
    Words {
        subject: one_line(&subject),
        text: format!("{}\n\n{}\n\n-- \n{brand}\n", one_line(&greeting), wrapped(&lines)),
    }
}

fn sign_up(brand: &str, link: &str) -> (String, String) {
    let subject = format!("Confirm your e-mail address for {brand}");
    let lines = format!(
        "you asked for an account at {brand}. Open this link to confirm your e-mail address and choose a password:\n\n\
         {link}\n\n\
         It works once, within 24 hours. If you did not ask for this, do nothing: no account is made."
    );
    (subject, lines)
}

fn account_exists(brand: &str, link: &str) -> (String, String) {
    let subject = format!("You have an account at {brand} already");
    let lines = format!(
        "somebody asked for an account at {brand} with your e-mail address. You have one already. If you have forgotten \
         your password, ask for a new one here:\n\n{link}\n\nIf it was not you, do nothing."
    );
    (subject, lines)
}

fn password_reset(brand: &str, link: &str) -> (String, String) {
    let subject = format!("Choose a new password for {brand}");
    let lines = format!(
        "somebody asked for a new password for your account at {brand}. Open this link to choose one:\n\n\
         {link}\n\n\
         It works once, within an hour. If it was not you, do nothing: your password stays as it is."
    );
    (subject, lines)
}

fn invitation(brand: &str, by: &str, link: &str) -> (String, String) {
    let who = if by.is_empty() { "An administrator" } else { by };
    let subject = format!("Your account at {brand}");
    let lines = format!(
        "{who} has made an account for you at {brand}. Open this link to choose a password:\n\n\
         {link}\n\n\
         It works once, within seven days. If you expected no account, do nothing."
    );
    (subject, lines)
}

fn invitation_of_guest(brand: &str, by: &str, link: &str) -> (String, String) {
    let who = if by.is_empty() { "An administrator" } else { by };
    let subject = format!("Your account at {brand}");
    let lines = format!(
        "{who} has made an account for you at {brand}. You need no password: sign in here, as you do at work.\n\n{link}\n\n\
         If you expected no account, do nothing."
    );
    (subject, lines)
}

fn password_changed(brand: &str, link: &str) -> (String, String) {
    let subject = format!("Your password for {brand} was changed");
    let lines = format!(
        "the password of your account at {brand} was changed, and every other session was signed out. If it was you, \
         all is well. If it was not, ask for a new password at once and tell an administrator:\n\n{link}"
    );
    (subject, lines)
}

fn shared(brand: &str, (name, by): (&str, &str), reader: &Reader, link: &str) -> (String, String) {
    let subject = format!("{by} has shared {name} with you");
    let lines = match reader {
        Reader::Member(_) | Reader::Guest(_) => {
            format!("{by} has shared the application {name} with you, to read. It is here:\n\n{link}")
        }
        Reader::Stranger => format!(
            "{by} has shared the application {name} with you at {brand}. You have no account there yet. Open this link to \
             make one:\n\n{link}\n\nIt works once, within seven days. If you do not know {by}, do nothing."
        ),
    };
    (subject, lines)
}

fn subscription_requested(api: &str, (application, plan, by): (&str, &str, &str), link: &str) -> (String, String) {
    let subject = format!("{by} asks for {plan} of {api}");
    let lines = format!(
        "{by} asks for the subscription policy {plan} of {api}, for the application {application}. It waits for you or \
         another one of the API's owners to approve or reject it:\n\n{link}"
    );
    (subject, lines)
}

fn subscription_decided(
    api: &str,
    (application, plan): (&str, &str),
    (decision, reason): (Decision, &str),
    link: &str,
) -> (String, String) {
    let (what, then) = match decision {
        Decision::Approved => ("approved", format!("{application} may call {api} under {plan} from now on.")),
        Decision::Rejected => ("rejected", format!("{application} does not get {plan} of {api}. You can ask again.")),
        Decision::Blocked => ("blocked", format!("Calls of {application} to {api} are refused until it is unblocked.")),
        Decision::BlockedInProduction => (
            "blocked in production",
            format!("Calls of {application} to {api} in production are refused until it is unblocked."),
        ),
        Decision::Unblocked => ("unblocked", format!("Calls of {application} to {api} pass again.")),
    };
    let subject = format!("{application}: {plan} of {api} is {what}");
    (
        subject,
        format!(
            "the subscription of {application} to {api} under {plan} is {what}. {then}{}\n\n{link}",
            because(reason)
        ),
    )
}

fn role_requested(brand: &str, (role, by, note): (&str, &str, &str), link: &str) -> (String, String) {
    let subject = format!("{by} asks for the role {role}");
    let says = if note.is_empty() { String::new() } else { format!("\n\nThey say: {note}") };
    (subject, format!("{by} asks for the role {role} at {brand}.{says}\n\nApprove or reject it here:\n\n{link}"))
}

fn role_decided(brand: &str, role: &str, (decision, reason): (Decision, &str), link: &str) -> (String, String) {
    let what = if decision == Decision::Approved { "is yours" } else { "was not granted" };
    let subject = format!("The role {role} {what}");
    (subject, format!("the role {role} that you have asked for at {brand} {what}.{}\n\n{link}", because(reason)))
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!("\n\nThe reason given: {reason}") }
}

fn given(brand: &str, (name, by): (&str, &str), link: &str) -> (String, String) {
    let who = if by.is_empty() { "An administrator" } else { by };
    let subject = format!("{name} is yours now");
    let lines = format!(
        "{who} has made you the owner of the application {name} at {brand}. Its credentials go on working; regenerate \
         those that others may know. It is here:\n\n{link}"
    );
    (subject, lines)
}

fn given_away(brand: &str, (name, to, by): (&str, &str, &str), link: &str) -> (String, String) {
    let who = if by.is_empty() { "An administrator" } else { by };
    let subject = format!("{name} has another owner now");
    let lines = format!(
        "{who} has given your application {name} at {brand} to {to}. Its credentials go on working. If you did not expect \
         this, tell an administrator and change your password. Your applications are here:\n\n{link}"
    );
    (subject, lines)
}

/// Paragraphs in lines of at most 76 characters, where words allow it: links stay whole.
fn wrapped(text: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 76 {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Subjects hold names that people chose.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::ApplicationId;

    #[test]
    fn every_letter_has_one_subject_line_its_link_and_the_name_of_the_portal() {
        let application = ApplicationId(uuid::Uuid::nil());
        let letters = [
            Letter::SignUp { name: "Ada".to_owned() },
            Letter::PasswordReset,
            Letter::Invitation { by: String::new() },
            Letter::PasswordChanged,
            Letter::Shared {
                application,
                name: "Shop\r\nBcc: eve@example.com".to_owned(),
                by: "ada@example.com".to_owned(),
            },
            Letter::SubscriptionRequested {
                api: "pets".to_owned(),
                title: "Pets".to_owned(),
                major: 1,
                application: "Shop\r\nBcc: eve@example.com".to_owned(),
                plan: "Gold".to_owned(),
                by: "ada@example.com".to_owned(),
            },
            Letter::SubscriptionDecided {
                application: None,
                name: "Shop\nTo: eve@example.com".to_owned(),
                api: "pets".to_owned(),
                title: "Pets".to_owned(),
                major: 1,
                plan: "Gold".to_owned(),
                decision: Decision::Rejected,
                reason: "Not\nnow.".to_owned(),
            },
            Letter::RoleRequested {
                role: "production".to_owned(),
                by: "ada@example.com".to_owned(),
                note: "We go live.".to_owned(),
            },
            Letter::RoleDecided { role: "production".to_owned(), decision: Decision::Approved, reason: String::new() },
            Letter::Given { application, name: "Shop\r\nBcc: eve@example.com".to_owned(), by: String::new() },
            Letter::GivenAway { name: "Shop\r\nX".to_owned(), to: "eve@example.com".to_owned(), by: String::new() },
        ];
        for letter in letters {
            for reader in [Reader::Member("Ada".to_owned()), Reader::Stranger] {
                let words = of(&letter, &reader, "Portico", "https://portal.example.com/x");
                assert!(!words.subject.contains(['\r', '\n']), "{words:?}");
                assert!(
                    words.text.contains("\nhttps://portal.example.com/x") && words.text.contains("Portico"),
                    "{words:?}"
                );
            }
        }
    }
}
