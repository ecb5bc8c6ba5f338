//! Values to typed objects: unknown fields are told, errors name the field.

use serde::de::DeserializeOwned;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// A value that does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Path of the field, dotted with indices from 0; empty for the whole object.
    pub field: String,
    /// What is wrong, in words.
    pub message: String,
}

/// Decodes a value; adds the paths of fields that the type does not know to `unknown`.
///
/// # Errors
///
/// [`Misfit`] for the first field that does not fit.
pub fn decode<T: DeserializeOwned>(value: &Value, unknown: &mut Vec<String>) -> Result<T, Misfit> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    let mut ignored = |path: serde_ignored::Path<'_>| unknown.push(plain(&path.to_string()));
    serde_ignored::deserialize(tracked, &mut ignored).map_err(|error| Misfit {
        field: dotted(&track.path()),
        message: in_plain_words(&error.to_string()),
    })
}

/// `serde_ignored` writes a step into an optional field as `?`.
fn plain(path: &str) -> String {
    let steps: Vec<&str> = path.split('.').filter(|step| *step != "?").collect();
    steps.join(".")
}

/// `serde_path_to_error` writes `rules[0]`, unknown fields are told as `rules.0`: one notation for both.
fn dotted(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let steps: Vec<String> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        })
        .collect();
    steps.join(".")
}

/// serde's messages in the words of somebody who writes YAML.
fn in_plain_words(message: &str) -> String {
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("the field {field} is missing");
    }
    // A derived type also takes a list of its fields, and complains of its length.
    if message.starts_with("invalid length ") && message.contains("expected struct ") {
        return "expected a mapping, found a list".to_owned();
    }
    let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    else {
        return message.to_owned();
    };
    let found = found_words(found);
    let hint = if expected.contains("string") && !found.starts_with("a ") {
        "; put it in quotes"
    } else {
        ""
    };
    format!("expected {}, found {found}{hint}", expected_words(expected))
}

fn expected_words(expected: &str) -> &str {
    match expected {
        "i32" | "i64" | "u16" | "u32" | "u64" => "a whole number",
        "a string" | "str" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "a boolean" => "true or false",
        _ if expected.starts_with("struct ") => "a mapping",
        other => other,
    }
}

fn found_words(found: &str) -> String {
    match found {
        "map" => "a mapping".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" => "nothing".to_owned(),
        _ => match found.split_once(' ') {
            Some(("string", text)) => format!("the text {text}"),
            Some(("integer" | "floating", number)) => format!("the number {}", number.trim_start_matches("point ")),
            Some(("boolean", value)) => value.to_owned(),
            _ => found.to_owned(),
        },
    }
}
