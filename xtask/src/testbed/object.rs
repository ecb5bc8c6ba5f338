//! Building JSON objects field by field.

use serde_json::Value;

/// Sets a field of an object; anything else stays as it is.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// Appends to an array field of an object, which is made where it is missing.
pub(super) fn push(object: &mut Value, name: &str, item: Value) {
    let array = object
        .as_object_mut()
        .map(|fields| fields.entry(name).or_insert_with(|| Value::Array(Vec::new())));
    if let Some(Value::Array(items)) = array {
        items.push(item);
    }
}

/// Applies a merge patch (RFC 7386): objects are merged, null removes, anything else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (name, value) in fields {
        match target.as_object_mut() {
            Some(own) if value.is_null() => drop(own.remove(name)),
            Some(own) => merge(own.entry(name.as_str()).or_insert(Value::Null), value),
            None => {}
        }
    }
}
