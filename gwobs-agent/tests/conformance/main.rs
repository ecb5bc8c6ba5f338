//! The Gateway API conformance suite as data: what the engine and the predicted status say of every case.
//!
//! `GWOBS_CONFORMANCE_SUITE` names the directory with `cases.jsonl`, `status_cases.jsonl`, `mesh_cases.jsonl` and
//! `manifests/`; a path that is given and missing is a failure. Without it there is nothing to check, and the tests say so.
//! `cargo test --test conformance -- --nocapture` shows a table with a line for each test of the suite.

mod expectation;
mod routing;
mod suite;
mod tally;
mod world;

use suite::Suite;

/// Cases that need time, statistics, retries or handshakes are left out: one decision cannot settle them.
#[test]
fn routing() {
    let Some(suite) = Suite::of_environment() else { return };
    let tally = routing::check(&suite);
    println!("{tally}");
    assert!(tally.cases() > 0, "no cases in {}", suite.root().display());
    assert_eq!(
        tally.failures(),
        0,
        "{} of {} routing cases fail",
        tally.failures(),
        tally.cases()
    );
}
