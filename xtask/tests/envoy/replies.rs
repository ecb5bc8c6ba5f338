//! Answers that are not simply one backend's: redirects, the gateway's own, retries.

use crate::{observe, observe_exactly};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::client::Exchange;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::rule::{Filter, Route, prefix, route};
use xtask::testbed::traffic::{Case, get, mixed};

/// Sends one request and returns the one decision about it.
fn decide(configured: &[Route], specified: &[Route], case: Case) -> Result<(Exchange, Decision)> {
    let (mut exchanges, mut observed) = observe(&Plan::wrong(&Envoy, configured, specified), |client| {
        client.run(&[case])
    })?;
    anyhow::ensure!(
        observed.decisions.len() == 1,
        "{} decisions about one request",
        observed.decisions.len()
    );
    Ok((exchanges.remove(0), observed.decisions.remove(0)))
}

#[test]
fn a_redirect_that_is_due() -> Result<()> {
    let routes = [route("old", vec![prefix("/old").redirect(302, "new.example.com")])];
    let (_, decision) = decide(&routes, &routes, get("/old/page?x=1").due_status(302))?;
    assert_eq!(decision.verdict(), "match", "{}", decision.0);
    assert_eq!(decision.text("/expected/action"), "redirect");
    assert_eq!(decision.text("/response/origin"), "gateway");
    assert!(decision.upstreams().is_empty());
    Ok(())
}

#[test]
fn a_redirect_to_the_wrong_host() -> Result<()> {
    let specified = [route("old", vec![prefix("/old").redirect(302, "new.example.com")])];
    let configured = [route(
        "old",
        vec![prefix("/old").redirect(302, "elsewhere.example.com")],
    )];
    let (_, decision) = decide(&configured, &specified, get("/old/page").due_status(302))?;
    assert_eq!(
        (decision.verdict(), decision.reason()),
        ("mismatch", "wrong_redirect"),
        "{}",
        decision.0
    );
    Ok(())
}

#[test]
fn a_forward_where_a_redirect_is_due() -> Result<()> {
    let specified = [route("old", vec![prefix("/old").redirect(302, "new.example.com")])];
    let configured = [route("old", vec![prefix("/old").to("old")])];
    let (_, decision) = decide(&configured, &specified, get("/old/page").due_status(302))?;
    assert_eq!(
        (decision.verdict(), decision.reason()),
        ("mismatch", "unexpected_forward"),
        "{}",
        decision.0
    );
    Ok(())
}

#[test]
fn a_404_that_is_due_and_one_that_is_not() -> Result<()> {
    let specified = [route("api", vec![prefix("/api").to("v1")])];
    let (_, due) = decide(&specified, &specified, get("/other").due_status(404))?;
    assert_eq!(
        (due.verdict(), due.text("/expected/action")),
        ("match", "respond"),
        "{}",
        due.0
    );
    assert!(due.upstreams().is_empty());

    let configured = [route("api", vec![prefix("/api/v2").to("v1")])];
    let (_, undue) = decide(&configured, &specified, get("/api").due("v1"))?;
    assert_eq!(
        (undue.verdict(), undue.reason()),
        ("mismatch", "unexpected_reply"),
        "{}",
        undue.0
    );
    Ok(())
}

/// The backend hangs up and Envoy answers 503 by itself: not routing, so not a misroute.
#[test]
fn a_503_of_the_gateway_is_left_open() -> Result<()> {
    let routes = [route("api", vec![prefix("/api").to("v1")])];
    let (exchange, decision) = decide(&routes, &routes, get("/api").asking("hang-up").due_status(503))?;
    assert_eq!(exchange.answer.map(|answer| answer.status), Ok(503));
    assert_eq!(
        (decision.verdict(), decision.reason()),
        ("inconclusive", "gateway_reply"),
        "{}",
        decision.0
    );
    Ok(())
}

#[test]
fn a_rewrite_that_is_not_applied() -> Result<()> {
    let specified = [route(
        "api",
        vec![
            prefix("/api")
                .to("v1")
                .filter(Filter::ReplacePrefix("/internal".to_owned())),
        ],
    )];
    let configured = [route("api", vec![prefix("/api").to("v1")])];
    let (_, decision) = decide(&configured, &specified, get("/api/items").due("v1"))?;
    assert_eq!(
        (decision.verdict(), decision.reason()),
        ("mismatch", "filter_not_applied"),
        "{}",
        decision.0
    );
    Ok(())
}

/// Each retried request is one decision with all its attempts.
#[test]
fn retries_belong_to_their_request() -> Result<()> {
    let routes = [route(
        "api",
        vec![prefix("/api").to("v1").retry(2), prefix("/plain").to("v2")],
    )];
    let cases = [
        get("/api/steady").due("v1"),
        get("/api/shaky").asking("fail-first=1").due("v1"),
        get("/api/worse").asking("fail-first=2").due("v1"),
        get("/plain").due("v2"),
    ];
    let plan = Plan {
        endpoints: 2,
        ..Plan::correct(&Envoy, &routes)
    };
    let seen = observe_exactly(&plan, |client| client.concurrency(8).run(&mixed(&cases, 400)))?;
    assert_eq!(seen.misrouted, 0);

    let (_, observed) = observe(&plan, |client| client.run(&cases))?;
    let attempts = |path: &str| -> Vec<usize> {
        let about = observed.decisions.iter().filter(|decision| decision.path() == path);
        about.map(|decision| decision.upstreams().len()).collect()
    };
    assert_eq!(attempts("/api/steady"), [1]);
    assert_eq!(attempts("/api/shaky"), [2]);
    assert_eq!(attempts("/api/worse"), [3]);
    Ok(())
}
