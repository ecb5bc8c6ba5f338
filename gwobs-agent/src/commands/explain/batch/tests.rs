use serde_json::Value;

use super::{MAX_LINE, answer_all};
use crate::commands::explain::tests::snapshot;

fn answers(lines: &str) -> (Vec<Value>, Option<String>) {
    let mut out = Vec::new();
    let ended = answer_all("r.jsonl", lines.as_bytes(), &snapshot(), &mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    let answers = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    (answers, ended.err().map(|error| format!("{error:#}")))
}

const LINE: &str = r#"{"id":ID,"gateway":"infra/web","host":"shop.example","path":"/cart"}"#;

#[test]
fn one_answer_a_line_in_order() {
    let lines: String = (0..100)
        .map(|id| format!("{}\n\n", LINE.replace("ID", &id.to_string())))
        .collect();
    let (answers, fault) = answers(&lines);
    assert_eq!(fault, None);
    assert_eq!(answers.len(), 100);
    assert!(
        answers
            .iter()
            .enumerate()
            .all(|(i, answer)| answer["id"] == i && answer["action"] == "forward")
    );
}

#[test]
fn a_bad_line_is_named_after_the_answers_before_it() {
    let (given, fault) = answers(&format!(
        "{}\n\n{{\"gateway\":\"infra/web\",\"port\":-1}}\n",
        LINE.replace("ID", "1")
    ));
    assert_eq!(given.len(), 1);
    assert_eq!(fault.as_deref(), Some("r.jsonl:3: port: a port is 1 to 65535, not -1"));
    let (_, fault) = answers("{\"gateway\":\"infra/other\"}");
    assert_eq!(
        fault.as_deref(),
        Some("r.jsonl:1: gateway: Gateway infra/other is not in the specs")
    );
}

#[test]
fn lines_are_bounded() {
    let (_, fault) = answers(&"x".repeat(usize::try_from(MAX_LINE).expect("fits") + 1));
    assert!(fault.is_some_and(|fault| fault.starts_with("r.jsonl:1: the line is longer than")));
}
