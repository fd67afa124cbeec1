//! What operations are called in URLs: short, readable, each its own, and the same as long as the file calls it the same.

use crate::domain::catalog::model::Operation;
use std::collections::HashSet;

/// The longest, in bytes; a number may follow.
const LONGEST: usize = 100;

/// In the order of the operations.
pub(in crate::domain::publishing) fn slugs(operations: &[Operation]) -> Vec<String> {
    let mut taken = HashSet::new();
    let slug = |operation: &Operation| {
        let by_place = format!("{} {}", operation.method, operation.path);
        let base =
            [&operation.operation_id, &by_place].map(|text| plain(text)).into_iter().find(|slug| !slug.is_empty());
        let base = base.unwrap_or_else(|| "operation".to_owned());
        let numbered = (2..).map(|number: usize| format!("{base}-{number}"));
        std::iter::once(base.clone()).chain(numbered).find(|slug| taken.insert(slug.clone())).unwrap_or_default()
    };
    operations.iter().map(slug).collect()
}

/// `repos/listForOrg` becomes `repos-list-for-org`.
fn plain(text: &str) -> String {
    let mut slug = String::new();
    let mut before = ' ';
    for c in text.chars() {
        let word_begins = c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if (word_begins || !c.is_ascii_alphanumeric()) && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        }
        before = c;
        if slug.len() >= LONGEST {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_readable_and_each_is_its_own() {
        let operation = |method: &str, path: &str, id: &str| Operation {
            method: method.to_owned(),
            path: path.to_owned(),
            operation_id: id.to_owned(),
            summary: String::new(),
            tags: Vec::new(),
            deprecated: false,
            scopes: Vec::new(),
        };
        let all = [
            operation("GET", "/pets", "listPets"),
            operation("GET", "/pets/{petId}", ""),
            operation("GET", "/", "meta/get-zen"),
            operation("PUT", "/x", "List_pets"),
            operation("GET", "/", "жж"),
            operation("GET", "/ж", ""),
        ];
        assert_eq!(slugs(&all), ["list-pets", "get-pets-pet-id", "meta-get-zen", "list-pets-2", "get", "get-2"]);
    }
}
