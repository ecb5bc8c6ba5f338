use super::*;

fn feed(detector: &mut Detector, share: usize, requests: u64) {
    (0..requests).for_each(|_| detector.add(Some(share), 0));
}

#[test]
fn nothing_alarms_before_the_warm_up() {
    let mut detector = Detector::new(0.01, vec![0.9, 0.1], 0);
    feed(&mut detector, 1, WARM_UP - 1);
    assert!(detector.alarm().is_none());
    feed(&mut detector, 1, 1);
    assert!(detector.alarm().is_some());
}

#[test]
fn an_alarm_stands_until_enough_calm_requests() {
    let mut detector = Detector::new(0.01, vec![0.5, 0.5], 0);
    feed(&mut detector, 1, WARM_UP);
    for _ in 0..(WARM_UP * CALM_FACTOR / 2 - 1) {
        feed(&mut detector, 0, 1);
        feed(&mut detector, 1, 1);
    }
    assert!(detector.alarm().is_some());
    feed(&mut detector, 0, 1);
    feed(&mut detector, 1, 1);
    assert!(detector.alarm().is_none());
}

#[test]
fn later_runs_get_less_of_the_rate_and_all_together_the_whole() {
    let mut detector = Detector::new(0.05, vec![0.5, 0.5], 0);
    let mut spent = 0.0;
    for _ in 0..100_000 {
        spent += (-detector.threshold()).exp();
        detector.restart(0);
    }
    assert!(spent <= 0.05 && spent > 0.0499, "{spent}");
}

#[test]
fn other_weights_withdraw_an_alarm_and_a_new_window_does_not() {
    let mut detector = Detector::new(0.01, vec![0.5, 0.5], 0);
    feed(&mut detector, 1, WARM_UP);
    detector.restart(1);
    assert!(detector.alarm().is_some());
    detector.reset(vec![0.1, 0.9], 1);
    assert!(detector.alarm().is_none());
}
