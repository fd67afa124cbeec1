//! Reading a mapping strictly: every key is known, every value has the right shape, everything wrong is noted.

use crate::domain::publishing::problem::{At, Place, Problems};
use crate::domain::publishing::yaml::{Node, Value};

/// A mapping that is being read. What is not taken by the end is unknown.
pub(super) struct Fields<'a> {
    place: Place,
    left: Vec<(&'a str, &'a Node)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Starts on a mapping; anything else is noted.
    pub(super) fn open(node: &'a Node, place: Place, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => {
                let left = entries.iter().map(|(key, node)| (&**key, node)).collect();
                Some(Self { place, left, known: Vec::new() })
            }
            other => {
                problems.add(&place, format!("write keys and values here, not {}", name_of(other)));
                None
            }
        }
    }

    /// Where the mapping stands.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Where a key stands that is yet to be taken.
    pub(super) fn place_of(&self, key: &str) -> Option<Place> {
        self.left.iter().find(|(k, _)| *k == key).map(|(_, node)| self.place.key(node.line, key))
    }

    /// Whether the key is there and was not taken yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.left.iter().any(|(k, _)| *k == key)
    }

    /// The text of a key that is yet to be taken.
    pub(super) fn peek(&self, key: &str) -> Option<&'a str> {
        self.left.iter().find(|(k, _)| *k == key).and_then(|(_, node)| match &node.value {
            Value::Text(text) => Some(&**text),
            _ => None,
        })
    }

    /// The value of a key, with its place; a null is as good as none.
    pub(super) fn take(&mut self, key: &'static str) -> Option<At<&'a Node>> {
        self.known.push(key);
        let at = self.left.iter().position(|(k, _)| *k == key)?;
        let (_, node) = self.left.remove(at);
        (node.value != Value::Null).then(|| At { value: node, place: self.place.key(node.line, key) })
    }

    /// Text; a number or a boolean is taken as it is written.
    pub(super) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<At<String>> {
        let node = self.take(key)?;
        text(node.value, node.place, problems)
    }

    /// Text that must be there: none comes with a problem.
    pub(super) fn required(&mut self, key: &'static str, example: &str, problems: &mut Problems) -> Option<At<String>> {
        let Some(node) = self.take(key) else {
            let place = self.place.key(self.place.line, key);
            problems.add(&place, format!("is missing; add it, such as `{key}: {example}`"));
            return None;
        };
        text(node.value, node.place, problems)
    }

    /// A list of texts; none when the key is missing.
    pub(super) fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Option<Vec<At<String>>> {
        let items = self.list(key, problems)?;
        Some(items.into_iter().filter_map(|item| text(item.value, item.place, problems)).collect())
    }

    /// A list; none when the key is missing.
    pub(super) fn list(&mut self, key: &'static str, problems: &mut Problems) -> Option<Vec<At<&'a Node>>> {
        let At { value, place } = self.take(key)?;
        let Value::List(items) = &value.value else {
            problems.add(&place, format!("write a list here, such as `[…]`, not {}", name_of(&value.value)));
            return Some(Vec::new());
        };
        let at = |(index, item): (usize, &'a Node)| At { value: item, place: place.item(item.line, index) };
        Some(items.iter().enumerate().map(at).collect())
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        let At { value, place } = self.take(key)?;
        if let Value::Bool(flag) = value.value {
            return Some(flag);
        }
        problems.add(&place, format!("write `true` or `false` here, not {}", name_of(&value.value)));
        None
    }

    /// Every text that is left, by its key: for a mapping whose keys are up to whoever writes it.
    pub(super) fn pairs(self, problems: &mut Problems) -> Vec<(At<String>, String)> {
        let Self { place, left, .. } = self;
        let pair = |(key, node): (&str, &Node)| {
            let place = place.key(node.line, &shown(key));
            let value = text(node, place.clone(), problems)?.value;
            Some((At { value: key.to_owned(), place }, value))
        };
        left.into_iter().filter_map(pair).collect()
    }

    /// Notes every key that nobody asked for.
    pub(super) fn close(self, problems: &mut Problems) {
        for (key, node) in &self.left {
            let like = self.known.iter().find(|known| close_to(known, key));
            let advice = like.map_or_else(
                || format!("remove it, or use one of: {}", self.known.join(", ")),
                |known| format!("did you mean `{known}`?"),
            );
            problems.add(&self.place.key(node.line, &shown(key)), format!("there is no such key; {advice}"));
        }
    }
}

fn text(node: &Node, place: Place, problems: &mut Problems) -> Option<At<String>> {
    match &node.value {
        Value::Text(text) | Value::Number(text) => Some(At { value: text.clone(), place }),
        Value::Bool(b) => Some(At { value: b.to_string(), place }),
        other => {
            problems.add(&place, format!("write text here, not {}", name_of(other)));
            None
        }
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "keys and values",
    }
}

/// What somebody wrote, fit for a line of an error.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Whether two keys differ by a slip: case, hyphen for underscore, or one character too many, too few or wrong.
fn close_to(known: &str, typed: &str) -> bool {
    let typed = typed.to_lowercase().replace('-', "_");
    if known == typed {
        return true;
    }
    let (a, b): (Vec<char>, Vec<char>) = (known.chars().collect(), typed.chars().collect());
    let same_start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let same_end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let longer = a.len().max(b.len());
    longer > 2 && a.len().abs_diff(b.len()) <= 1 && same_start + same_end + 1 >= longer
}

#[cfg(test)]
mod tests {
    use super::close_to;

    #[test]
    fn a_slip_is_recognised() {
        assert!(close_to("visibility", "visibilty"));
        assert!(close_to("api_key_header", "api-key-header"));
        assert!(close_to("plans", "plan"));
        assert!(!close_to("tags", "owner"));
        assert!(!close_to("title", "name"));
    }
}
