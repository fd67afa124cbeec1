//! What narrows a value down, in words.

use serde_json::Value;

/// The longest pattern that is shown, in characters.
const LONGEST_PATTERN: usize = 120;

/// The limits of a schema, as JSON Schema and OpenAPI 3.0 write them.
pub(super) fn of(schema: &Value) -> Vec<String> {
    let mut words = Vec::new();
    let number = |key: &str| schema.get(key).filter(|value| value.is_number());
    let exclusive = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    if let Some(least) =
        number("exclusiveMinimum").or_else(|| number("minimum").filter(|_| exclusive("exclusiveMinimum")))
    {
        words.push(format!("more than {least}"));
    } else if let Some(least) = number("minimum") {
        words.push(format!("at least {least}"));
    }
    if let Some(most) =
        number("exclusiveMaximum").or_else(|| number("maximum").filter(|_| exclusive("exclusiveMaximum")))
    {
        words.push(format!("less than {most}"));
    } else if let Some(most) = number("maximum") {
        words.push(format!("at most {most}"));
    }
    if let Some(step) = number("multipleOf") {
        words.push(format!("a multiple of {step}"));
    }
    for (least, most, unit) in [
        ("minLength", "maxLength", "character"),
        ("minItems", "maxItems", "item"),
        ("minProperties", "maxProperties", "field"),
    ] {
        let count = |key: &str| schema.get(key).and_then(Value::as_u64);
        let plural = |n: u64| if n == 1 { unit.to_owned() } else { format!("{unit}s") };
        match (count(least).filter(|n| *n > 0), count(most)) {
            (Some(least), Some(most)) if least == most => words.push(format!("exactly {most} {}", plural(most))),
            (Some(least), Some(most)) => words.push(format!("{least} to {most} {}", plural(most))),
            (Some(least), None) => words.push(format!("at least {least} {}", plural(least))),
            (None, Some(most)) => words.push(format!("at most {most} {}", plural(most))),
            (None, None) => {}
        }
    }
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
        words.push("no item twice".to_owned());
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str).filter(|p| !p.is_empty()) {
        let mut shown: String = pattern.chars().filter(|c| !c.is_control()).take(LONGEST_PATTERN).collect();
        if pattern.chars().count() > LONGEST_PATTERN {
            shown.push('…');
        }
        words.push(format!("matches {shown}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::of;
    use serde_json::json;

    #[test]
    fn limits_are_said_as_people_say_them() {
        for (schema, want) in [
            (json!({ "minimum": 1, "maximum": 9.5 }), &["at least 1", "at most 9.5"][..]),
            (json!({ "minimum": 1, "exclusiveMinimum": true }), &["more than 1"]),
            (json!({ "exclusiveMaximum": 10, "multipleOf": 2 }), &["less than 10", "a multiple of 2"]),
            (json!({ "minLength": 1, "maxLength": 1 }), &["exactly 1 character"]),
            (json!({ "minLength": 0, "maxLength": 64 }), &["at most 64 characters"]),
            (json!({ "minItems": 1, "maxItems": 3, "uniqueItems": true }), &["1 to 3 items", "no item twice"]),
            (json!({ "pattern": "^a+$", "minProperties": 2 }), &["at least 2 fields", "matches ^a+$"]),
            (json!({ "minimum": "x", "maxLength": -1 }), &[]),
        ] {
            assert_eq!(of(&schema), want, "{schema}");
        }
    }
}
