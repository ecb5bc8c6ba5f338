use super::*;
use crate::weights::shares::tests_support::{backend, choice};
use crate::{Arrival, BackendChoice, Forwarded, ResponseHeaders, RouteRef, WireProtocol};

fn name(name: &str) -> ObjectName {
    ObjectName {
        namespace: "default".into(),
        name: name.into(),
    }
}

fn decision(route: &str, generation: u64, backends: Vec<BackendChoice>) -> Decision {
    Decision {
        generation,
        arrival: Arrival::at_gateway(&name("gw"), 80, WireProtocol::Http),
        listener: Some("http".into()),
        route: Some(RouteRef {
            kind: RouteKind::Http,
            route: name(route),
            rule: 0,
            matched: 0,
            rule_name: None,
        }),
        action: Action::Forward {
            backends,
            forwarded: Forwarded::default(),
            mirrors: Vec::new(),
            may_answer_itself: false,
        },
        response_headers: ResponseHeaders::default(),
        caveats: Vec::new(),
    }
}

fn split(generation: u64, a: u32, b: u32) -> Decision {
    decision("r", generation, vec![choice("a", a), choice("b", b)])
}

fn ledger() -> Ledger {
    Ledger::new(Settings::default()).unwrap()
}

fn requests(ledger: &Ledger) -> Vec<u64> {
    ledger
        .monitors()
        .map(|(_, monitor)| monitor.report().requests)
        .collect()
}

#[test]
fn rules_with_one_backend_take_no_room() {
    let mut ledger = ledger();
    ledger.observe(
        &decision("r", 1, vec![choice("a", 1)]),
        Outcome::Backend(&backend("a")),
        0,
    );
    assert_eq!(requests(&ledger), [0; 0]);
}

#[test]
fn decisions_by_older_weights_do_not_count() {
    let mut ledger = ledger();
    ledger.observe(&split(2, 1, 1), Outcome::Backend(&backend("a")), 0);
    ledger.observe(&split(1, 9, 1), Outcome::Backend(&backend("a")), 0);
    assert_eq!(requests(&ledger), [1]);
    ledger.observe(&split(1, 1, 1), Outcome::Backend(&backend("b")), 0);
    assert_eq!(requests(&ledger), [2], "an older snapshot with the weights of now");
}

#[test]
fn a_rule_is_watched_at_each_gateway() {
    let mut ledger = ledger();
    let mut elsewhere = split(1, 1, 1);
    elsewhere.arrival = Arrival::at_gateway(&name("other"), 80, WireProtocol::Http);
    ledger.observe(&split(1, 1, 1), Outcome::Backend(&backend("a")), 0);
    ledger.observe(&elsewhere, Outcome::Backend(&backend("a")), 0);
    assert_eq!(requests(&ledger), [1, 1]);
}

#[test]
fn a_resting_rule_comes_back_with_the_next_weights() {
    let mut ledger = ledger();
    ledger.observe(&split(1, 1, 1), Outcome::Backend(&backend("a")), 0);
    ledger.rest(|key| key.route == name("r"));
    assert_eq!(requests(&ledger), [0; 0]);
    ledger.observe(&split(1, 1, 1), Outcome::Backend(&backend("a")), 0);
    assert_eq!(requests(&ledger), [0; 0], "a decision by the weights of before");
    ledger.observe(&split(2, 1, 1), Outcome::Backend(&backend("a")), 0);
    let settle = Settings::default().settle;
    ledger.observe(&split(2, 1, 1), Outcome::Backend(&backend("a")), settle);
    assert_eq!(requests(&ledger), [1], "a new test, after the time to settle");
}

#[test]
fn a_new_generation_with_the_same_weights_goes_on() {
    let mut ledger = ledger();
    ledger.observe(&split(1, 1, 1), Outcome::Backend(&backend("a")), 0);
    ledger.observe(&split(2, 1, 1), Outcome::Backend(&backend("a")), 0);
    assert_eq!(requests(&ledger), [2]);
    ledger.observe(&split(3, 2, 1), Outcome::Backend(&backend("a")), 0);
    assert_eq!(requests(&ledger), [0]);
}

#[test]
fn a_rule_that_becomes_untestable_rests_and_comes_back() {
    let mut ledger = ledger();
    ledger.observe(&split(1, 1, 1), Outcome::Backend(&backend("a")), 0);
    ledger.observe(&split(2, 1, 0), Outcome::Backend(&backend("a")), 0);
    assert_eq!(requests(&ledger), [0; 0]);
    ledger.observe(&split(3, 1, 1), Outcome::Backend(&backend("a")), 0);
    assert_eq!(requests(&ledger), [0], "a new test, after the time to settle");
}

#[test]
fn rules_beyond_the_limit_are_counted() {
    let mut ledger = ledger();
    for route in 0..=MAX_RULES {
        let decision = decision(&route.to_string(), 1, vec![choice("a", 1), choice("b", 1)]);
        ledger.observe(&decision, Outcome::Backend(&backend("a")), 0);
    }
    assert_eq!((ledger.monitors().count(), ledger.not_watched()), (MAX_RULES, 1));
    ledger.retain(|_| false);
    assert_eq!(ledger.monitors().count(), 0);
}
