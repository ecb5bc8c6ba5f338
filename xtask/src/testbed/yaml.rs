//! Writes JSON values as YAML in block style, for configuration that a person can read.

use serde_json::Value;
use std::fmt::Write as _;

/// Words that YAML 1.1 readers take for something else than a string.
const RESERVED: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// One document.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

/// Writes a value whose first line already stands at the right column.
fn block(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (index, (name, field)) in fields.iter().enumerate() {
                pad(text, if index == 0 { 0 } else { indent });
                text.push_str(&scalar(name));
                text.push(':');
                nested(text, field, indent + 2);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                pad(text, if index == 0 { 0 } else { indent });
                text.push_str("- ");
                block(text, item, indent + 2);
            }
        }
        Value::String(string) => line(text, &scalar(string)),
        other => line(text, &other.to_string()),
    }
}

/// Writes a value after `name:`, on the same line where it fits there.
fn nested(text: &mut String, value: &Value, indent: usize) {
    let is_block = value.as_object().is_some_and(|fields| !fields.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty());
    if is_block {
        text.push('\n');
        pad(text, indent);
    } else {
        text.push(' ');
    }
    block(text, value, indent);
}

fn line(text: &mut String, scalar: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{scalar}");
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// A string, quoted as in JSON unless it is plainly a word, a name or a path.
fn scalar(string: &str) -> String {
    let plain = string.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && string.chars().all(|c| c.is_ascii_alphanumeric() || "/-._".contains(c))
        && !RESERVED.contains(&string.to_ascii_lowercase().as_str());
    if plain {
        string.to_owned()
    } else {
        Value::from(string).to_string()
    }
}

#[cfg(test)]
mod tests;
