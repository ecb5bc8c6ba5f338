//! The Gateway API conformance suite as data: what the engine and the predicted status say of every case.
//!
//! `GWOBS_CONFORMANCE_SUITE` names the directory with `cases.jsonl`, `status_cases.jsonl`, `mesh_cases.jsonl` and
//! `manifests/`; a path that is given and missing is a failure. Without it there is nothing to check, and the tests say so.
//! `cargo test --test conformance -- --nocapture` shows a table with a line for each test of the suite.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test: faults end it, the table is for people"
)]

mod expectation;
mod routing;
mod status;
mod suite;
mod tally;
mod world;

use suite::Suite;
use tally::Tally;

/// Cases that need time, statistics, retries or handshakes are left out: one decision cannot settle them.
#[test]
fn routing() {
    all_hold("routing", routing::check);
}

/// The cases of the mesh, with the same left out.
#[test]
fn mesh() {
    all_hold("mesh", routing::check_mesh);
}

/// Cases for implementations that lack a feature are left out.
#[test]
fn status() {
    all_hold("status", status::check);
}

fn all_hold(what: &str, check: fn(&Suite) -> Tally) {
    let Some(suite) = Suite::of_environment() else {
        return;
    };
    let tally = check(&suite);
    println!("{what}\n{tally}");
    assert!(tally.cases() > 0, "no cases in {}", suite.root().display());
    let (failures, cases) = (tally.failures(), tally.cases());
    assert_eq!(failures, 0, "{failures} of {cases} {what} cases fail");
}
