use proptest::prelude::*;

use super::*;

/// `ln Γ(n)` of a whole number, by its definition.
fn ln_gamma(n: u64) -> f64 {
    (1..n).map(|i| (i as f64).ln()).sum()
}

/// The likelihood ratio in closed form (Lindon and Malek, equation of the Bayes factor, all α = 1).
fn closed_form(expected: &[f64], counts: &[u64]) -> f64 {
    let shares = counts.len() as u64;
    let total = counts.iter().sum::<u64>();
    let mixture =
        counts.iter().map(|&count| ln_gamma(count + 1)).sum::<f64>() + ln_gamma(shares) - ln_gamma(shares + total);
    let null = counts
        .iter()
        .zip(expected)
        .map(|(&count, share)| count as f64 * share.ln())
        .sum::<f64>();
    mixture - null
}

proptest! {
    #[test]
    fn step_by_step_equals_the_closed_form(requests in prop::collection::vec(0usize..3, 0..300)) {
        let expected = vec![0.7, 0.2, 0.1];
        let mut evidence = Evidence::new(expected.clone());
        let mut counts = [0; 3];
        for share in requests {
            evidence.add(share);
            counts[share] += 1;
        }
        prop_assert!((evidence.against_expected() - closed_form(&expected, &counts)).abs() < 1e-9);
        prop_assert!((evidence.against_equal() - closed_form(&[1.0 / 3.0; 3], &counts)).abs() < 1e-9);
    }

    /// The martingale property itself: whatever came before, the expectation of the next factor under the null is 1.
    #[test]
    fn the_next_factor_is_1_on_average(requests in prop::collection::vec(0usize..4, 0..60)) {
        let expected = vec![0.5, 0.3, 0.15, 0.05];
        let mut evidence = Evidence::new(expected.clone());
        requests.into_iter().for_each(|share| evidence.add(share));
        let mean = expected.iter().enumerate().map(|(share, probability)| {
            let mut next = evidence.clone();
            next.add(share);
            probability * (next.against_expected() - evidence.against_expected()).exp()
        });
        prop_assert!((mean.sum::<f64>() - 1.0).abs() < 1e-9);
    }

    /// A request of unknown backend never counts for more than any known one would.
    #[test]
    fn the_unknown_speaks_for_the_gateway(requests in prop::collection::vec(0usize..3, 0..60)) {
        let mut evidence = Evidence::new(vec![0.6, 0.3, 0.1]);
        requests.into_iter().for_each(|share| evidence.add(share));
        let mut unknown = evidence.clone();
        unknown.add_unknown();
        for share in 0..3 {
            let mut known = evidence.clone();
            known.add(share);
            prop_assert!(unknown.against_expected() <= known.against_expected() + 1e-12);
        }
        prop_assert_eq!(unknown.seen(), evidence.seen());
    }
}

#[test]
fn a_share_that_does_not_exist_is_ignored() {
    let mut evidence = Evidence::new(vec![0.5, 0.5]);
    evidence.add(2);
    assert_eq!(evidence, Evidence::new(vec![0.5, 0.5]));
}
