//! Schemas as HTML: fields with what they hold, one unfolding within the other.

use crate::domain::catalog::reference_model::{Field, Parameter, Schema};
use crate::web::catalog::reference::place::Place;
use crate::web::markdown::{self, Html};
use crate::web::words;
use askama::Template;

/// A list of fields that this module has rendered, so that templates may print it as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(String);

impl std::fmt::Display for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Fields {}

impl askama::FastWritable for Fields {
    fn write_into(&self, dest: &mut dyn std::fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(dest.write_str(&self.0)?)
    }
}

impl Fields {
    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Template)]
#[template(path = "catalog/reference/_fields.html")]
struct FieldsTemplate {
    rows: Vec<Row>,
    /// What is left out; empty when nothing is.
    more: String,
}

/// A field, a parameter, an alternative.
struct Row {
    name: String,
    label: String,
    /// The page of the schema that it names: name and link.
    named: Option<(String, String)>,
    required: bool,
    /// `read only`, `deprecated` and so on.
    notes: Vec<&'static str>,
    limits: String,
    values: Vec<String>,
    more_values: usize,
    default: String,
    description: Html,
    /// What unfolds, and what it is called.
    unfolds: String,
    inside: Fields,
}

/// The inside of a schema: fields, alternatives, or what a map holds.
pub(crate) fn inside(place: &Place, schema: &Schema) -> Fields {
    let inner = schema.inner();
    let mut rows: Vec<Row> =
        inner.fields.iter().map(|field| row(place, &field.name, field.required, &field.schema)).collect();
    if let Some(others) = &inner.others {
        let name = if inner.fields.is_empty() { "any name" } else { "any other name" };
        rows.push(Row { name: format!("<{name}>"), ..row(place, "", false, others) });
    }
    for option in inner.choice.iter().flat_map(|choice| &choice.options) {
        rows.push(row(place, "", false, option));
    }
    let more = inner.more_fields + inner.choice.as_ref().map_or(0, |choice| choice.more);
    fields(
        rows,
        if more > 0 {
            format!("{} more in the OpenAPI file", words::counted(count(more), "field"))
        } else {
            String::new()
        },
    )
}

/// Parameters as a list.
pub(crate) fn parameters<'a>(place: &Place, all: impl Iterator<Item = &'a Parameter>) -> Fields {
    let row = |parameter: &Parameter| {
        let mut row = row(place, &parameter.name, parameter.required, &parameter.schema);
        if !parameter.description.is_empty() {
            row.description = markdown::render(&parameter.description, 3);
        }
        if parameter.deprecated && !row.notes.contains(&"deprecated") {
            row.notes.push("deprecated");
        }
        row
    };
    fields(all.map(row).collect(), String::new())
}

/// Headers of an answer as a list.
pub(crate) fn headers(place: &Place, all: &[Field]) -> Fields {
    fields(all.iter().map(|header| row(place, &header.name, false, &header.schema)).collect(), String::new())
}

fn fields(rows: Vec<Row>, more: String) -> Fields {
    if rows.is_empty() && more.is_empty() {
        return Fields::default();
    }
    // The template fails only when writing to a string does.
    Fields(FieldsTemplate { rows, more }.render().unwrap_or_default())
}

fn row(place: &Place, name: &str, required: bool, schema: &Schema) -> Row {
    let inner = schema.inner();
    let named = (!inner.name.is_empty()).then(|| (inner.name.clone(), place.schema_url(&inner.name)));
    let notes = [(schema.read_only, "read only"), (schema.write_only, "write only"), (schema.deprecated, "deprecated")];
    let tells = |schema: &Schema| !schema.description.is_empty();
    let told = if tells(schema) { schema } else { inner };
    Row {
        name: name.to_owned(),
        label: schema.label(),
        named,
        required,
        notes: notes.into_iter().filter_map(|(is, note)| is.then_some(note)).collect(),
        limits: schema
            .limits
            .iter()
            .chain(if std::ptr::eq(schema, inner) { &[][..] } else { &inner.limits })
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
        values: schema
            .values
            .iter()
            .chain(if std::ptr::eq(schema, inner) { &[][..] } else { &inner.values })
            .cloned()
            .collect(),
        more_values: inner.more_values,
        default: schema.default.clone(),
        description: markdown::render(&told.description, 3),
        unfolds: unfolds(inner),
        inside: inside(place, schema),
    }
}

/// What unfolds: `3 fields`, `one of 2`.
pub(crate) fn unfolds(inner: &Schema) -> String {
    let fields = inner.fields.len() + inner.more_fields;
    match &inner.choice {
        Some(choice) => {
            let how = if choice.any { "Any of" } else { "One of" };
            format!("{how} {}", choice.options.len() + choice.more)
        }
        None if fields > 0 => words::counted(count(fields), "field"),
        None => "Values".to_owned(),
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
