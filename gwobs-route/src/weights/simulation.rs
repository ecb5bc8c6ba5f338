//! The promises of the test, measured on simulated gateways with fixed seeds.

use super::shares::tests_support::{Weights, backend, shares};
use super::{Monitor, Outcome, Settings};
use crate::BackendName;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    /// Uniform in [0, 1).
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A gateway that draws backends with these probabilities and hides some of its choices.
struct Gateway {
    random: Random,
    backends: Vec<BackendName>,
    probabilities: Vec<f64>,
    /// Per backend, the probability that a choice of it is not seen.
    hidden: Vec<f64>,
}

impl Gateway {
    fn new(seed: u64, probabilities: &[f64]) -> Self {
        Self {
            random: Random(seed),
            backends: NAMES.iter().map(|name| backend(name)).collect(),
            probabilities: probabilities.to_vec(),
            hidden: vec![0.0; probabilities.len()],
        }
    }

    fn choose(&mut self) -> Outcome<'_> {
        let mut draw = self.random.next();
        let chosen = self.probabilities.iter().position(|probability| {
            draw -= probability;
            draw < 0.0
        });
        let chosen = chosen.unwrap_or(0);
        if self.random.next() < self.hidden[chosen] {
            Outcome::Unknown
        } else {
            Outcome::Backend(&self.backends[chosen])
        }
    }
}

fn monitor(weights: Weights<'_>, rate: f64) -> Monitor {
    let settings = Settings {
        false_alarm_rate: rate,
        window: 1_000,
        window_requests: 500,
        settle: 0,
    };
    Monitor::new(settings, shares(weights), 0).unwrap()
}

/// Requests until the first alarm, looking after every one; `None` if there was none.
fn first_alarm(monitor: &mut Monitor, gateway: &mut Gateway, requests: u64) -> Option<u64> {
    (0..requests).find(|&now| {
        monitor.observe(gateway.choose(), now);
        monitor.is_skewed()
    })
}

/// 2,000 healthy gateways, each looked at after each of 3,000 requests over three windows.
#[test]
fn healthy_gateways_alarm_at_most_at_the_rate() {
    const RUNS: u64 = 2_000;
    const RATE: f64 = 0.05;
    let gateways: [(Weights<'_>, &[f64]); 3] = [
        (&[("a", 90), ("b", 10)], &[0.9, 0.1]),
        (&[("a", 1), ("b", 1)], &[0.5, 0.5]),
        (&[("a", 80), ("b", 19), ("c", 1)], &[0.8, 0.19, 0.01]),
    ];
    for (weights, probabilities) in gateways {
        let alarms = (0..RUNS)
            .filter(|&seed| {
                let mut gateway = Gateway::new(seed, probabilities);
                first_alarm(&mut monitor(weights, RATE), &mut gateway, 3_000).is_some()
            })
            .count();
        assert!(
            alarms as f64 <= RATE * RUNS as f64,
            "{alarms} alarms of {RUNS} at {weights:?}"
        );
    }
}

/// The same promise when what is not seen depends on the backend: half of the small one's requests are hidden.
#[test]
fn hidden_choices_do_not_raise_the_rate() {
    const RUNS: u64 = 1_000;
    const RATE: f64 = 0.05;
    let alarms = (0..RUNS)
        .filter(|&seed| {
            let mut gateway = Gateway::new(seed, &[0.9, 0.1]);
            gateway.hidden = vec![0.0, 0.5];
            first_alarm(&mut monitor(&[("a", 90), ("b", 10)], RATE), &mut gateway, 3_000).is_some()
        })
        .count();
    assert!(alarms as f64 <= RATE * RUNS as f64, "{alarms} alarms of {RUNS}");
}

/// At the default rate of 1 in 1,000: requests until a skew is found, over 200 gateways.
#[test]
fn skews_are_found_in_few_requests() {
    // Weights, what the gateway does, the median and the most requests it may take.
    let cases: [(Weights<'_>, &[f64], u64, u64); 4] = [
        (&[("a", 90), ("b", 10)], &[0.5, 0.5], 50, 50),
        (&[("a", 90), ("b", 10)], &[0.8, 0.2], 250, 700),
        (&[("a", 1), ("b", 1)], &[0.4, 0.6], 600, 1_500),
        (&[("a", 90), ("b", 10)], &[1.0, 0.0], 125, 125),
    ];
    for (weights, probabilities, median, most) in cases {
        let mut needed = (0..200)
            .map(|seed| {
                let mut gateway = Gateway::new(seed, probabilities);
                let mut monitor = monitor(weights, Settings::default().false_alarm_rate);
                first_alarm(&mut monitor, &mut gateway, 20_000).expect("found") + 1
            })
            .collect::<Vec<_>>();
        needed.sort_unstable();
        assert!(
            needed[100] <= median && needed[199] <= most,
            "{weights:?}: median {}, most {}",
            needed[100],
            needed[199]
        );
    }
}
