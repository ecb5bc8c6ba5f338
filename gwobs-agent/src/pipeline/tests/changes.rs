//! Specs that change while requests come: the gateway is ahead of what we see, or behind.

use std::time::Duration;

use gwobs_route::{Mismatch, Verdict};

use super::run::{A, B, Run, SECOND, Specs, a_goes_to};

const MATCH: Option<Verdict> = Some(Verdict::Match);

fn wrong(reason: Mismatch) -> Option<Verdict> {
    Some(Verdict::Mismatch(reason))
}

/// Service a has its pod at .1, or service b has it beside its own.
fn pod_one_is_of(service: &str) -> Specs<'static> {
    let endpoints = match service {
        "a" => vec![("a", vec!["10.0.0.1"]), ("b", vec!["10.0.0.2"])],
        _ => vec![("a", vec!["10.0.0.3"]), ("b", vec!["10.0.0.1", "10.0.0.2"])],
    };
    Specs {
        endpoints,
        ..Specs::default()
    }
}

#[test]
fn newer_specs_explain_what_is_held() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(B));
    run.wait(1000);
    run.set_specs(&a_goes_to("b"));
    run.wait(2000);
    let (finished, verdict) = run.only();
    assert_eq!(verdict, MATCH);
    assert_eq!(
        finished.decision.as_ref().unwrap().generation,
        run.generation(),
        "judged by the specs that explain it"
    );
    run.finish();
    assert!(run.sink.lags.is_empty(), "being ahead is no lag");
}

#[test]
fn following_old_specs_is_right_within_the_window_and_wrong_beyond() {
    let mut run = Run::new(&["gw"]);
    let before = run.generation();
    run.wait(1000);
    run.set_specs(&a_goes_to("b"));
    run.wait(3000);
    run.exchange(80, "/a", Some(A));
    run.wait(500);
    let (finished, verdict) = run.only();
    assert_eq!(
        (verdict, finished.decision.as_ref().unwrap().generation),
        (MATCH, before)
    );
    run.wait(8000);
    run.exchange(80, "/a", Some(A));
    run.wait(3000);
    assert_eq!(run.verdicts()[1], wrong(Mismatch::WrongBackend));
    assert_eq!(
        run.sink.finished[1].decision.as_ref().unwrap().generation,
        run.generation()
    );
}

/// From the change to the last request by the old specs, once, when that is clear.
#[test]
fn convergence_is_told_once_for_a_change() {
    let mut run = Run::new(&["gw"]);
    run.wait(1000);
    run.set_specs(&a_goes_to("b"));
    let changed = run.time;
    for _ in 0..10 {
        run.exchange(80, "/a", Some(A));
        run.wait(400);
    }
    let last = run.time - 400 * SECOND / 1_000 - changed;
    for _ in 0..10 {
        run.exchange(80, "/a", Some(B));
        run.wait(400);
    }
    assert!(run.sink.lags.is_empty(), "it is not clear yet: {:?}", run.sink.lags);
    run.wait(10_000);
    let [lag] = run.sink.lags[..] else {
        panic!("{:?}", run.sink.lags)
    };
    let error = lag.abs_diff(Duration::from_nanos(last));
    assert!(error < Duration::from_millis(60), "{lag:?} is not {last} ns");
}

/// A gateway that goes on for longer than the window is wrong, and its lag is measured all the same.
#[test]
fn convergence_counts_the_requests_that_came_too_late() {
    let mut run = Run::new(&["gw"]);
    run.wait(1000);
    run.set_specs(&a_goes_to("b"));
    for _ in 0..15 {
        run.exchange(80, "/a", Some(A));
        run.wait(1000);
    }
    run.wait(15_000);
    let [lag] = run.sink.lags[..] else {
        panic!("{:?}", run.sink.lags)
    };
    assert!(
        lag >= Duration::from_secs(14) && lag < Duration::from_secs(15),
        "{lag:?}"
    );
    assert!(run.verdicts().contains(&wrong(Mismatch::WrongBackend)));
}

#[test]
fn a_change_that_no_request_lags_behind_is_not_told() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(A));
    run.wait(1000);
    run.set_specs(&a_goes_to("b"));
    run.exchange(80, "/a", Some(B));
    run.wait(1000);
    run.finish();
    assert!(run.sink.lags.is_empty(), "{:?}", run.sink.lags);
}

#[test]
fn a_pod_that_moved_first_in_the_gateway() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/b", Some(A));
    run.wait(1000);
    run.set_specs(&pod_one_is_of("b"));
    run.wait(1500);
    let (finished, verdict) = run.only();
    assert_eq!(verdict, MATCH);
    assert_eq!(
        finished.upstreams[0].backend.as_ref().unwrap().to_string(),
        "default/b:80"
    );
}

#[test]
fn a_pod_that_moved_first_in_the_specs() {
    let mut run = Run::new(&["gw"]);
    run.wait(1000);
    run.set_specs(&pod_one_is_of("b"));
    run.exchange(80, "/a", Some(A));
    run.exchange(80, "/b", Some(A));
    run.wait(1000);
    assert_eq!(run.verdicts(), [MATCH, MATCH]);
    let backend = |index: usize| {
        let upstream = &run.sink.finished[index].upstreams[0];
        upstream.backend.as_ref().unwrap().to_string()
    };
    assert_eq!(
        [backend(0), backend(1)],
        ["default/a:80", "default/b:80"],
        "named by the specs that each request was judged by"
    );
}

/// Beyond the window an address that has left the service is stale, whoever has it now.
#[test]
fn an_endpoint_that_left_is_stale_after_the_window() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(A));
    run.wait(1000);
    run.set_specs(&pod_one_is_of("b"));
    run.wait(11_000);
    run.exchange(80, "/a", Some(A));
    run.exchange(80, "/b", Some(A));
    run.wait(3000);
    assert_eq!(run.verdicts(), [MATCH, MATCH, wrong(Mismatch::StaleEndpoint)]);
}

#[test]
fn an_endpoint_that_came_back_is_not_stale() {
    let mut run = Run::new(&["gw"]);
    run.set_specs(&pod_one_is_of("b"));
    run.wait(15_000);
    run.set_specs(&pod_one_is_of("a"));
    run.wait(15_000);
    run.exchange(80, "/a", Some(A));
    run.wait(3000);
    assert_eq!(run.verdicts(), [MATCH]);
}

/// A request that was routed before a change and answered long after it is judged by what was in force when it came.
#[test]
fn a_slow_request_is_judged_by_the_specs_of_its_time() {
    let mut run = Run::new(&["gw"]);
    let request = super::run::get("/a");
    let client = run.client(80);
    run.receive(client, &request);
    let upstream = run.upstream(A);
    run.send(upstream, &request);
    for service in ["b", "a", "b"] {
        run.wait(20_000);
        run.set_specs(&a_goes_to(service));
    }
    run.wait(20_000);
    run.receive(upstream, super::run::OK);
    run.send(client, super::run::OK);
    run.wait(3000);
    assert_eq!(run.verdicts(), [MATCH]);
}

/// More changes than are kept while it was open: nobody knows what was in force.
#[test]
fn a_request_older_than_the_specs_that_are_kept_is_left_open() {
    let mut run = Run::new(&["gw"]);
    let request = super::run::get("/a");
    let client = run.client(80);
    run.receive(client, &request);
    let upstream = run.upstream(B);
    run.send(upstream, &request);
    for change in 0..100 {
        run.wait(15_000);
        run.set_specs(&a_goes_to(["b", "a"][change % 2]));
    }
    run.receive(upstream, super::run::OK);
    run.send(client, super::run::OK);
    run.wait(3000);
    assert_eq!(
        run.verdicts(),
        [Some(Verdict::Inconclusive(gwobs_route::Inconclusive::ConfigInFlux))]
    );
}
