//! Passwords that everybody would guess.

/// Whether a password is well known, a mere pattern, or made of what everybody knows about its owner.
pub(super) fn is_guessable(password: &str, names: &[&str]) -> bool {
    let lower = password.trim().to_lowercase();
    is_well_known(&lower) || is_pattern(&lower) || names.iter().any(|name| is_name(&lower, name))
}

/// The list is sorted.
fn is_well_known(lower: &str) -> bool {
    let list: Vec<&str> = include_str!("common_passwords.txt").lines().collect();
    list.binary_search(&lower).is_ok()
}

/// One short piece again and again (`abcabcabcabc`), or a row of the alphabet, the digits or the keyboard.
fn is_pattern(lower: &str) -> bool {
    const ROWS: [&str; 6] =
        ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb"];
    let chars: Vec<char> = lower.chars().collect();
    let repeats = (1..=4).any(|period| chars.iter().zip(chars.iter().skip(period)).all(|(a, b)| a == b));
    let turned: String = chars.iter().rev().collect();
    // What is left when every row of four or more is taken out.
    let rest = |text: &str| {
        let letters: Vec<char> = text.chars().collect();
        let in_row = |four: &[char]| ROWS.iter().any(|row| row.contains(&four.iter().collect::<String>()));
        let mut covered = vec![false; letters.len()];
        for (start, four) in letters.windows(4).enumerate() {
            if in_row(four) {
                covered.iter_mut().skip(start).take(4).for_each(|one| *one = true);
            }
        }
        covered.iter().filter(|one| !**one).count()
    };
    repeats || rest(lower) <= 2 || rest(&turned) <= 2
}

/// The name or address itself, or one part of it with little around.
fn is_name(lower: &str, name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let parts = name.split(['@', ' ']).chain([name.as_str()]);
    parts.filter(|part| part.chars().count() >= 4).any(|part| {
        let left = lower.replace(part, "");
        lower.contains(part) && left.chars().filter(|c| c.is_alphabetic()).count() <= 2 && left.chars().count() <= 6
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_would_try_is_guessable() {
        let names = ["ada.lovelace@example.com", "Ada Lovelace"];
        for wrong in [
            "password123",
            "Password1234",
            "1234567890",
            "qwertyuiop",
            "0987654321",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "abcdefghijkl12",
            "ada.lovelace1",
            "Lovelace2024!",
            "ada.lovelace@example.com",
        ] {
            assert!(is_guessable(wrong, &names), "{wrong}");
        }
        for right in ["correct horse battery", "another long one", "lovelace taught engines", "Tr0ub4dor&3x9"] {
            assert!(!is_guessable(right, &names), "{right}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_holds_thousands_that_are_long_enough() {
        let list: Vec<&str> = include_str!("common_passwords.txt").lines().collect();
        assert!(list.len() >= 3000, "{}", list.len());
        assert!(list.is_sorted());
        assert!(list.iter().all(|one| one.chars().count() >= 10 && one.to_lowercase() == *one));
    }
}
