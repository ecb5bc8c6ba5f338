//! Specs that change while the data plane runs.

use crate::output::fetch;
use crate::shop;
use crate::tailored::{configure_endpoints, endpoint, endpoint_slice, from_files, specify, tailored};
use anyhow::{Context as _, Result, ensure};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xtask::testbed::client::{Client, Exchange};
use xtask::testbed::gwobs::{Gwobs, Observed};
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::rule::{prefix, route};
use xtask::testbed::traffic::{Case, get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

/// A change of a file is seen at once or at the next look; this is plenty.
const NOTICED: Duration = Duration::from_secs(20);

/// The gateway may lag behind its specs for the window; what it still does by the old ones afterwards is a misroute.
#[test]
fn a_gateway_that_never_follows_is_found_after_the_window() -> Result<()> {
    let before = [route("api", vec![prefix("/api").to("v1"), prefix("/other").to("v2")])];
    let after = [route("api", vec![prefix("/api").to("v2"), prefix("/other").to("v2")])];
    let bed = Testbed::start(&Plan::correct(&Envoy, &before))?;
    let mut gwobs = bed.observe().arg("--convergence-window").arg("1").start()?;
    let client = Client::new(bed.address()).concurrency(4);

    let mut exchanges = client.run(&mixed(&[get("/api").due("v1"), get("/other").due("v2")], 200))?;
    bed.specify(&after)?;
    let probe = get("/api").due("v2");
    let probes = wait_for_mismatch(&mut gwobs, &client, &probe)?;
    exchanges.extend(client.run(&mixed(&[probe, get("/other").due("v2")], 200))?);

    let mut observed = gwobs.stop()?;
    // The probes were sent while the window was open: either verdict is right for them.
    observed
        .decisions
        .retain(|decision| probes.iter().all(|probe| decision.id() != Some(&probe.id)));
    let seen = compare(&exchanges, &observed.decisions);
    seen.assert_exact()?;
    assert!(seen.misrouted > 50);
    Ok(())
}

/// Sends the same request until gwobs no longer excuses it; returns all that were sent.
fn wait_for_mismatch(gwobs: &mut Gwobs, client: &Client, probe: &Case) -> Result<Vec<Exchange>> {
    let deadline = Instant::now() + NOTICED;
    let mut probes = Vec::new();
    while Instant::now() < deadline {
        probes.extend(client.run(std::slice::from_ref(probe))?);
        while let Some(decision) = gwobs.next_decision(Duration::from_millis(200))? {
            if decision.verdict() == "mismatch" {
                return Ok(probes);
            }
        }
    }
    None.context("the change of the manifests never had an effect")
}

/// A file that cannot be read for a while does not take the specs away.
#[test]
fn broken_manifests_leave_the_last_good_ones_in_force() -> Result<()> {
    let routes = shop::routes();
    let bed = Testbed::start(&Plan::correct(&Envoy, &routes))?;
    let gwobs = bed.observe().start()?;
    let client = Client::new(bed.address()).concurrency(4);
    let mut exchanges = client.run(&mixed(&shop::requests(), 100))?;
    std::fs::write(bed.manifests(), "kind: [unfinished\n")?;
    std::thread::sleep(Duration::from_secs(2));
    exchanges.extend(client.run(&mixed(&shop::requests(), 100))?);
    bed.specify(&routes)?;
    let observed = gwobs.stop()?;
    compare(&exchanges, &observed.decisions).assert_exact()?;
    assert!(
        observed.log.contains("manifests.yaml"),
        "the log names the broken file:\n{}",
        observed.log
    );
    Ok(())
}

/// What `/api` goes to, before and after.
fn api_to(backend: &str) -> [xtask::testbed::rule::Route; 1] {
    [route(
        "api",
        vec![prefix("/api").to(backend), prefix("/other").to("v2")],
    )]
}

/// A few requests at a time, again and again while something happens.
fn under_traffic(client: &Client, cases: &[Case], happens: impl FnOnce() -> Result<()>) -> Result<Vec<Exchange>> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let mut exchanges = Vec::new();
            while !over.load(Ordering::Relaxed) {
                exchanges.extend(client.run(&mixed(cases, 20))?);
                std::thread::sleep(Duration::from_millis(50));
            }
            anyhow::Ok(exchanges)
        });
        let happened = happens();
        over.store(true, Ordering::Relaxed);
        let exchanges = traffic
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        happened.map(|()| exchanges)
    })
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// No request of those was a misroute, by specs that changed under them, and gwobs says so of every one.
fn assert_no_misroute(exchanges: &[Exchange], observed: &Observed) -> Result<()> {
    let seen = compare(exchanges, &observed.decisions);
    seen.assert_exact()?;
    ensure!(seen.misrouted == 0 && seen.requests == exchanges.len(), "{seen:?}");
    Ok(())
}

/// How often each backend answered.
fn answers(exchanges: &[Exchange], backend: &str) -> usize {
    let answered = |exchange: &&Exchange| {
        let answer = exchange.answer.as_ref().ok();
        answer.is_some_and(|answer| answer.backend.as_deref() == Some(backend))
    };
    exchanges.iter().filter(answered).count()
}

#[test]
fn routes_change_first_in_the_specs() -> Result<()> {
    let (before, after) = (api_to("v1"), api_to("v3"));
    let configured = [api_to("v1"), [route("unused", vec![prefix("/unused").to("v3")])]].concat();
    let bed = Testbed::start(&Plan::wrong(tailored(from_files), &configured, &before))?;
    let address = bed.metrics_address();
    let mut gwobs = bed
        .observe()
        .arg("--metrics-addr")
        .arg(&address.to_string())
        .arg("--convergence-window")
        .arg("5")
        .start()?;
    let client = Client::new(bed.address()).concurrency(4);
    let cases = [get("/api").due_any(&["v1", "v3"]), get("/other").due("v2")];
    let exchanges = under_traffic(&client, &cases, || {
        pause(1_000);
        bed.specify(&after)?;
        pause(2_500);
        bed.configure(&after)?;
        pause(1_500);
        Ok(())
    })?;
    ensure!(answers(&exchanges, "v1") > 20 && answers(&exchanges, "v3") > 5);
    // The window and the hold have to pass after the last request by the old specs.
    while gwobs.next_decision(Duration::from_secs(8))?.is_some() {}
    let metrics = fetch(address, "/metrics")?;
    let series = |name: &str| -> Result<f64> {
        let prefix = format!(r#"gwobs_convergence_seconds_{name}{{gateway_namespace="shop",gateway="gateway"}} "#);
        let value = metrics.lines().find_map(|line| line.strip_prefix(&prefix));
        Ok(value
            .with_context(|| format!("{prefix} is not in\n{metrics}"))?
            .parse()?)
    };
    assert!((series("count")? - 1.0).abs() < f64::EPSILON, "one change: {metrics}");
    let lag = series("sum")?;
    assert!(
        (0.5..5.0).contains(&lag),
        "{lag} s from the change to the last old request"
    );
    assert_no_misroute(&exchanges, &gwobs.stop()?)
}

#[test]
fn routes_change_first_in_the_data_plane() -> Result<()> {
    let (before, after) = (api_to("v1"), api_to("v3"));
    let configured = [api_to("v1"), [route("unused", vec![prefix("/unused").to("v3")])]].concat();
    let bed = Testbed::start(&Plan::wrong(tailored(from_files), &configured, &before))?;
    let gwobs = bed.observe().arg("--hold").arg("6").start()?;
    let client = Client::new(bed.address()).concurrency(4);
    let cases = [get("/api").due_any(&["v1", "v3"]), get("/other").due("v2")];
    let exchanges = under_traffic(&client, &cases, || {
        pause(1_000);
        bed.configure(&after)?;
        pause(2_000);
        bed.specify(&after)?;
        pause(2_000);
        Ok(())
    })?;
    ensure!(answers(&exchanges, "v1") > 5 && answers(&exchanges, "v3") > 20);
    let observed = gwobs.stop()?;
    let of_api = observed.decisions.iter().filter(|decision| decision.path() == "/api");
    let generations: std::collections::BTreeSet<_> =
        of_api.filter_map(|decision| decision.number("/generation")).collect();
    assert_eq!(generations.len(), 2, "each is judged by the specs that it follows");
    assert_no_misroute(&exchanges, &observed)
}

/// Services a and b, and a pod that is moved from a to b.
fn pods() -> [xtask::testbed::rule::Route; 2] {
    [
        route("pods", vec![prefix("/a").to("a"), prefix("/b").to("b")]),
        route("unused", vec![prefix("/unused").to("pod")]).host("unused.test"),
    ]
}

fn pod_is_of(bed: &Testbed, service: &str) -> Result<()> {
    let slice = endpoint_slice("moving", service, endpoint(bed, "pod")?);
    specify(bed, &pods()[..1], |text| text + &slice)
}

fn envoy_has_pod_in(bed: &Testbed, service: &str) -> Result<()> {
    for name in ["a", "b"] {
        let pod = (name == service).then(|| endpoint(bed, "pod")).transpose()?;
        let endpoints: Vec<_> = std::iter::once(endpoint(bed, name)?).chain(pod).collect();
        configure_endpoints(bed, name, &endpoints)?;
    }
    Ok(())
}

fn pod_cases() -> [Case; 2] {
    [get("/a").due_any(&["a", "pod"]), get("/b").due_any(&["b", "pod"])]
}

/// `in_order` moves the pod in specs and data plane, in one order or the other.
fn move_the_pod(in_order: impl FnOnce(&Testbed) -> Result<()>) -> Result<()> {
    let routes = pods();
    let bed = Testbed::start(&Plan::correct(tailored(from_files), &routes))?;
    pod_is_of(&bed, "a")?;
    envoy_has_pod_in(&bed, "a")?;
    let gwobs = bed.observe().arg("--hold").arg("6").start()?;
    let client = Client::new(bed.address()).concurrency(4);
    let exchanges = under_traffic(&client, &pod_cases(), || {
        pause(1_000);
        in_order(&bed)?;
        pause(2_000);
        Ok(())
    })?;
    let from_pod = |path: &str| {
        let of_path = exchanges.iter().filter(|exchange| exchange.request.target == path);
        answers(&of_path.cloned().collect::<Vec<_>>(), "pod")
    };
    ensure!(
        from_pod("/a") > 5 && from_pod("/b") > 5,
        "the pod served both services in turn"
    );
    assert_no_misroute(&exchanges, &gwobs.stop()?)
}

#[test]
fn a_pod_moves_first_in_the_specs() -> Result<()> {
    move_the_pod(|bed| {
        pod_is_of(bed, "b")?;
        pause(2_000);
        envoy_has_pod_in(bed, "b")
    })
}

#[test]
fn a_pod_moves_first_in_the_data_plane() -> Result<()> {
    move_the_pod(|bed| {
        envoy_has_pod_in(bed, "b")?;
        pause(2_000);
        pod_is_of(bed, "b")
    })
}

/// An endpoint that left long ago is stale, though another Service's pod has its address now.
#[test]
fn an_endpoint_that_left_is_stale_after_the_window() -> Result<()> {
    let routes = pods();
    let bed = Testbed::start(&Plan::correct(tailored(from_files), &routes))?;
    pod_is_of(&bed, "a")?;
    envoy_has_pod_in(&bed, "a")?;
    let gwobs = bed.observe().arg("--convergence-window").arg("1").start()?;
    let client = Client::new(bed.address()).concurrency(4);
    let before = client.run(&mixed(&pod_cases(), 100))?;
    pod_is_of(&bed, "b")?;
    pause(4_000);
    let after = client.run(&mixed(&[get("/a").due("a"), get("/b").due_any(&["b", "pod"])], 200))?;
    let observed = gwobs.stop()?;
    let seen = compare(&[before, after].concat(), &observed.decisions);
    seen.assert_exact()?;
    assert!(seen.misrouted > 20, "{}", seen.misrouted);
    let mut wrong = observed
        .decisions
        .iter()
        .filter(|decision| decision.verdict() == "mismatch");
    assert!(wrong.all(|decision| decision.reason() == "stale_endpoint"));
    Ok(())
}
