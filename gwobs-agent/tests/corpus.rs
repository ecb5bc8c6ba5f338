//! The corpora kept for the fuzz targets, replayed through the bodies of these targets: whatever a fuzzer found once must
//! not come back.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the fuzz targets' own code, outside the workspace and its lints"
)]

#[path = "../../fuzz/src/connection.rs"]
mod connection;
#[path = "../../fuzz/src/decide.rs"]
mod decide;
#[path = "../../fuzz/src/http1.rs"]
mod http1;
#[path = "../../fuzz/src/input.rs"]
mod input;
#[path = "../../fuzz/src/objects.rs"]
mod objects;

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let files = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let inputs: Vec<_> = files
        .map(|file| fs::read(file.expect("an entry").path()).expect("a file"))
        .collect();
    assert!(!inputs.is_empty(), "nothing is kept in {}", corpus.display());
    inputs.iter().for_each(|input| run(input));
}

#[test]
fn connection() {
    replay("connection", connection::run);
}

#[test]
fn decide() {
    replay("decide", decide::run);
}

#[test]
fn http1_requests() {
    replay("http1_requests", http1::run_requests);
}

#[test]
fn http1_responses() {
    replay("http1_responses", http1::run_responses);
}

#[test]
fn objects() {
    replay("objects", |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            objects::run(text);
        }
    });
}
