use serde::Deserialize;
use serde_json::{Value, json};

use super::decode;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only decoding is of interest")]
struct Outer {
    name: String,
    count: Option<i32>,
    inner: Option<Vec<Inner>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only decoding is of interest")]
struct Inner {
    on: bool,
}

fn misfit(value: &Value) -> (String, String) {
    let misfit = decode::<Outer>(value, &mut Vec::new()).expect_err("does not fit");
    (misfit.field, misfit.message)
}

#[test]
fn unknown_fields_are_told_with_their_path() {
    let mut unknown = Vec::new();
    let value = json!({"name": "a", "x": {"y": 1}, "inner": [{"on": true}, {"on": false, "off": [1]}]});
    decode::<Outer>(&value, &mut unknown).expect("fits");
    assert_eq!(unknown, ["inner.1.off", "x"]);
}

#[test]
fn misfits_name_the_field_in_plain_words() {
    let cases = [
        (
            json!({"name": 80}),
            "name",
            "expected text, found the number `80`; put it in quotes",
        ),
        (
            json!({"name": true}),
            "name",
            "expected text, found `true`; put it in quotes",
        ),
        (json!({"name": {}}), "name", "expected text, found a mapping"),
        (json!({}), "", "the field `name` is missing"),
        (
            json!({"name": "a", "count": "5"}),
            "count",
            "expected a whole number, found the text \"5\"",
        ),
        (
            json!({"name": "a", "count": 1.5}),
            "count",
            "expected a whole number, found the number `1.5`",
        ),
        (
            json!({"name": "a", "inner": {}}),
            "inner",
            "expected a list, found a mapping",
        ),
        (
            json!({"name": "a", "inner": [{"on": true}, {"on": "x"}]}),
            "inner.1.on",
            "expected true or false, found the text \"x\"",
        ),
        (json!([]), "", "expected a mapping, found a list"),
        (
            json!({"name": "a", "inner": [7]}),
            "inner.0",
            "expected a mapping, found the number `7`",
        ),
    ];
    for (value, field, message) in cases {
        assert_eq!(misfit(&value), (field.to_owned(), message.to_owned()), "{value}");
    }
}
