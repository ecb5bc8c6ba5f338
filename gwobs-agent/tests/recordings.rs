//! Recordings of real runs beside Envoy, judged again: the same lines, byte for byte (see `recordings/README.md`).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gwobs_agent::commands::observe::replay;
use serde_json::Value;

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recordings")
        .join(name)
}

fn replayed(name: &str) -> String {
    let bytes = fs::read(recording(&format!("{name}.gwobs"))).unwrap();
    let mut lines = Vec::new();
    replay(bytes.as_slice(), &mut lines).unwrap();
    String::from_utf8(lines).unwrap()
}

/// Compares line by line, so that a failure shows the line and not the file.
fn assert_same(name: &str, lines: &str) {
    let expected = fs::read_to_string(recording(&format!("{name}.jsonl"))).unwrap();
    for (number, (line, expected)) in lines.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "{name}.jsonl, line {}", number + 1);
    }
    assert_eq!(
        lines.len(),
        expected.len(),
        "{name}.jsonl: lines are missing or too many"
    );
}

/// Counts decisions by the first element of the path and by the verdict, or the reason of one that is no match.
fn counted(lines: &str) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for line in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if line["type"] != "decision" {
            continue;
        }
        let path = line["request"]["path"].as_str().unwrap();
        let route = path.split(['?']).next().unwrap().rsplit_once('/').unwrap().0.to_owned();
        let verdict = line["reason"].as_str().unwrap_or(line["verdict"].as_str().unwrap());
        *counts.entry((route, verdict.to_owned())).or_default() += 1;
    }
    counts
}

/// Replays, compares, and checks against what the clients saw.
fn check(name: &str, seen: &[(&str, &str, usize)]) {
    let lines = replayed(name);
    assert_same(name, &lines);
    let seen = seen
        .iter()
        .map(|(route, verdict, count)| (((*route).to_owned(), (*verdict).to_owned()), *count));
    assert_eq!(counted(&lines), seen.collect(), "{name}");
}

#[test]
fn keep_alive() {
    check(
        "keep-alive",
        &[
            ("", "match", 4),
            ("", "unexpected_forward", 4),
            ("/api", "match", 4),
            ("/api", "wrong_backend", 4),
            ("/api/v2", "wrong_backend", 4),
            ("/old", "match", 4),
            ("/web", "match", 4),
        ],
    );
}

#[test]
fn bodies_and_pipelining() {
    check(
        "bodies-and-pipelining",
        &[
            ("/api", "match", 7),
            ("/api/v2", "wrong_backend", 1),
            ("/web", "match", 5),
        ],
    );
}

#[test]
fn opened_before() {
    check(
        "opened-before",
        &[
            ("/api", "match", 6),
            ("/api/v2", "wrong_backend", 6),
            ("/web", "match", 7),
        ],
    );
}

/// Any prefix of a recording is a recording that was cut: it replays without failure.
#[test]
fn a_recording_that_was_cut_replays_up_to_there() {
    let bytes = fs::read(recording("keep-alive.gwobs")).unwrap();
    let whole = replayed("keep-alive");
    for end in (1024..bytes.len()).step_by(997) {
        let mut lines = Vec::new();
        replay(&bytes[..end], &mut lines).unwrap();
        assert!(whole.as_bytes().starts_with(&lines), "cut at {end}");
    }
}
