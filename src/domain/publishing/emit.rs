//! Writing YAML that people like to read and that comes back character for character.

/// Documents being written.
#[derive(Debug, Default)]
pub(super) struct Yaml {
    text: String,
    indent: usize,
    /// The next line opens an item of a list.
    dash: bool,
}

impl Yaml {
    /// What was written.
    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Begins a further document.
    pub(super) fn document(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str("---\n");
        }
    }

    /// `key: value`, in the style that suits the value.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        if fits_block(value) {
            self.block(value);
        } else {
            self.line(&if is_plain_text(value) { value.to_owned() } else { quoted(value) });
        }
    }

    /// The same, unless there is nothing to say.
    pub(super) fn some_text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.text(key, value);
        }
    }

    /// `key: value` with the value in quotes, whatever it is.
    pub(super) fn quoted(&mut self, key: &str, value: &str) {
        self.key(key);
        self.line(&quoted(value));
    }

    /// `key: 12`.
    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.line(&value.to_string());
    }

    /// `key: true`.
    pub(super) fn flag(&mut self, key: &str) {
        self.key(key);
        self.line("true");
    }

    /// `key: value` with a key that somebody else has chosen.
    pub(super) fn entry(&mut self, key: &str, value: &str) {
        self.text(&scalar(key), value);
    }

    /// `key: [a, b]`.
    pub(super) fn flow<'a>(&mut self, key: &str, values: impl IntoIterator<Item = &'a str>) {
        self.key(key);
        let values: Vec<String> = values.into_iter().map(scalar).collect();
        self.line(&format!("[{}]", values.join(", ")));
    }

    /// `key:` with what `inside` writes below it.
    pub(super) fn map(&mut self, key: &str, inside: impl FnOnce(&mut Self)) {
        self.key(key);
        self.text.push('\n');
        self.indent += 2;
        inside(self);
        self.indent -= 2;
    }

    /// `key:` with an item for each value.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T),
    ) {
        self.key(key);
        self.text.push('\n');
        self.indent += 4;
        for value in values {
            self.dash = true;
            item(self, value);
        }
        self.dash = false;
        self.indent -= 4;
    }

    fn key(&mut self, key: &str) {
        let dash = std::mem::take(&mut self.dash);
        let indent = if dash { self.indent.saturating_sub(2) } else { self.indent };
        self.text.push_str(&" ".repeat(indent));
        if dash {
            self.text.push_str("- ");
        }
        self.text.push_str(key);
        self.text.push(':');
    }

    /// What follows a key on its line.
    fn line(&mut self, value: &str) {
        self.text.extend([" ", value, "\n"]);
    }

    fn block(&mut self, value: &str) {
        let block = block(value, self.indent + 2);
        self.text.extend([" ", &*block]);
    }
}

/// A text after `key:` or `-`, in the style that suits it; what does not fit on the line is indented so far.
pub(super) fn text(value: &str, indent: usize) -> String {
    if fits_block(value) {
        block(value, indent)
    } else if is_plain_text(value) {
        value.to_owned() + "\n"
    } else {
        quoted(value) + "\n"
    }
}

/// A literal block. The figure is for the reader of text that begins with white space; `-` and `+` say what becomes of the
/// line breaks at its end.
fn block(value: &str, indent: usize) -> String {
    let figure = if value.starts_with([' ', '\t', '\n']) { "2" } else { "" };
    let body = value.trim_end_matches('\n');
    let chomp = match value.len() - body.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let mut out = format!("|{figure}{chomp}\n");
    for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
        if !line.is_empty() {
            out.extend([&*" ".repeat(indent), line]);
        }
        out.push('\n');
    }
    out
}

/// Whether a literal block gives the text back unchanged: several lines of printable characters.
fn fits_block(text: &str) -> bool {
    let body = text.trim_end_matches('\n');
    text.contains('\n') && !body.trim().is_empty() && text.chars().all(|c| c == '\n' || c == '\t' || is_plain(c))
}

/// Inside brackets, and as a key: without quotes where nobody could take it for anything else.
pub(super) fn scalar(text: &str) -> String {
    let plain = is_plain_text(text) && !text.contains(',');
    if plain { text.to_owned() } else { quoted(text) }
}

/// Whether text can do without quotes on a line of its own.
fn is_plain_text(text: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || " -_/.(),;:+!?'".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(harmless)
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !is_keyword(text)
}

/// What some reader of YAML takes for a boolean, a null or a number.
fn is_keyword(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(&*lower, "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "nan" | "inf" | "infinity")
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_plain(c) => out.push(c),
            c => out.extend([format!("\\U{:08X}", u32::from(c))]),
        }
    }
    out.push('"');
    out
}

/// Printable, and no line break or byte-order mark in anybody's reading of YAML.
fn is_plain(c: char) -> bool {
    let code = u32::from(c);
    !c.is_control()
        && !matches!(code, 0x2028 | 0x2029 | 0xFEFF | 0xE000..=0xF8FF | 0xFFF0..=0xFFFF | 0xF_0000..)
        && code & 0xFFFE != 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::Yaml;
    use crate::domain::publishing::yaml::{self, Node, Value};
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn round_trip(value: &str) -> (String, String) {
        let mut out = Yaml::default();
        out.document();
        out.text("first", value);
        out.list("items", [value, value], |out, value| {
            out.text("a", value);
            out.map("b", |out| out.text("c", value));
        });
        out.flow("flow", [value]);
        let text = out.finish();
        let documents = yaml::documents("f", &text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
        (text, format!("{:?}", texts(&documents[0])))
    }

    fn texts(node: &Node) -> Vec<String> {
        match &node.value {
            Value::Text(text) => vec![text.clone()],
            Value::List(items) => items.iter().flat_map(texts).collect(),
            Value::Map(entries) => entries.iter().flat_map(|(_, node)| texts(node)).collect(),
            other => vec![format!("not text: {other:?}")],
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(500)
        })]
        #[test]
        fn any_text_comes_back_unchanged(value in "(\\PC|[ \t\n\r#:\\-'\"|>{}\\[\\]&*!%@`.~0-9a]|\\p{Cc}){0,40}") {
            let (text, got) = round_trip(&value);
            let want = format!("{:?}", vec![value.clone(); 6]);
            prop_assert_eq!(got, want, "{}", text);
        }
    }

    #[test]
    fn it_looks_as_people_write_it() {
        let mut out = Yaml::default();
        out.text("title", "Pet store (old)");
        out.quoted("version", "1.0");
        out.flow("tags", ["a", "no"]);
        out.list("documents", ["x"], |out, name| {
            out.text("name", name);
            out.text("body", "one\n\n two\n");
        });
        let want = "title: Pet store (old)\nversion: \"1.0\"\ntags: [a, \"no\"]\ndocuments:\n  - name: x\n    body: |\n      one\n\n       two\n";
        assert_eq!(out.finish(), want);
    }
}
