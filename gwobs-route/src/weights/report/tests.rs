use super::*;
use crate::weights::shares::tests_support::{Weights, shares};

fn report(weights: Weights<'_>, seen: &[u64], alarm: Option<u64>) -> Report {
    let shares = shares(weights);
    let mut evidence = Evidence::new(shares.probabilities());
    for (share, &requests) in seen.iter().enumerate() {
        (0..requests).for_each(|_| evidence.add(share));
    }
    Report::new(&shares, &evidence, alarm, 0, 0)
}

#[test]
fn numbers_are_plain() {
    let cases: [(Weights<'_>, &[u64], Option<u64>, &str); 6] = [
        (&[("a", 9), ("b", 1)], &[], None, "expected 90/10, no requests yet"),
        (
            &[("a", 9), ("b", 1)],
            &[361, 39],
            None,
            "expected 90/10, observed 90.2/9.8 over 400 requests",
        ),
        (
            &[("a", 9), ("b", 1)],
            &[200, 200],
            Some(1),
            "expected 90/10, observed 50/50 over 400 requests, which fits an equal split",
        ),
        (
            &[("a", 9), ("b", 1)],
            &[400, 0],
            Some(1),
            "expected 90/10, observed 100/0 over 400 requests",
        ),
        (
            &[("a", 1), ("b", 1), ("c", 1)],
            &[1, 1, 1],
            None,
            "expected 33.3/33.3/33.3, observed 33.3/33.3/33.3 over 3 requests",
        ),
        (
            &[("a", 999_999), ("b", 1)],
            &[10, 0],
            None,
            "expected 100/0, observed 100/0 over 10 requests",
        ),
    ];
    for (weights, seen, alarm, text) in cases {
        assert_eq!(report(weights, seen, alarm).to_string(), text);
    }
}

#[test]
fn an_expected_equal_split_is_not_blamed_on_itself() {
    let report = report(&[("a", 1), ("b", 1)], &[100, 300], Some(1));
    assert_eq!(report.to_string(), "expected 50/50, observed 25/75 over 400 requests");
}
