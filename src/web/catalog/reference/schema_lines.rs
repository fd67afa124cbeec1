//! Schemas as Markdown: a list whose items are fields.

use crate::domain::catalog::reference_model::{Field, Parameter, Schema};

/// The fields of a schema, an item each, one level further in for what is inside.
pub(crate) fn inside(schema: &Schema) -> String {
    let mut out = String::new();
    write_inside(&mut out, schema, 0);
    out
}

/// Parameters, an item each.
pub(crate) fn parameters(all: &[Parameter]) -> String {
    let mut out = String::new();
    for parameter in all {
        let place = format!("in {}", parameter.place.as_str());
        let description =
            if parameter.description.is_empty() { &parameter.schema.description } else { &parameter.description };
        write(&mut out, 0, (&parameter.name, parameter.required), (&parameter.schema, description), &place);
    }
    out
}

/// Headers, an item each.
pub(crate) fn headers(all: &[Field]) -> String {
    let mut out = String::new();
    for header in all {
        write(&mut out, 0, (&header.name, false), (&header.schema, &header.schema.description), "");
    }
    out
}

fn write_inside(out: &mut String, schema: &Schema, depth: usize) {
    let inner = schema.inner();
    for field in &inner.fields {
        write(out, depth, (&field.name, field.required), (&field.schema, &field.schema.description), "");
    }
    if let Some(others) = &inner.others {
        write(out, depth, ("any other name", false), (others, &others.description), "");
    }
    for option in inner.choice.iter().flat_map(|choice| &choice.options) {
        let name = if option.name.is_empty() { "or" } else { &option.name };
        write(out, depth, (name, false), (option, &option.description), "");
    }
}

fn write(
    out: &mut String,
    depth: usize,
    (name, required): (&str, bool),
    (schema, words): (&Schema, &str),
    place: &str,
) {
    let mut facts = vec![schema.label()];
    facts.extend([place].into_iter().filter(|place| !place.is_empty()).map(str::to_owned));
    let is = [
        (required, "required"),
        (schema.read_only, "read only"),
        (schema.write_only, "write only"),
        (schema.deprecated, "deprecated"),
    ];
    facts.extend(is.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()));
    facts.extend(schema.limits.iter().cloned());
    if !schema.values.is_empty() {
        facts.push(format!("one of `{}`", schema.values.join("`, `")));
    }
    if !schema.default.is_empty() {
        facts.push(format!("default `{}`", schema.default));
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let colon = if words.is_empty() { "" } else { ": " };
    out.extend([&*"  ".repeat(depth), "- `", name, "` (", &*facts.join("; "), ")", colon, &*words, "\n"]);
    write_inside(out, schema, depth + 1);
}
