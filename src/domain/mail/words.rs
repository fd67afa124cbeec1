//! The words of each letter: plain text, short, saying who caused it and what to do when it was not you.

use crate::domain::mail::model::Letter;

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
    /// Somebody without one.
    Stranger,
}

/// The letter, with the link that belongs into it.
pub fn of(letter: &Letter, reader: &Reader, brand: &str, link: &str) -> Words {
    let greeting = match (reader, letter) {
        (Reader::Member(name), _) => format!("Hello {name},"),
        (Reader::Stranger, Letter::SignUp { name }) if !name.is_empty() => format!("Hello {name},"),
        (Reader::Stranger, _) => "Hello,".to_owned(),
    };
    let (subject, lines) = match (letter, reader) {
        (Letter::SignUp { .. }, Reader::Stranger) => sign_up(brand, link),
        (Letter::SignUp { .. }, Reader::Member(_)) => account_exists(brand, link),
        (Letter::PasswordReset, _) => password_reset(brand, link),
        (Letter::Invitation { by }, _) => invitation(brand, by, link),
        (Letter::PasswordChanged, _) => password_changed(brand, link),
        (Letter::Shared { name, by, .. }, reader) => shared(brand, (name, by), reader, link),
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
        Reader::Member(_) => format!("{by} has shared the application {name} with you, to read. It is here:\n\n{link}"),
        Reader::Stranger => format!(
            "{by} has shared the application {name} with you at {brand}. You have no account there yet. Open this link to \
             make one:\n\n{link}\n\nIt works once, within seven days. If you do not know {by}, do nothing."
        ),
    };
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
