//! Weights that are honoured and weights that are not.

use super::run::{A, B, Run, Specs, a_goes_to, get};

/// `/a` goes to a and b by these weights.
fn split(a: u32, b: u32) -> Specs<'static> {
    Specs {
        a: vec![("a", a), ("b", b)],
        ..Specs::default()
    }
}

fn under(specs: &Specs<'_>) -> Run {
    let mut run = Run::new(&["gw"]);
    run.set_specs(specs);
    // No request is left that the specs before may have been followed for.
    run.wait(11_000);
    run
}

/// Every `nth` of so many requests goes to b, one each 50 ms.
fn requests(run: &mut Run, count: usize, nth: usize) {
    for index in 1..=count {
        run.exchange(80, "/a", Some(if index % nth == 0 { B } else { A }));
        run.wait(50);
    }
}

#[test]
fn weights_that_are_ignored_are_told_in_plain_numbers() {
    let mut run = under(&split(9, 1));
    requests(&mut run, 100, 2);
    run.wait(3_000);
    let told = run.told();
    assert_eq!(told[0], "watched");
    assert!(
        told[1].starts_with("skewed: expected 90/10, observed 50/50 over 5"),
        "{told:?}"
    );
    assert!(told[1].ends_with("which fits an equal split"), "{told:?}");
    assert_eq!(told.len(), 2);
    assert_eq!(run.sink.weighed[1].rule.route.to_string(), "default/shop");
}

#[test]
fn weights_that_are_honoured_are_watched_and_nothing_else() {
    let mut run = under(&split(9, 1));
    requests(&mut run, 400, 10);
    run.wait(3_000);
    assert_eq!(run.told(), ["watched"]);
}

#[test]
fn one_backend_is_no_split() {
    let mut run = under(&a_goes_to("a"));
    requests(&mut run, 100, 2);
    run.wait(3_000);
    assert_eq!(run.told(), [""; 0]);
}

#[test]
fn sessions_stay_where_they_are_and_are_not_tested() {
    let mut run = under(&Specs {
        rule: "sessionPersistence: {sessionName: s}",
        ..split(9, 1)
    });
    requests(&mut run, 200, 2);
    run.wait(3_000);
    assert_eq!(run.told(), [""; 0]);
}

/// The gateway has the new weights before we see them: what looks like a skew is none once they come.
#[test]
fn newer_weights_explain_a_skew_that_is_held() {
    let mut run = under(&split(9, 1));
    requests(&mut run, 20, 10);
    requests(&mut run, 45, 1);
    run.set_specs(&split(1, 9));
    run.wait(3_000);
    assert_eq!(run.told(), ["watched", "ended"]);
}

#[test]
fn the_test_begins_anew_when_weights_change() {
    let mut run = under(&split(9, 1));
    requests(&mut run, 100, 2);
    run.wait(3_000);
    run.set_specs(&split(1, 1));
    run.wait(11_000);
    requests(&mut run, 600, 2);
    let told = run.told();
    assert!(told[1].starts_with("skewed"), "{told:?}");
    assert_eq!(told[2..], ["ended", "watched"], "50/50 is right now");
}

/// While the gateway may follow either, requests say nothing about either.
#[test]
fn a_gateway_that_follows_late_has_no_skew() {
    let mut run = under(&a_goes_to("a"));
    run.set_specs(&split(1, 1));
    requests(&mut run, 180, usize::MAX);
    run.wait(3_000);
    requests(&mut run, 100, 2);
    run.wait(3_000);
    assert_eq!(run.told(), ["watched"]);
}

#[test]
fn a_rule_that_goes_away_is_no_longer_watched() {
    let mut run = under(&split(9, 1));
    requests(&mut run, 50, 10);
    run.wait(1_500);
    run.set_specs(&a_goes_to("a"));
    run.wait(1_500);
    assert_eq!(run.told(), ["watched", "ended"]);
}

/// Endpoints come and go all the time; they change nothing about weights.
#[test]
fn endpoints_that_change_do_not_disturb_the_test() {
    let mut run = under(&split(9, 1));
    requests(&mut run, 60, 2);
    let mut moved = split(9, 1);
    moved.endpoints = vec![("a", vec!["10.0.0.1", "10.0.0.3"]), ("b", vec!["10.0.0.2"])];
    run.set_specs(&moved);
    requests(&mut run, 60, 2);
    run.wait(3_000);
    let told = run.told();
    assert_eq!((told.len(), told[0].as_str()), (2, "watched"), "{told:?}");
    assert!(told[1].starts_with("skewed"), "{told:?}");
}

/// A retry may avoid the backend that failed: the first attempt is the draw.
#[test]
fn the_first_attempt_is_what_counts() {
    let mut run = under(&split(1, 1));
    for index in 0..200 {
        let client = run.client(80);
        run.receive(client, &get("/a"));
        if index % 2 == 0 {
            let failed = run.upstream(B);
            run.send(failed, &get("/a"));
            run.receive(failed, "HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n");
            run.close(failed);
        }
        let upstream = run.upstream(A);
        run.send(upstream, &get("/a"));
        run.receive(upstream, super::run::OK);
        run.send(client, super::run::OK);
        run.close(upstream);
        run.close(client);
        run.wait(50);
    }
    run.wait(3_000);
    assert_eq!(run.told(), ["watched"]);
}
