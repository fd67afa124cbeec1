//! What was typed into the search of the catalogue: words, "phrases", `field:value` and what must not be there.
//!
//! | typed | means |
//! |---|---|
//! | `refunds cards` | both words, anywhere: names, tags, owner, texts, operations, documents |
//! | `"get order"` | these words side by side |
//! | `name:pay` `operation:refund` `doc:webhook` `description:cards` | a word in that part only |
//! | `tag:finance` `tag:finance,cards` | this tag; one of these tags |
//! | `owner:pet` `version:2` `version:2.1` `auth:api-key` `state:deprecated` `visibility:private` | these alone |
//! | `-beta` `-tag:internal` | without it |
//!
//! Nothing that is typed is an error: what is no field is words.

/// How many parts of a search count.
const MOST: usize = 12;
/// How many characters of one part count.
const LONGEST: usize = 64;

/// A search, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What must be found, in order.
    pub words: Vec<Word>,
    /// Tags in lower case, all of which an API must have.
    pub all_tags: Vec<String>,
    /// Tags of which it must have one.
    pub some_tags: Vec<String>,
    /// Tags that it must not have.
    pub no_tags: Vec<String>,
    /// Parts of the owner's name, of which one must be there.
    pub owners: Vec<String>,
    /// Majors, of which it must be one.
    pub majors: Vec<u16>,
    /// `major.minor`, of which it must have one.
    pub versions: Vec<String>,
    /// `api-key`, `oauth2`, `none`: one of these must open it.
    pub schemes: Vec<String>,
    /// `public`, `private`, `restricted`.
    pub visibilities: Vec<String>,
    /// `published`, `deprecated`, `blocked`.
    pub states: Vec<String>,
}

/// Something to find in texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case, without punctuation: one word at least; several are a phrase.
    pub text: Vec<String>,
    /// Whether it is a whole word or phrase, or may go on.
    pub ends: Ends,
    /// Where to look.
    pub part: Part,
    /// Whether it must be there.
    pub sense: Sense,
}

/// Where a word ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It stood in quotes.
    Here,
    /// It may be the beginning of a longer one.
    Anywhere,
}

/// Where to look; the letters are the weights in `api_cards.words`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everywhere.
    All,
    /// Title, name, context.
    Names,
    /// Tags, owner, summary, description.
    About,
    /// Paths, summaries, ids and tags of operations.
    Operations,
    /// Documents.
    Documents,
}

/// Whether something is wanted or unwanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// It must be there.
    With,
    /// It must not.
    Without,
}

impl Part {
    /// The weight in `api_cards.words`; empty for all.
    pub fn weight(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Names => "A",
            Self::About => "B",
            Self::Operations => "C",
            Self::Documents => "D",
        }
    }
}

impl Terms {
    /// Takes a search apart.
    pub fn parse(text: &str) -> Self {
        let mut terms = Self::default();
        let mut pieces: Vec<Piece> = pieces(text).into_iter().take(MOST).collect();
        // What is taken away is taken from what was asked for, wherever it stands.
        pieces.sort_by_key(|piece| piece.sense == Sense::Without);
        for piece in pieces {
            terms.add(&piece);
        }
        terms
    }

    fn add(&mut self, piece: &Piece) {
        let known = piece.field.as_deref().is_some_and(|field| self.add_field(field, piece));
        if known {
            return;
        }
        // `http://x` has no field http: everything is words then.
        let whole = match &piece.field {
            Some(field) => format!("{field} {}", piece.value),
            None => piece.value.clone(),
        };
        self.add_words(&whole, Part::All, piece);
    }

    /// Whether the field is known and its value can be one.
    fn add_field(&mut self, field: &str, piece: &Piece) -> bool {
        let values =
            || piece.value.split(',').map(|value| value.trim().to_lowercase()).filter(|value| !value.is_empty());
        let is_without = piece.sense == Sense::Without;
        match field {
            "name" | "title" | "context" => self.add_words(&piece.value, Part::Names, piece),
            "summary" | "description" => self.add_words(&piece.value, Part::About, piece),
            "operation" | "operations" | "path" => self.add_words(&piece.value, Part::Operations, piece),
            "doc" | "docs" | "document" => self.add_words(&piece.value, Part::Documents, piece),
            "tag" | "tags" if is_without => self.no_tags.extend(values()),
            "tag" | "tags" if values().count() == 1 => self.all_tags.extend(values()),
            "tag" | "tags" => self.some_tags.extend(values()),
            "owner" | "team" | "provider" if !is_without => self.owners.extend(values()),
            "version" if !is_without => return self.add_versions(values()),
            "auth" => {
                return choose(&mut self.schemes, values().map(scheme), &["api-key", "oauth2", "none"], piece.sense);
            }
            "visibility" => {
                return choose(&mut self.visibilities, values(), &["public", "private", "restricted"], piece.sense);
            }
            "state" | "status" => {
                return choose(&mut self.states, values(), &["published", "deprecated", "blocked"], piece.sense);
            }
            _ => return false,
        }
        true
    }

    fn add_versions(&mut self, values: impl Iterator<Item = String>) -> bool {
        let mut found = false;
        for value in values {
            let value = value.strip_prefix('v').unwrap_or(&value);
            match (crate::base::version::number(value), value.parse::<crate::base::version::Version>()) {
                (Some(major), _) => self.majors.push(major),
                (None, Ok(version)) => self.versions.push(version.to_string()),
                (None, Err(_)) => continue,
            }
            found = true;
        }
        found
    }

    fn add_words(&mut self, text: &str, part: Part, piece: &Piece) {
        let words = words(text);
        let word = |text, ends| Word { text, ends, part, sense: piece.sense };
        match piece.ends {
            Ends::Here if !words.is_empty() => self.words.push(word(words, Ends::Here)),
            Ends::Here => {}
            Ends::Anywhere => {
                let room = MOST.saturating_sub(self.words.len());
                self.words.extend(words.into_iter().take(room).map(|one| word(vec![one], Ends::Anywhere)));
            }
        }
    }
}

/// Puts known values on a list, or all the others; whether there was one.
fn choose(list: &mut Vec<String>, values: impl Iterator<Item = String>, known: &[&str], sense: Sense) -> bool {
    let values: Vec<String> = values.filter(|value| known.contains(&value.as_str())).collect();
    match sense {
        _ if values.is_empty() => return false,
        Sense::With => list.extend(values),
        Sense::Without => {
            if list.is_empty() {
                list.extend(known.iter().map(|one| (*one).to_owned()));
            }
            list.retain(|one| !values.contains(one));
            if list.is_empty() {
                // An empty list would ask for nothing; no row has an empty value.
                list.push(String::new());
            }
        }
    }
    true
}

/// What people write for a way to authenticate.
fn scheme(value: String) -> String {
    match value.as_str() {
        "key" | "apikey" | "api_key" => "api-key".to_owned(),
        "oauth" | "bearer" | "token" | "jwt" => "oauth2".to_owned(),
        _ => value,
    }
}

/// The words of a text as `search_text` in the database separates them.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST).collect::<String>().to_lowercase())
        .collect()
}

/// What stands between spaces that are outside quotes.
struct Piece {
    sense: Sense,
    field: Option<String>,
    value: String,
    ends: Ends,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (piece, after) = piece(rest);
        pieces.extend(piece);
        rest = after.trim_start();
    }
    pieces
}

/// The first piece, if it says something, and what follows.
fn piece(text: &str) -> (Option<Piece>, &str) {
    let (sense, text) = match text.strip_prefix('-') {
        Some(rest) => (Sense::Without, rest),
        None => (Sense::With, text),
    };
    let is_quote = |c: char| matches!(c, '"' | '“' | '”');
    // A field is letters up to a colon, before any quote or space.
    let head = text.split(|c: char| c.is_whitespace() || is_quote(c) || c == ':').next().unwrap_or_default();
    let after = text.strip_prefix(head).unwrap_or_default();
    let is_field = !head.is_empty() && head.chars().all(|c| c.is_ascii_alphabetic());
    let (field, text) = match after.strip_prefix(':') {
        Some(value) if is_field => (Some(head.to_ascii_lowercase()), value),
        _ => (None, text),
    };
    let (value, ends, rest) = if let Some(quoted) = text.strip_prefix(is_quote) {
        match quoted.split_once(is_quote) {
            Some((value, rest)) => (value, Ends::Here, rest),
            // A quote that is still being typed.
            None => (quoted, Ends::Anywhere, ""),
        }
    } else {
        let value = text.split(|c: char| c.is_whitespace() || is_quote(c)).next().unwrap_or_default();
        (value, Ends::Anywhere, text.strip_prefix(value).unwrap_or_default())
    };
    let piece = Piece { sense, field, value: value.to_owned(), ends };
    let says_something = !piece.value.is_empty() || piece.field.is_some();
    (says_something.then_some(piece), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let word = |w: &Word| {
            let minus = if w.sense == Sense::Without { "-" } else { "" };
            let end = if w.ends == Ends::Here { "." } else { "" };
            format!("{minus}{}{}{end}", w.part.weight(), w.text.join("_"))
        };
        Terms::parse(text).words.iter().map(word).collect()
    }

    #[test]
    fn words_phrases_fields_and_what_is_unwanted_are_told_apart() {
        assert_eq!(read("Pay  REFUNDS"), ["pay", "refunds"]);
        assert_eq!(read("back-office/reports"), ["back", "office", "reports"]);
        assert_eq!(read("\"get order\" x"), ["get_order.", "x"]);
        assert_eq!(read("“get order”x"), ["get_order.", "x"]);
        assert_eq!(read("\"get ord"), ["get", "ord"], "the end is still to be typed");
        assert_eq!(read("name:pay operation:\"list pets\" doc:x -beta"), ["Apay", "Clist_pets.", "Dx", "-beta"]);
        assert_eq!(read("http://x.example"), ["http", "x", "example"], "no field is called http");
        assert_eq!(read("name: pay"), ["pay"]);
        for nothing in ["", " ", "-", "\"\"", ":", "''", "%", "name:", "-\""] {
            assert_eq!(read(nothing), Vec::<String>::new(), "{nothing:?}");
        }
    }

    #[test]
    fn fields_narrow_and_unknown_values_are_words() {
        let terms = Terms::parse(
            "tag:A tag:b,C -tag:d owner:\"Pet Team\" version:v2 version:1.10 auth:key,oauth STATE:blocked",
        );
        assert_eq!(
            (terms.all_tags, terms.some_tags, terms.no_tags),
            (vec!["a".to_owned()], vec!["b".into(), "c".into()], vec!["d".into()])
        );
        assert_eq!(
            (terms.owners, terms.majors, terms.versions),
            (vec!["pet team".to_owned()], vec![2], vec!["1.10".to_owned()])
        );
        assert_eq!(
            (terms.schemes, terms.states),
            (vec!["api-key".to_owned(), "oauth2".into()], vec!["blocked".to_owned()])
        );
        assert_eq!(Terms::parse("-visibility:public").visibilities, ["private", "restricted"]);
        assert_eq!(Terms::parse("-auth:none auth:oauth").schemes, ["oauth2"]);
        assert_eq!(Terms::parse("-state:blocked state:blocked").states, [""], "nothing is both");
        assert_eq!(read("version:next state:great"), ["version", "next", "state", "great"]);
    }

    #[test]
    fn a_search_without_end_is_cut() {
        assert_eq!(read(&"word ".repeat(1000)).len(), MOST);
        assert_eq!(read(&"-".repeat(5000)), Vec::<String>::new());
        assert_eq!(read(&"x".repeat(5000)), ["x".repeat(LONGEST)]);
        assert_eq!(read(&format!("a{}", ".b".repeat(5000))).len(), MOST);
    }
}
