use std::sync::Arc;

use gwobs_route::{Mismatch, Verdict};

use super::*;
use super::{condition, key, store};
use crate::event::Timestamp;
use crate::finished::Finished;
use crate::output::{Jsonl, Redaction, WallClock, samples};

const CLOCK: WallClock = WallClock::from_offset(0);

fn take(misroutes: &Misroutes, finished: &Finished) {
    let jsonl = Jsonl::new(Redaction::all_but([], []));
    misroutes.finished(finished, &jsonl, &CLOCK);
}

fn at(seconds: u64, finished: Finished) -> Finished {
    let time = Timestamp(seconds * 1_000_000_000);
    Finished {
        started: time,
        ended: time,
        ..finished
    }
}

#[test]
fn mismatches_that_are_alike_are_one_group_with_few_examples() {
    let misroutes = Misroutes::default();
    take(&misroutes, &samples::matched());
    for second in 10..40 {
        take(&misroutes, &at(second, samples::mismatched()));
    }
    let listing = misroutes.listing();
    assert_eq!((listing.judged, listing.decided, listing.groups.len()), (31, 31, 1));
    let group = &listing.groups[0];
    assert_eq!((group.count, group.reason.as_str()), (30, "wrong_backend"));
    assert_eq!(
        [group.first.as_str(), group.last.as_str()],
        ["1970-01-01T00:00:10.000000Z", "1970-01-01T00:00:39.000000Z"]
    );
    let proof = misroutes.proof(&group.id).unwrap();
    let times: Vec<_> = proof.examples.iter().map(|example| &example.decision["time"]).collect();
    assert_eq!(times.len(), 3);
    assert_eq!(
        [times[0], times[2]],
        ["1970-01-01T00:00:10.000000Z", "1970-01-01T00:00:39.000000Z"]
    );
    assert!(misroutes.proof("00000000").is_none());
}

#[test]
fn under_load_not_every_mismatch_is_an_example() {
    let misroutes = Misroutes::default();
    for _ in 0..100 {
        take(&misroutes, &at(10, samples::mismatched()));
    }
    let id = misroutes.listing().groups[0].id.clone();
    assert_eq!(misroutes.proof(&id).unwrap().examples.len(), 1);
}

#[test]
fn values_that_no_rule_looks_at_are_not_kept() {
    let misroutes = Misroutes::default();
    take(&misroutes, &samples::mismatched());
    let id = misroutes.listing().groups[0].id.clone();
    let text = serde_json::to_string(&misroutes.proof(&id)).unwrap();
    assert!(text.contains("[redacted]") && !text.contains("page=2"), "{text}");
}

#[test]
fn groups_are_bounded_and_the_one_not_seen_for_longest_goes() {
    let misroutes = Misroutes::default();
    let named = |name: String, second: usize| {
        let own = at(u64::try_from(second).unwrap(), samples::mismatched());
        Finished {
            gateway: Some(samples::object("infra", &name)),
            ..own
        }
    };
    for number in 0..store::MAX_GROUPS + 5 {
        take(&misroutes, &named(format!("gateway-{number}"), number));
    }
    let listing = misroutes.listing();
    assert_eq!((listing.groups.len(), listing.forgotten), (store::MAX_GROUPS, 5));
    assert_eq!(listing.groups[0].gateway.as_deref(), Some("infra/gateway-260"));
    let oldest = listing.groups.last().and_then(|group| group.gateway.as_deref());
    assert_eq!(oldest, Some("infra/gateway-5"));
}

#[test]
fn ids_are_the_same_everywhere_and_differ_by_what_makes_a_group() {
    let finished = samples::mismatched();
    let id = |finished: &Finished, reason| key::Key::of(finished, reason).id();
    let one = id(&finished, Mismatch::WrongBackend);
    assert_eq!(one.len(), 8);
    assert_eq!(one, id(&at(77, samples::mismatched()), Mismatch::WrongBackend));
    assert_ne!(one, id(&finished, Mismatch::StaleEndpoint));
}

#[test]
fn every_reason_has_words() {
    for reason in [
        Mismatch::NoReferenceGrant,
        Mismatch::ZeroWeightBackend,
        Mismatch::StaleEndpoint,
        Mismatch::WrongBackend,
        Mismatch::UnknownUpstream,
        Mismatch::UnexpectedForward,
        Mismatch::UnexpectedReply,
        Mismatch::WrongRedirect,
        Mismatch::WrongStatus,
        Mismatch::FilterNotApplied,
        Mismatch::WrongMirror,
    ] {
        let mut finished = samples::mismatched();
        if let Some(judgement) = &mut finished.judgement {
            judgement.verdict = Verdict::Mismatch(reason);
        }
        let lines = mend::mend(&finished, &Arc::default(), &[]);
        assert!(
            lines.iter().all(|line| line.len() > 40) && !lines.is_empty(),
            "{reason:?}: {lines:?}"
        );
    }
}

#[test]
fn conditions_in_words() {
    use gwobs_route::model::{GrpcMethodMatch, Match, PathMatch, StringMatch, ValueMatch};
    let exact = |text: &str| StringMatch::Exact(text.into());
    let value = |name: &str, value| ValueMatch {
        name: name.into(),
        value,
    };
    let matched = Match {
        path: PathMatch::Exact("/a".into()),
        method: Some("GET".into()),
        grpc: None,
        headers: vec![value("x-a", exact("1"))],
        query: vec![value("q", StringMatch::Regex("b.*".into()))],
    };
    assert_eq!(
        condition::condition(&matched),
        "path /a, method GET, header x-a = 1, query q like b.*"
    );
    let called = Match {
        grpc: Some(GrpcMethodMatch {
            service: Some(exact("shop.Cart")),
            method: None,
        }),
        ..Match::default()
    };
    assert_eq!(condition::condition(&called), "service = shop.Cart");
}
