use super::*;
use serde_json::json;

#[test]
fn blocks_are_indented_and_odd_strings_quoted() {
    let value = json!({
        "kind": "Gateway",
        "list": [{"a": 1, "b": ["x", "no"]}, [1, 2], "10"],
        "empty": {}, "none": [], "star": "*.example.com", "text": "a: \"b\"\n",
        "path": "/api/v2", "flag": true,
    });
    let expected = r#"empty: {}
flag: true
kind: Gateway
list:
  - a: 1
    b:
      - x
      - "no"
  - - 1
    - 2
  - "10"
none: []
path: /api/v2
star: "*.example.com"
text: "a: \"b\"\n"
"#;
    assert_eq!(document(&value), expected);
}
