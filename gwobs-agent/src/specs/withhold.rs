//! Manifests are kept as text for recordings; what Secrets hold must not be in there.

use serde_json::{Map, Value, json};
use zeroize::Zeroize;

use super::document::Document;

#[cfg(test)]
mod tests;

/// Entries of a Secret that are public by nature; of all others only the name is kept.
const PUBLIC: [&str; 2] = ["tls.crt", "ca.crt"];

/// The text of a file without what its Secrets hold. A file without Secrets stays as it is; another one is written anew,
/// as JSON documents that mean the same to gwobs, for text cannot be cut out of YAML safely.
pub(super) fn without_secrets(text: String, documents: &[Document]) -> String {
    if !documents.iter().any(|document| holds_secret(&document.value)) {
        return text;
    }
    let redacted = documents.iter().map(|document| {
        let mut value = document.value.clone();
        redact(&mut value);
        format!("---\n{value}\n")
    });
    redacted.collect()
}

fn kind(value: &Value) -> &str {
    value.get("kind").and_then(Value::as_str).unwrap_or_default()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.get("items").and_then(Value::as_array).into_iter().flatten()
}

fn holds_secret(value: &Value) -> bool {
    matches!(kind(value), "Secret" | "SecretList") || items(value).any(holds_secret)
}

fn redact(value: &mut Value) {
    let typed_list = kind(value) == "SecretList";
    if kind(value) == "Secret" {
        *value = public_part(value);
    }
    for item in value
        .get_mut("items")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if typed_list {
            *item = public_part(item);
        } else {
            redact(item);
        }
    }
}

/// A Secret without what it holds, but for its certificates.
///
/// Annotations go too: `kubectl apply` keeps the whole object in one of them.
pub(crate) fn public_part(secret: &Value) -> Value {
    let mut kept = Map::new();
    for field in ["apiVersion", "kind", "type"] {
        if let Some(value) = secret.get(field) {
            kept.insert(field.to_owned(), value.clone());
        }
    }
    let metadata = |field: &str| secret.pointer(&format!("/metadata/{field}")).cloned();
    let names = ["name", "namespace", "creationTimestamp"].into_iter();
    let names = names.filter_map(|field| Some((field.to_owned(), metadata(field)?)));
    kept.insert("metadata".to_owned(), Value::Object(names.collect()));
    for field in ["data", "stringData"] {
        if let Some(entries) = secret.get(field).and_then(Value::as_object) {
            kept.insert(field.to_owned(), public_entries(entries));
        }
    }
    Value::Object(kept)
}

fn public_entries(entries: &Map<String, Value>) -> Value {
    let public = |(name, value): (&String, &Value)| {
        let is_public = PUBLIC.contains(&name.as_str());
        (name.clone(), if is_public { value.clone() } else { json!("") })
    };
    Value::Object(entries.iter().map(public).collect())
}

/// Overwrites every text in a value.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
