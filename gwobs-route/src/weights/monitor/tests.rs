use super::*;
use crate::weights::shares::tests_support::{backend, shares};

const SECOND: u64 = 1_000_000_000;

fn monitor() -> Monitor {
    Monitor::new(Settings::default(), shares(&[("a", 9), ("b", 1)]), 0).unwrap()
}

fn feed(monitor: &mut Monitor, name: &str, requests: u64, now: u64) {
    let backend = backend(name);
    (0..requests).for_each(|_| monitor.observe(Outcome::Backend(&backend), now));
}

#[test]
fn rates_that_are_no_probability_are_refused() {
    for rate in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
        let settings = Settings {
            false_alarm_rate: rate,
            ..Settings::default()
        };
        assert!(settings.check().is_err(), "{rate}");
    }
}

#[test]
fn an_equal_split_of_90_to_10_is_found_and_named() {
    let mut monitor = monitor();
    for _ in 0..100 {
        feed(&mut monitor, "a", 1, 7);
        feed(&mut monitor, "b", 1, 7);
    }
    assert!(monitor.is_skewed());
    let skew = monitor.report().skew.unwrap();
    assert!(skew.fits_equal_split && skew.at == 7 && skew.log_evidence > 7.0);
}

#[test]
fn exact_shares_never_alarm() {
    let mut monitor = monitor();
    for _ in 0..10_000 {
        feed(&mut monitor, "a", 9, 0);
        feed(&mut monitor, "b", 1, 0);
    }
    assert!(!monitor.is_skewed());
}

#[test]
fn same_weights_change_nothing_and_other_weights_begin_anew_after_settling() {
    let mut monitor = monitor();
    feed(&mut monitor, "b", 60, SECOND);
    assert!(monitor.is_skewed());
    monitor.set_shares(shares(&[("a", 9), ("b", 1)]), SECOND);
    assert!(monitor.is_skewed());
    monitor.set_shares(shares(&[("a", 1), ("b", 9)]), SECOND);
    assert!(!monitor.is_skewed());
    feed(&mut monitor, "a", 60, 10 * SECOND);
    assert_eq!(monitor.report().requests, 0, "still settling");
    feed(&mut monitor, "b", 60, 11 * SECOND);
    assert_eq!(monitor.report().requests, 60);
}

#[test]
fn a_window_needs_age_and_requests() {
    let mut monitor = monitor();
    feed(&mut monitor, "a", 9, 0);
    feed(&mut monitor, "b", 1, 301 * SECOND);
    assert_eq!(monitor.report().requests, 10, "old enough, too few requests");
    (0..100).for_each(|_| {
        feed(&mut monitor, "a", 9, 301 * SECOND);
        feed(&mut monitor, "b", 1, 301 * SECOND);
    });
    assert_eq!(monitor.report().requests, 10, "the window ended at 1,000 requests");
}

#[test]
fn a_late_skew_is_found_in_few_requests_after_many_good_ones() {
    let mut monitor = monitor();
    for second in 0..2_000 {
        feed(&mut monitor, "a", 90, second * SECOND);
        feed(&mut monitor, "b", 10, second * SECOND);
    }
    assert!(!monitor.is_skewed());
    let mut needed = 0;
    while !monitor.is_skewed() && needed < 10_000 {
        feed(&mut monitor, "a", 1, 2_101 * SECOND);
        feed(&mut monitor, "b", 1, 2_101 * SECOND);
        needed += 2;
    }
    assert!(needed <= 100, "{needed} after a window of its own");
}

#[test]
fn requests_to_weight_zero_or_elsewhere_are_counted_outside_the_test() {
    let shares = shares(&[("a", 1), ("b", 1), ("idle", 0)]);
    let mut monitor = Monitor::new(Settings::default(), shares, 0).unwrap();
    feed(&mut monitor, "idle", 100, 0);
    feed(&mut monitor, "other", 100, 0);
    monitor.observe(Outcome::Invalid, 0);
    let report = monitor.report();
    assert_eq!((report.outside, report.requests, report.skew), (201, 0, None));
}

#[test]
fn a_backend_that_is_never_seen_is_no_alarm_while_its_share_is_unknown() {
    let mut monitor = monitor();
    for _ in 0..2_000 {
        feed(&mut monitor, "a", 9, 0);
        monitor.observe(Outcome::Unknown, 0);
    }
    assert!(!monitor.is_skewed());
    assert_eq!(monitor.report().unknown, 2_000);
}
