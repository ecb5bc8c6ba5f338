use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{Document, MAX_DEPTH, SyntaxError, parse, with_room};

fn read(text: &str) -> Result<Vec<Document>, SyntaxError> {
    with_room(|| parse(&Arc::from(Path::new("m.yaml")), text)).expect("a thread")
}

fn fault(text: &str) -> String {
    read(text).expect_err("does not parse").to_string()
}

#[test]
fn documents_have_the_line_of_their_first_node() {
    let documents = read("# a comment\n---\na: 1\n---\n# nothing here\n---\n- 2\n...\n").expect("parses");
    let seen: Vec<_> = documents
        .iter()
        .map(|d| (d.place.to_string(), d.value.clone()))
        .collect();
    assert_eq!(
        seen,
        [
            ("m.yaml:3".to_owned(), json!({"a": 1})),
            ("m.yaml:7".to_owned(), json!([2]))
        ]
    );
}

#[test]
fn nothing_is_no_document() {
    for text in ["", "# only a comment\n", "---\n---\n", "null\n"] {
        assert_eq!(read(text).expect("parses"), [], "{text:?}");
    }
}

#[test]
fn faults_name_file_line_and_column() {
    assert!(fault("a: 1\nb: [1, 2\nc: 3\n").starts_with("m.yaml:3:2: "));
    assert!(fault("a:\n\tb: 1\n").starts_with("m.yaml:2:2: "));
    assert!(fault("ok: 1\n---\nb: : c\n").starts_with("m.yaml:3:4: "));
    assert_eq!(fault("a: 1\na: 2\n"), "m.yaml:2:1: duplicate mapping key: a");
}

#[test]
fn json_is_yaml() {
    let documents = read("{\n\t\"a\": \"\\ud83d\\ude00\", \"b\": [18446744073709551615, null]}\n").expect("parses");
    assert_eq!(documents[0].value, json!({"a": "😀", "b": [u64::MAX, null]}));
}

#[test]
fn scalars_are_those_of_yaml_1_2() {
    let documents = read("a: true\nb: n\nc: 12:30\nd: 0o17\ne: 1.10\nf: \"1.10\"\ng: ~\n").expect("parses");
    assert_eq!(
        documents[0].value,
        json!({"a": true, "b": "n", "c": "12:30", "d": 15, "e": 1.1, "f": "1.10", "g": null})
    );
}

#[test]
fn anchors_and_merges_are_expanded() {
    let documents = read("x: &a {p: 1}\ny: *a\nz:\n  <<: *a\n  q: 2\n").expect("parses");
    assert_eq!(
        documents[0].value,
        json!({"x": {"p": 1}, "y": {"p": 1}, "z": {"p": 1, "q": 2}})
    );
}

#[test]
fn aliases_do_not_explode() {
    let mut text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(",");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    fault(&text);
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(MAX_DEPTH - 1)).is_ok());
    fault(&nested(MAX_DEPTH + 1));
    fault(&"[".repeat(100_000));
}

#[test]
fn a_long_stream_is_read_whole() {
    let text: String = (0..5_000)
        .map(|i| format!("---\nkind: X\nmetadata: {{name: a{i}}}\n"))
        .collect();
    let documents = read(&text).expect("parses");
    assert_eq!(documents.len(), 5_000);
    assert_eq!(documents[4_999].place.line, 4_999 * 3 + 2);
}
