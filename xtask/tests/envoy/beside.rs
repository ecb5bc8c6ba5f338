//! Upstream calls that forward nothing, answers of Envoy's own, and attempts that fail: none of them is a misroute.

use crate::tailored::{
    cluster, connection_manager, endpoint, endpoint_slice, load_assignment, routes, specify, tailored,
};
use crate::{observe_exactly, shop};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;
use xtask::testbed::client::{Client, Exchange};
use xtask::testbed::gwobs::Observed;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::http::{Connection, Framing};
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::rule::{Filter, Route, prefix, route};
use xtask::testbed::traffic::{get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

/// A server that answers every request with this head after a while, until the test ends.
fn server(status: &'static str, delay: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut connection = Connection::over(stream)?;
                while let Some(head) = connection.next_head()? {
                    connection.read_body(Framing::of_request(&head))?;
                    std::thread::sleep(delay);
                    connection.write(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes())?;
                }
                Ok(())
            });
        }
    });
    Ok(address)
}

/// An address where nobody listens.
fn dead_end() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn purposes(decision: &Decision) -> Vec<&str> {
    let calls = decision.0.get("upstreams").and_then(Value::as_array);
    let calls = calls.map(Vec::as_slice).unwrap_or_default();
    calls.iter().filter_map(|call| call["purpose"].as_str()).collect()
}

fn mirrored(to: &str) -> Vec<Route> {
    let copy = Filter::Mirror(to.to_owned());
    vec![route(
        "api",
        vec![prefix("/api").to("v1").filter(copy), prefix("/plain").to("v2")],
    )]
}

#[test]
fn mirrors_belong_to_their_request() -> Result<()> {
    let routes = mirrored("copy");
    let cases = [get("/api").due("v1"), get("/plain").due("v2")];
    let bed = Testbed::start(&Plan::correct(&Envoy, &routes))?;
    let gwobs = bed.observe().start()?;
    let exchanges = Client::new(bed.address()).concurrency(8).run(&mixed(&cases, 400))?;
    let observed = gwobs.stop()?;
    compare(&exchanges, &observed.decisions).assert_exact()?;
    for decision in &observed.decisions {
        let due: &[&str] = if decision.path() == "/api" {
            &["forward", "mirror"]
        } else {
            &["forward"]
        };
        assert_eq!(purposes(decision), due, "{}", decision.0);
    }
    Ok(())
}

/// The copy is answered long after the request was, and after its decision.
#[test]
fn mirrors_that_end_late_are_no_matter() -> Result<()> {
    let routes = mirrored("copy");
    let late = server("200 OK", Duration::from_millis(400))?;
    let plane = tailored(move |configuration: &mut Value, _: &_| {
        cluster(configuration, "copy")?["load_assignment"] = load_assignment("copy", &[late]);
        Ok(())
    });
    let bed = Testbed::start(&Plan::correct(plane, &routes))?;
    specify(&bed, &routes, |text| text + &endpoint_slice("late", "copy", late))?;
    let gwobs = bed.observe().start()?;
    let exchanges = Client::new(bed.address())
        .concurrency(8)
        .run(&mixed(&[get("/api").due("v1")], 200))?;
    std::thread::sleep(Duration::from_millis(500));
    let observed = gwobs.stop()?;
    compare(&exchanges, &observed.decisions).assert_exact()?;
    assert!(
        observed
            .decisions
            .iter()
            .all(|decision| purposes(decision) == ["forward", "mirror"])
    );
    Ok(())
}

#[test]
fn a_mirror_that_is_missing_and_one_that_goes_elsewhere() -> Result<()> {
    let specified = mirrored("copy");
    let missing = [route("api", vec![prefix("/api").to("v1")])];
    for configured in [&missing[..], &mirrored("v2")] {
        let bed = Testbed::start(&Plan::wrong(&Envoy, configured, &specified))?;
        let gwobs = bed.observe().start()?;
        Client::new(bed.address()).run(&mixed(&[get("/api").due("v1")], 5))?;
        for decision in gwobs.stop()?.decisions {
            assert_eq!(
                (decision.verdict(), decision.reason()),
                ("mismatch", "wrong_mirror"),
                "{}",
                decision.0
            );
        }
    }
    Ok(())
}

#[test]
fn health_checks_belong_to_no_request() -> Result<()> {
    let routes = shop::routes();
    let plane = tailored(move |configuration: &mut Value, _: &_| {
        for name in ["v1", "v2", "canary", "exact", "admin"] {
            cluster(configuration, name)?["health_checks"] = json!([{
                "timeout": "1s", "interval": "0.02s", "no_traffic_interval": "0.02s",
                "unhealthy_threshold": 3, "healthy_threshold": 1,
                "http_health_check": {"path": "/api/v2"},
            }]);
        }
        Ok(())
    });
    let seen = observe_exactly(&Plan::correct(plane, &routes), |client| {
        client.concurrency(8).run(&mixed(&shop::requests(), 1_000))
    })?;
    assert_eq!((seen.requests, seen.misrouted), (1_000, 0));
    Ok(())
}

/// Asks the backend `auth` about every request.
fn with_authorization(auth: SocketAddr) -> impl Fn(&mut Value, &std::path::Path) -> Result<()> + Sync {
    move |configuration, _| {
        cluster(configuration, "auth")?["load_assignment"] = load_assignment("auth", &[auth]);
        let filter = json!({
            "name": "envoy.filters.http.ext_authz",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
                "http_service": {"server_uri": {"uri": "http://auth", "cluster": "auth", "timeout": "1s"}},
            },
        });
        let filters = connection_manager(configuration)?["http_filters"].as_array_mut();
        filters.context("no filters")?.insert(0, filter);
        Ok(())
    }
}

/// As the specs say it: the rule asks the Service `auth`.
const AUTHORIZED: &str = r"---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec:
  parentRefs: [{name: gateway}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /api}}]
    filters:
    - type: ExternalAuth
      externalAuth: {protocol: HTTP, backendRef: {name: auth, port: 80}, http: {}}
    backendRefs: [{name: v1, port: 80}]
";

/// Sends requests through an Envoy that asks an authorization service, with or without the specs' knowledge.
fn authorize(status: &'static str, specified: bool) -> Result<Observed> {
    let auth = server(status, Duration::ZERO)?;
    let configured = [
        route("api", vec![prefix("/api").to("v1")]),
        route("unused", vec![prefix("/").to("auth")]).host("unused.test"),
    ];
    let plane = tailored(with_authorization(auth));
    let bed = Testbed::start(&Plan::correct(plane, &configured))?;
    let slice = endpoint_slice("asked", "auth", auth);
    if specified {
        specify(&bed, &[], |text| text + AUTHORIZED + &slice)?;
    } else {
        specify(&bed, &configured[..1], |text| text + &slice)?;
    }
    let gwobs = bed.observe().start()?;
    Client::new(bed.address())
        .concurrency(8)
        .run(&mixed(&[get("/api").due("v1")], 200))?;
    let observed = gwobs.stop()?;
    ensure!(
        observed.decisions.len() == 200,
        "{} decisions",
        observed.decisions.len()
    );
    Ok(observed)
}

fn verdicts(observed: &Observed) -> std::collections::BTreeMap<(&str, &str), usize> {
    let mut counts = std::collections::BTreeMap::new();
    for decision in &observed.decisions {
        *counts.entry((decision.verdict(), decision.reason())).or_default() += 1;
    }
    counts
}

#[test]
fn authorization_that_the_specs_ask_for() -> Result<()> {
    let observed = authorize("200 OK", true)?;
    assert_eq!(verdicts(&observed), [(("match", ""), 200)].into());
    let forwards = |decision: &Decision| {
        purposes(decision)
            .iter()
            .filter(|purpose| **purpose == "forward")
            .count()
    };
    assert!(observed.decisions.iter().all(|decision| forwards(decision) == 1));
    // Not all: what is sent to the service does not tell which of several requests it is about.
    let asked = observed
        .decisions
        .iter()
        .filter(|decision| purposes(decision).contains(&"auth"));
    assert!(asked.count() > 0);
    Ok(())
}

#[test]
fn a_request_that_is_not_authorized_is_left_open() -> Result<()> {
    let observed = authorize("403 Forbidden", true)?;
    assert_eq!(verdicts(&observed), [(("inconclusive", "gateway_reply"), 200)].into());
    Ok(())
}

/// A policy of the implementation's own, which gwobs does not know: nobody is accused.
#[test]
fn authorization_that_the_specs_do_not_mention() -> Result<()> {
    for status in ["200 OK", "403 Forbidden"] {
        let observed = authorize(status, false)?;
        let counts = verdicts(&observed);
        assert!(
            !counts.keys().any(|(verdict, _)| *verdict == "mismatch"),
            "{status}: {counts:?}"
        );
    }
    Ok(())
}

/// What Envoy answers by itself where it should have forwarded: only what routing alone can explain is a misroute.
#[test]
fn direct_responses() -> Result<()> {
    let specified = [route("api", vec![prefix("/api").to("v1")])];
    for (status, verdict, reason) in [
        (404, "mismatch", "unexpected_reply"),
        (500, "mismatch", "unexpected_reply"),
        (403, "inconclusive", "gateway_reply"),
        (429, "inconclusive", "gateway_reply"),
        (200, "inconclusive", "gateway_reply"),
    ] {
        let plane = tailored(move |configuration: &mut Value, _: &_| {
            let table = routes(configuration)?;
            let first = table.first_mut().context("no route")?;
            *first = json!({"match": first["match"], "direct_response": {"status": status}});
            Ok(())
        });
        let bed = Testbed::start(&Plan::correct(plane, &specified))?;
        let gwobs = bed.observe().start()?;
        Client::new(bed.address()).run(&mixed(&[get("/api").due("v1")], 3))?;
        let observed = gwobs.stop()?;
        assert_eq!(observed.decisions.len(), 3);
        for decision in &observed.decisions {
            assert_eq!(
                (decision.verdict(), decision.reason()),
                (verdict, reason),
                "{}",
                decision.0
            );
            assert!(decision.upstreams().is_empty());
            assert_eq!(decision.text("/response/origin"), "gateway");
        }
    }
    Ok(())
}

/// One endpoint of two refuses connections: its attempts fail, and the next one is made at the other.
#[test]
fn retries_at_another_endpoint() -> Result<()> {
    let routes = [route("api", vec![prefix("/api").to("v1").retry(20)])];
    let dead = dead_end()?;
    let plane = tailored(move |configuration: &mut Value, _: &_| {
        let cluster = cluster(configuration, "v1")?;
        let mut endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"].take();
        let refusing = load_assignment("v1", &[dead])["endpoints"][0]["lb_endpoints"][0].take();
        endpoints.as_array_mut().context("no endpoints")?.push(refusing);
        cluster["load_assignment"]["endpoints"][0]["lb_endpoints"] = endpoints;
        Ok(())
    });
    let bed = Testbed::start(&Plan::correct(plane, &routes))?;
    specify(&bed, &routes, |text| text + &endpoint_slice("dead", "v1", dead))?;
    let gwobs = bed.observe().start()?;
    let cases = mixed(&[get("/api").due("v1"), get("/api/more").due("v1")], 200);
    let client = Client::new(bed.address());
    let alone = client.run(&cases)?;
    let together = client.concurrency(4).run(&cases)?;
    let observed = gwobs.stop()?;
    let about = |exchanges: &[Exchange]| -> Vec<Decision> {
        let ids: HashSet<&str> = exchanges.iter().map(|exchange| exchange.id.as_str()).collect();
        let about = observed
            .decisions
            .iter()
            .filter(|decision| decision.id().is_some_and(|id| ids.contains(id)));
        about.cloned().collect()
    };
    let decisions = about(&alone);
    compare(&alone, &decisions).assert_exact()?;
    let failed = dead.to_string();
    let retried = decisions
        .iter()
        .filter(|decision| decision.upstreams().contains(&failed.as_str()));
    ensure!(retried.count() > 0, "no attempt at the dead endpoint was seen");
    // Whose connect it was that failed nobody can tell, and it is of no matter: each request was sent in the end.
    compare(&together, &about(&together)).assert_exact()?;
    Ok(())
}

/// Envoy forwards `/loop` to its own listener as `/api`: two requests, two decisions.
#[test]
fn a_gateway_that_calls_itself() -> Result<()> {
    let routes = [route(
        "loop",
        vec![
            prefix("/loop")
                .to("self")
                .filter(Filter::ReplacePrefix("/api".to_owned())),
            prefix("/api").to("v1"),
        ],
    )];
    let plane = tailored(move |configuration: &mut Value, _: &_| {
        let own = configuration["static_resources"]["listeners"][0]["address"].clone();
        cluster(configuration, "self")?["load_assignment"] =
            json!({"cluster_name": "self", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": own}}]}]});
        Ok(())
    });
    let bed = Testbed::start(&Plan::correct(plane, &routes))?;
    specify(&bed, &routes, |text| {
        text + &endpoint_slice("own", "self", bed.address())
    })?;
    let gwobs = bed.observe().start()?;
    let client = Client::new(bed.address()).concurrency(8);
    let exchanges = client.run(&mixed(&[get("/loop/x").due("v1"), get("/api/y").due("v1")], 300))?;
    let observed = gwobs.stop()?;
    let looped = exchanges
        .iter()
        .filter(|exchange| exchange.request.target == "/loop/x")
        .count();
    ensure!(
        observed.decisions.len() == exchanges.len() + looped,
        "{} decisions",
        observed.decisions.len()
    );
    assert_eq!(verdicts(&observed), [(("match", ""), exchanges.len() + looped)].into());
    let (own, v1) = (bed.address().to_string(), endpoint(&bed, "v1")?.to_string());
    for decision in &observed.decisions {
        let due = if decision.path().starts_with("/loop") {
            &own
        } else {
            &v1
        };
        assert_eq!(decision.chosen(), Some(due.as_str()), "{}", decision.0);
    }
    Ok(())
}

/// The backend's redirect is followed by Envoy itself: an attempt after one that was answered for good, which the facts of
/// pairing do not know. It harms nobody.
#[test]
fn redirects_that_envoy_follows_itself() -> Result<()> {
    let elsewhere = server(
        "302 Found\r\nlocation: http://shop.example.com/api/followed",
        Duration::ZERO,
    )?;
    let table = [route("api", vec![prefix("/old").to("old"), prefix("/api").to("v1")])];
    let plane = tailored(move |configuration: &mut Value, _: &_| {
        cluster(configuration, "old")?["load_assignment"] = load_assignment("old", &[elsewhere]);
        let first = routes(configuration)?.first_mut().context("no route")?;
        first["route"]["internal_redirect_policy"] = json!({"max_internal_redirects": 1});
        Ok(())
    });
    let bed = Testbed::start(&Plan::correct(plane, &table))?;
    specify(&bed, &table, |text| {
        text + &endpoint_slice("elsewhere", "old", elsewhere)
    })?;
    let gwobs = bed.observe().start()?;
    let cases = [get("/old").due("v1"), get("/api/items").due("v1")];
    let exchanges = Client::new(bed.address()).concurrency(8).run(&mixed(&cases, 400))?;
    let observed = gwobs.stop()?;
    let (followed, others): (Vec<_>, Vec<_>) = observed
        .decisions
        .into_iter()
        .partition(|decision| decision.path().starts_with("/old"));
    let exchanges: Vec<_> = exchanges
        .into_iter()
        .filter(|exchange| exchange.request.target != "/old")
        .collect();
    compare(&exchanges, &others).assert_exact()?;
    ensure!(followed.len() == 400 - others.len());
    for decision in followed {
        ensure!(decision.verdict() != "mismatch", "{}", decision.0);
    }
    Ok(())
}

/// Clients that connect and leave, with and without a request, disturb nobody.
#[test]
fn clients_that_close_at_once() -> Result<()> {
    let routes = shop::routes();
    let seen = observe_exactly(&Plan::correct(&Envoy, &routes), |client| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..100 {
                    drop(Connection::open(client.address()));
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            client.concurrency(8).run(&mixed(&shop::requests(), 1_000))
        })
    })?;
    assert_eq!((seen.requests, seen.misrouted), (1_000, 0));
    Ok(())
}
