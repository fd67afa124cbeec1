//! The fields of the console: one for each parameter, and those for the body.

use crate::domain::catalog::reference_model::{Content, Field, Kind, OperationPage, Parameter, Schema};
use crate::web::console::body::{self, Coding, Entry, Shape};
use crate::web::console::form::{Beginning, Choice, Typed};
use crate::web::console::prepare;

/// Values that a field is chosen from; with more of them one types.
const MOST_VALUES: usize = 100;

/// A field.
pub(crate) struct Input {
    /// Its id is `try-` and this.
    pub(crate) id: String,
    /// What the form calls it.
    pub(crate) field: String,
    pub(crate) label: String,
    /// Beside the label: where it goes, and whether it is needed.
    pub(crate) about: String,
    /// Whether the browser may insist on it.
    pub(crate) required: bool,
    /// Whether it may be left out, and a choice needs a way to do so.
    pub(crate) optional: bool,
    pub(crate) hint: &'static str,
    /// `line`, `lines`, `file` or `files`.
    pub(crate) kind: &'static str,
    /// The values there are; none: one types.
    pub(crate) values: Vec<Choice>,
    pub(crate) value: String,
    pub(crate) placeholder: String,
    pub(crate) error: String,
}

/// What there is for the body.
pub(crate) struct BodyInput {
    pub(crate) media: Vec<Choice>,
    /// Ways to fill it in; where there are several, the media type chooses.
    pub(crate) groups: Vec<Group>,
    pub(crate) required: bool,
    /// What is wrong with the whole.
    pub(crate) error: String,
    /// Whether the form may carry files.
    pub(crate) has_files: bool,
}

/// A way to fill the body in.
pub(crate) struct Group {
    /// For `data-when`: the media types that it is for. Empty where there is no other.
    pub(crate) only_for: String,
    /// As a text, for `textarea`; otherwise its fields.
    pub(crate) text: Option<Text>,
    pub(crate) fields: Vec<Input>,
}

/// A body as text.
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) rows: usize,
}

/// One for each parameter.
pub(super) fn of_parameters(page: &OperationPage, typed: Typed<'_>, beginning: Beginning) -> Vec<Input> {
    let all = page.parameters.iter().enumerate();
    all.map(|(number, parameter)| of_parameter(number + 1, parameter, typed, beginning)).collect()
}

fn of_parameter(number: usize, parameter: &Parameter, typed: Typed<'_>, beginning: Beginning) -> Input {
    let field = prepare::field(parameter);
    let value = match beginning {
        Beginning::Fresh => prepare::start(parameter),
        Beginning::Sent => typed.fields.one(&field).to_owned(),
    };
    let schema = &parameter.schema;
    let hint = if schema.is(Kind::Array) {
        LIST
    } else if schema.is(Kind::Object) {
        "An object, as JSON."
    } else {
        ""
    };
    Input {
        id: number.to_string(),
        values: values(schema, &value),
        label: parameter.name.clone(),
        about: about(parameter.place.as_str(), parameter.required),
        required: parameter.required,
        optional: !parameter.required,
        hint,
        kind: "line",
        placeholder: prepare::suggestion(parameter),
        error: error(typed, &field),
        field,
        value,
    }
}

const LIST: &str = "Several values with commas between them.";

/// The values to choose from, if they are few and all.
fn values(schema: &Schema, value: &str) -> Vec<Choice> {
    let fixed = if schema.is(Kind::Boolean) {
        vec!["true".to_owned(), "false".to_owned()]
    } else if schema.more_values == 0 && schema.values.len() <= MOST_VALUES {
        schema.values.clone()
    } else {
        Vec::new()
    };
    fixed.into_iter().map(|one| Choice { chosen: one == value, title: one.clone(), value: one }).collect()
}

fn about(place: &str, required: bool) -> String {
    match (place, required) {
        ("", true) => "required".to_owned(),
        (place, true) => format!("{place}, required"),
        (place, false) => place.to_owned(),
    }
}

fn error(typed: Typed<'_>, field: &str) -> String {
    typed.problems.iter().find(|(name, _)| name == field).map(|(_, text)| text.clone()).unwrap_or_default()
}

/// What there is for the body; none where there is no body that a form can hold.
pub(super) fn of_body(page: &OperationPage, typed: Typed<'_>, beginning: Beginning) -> Option<BodyInput> {
    let taken = body::taken(page);
    let chosen = typed.fields.one("media");
    let required = page.body.as_ref().is_some_and(|body| body.required);
    let mut groups: Vec<(Shape, Vec<&str>, Group)> = Vec::new();
    for (content, shape) in &taken {
        let media = content.media_type.as_str();
        if let Some((_, medias, _)) = groups.iter_mut().find(|(known, ..)| known == shape) {
            medias.push(media);
            continue;
        }
        let number = groups.len();
        let (mut text, mut fields) = (None, Vec::new());
        match shape {
            Shape::Text => text = Some(of_text(content, typed, beginning)),
            Shape::File => fields.push(of_file(content, required, typed, beginning)),
            Shape::Form(coding) => {
                let all = body::fields(content).enumerate();
                let input =
                    |(at, field)| of_field((content, *coding, field), &format!("b{number}-{at}"), typed, beginning);
                fields.extend(all.map(input));
            }
        }
        groups.push((*shape, vec![media], Group { only_for: String::new(), text, fields }));
    }
    if groups.is_empty() {
        return None;
    }
    let is_only = groups.len() == 1;
    let finish = |(_, medias, mut group): (Shape, Vec<&str>, Group)| {
        if !is_only {
            group.only_for = format!("media={}", medias.join("|"));
        }
        // What is not shown cannot be insisted on by a browser, and a body that may be left out has no needs of its own.
        group.fields.iter_mut().for_each(|input| input.required &= is_only && required);
        group
    };
    let groups: Vec<Group> = groups.into_iter().map(finish).collect();
    let is_file = |input: &Input| matches!(input.kind, "file" | "files");
    Some(BodyInput {
        has_files: groups.iter().any(|group| group.fields.iter().any(is_file)),
        groups,
        required,
        error: error(typed, "body"),
        media: taken
            .iter()
            .map(|(content, _)| Choice {
                value: content.media_type.clone(),
                title: content.media_type.clone(),
                chosen: content.media_type == chosen,
            })
            .collect(),
    })
}

fn of_text(content: &Content, typed: Typed<'_>, beginning: Beginning) -> Text {
    let text = match beginning {
        Beginning::Fresh => content.example.clone(),
        Beginning::Sent => typed.fields.one("body").to_owned(),
    };
    Text { rows: text.lines().count().clamp(3, 16), text }
}

fn of_file(content: &Content, required: bool, typed: Typed<'_>, beginning: Beginning) -> Input {
    Input {
        id: body::FILE.to_owned(),
        field: body::FILE.to_owned(),
        label: "Body".to_owned(),
        about: about(&content.media_type, required),
        required,
        optional: !required,
        hint: file_hint(beginning),
        kind: "file",
        values: Vec::new(),
        value: String::new(),
        placeholder: String::new(),
        error: error(typed, body::FILE),
    }
}

/// No page can keep a chosen file.
fn file_hint(beginning: Beginning) -> &'static str {
    match beginning {
        Beginning::Fresh => "",
        Beginning::Sent => "Choose it again: a page cannot keep a file.",
    }
}

fn of_field(
    (content, coding, field): (&Content, Coding, &Field),
    id: &str,
    typed: Typed<'_>,
    beginning: Beginning,
) -> Input {
    let (name, entry) = (body::name(coding, field), body::entry(&field.schema));
    let suggestion = body::suggestion(content, coding, field);
    let value = match beginning {
        Beginning::Fresh if field.required => suggestion.clone(),
        Beginning::Fresh => String::new(),
        Beginning::Sent => typed.fields.one(&name).to_owned(),
    };
    let is_file = matches!(entry, Entry::File | Entry::Files);
    let (kind, what, hint) = match entry {
        Entry::Line => ("line", "", ""),
        Entry::List => ("line", "list", LIST),
        Entry::Json => ("lines", "JSON", ""),
        Entry::File => ("file", "file", file_hint(beginning)),
        Entry::Files => ("files", "files", file_hint(beginning)),
    };
    Input {
        id: id.to_owned(),
        values: if entry == Entry::Line { values(&field.schema, &value) } else { Vec::new() },
        label: field.name.clone(),
        about: about(what, field.required),
        required: field.required,
        optional: !field.required,
        hint,
        kind,
        placeholder: if is_file { String::new() } else { suggestion },
        error: error(typed, &name),
        field: name,
        value: if is_file { String::new() } else { value },
    }
}
