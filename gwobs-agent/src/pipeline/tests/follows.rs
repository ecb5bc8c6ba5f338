//! Properties of specs that change: whatever a gateway does that followed every change in time is never called wrong, and
//! what it does by specs that were replaced too long ago always is.

use gwobs_route::{Inconclusive, Mismatch, Verdict};
use proptest::prelude::*;

use super::run::{A, B, Run, SECOND, Specs, a_goes_to};

const WINDOW: u64 = 10 * SECOND;
const HOLD: u64 = 2 * SECOND;

/// What specs can say of `/a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// To service a, whose pod is at .1.
    ToA,
    /// To service b, whose pod is at .2.
    ToB,
    /// To service a, which has b's pod now, while b has a's.
    Swapped,
}

impl Version {
    fn specs(self) -> Specs<'static> {
        match self {
            Self::ToA => a_goes_to("a"),
            Self::ToB => a_goes_to("b"),
            Self::Swapped => Specs {
                endpoints: vec![("a", vec!["10.0.0.2"]), ("b", vec!["10.0.0.1"])],
                ..Specs::default()
            },
        }
    }

    /// Where a gateway that follows it sends `/a`.
    fn address(self) -> &'static str {
        match self {
            Self::ToA => A,
            Self::ToB | Self::Swapped => B,
        }
    }
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::ToA), Just(Version::ToB), Just(Version::Swapped)]
}

/// A change: when it is seen after the one before, and how much later (or earlier) the gateway follows it.
#[derive(Debug, Clone, Copy)]
struct Change {
    version: Version,
    after: u64,
    delay: i64,
}

fn changes(delay: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Change>> {
    let change =
        (version(), 0..25 * SECOND, delay).prop_map(|(version, after, delay)| Change { version, after, delay });
    proptest::collection::vec(change, 1..6)
}

/// Runs a gateway under these changes, with a request every 300 ms; gives for each request when it came and its verdict.
fn run(changes: &[Change]) -> Vec<(u64, Option<Verdict>)> {
    let mut run = Run::new(&["gw"]);
    let start = run.time;
    let mut seen: Vec<(u64, Version)> = Vec::new();
    let mut followed: Vec<(u64, Version)> = Vec::new();
    let mut at = start;
    for change in changes {
        at += change.after;
        seen.push((at, change.version));
        // A gateway follows changes in their order.
        let earliest = followed.last().map_or(start, |(time, _)| *time);
        followed.push((at.saturating_add_signed(change.delay).max(earliest), change.version));
    }
    let end = at + 15 * SECOND;
    let mut pending = seen.into_iter().peekable();
    while run.time < end {
        while let Some((_, version)) = pending.next_if(|(time, _)| *time <= run.time) {
            run.set_specs(&version.specs());
        }
        let now = run.time;
        let version = followed
            .iter()
            .rfind(|(time, _)| *time <= now)
            .map_or(Version::ToA, |(_, version)| *version);
        run.exchange(80, "/a", Some(version.address()));
        run.wait(300);
    }
    run.wait(3_000);
    run.finish();
    let verdict = |finished: &crate::finished::Finished| finished.judgement.as_ref().map(|judgement| judgement.verdict);
    run.sink
        .finished
        .iter()
        .map(|finished| (finished.started.0, verdict(finished)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Ahead of us by no more than the hold, or behind by no more than the window.
    #[test]
    fn a_gateway_that_follows_in_time_is_never_wrong(
        changes in changes(-(HOLD.cast_signed() - 400_000_000)..WINDOW.cast_signed() - 400_000_000),
    ) {
        for (time, verdict) in run(&changes) {
            prop_assert_eq!(verdict, Some(Verdict::Match), "at {}", time);
        }
    }

    /// A gateway that never follows a change which takes the request elsewhere is wrong from the window's end on.
    #[test]
    fn a_gateway_that_never_follows_is_always_found(version in prop_oneof![Just(Version::ToB), Just(Version::Swapped)]) {
        let never = Change { version, after: SECOND, delay: i64::MAX / 2 };
        let verdicts = run(&[never]);
        let seen = verdicts[0].0 + SECOND;
        let (in_time, late): (Vec<_>, Vec<_>) = verdicts.into_iter().partition(|(time, _)| *time <= seen + WINDOW);
        prop_assert!(in_time.iter().all(|(_, verdict)| *verdict == Some(Verdict::Match)));
        prop_assert!(late.len() > 5);
        let reason = if version == Version::ToB { Mismatch::WrongBackend } else { Mismatch::StaleEndpoint };
        // Within a request's distance of the edge either is right.
        for (time, verdict) in late.into_iter().filter(|(time, _)| *time > seen + WINDOW + 400_000_000) {
            prop_assert_eq!(verdict, Some(Verdict::Mismatch(reason)), "at {}", time);
        }
    }

    /// Whatever the gateway does, a verdict is a match, a mismatch that no specs around it allow, or says that they changed.
    #[test]
    fn what_some_specs_around_allow_is_no_mismatch(changes in changes(-20 * SECOND.cast_signed()..40 * SECOND.cast_signed())) {
        for (_, verdict) in run(&changes) {
            prop_assert!(!matches!(
                verdict,
                None | Some(Verdict::Inconclusive(
                    Inconclusive::Unpaired | Inconclusive::LostEvents | Inconclusive::JoinedMidstream
                ))
            ));
        }
    }
}
