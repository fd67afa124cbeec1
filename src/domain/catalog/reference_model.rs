//! What the reference of an API shows: the OpenAPI file as publishing has read it, an operation and a schema at a time.
//! References are followed, everything is bounded, and texts are cut: whatever a file says, its pages stay small.

use serde::{Deserialize, Serialize};

/// Which reading of files this release makes. It grows when these types, or how they are filled, change: files that were
/// read otherwise are read again.
pub const READING: i32 = 2;

/// What stands for a whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// `info.description`, in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `info.version`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Tags that are described, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagWords>,
    /// What the API calls by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Event>,
}

/// A tag in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagWords {
    /// As at operations.
    pub name: String,
    /// Markdown.
    pub description: String,
}

/// A call in the other direction: a webhook or a callback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// The method, in upper case.
    pub method: String,
    /// Where it goes: an expression of a callback; empty for a webhook.
    pub target: String,
    /// One line; may be empty.
    pub summary: String,
}

/// What the page of an operation shows beyond its row of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationPage {
    /// Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// In the order of the file: first those of the path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// What is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// What comes back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Calls that the API makes on its own because of this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<Event>,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

impl Place {
    /// In the order in which a call is read.
    pub const ALL: [Self; 4] = [Self::Path, Self::Query, Self::Header, Self::Cookie];

    /// As in OpenAPI's `in`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How several values of a parameter are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Style {
    /// `a=1&a=2`, or `a=1,2` when not exploded; in queries and cookies.
    #[default]
    Form,
    /// `1,2`; in paths and headers.
    Simple,
    /// `.1.2`; in paths.
    Label,
    /// `;a=1;a=2`; in paths.
    Matrix,
    /// `a=1%202`; in queries.
    SpaceDelimited,
    /// `a=1|2`; in queries.
    PipeDelimited,
    /// `a[x]=1&a[y]=2`; in queries.
    DeepObject,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Whether a call needs it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether it is on its way out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How several values are written.
    #[serde(default)]
    pub style: Style,
    /// Whether each of several values stands for itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub explode: bool,
    /// What it holds.
    pub schema: Schema,
    /// A value as one would type it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub example: String,
}

/// What is sent with a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Body {
    /// Whether a call needs it.
    pub required: bool,
    /// Markdown.
    pub description: String,
    /// For each media type; the first is the one to use.
    pub contents: Vec<Content>,
}

/// What comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// `200`, `4XX` or `default`.
    pub status: String,
    /// Markdown.
    pub description: String,
    /// Its headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Field>,
    /// For each media type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Content>,
}

impl Answer {
    /// Whether it says that the call did what it was for.
    pub fn is_success(&self) -> bool {
        self.status.starts_with(['1', '2', '3'])
    }
}

/// A body in one media type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Such as `application/json`.
    pub media_type: String,
    /// What it holds.
    pub schema: Schema,
    /// An example as it would be sent, with line breaks; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub example: String,
    /// Of a form: how those of its fields are written of which the file says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub encodings: Vec<Encoding>,
}

/// How a field of a form is written (OpenAPI, "Encoding Object").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Encoding {
    /// The field.
    pub name: String,
    /// Its media type; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// As a parameter of a query; none: as its media type says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Whether each of several values stands for itself; none: as the style has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
}

impl Content {
    /// Whether it is JSON.
    pub fn is_json(&self) -> bool {
        is_json(&self.media_type)
    }
}

/// Whether a media type is JSON (RFC 6839 §3.1).
pub fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// Fields with names.
    Object,
    /// Nothing.
    Null,
}

impl Kind {
    /// As in JSON Schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
            Self::Null => "null",
        }
    }

    /// From JSON Schema.
    pub fn parse(text: &str) -> Option<Self> {
        const ALL: [Kind; 7] =
            [Kind::String, Kind::Integer, Kind::Number, Kind::Boolean, Kind::Array, Kind::Object, Kind::Null];
        ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a value may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and any may go with any other")]
pub struct Schema {
    /// Its types; none: anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// Its name among the schemas of the file; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Such as `date-time`; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// In words: `at least 1`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// The only values there are, as one would type them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// How many more of those there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_values: usize,
    /// The value that counts where none is sent; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub default: String,
    /// Whether it is on its way out.
    #[serde(skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Only in answers.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Only in requests.
    #[serde(skip_serializing_if = "is_false")]
    pub write_only: bool,
    /// The fields of an object, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// How many more of those there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_fields: usize,
    /// What further fields of any name hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<Box<Schema>>,
    /// What the items of a list are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Schema>>,
    /// Alternatives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Box<Choice>>,
    /// It has more inside than is told here: too deep, too much, or itself. Its own page tells it, if it has a name.
    #[serde(skip_serializing_if = "is_false")]
    pub cut: bool,
}

impl Schema {
    /// The type in words: `string, date-time or null`, `array of Pet`, `map of integer`.
    pub fn label(&self) -> String {
        let named = |schema: &Self| if schema.name.is_empty() { schema.label() } else { schema.name.clone() };
        let mut words: Vec<String> = Vec::new();
        for kind in &self.kinds {
            words.push(match (kind, &self.items, &self.others) {
                (Kind::Array, Some(items), _) => format!("array of {}", named(items)),
                (Kind::Object, _, Some(others)) if self.fields.is_empty() => format!("map of {}", named(others)),
                (kind, _, _) if self.format.is_empty() || *kind == Kind::Null => kind.as_str().to_owned(),
                (kind, _, _) => format!("{}, {}", kind.as_str(), self.format),
            });
        }
        if words.is_empty() {
            let choice = self.choice.as_ref().map(|choice| choice.options.len());
            return choice.map_or("any".to_owned(), |count| format!("one of {count}"));
        }
        words.join(" or ")
    }

    /// Whether it is of this type, or nothing.
    pub fn is(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The schema whose fields a reader wants to see: that of the items where it is a list.
    pub fn inner(&self) -> &Self {
        match &self.items {
            Some(items) if self.is(Kind::Array) => items.inner(),
            _ => self,
        }
    }

    /// Whether there is something to unfold.
    pub fn has_inside(&self) -> bool {
        let inner = self.inner();
        let nested = inner.others.as_ref().is_some_and(|others| others.has_inside());
        !inner.fields.is_empty() || inner.choice.is_some() || inner.cut || nested
    }
}

/// A field of an object, or a header of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Whether it is always there.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// What it holds.
    pub schema: Schema,
}

/// Alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// Whether several may hold at once (`anyOf`); otherwise exactly one does (`oneOf`).
    pub any: bool,
    /// The field that tells which one it is; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tells: String,
    /// They.
    pub options: Vec<Schema>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(value: &usize) -> bool {
    *value == 0
}
