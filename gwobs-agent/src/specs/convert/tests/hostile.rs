//! Whatever stands in place of any field: conversion answers, it does not panic.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::specs::load::load_text;

/// Objects that use every field which conversion looks at.
const EVERYTHING: &str = include_str!("everything.yaml");

fn arbitrary_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "", "*", "*.", "Exact", "GET", "None", "10s", "-1s", "::1", "65536", "\u{0}é"
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..4).prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// JSON pointers of every place in a value.
pub(super) fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            places(
                field,
                &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                found,
            );
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, item)| places(item, &format!("{at}/{i}"), found)),
        _ => {}
    }
}

fn everything() -> Value {
    let documents = serde_saphyr::from_multiple::<Value>(EVERYTHING).expect("YAML");
    json!({"apiVersion": "v1", "kind": "List", "items": documents})
}

#[test]
fn everything_is_understood() {
    let loaded = load_text("everything.yaml", EVERYTHING).expect("YAML");
    assert_eq!(loaded.findings, []);
    assert_eq!(
        loaded.objects.len(),
        everything()["items"].as_array().map_or(0, Vec::len)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_value_in_place_of_any_field(replaced in prop::collection::vec((any::<Index>(), arbitrary_value()), 1..4)) {
        let mut value = everything();
        for (index, replacement) in replaced {
            let mut found = Vec::new();
            places(&value, "", &mut found);
            let place = index.get(&found).clone();
            if let Some(target) = value.pointer_mut(&place) {
                *target = replacement;
            }
        }
        let text = serde_json::to_string(&value).expect("JSON");
        if let Ok(loaded) = load_text("any.json", &text) {
            for finding in loaded.findings {
                prop_assert!(!finding.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_text(text in "[ -~\n\t]{0,200}") {
        let _ = load_text("any.yaml", &text);
    }
}
