//! Properties of specs that change: whatever a gateway does that followed every change in time is never called wrong, and
//! what it does by specs that were replaced too long ago always is.

use gwobs_route::{Mismatch, Verdict};
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
        self.pod_of(self.service())
    }

    fn service(self) -> &'static str {
        match self {
            Self::ToA | Self::Swapped => "a",
            Self::ToB => "b",
        }
    }

    fn pod_of(self, service: &str) -> &'static str {
        if (service == "a") == (self == Self::Swapped) {
            B
        } else {
            A
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
    proptest::collection::vec(change, 1..5)
}

/// A request for `/a`.
#[derive(Debug)]
struct Judged {
    at: u64,
    address: std::net::SocketAddr,
    verdict: Option<Verdict>,
}

/// The versions as they were seen, with when.
type Seen = Vec<(u64, Version)>;

/// Runs a gateway under these changes, with a request every half second.
fn run(changes: &[Change]) -> (Seen, Vec<Judged>) {
    let mut run = Run::new(&["gw"]);
    let start = run.time;
    let mut seen: Seen = vec![(0, Version::ToA)];
    let mut followed: Seen = Vec::new();
    let mut at = start;
    for change in changes {
        at += change.after;
        seen.push((at, change.version));
        // A gateway follows changes in their order.
        let earliest = followed.last().map_or(start, |(time, _)| *time);
        followed.push((at.saturating_add_signed(change.delay).max(earliest), change.version));
    }
    let end = at + 15 * SECOND;
    let mut pending = seen.iter().skip(1).peekable();
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
        run.wait(500);
    }
    run.wait(3_000);
    run.finish();
    let judged = |finished: &crate::finished::Finished| Judged {
        at: finished.started.0,
        address: finished.upstreams[0].address,
        verdict: finished.judgement.as_ref().map(|judgement| judgement.verdict),
    };
    let judged = run.sink.finished.iter().map(judged).collect();
    (seen, judged)
}

/// The versions that were in force at some time from `from` to `until`.
fn around(seen: &Seen, from: u64, until: u64) -> Vec<Version> {
    let over = seen.iter().skip(1).map(|(time, _)| *time).chain([u64::MAX]);
    let within = seen
        .iter()
        .zip(over)
        .filter(|((since, _), over)| *since <= until && *over >= from);
    within.map(|((_, version), _)| *version).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Ahead of us by no more than the hold, or behind by no more than the window.
    #[test]
    fn a_gateway_that_follows_in_time_is_never_wrong(
        changes in changes(-(HOLD.cast_signed() - 400_000_000)..WINDOW.cast_signed() - 400_000_000),
    ) {
        for request in run(&changes).1 {
            prop_assert_eq!(request.verdict, Some(Verdict::Match), "{:?}", request);
        }
    }

    /// A gateway that never follows a change which takes the request elsewhere is wrong from the window's end on.
    #[test]
    fn a_gateway_that_never_follows_is_always_found(version in prop_oneof![Just(Version::ToB), Just(Version::Swapped)]) {
        let never = Change { version, after: SECOND, delay: i64::MAX / 2 };
        let (seen, requests) = run(&[never]);
        let late = seen[1].0 + WINDOW;
        let reason = if version == Version::ToB { Mismatch::WrongBackend } else { Mismatch::StaleEndpoint };
        let wrong = requests.iter().filter(|request| request.at > late).count();
        prop_assert!(wrong > 5);
        for request in requests {
            let due = if request.at > late { Verdict::Mismatch(reason) } else { Verdict::Match };
            prop_assert_eq!(request.verdict, Some(due), "{:?}", request);
        }
    }

    /// Whatever the gateway does: of a mismatch no version is the cause that was in force within the window before it or came
    /// within the hold after it; a match goes to a pod which the service had by one version around, and the route by one.
    #[test]
    fn verdicts_are_by_the_versions_around_a_request(
        changes in changes(-20 * SECOND.cast_signed()..40 * SECOND.cast_signed()),
    ) {
        let (seen, requests) = run(&changes);
        for request in &requests {
            let (from, at, address) = (request.at.saturating_sub(WINDOW), request.at, request.address.to_string());
            let versions = around(&seen, from, at + WINDOW);
            let has_pod = |service: &str| versions.iter().any(|version| version.pod_of(service) == address);
            match request.verdict {
                Some(Verdict::Match) => {
                    prop_assert!(versions.iter().any(|version| has_pod(version.service())), "{:?} {:?}", request, seen);
                }
                Some(Verdict::Mismatch(_)) => {
                    let known = around(&seen, from, at + HOLD);
                    prop_assert!(known.iter().all(|version| version.address() != address), "{:?} {:?}", request, seen);
                }
                other => prop_assert!(false, "{:?} of {:?}", other, request),
            }
        }
    }
}
