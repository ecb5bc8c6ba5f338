//! Matchings against the enumeration of all readings.

use gwobs_route::{Inconclusive, Mismatch, Verdict};
use proptest::prelude::*;

use crate::pairing::matching;
use crate::pairing::puzzle::{Answer, Puzzle, PuzzleCall, PuzzleRequest};
use crate::pairing::readings::{self, Silent};

/// Who may own each call, whether it may be nobody's, the class of each request, and what a class gets from a call.
type Drawn = (Vec<(Vec<bool>, bool)>, Vec<usize>, Vec<Vec<u8>>);

fn drawn() -> impl Strategy<Value = Drawn> {
    (1..6_usize, 0..6_usize).prop_flat_map(|(requests, calls)| {
        let call = (
            prop::collection::vec(prop::bool::weighted(0.6), requests),
            prop::bool::weighted(0.15),
        );
        let verdicts = prop::collection::vec(prop::collection::vec(0..2_u8, calls + 1), 3);
        (
            prop::collection::vec(call, calls),
            prop::collection::vec(0..3_usize, requests),
            verdicts,
        )
    })
}

fn verdict(number: u8) -> Verdict {
    match number {
        0 => Verdict::Match,
        1 => Verdict::Mismatch(Mismatch::WrongBackend),
        _ => Verdict::Inconclusive(Inconclusive::Unpaired),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn matchings_say_what_all_readings_say((calls, classes, verdicts) in drawn()) {
        let judge = |request: usize, calls: &[usize]| verdict(verdicts[classes[request]][calls.first().map_or(0, |call| call + 1)]);
        let puzzle = Puzzle {
            requests: classes.iter().map(|class| PuzzleRequest { class: *class, over: true, told: false }).collect(),
            calls: calls
                .iter()
                .map(|(owners, optional)| PuzzleCall {
                    owners: (0..classes.len()).filter(|request| owners[*request]).collect(),
                    optional: *optional,
                    failed: false,
                })
                .collect(),
            may_follow: &|_, _| false,
            may_be_last: &|_, _| true,
            verdict: &judge,
        };
        match (readings::enumerate(&puzzle, 1_000_000), matching::solve(&puzzle)) {
            (Ok(all), Some(matched)) => {
                prop_assert_eq!(&all.counted, &matched.counted);
                for (request, pair) in all.answers.iter().zip(&matched.answers).enumerate() {
                    match pair {
                        (Answer::Sure(one), Answer::Sure(other)) => prop_assert_eq!(one, other),
                        (Answer::SameVerdict(one), Answer::SameVerdict(other)) => {
                            prop_assert_eq!(judge(request, one), judge(request, other));
                        }
                        (Answer::Interchangeable(_), Answer::Interchangeable(_) | Answer::Unpaired)
                        | (Answer::Unpaired, Answer::Unpaired) => {}
                        (one, other) => prop_assert!(false, "request {}: {:?} is not {:?}", request, one, other),
                    }
                }
            }
            (Err(Silent::Impossible), None) => {}
            (all, matched) => prop_assert!(false, "{:?} is not {:?}", all, matched),
        }
    }
}

/// Fifty requests that differ in nothing, and fifty calls of which three went wrong: too many readings to look at.
#[test]
fn a_large_class_is_settled_as_a_whole() {
    let judge = |_: usize, calls: &[usize]| verdict(u8::from(calls.first().is_some_and(|call| *call < 3)));
    let puzzle = Puzzle {
        requests: vec![
            PuzzleRequest {
                class: 0,
                over: true,
                told: false
            };
            50
        ],
        calls: vec![
            PuzzleCall {
                owners: (0..50).collect(),
                optional: false,
                failed: false
            };
            50
        ],
        may_follow: &|_, _| false,
        may_be_last: &|_, _| true,
        verdict: &judge,
    };
    let answers = puzzle.solve().answers;
    let wrong = answers.iter().enumerate().filter(|(request, answer)| match answer {
        Answer::Interchangeable(calls) => judge(*request, calls) != Verdict::Match,
        other => panic!("{other:?}"),
    });
    assert_eq!(wrong.count(), 3);
}
