//! Where a request comes in, and what an upstream address stands for.

use gwobs_route::{Inconclusive, Mismatch, Verdict};

use super::run::{A, B, OK, Run, Specs, get};
use crate::event::Role;
use crate::pipeline::Settings;

const MATCH: Option<Verdict> = Some(Verdict::Match);

/// The Gateway `other` listens on port 8080 and sends everything to b.
const OTHER: &str = r"
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, namespace: default}
spec:
  gatewayClassName: any
  listeners: [{name: web, port: 8080, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: other, namespace: default}
spec:
  parentRefs: [{name: other}]
  rules: [{backendRefs: [{name: b, port: 80}]}]
";

fn two_gateways(names: &[&str]) -> Run {
    let mut run = Run::new(names);
    run.set_specs(&Specs {
        more: OTHER,
        ..Specs::default()
    });
    run.wait(11_000);
    run
}

#[test]
fn each_port_has_its_gateway() {
    let mut run = two_gateways(&["gw", "other"]);
    run.exchange(80, "/a", Some(A));
    run.exchange(8080, "/a", Some(B));
    run.exchange(8080, "/a", Some(A));
    run.wait(3_000);
    assert_eq!(
        run.verdicts(),
        [MATCH, MATCH, Some(Verdict::Mismatch(Mismatch::WrongBackend))]
    );
    let gateway = |index: usize| run.sink.finished[index].gateway.as_ref().unwrap().to_string();
    assert_eq!([gateway(0), gateway(1)], ["default/gw", "default/other"]);
}

#[test]
fn a_gateway_that_was_not_named_is_not_judged() {
    let mut run = two_gateways(&["gw"]);
    run.exchange(8080, "/a", Some(A));
    run.exchange(80, "/a", Some(A));
    run.wait(3_000);
    assert_eq!(run.verdicts(), [None, MATCH]);
}

/// Each has its own processes, and a request never belongs to a call of another process.
#[test]
fn several_processes_of_one_gateway() {
    let mut run = Run::new(&["gw"]);
    let request = get("/a");
    let one = run.client(80);
    run.receive(one, &request);
    run.pid = 8;
    let other = run.client(80);
    run.receive(other, &request);
    let wrong = run.upstream(B);
    run.send(wrong, &request);
    run.pid = 7;
    let right = run.upstream(A);
    run.send(right, &request);
    run.receive(right, OK);
    run.send(one, OK);
    run.pid = 8;
    run.receive(wrong, OK);
    run.send(other, OK);
    run.wait(3_000);
    let judged = |pid: u32| {
        let finished = run.sink.finished.iter().find(|finished| finished.process.pid == pid);
        finished.unwrap().judgement.as_ref().map(|judgement| judgement.verdict)
    };
    assert_eq!(judged(7), MATCH);
    assert_eq!(judged(8), Some(Verdict::Mismatch(Mismatch::WrongBackend)));
}

#[test]
fn dual_stack() {
    let mut run = Run::new(&["gw"]);
    run.set_specs(&Specs {
        endpoints: vec![("a", vec!["fd00::1", "fd00:0:0::2"]), ("b", vec!["10.0.0.2"])],
        ..Specs::default()
    });
    run.wait(11_000);
    let client = run.open(Role::Accepted, "[fd00::9]:80", "[fd00::8]:40000");
    run.receive(client, &get("/a"));
    let upstream = run.upstream("[fd00::2]:8080");
    run.send(upstream, &get("/a"));
    run.receive(upstream, OK);
    run.send(client, OK);
    run.exchange(80, "/b", Some(B));
    run.wait(500);
    assert_eq!(run.verdicts(), [MATCH, MATCH]);
    assert_eq!(run.sink.finished[0].upstreams[0].address.to_string(), "[fd00::2]:8080");
}

/// Where the data plane asks the Service and not its endpoints, the address belongs to the backend, and no pod is known.
#[test]
fn a_services_own_address() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some("10.96.0.1:80"));
    run.exchange(80, "/a", Some("10.96.0.2:80"));
    run.wait(3_000);
    assert_eq!(run.verdicts(), [MATCH, Some(Verdict::Mismatch(Mismatch::WrongBackend))]);
    let upstream = &run.sink.finished[0].upstreams[0];
    assert_eq!(upstream.backend.as_ref().unwrap().to_string(), "default/a:80");
    assert_eq!(upstream.pod, None);
}

#[test]
fn two_listeners_may_be_bound_crosswise() {
    let mut ports = crate::pipeline::PortMap::default();
    ports.insert(80, 8080);
    ports.insert(8080, 80);
    let gateways = ["gw", "other"].map(|name| gwobs_route::ObjectName {
        namespace: "default".into(),
        name: name.into(),
    });
    let mut run = Run::with(Settings {
        gateways: gateways.to_vec(),
        ports,
        ..Settings::default()
    });
    run.set_specs(&Specs {
        more: OTHER,
        ..Specs::default()
    });
    run.exchange(8080, "/a", Some(A));
    run.exchange(80, "/a", Some(B));
    run.wait(500);
    assert_eq!(run.verdicts(), [MATCH, MATCH]);
}

/// Where HTTP/3 comes in too, a call may be that of a request nobody saw, unless both sides prove otherwise.
#[test]
fn a_listener_that_is_not_read() {
    let judged = |unseen: bool, answer: &str| {
        let mut run = Run::new(&["gw"]);
        assert_eq!(run.pipeline.local_ports(7), [80].into());
        if unseen {
            run.pipeline.unseen_listener(7, 80);
        }
        let client = run.client(80);
        run.receive(client, &get("/a"));
        let upstream = run.upstream(B);
        run.send(upstream, &get("/a"));
        run.receive(upstream, answer);
        run.send(client, answer);
        run.wait(3_000);
        run.only().1
    };
    let wrong = Some(Verdict::Mismatch(Mismatch::WrongBackend));
    let empty = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(judged(false, empty), wrong);
    assert_eq!(judged(true, empty), Some(Verdict::Inconclusive(Inconclusive::Unpaired)));
    assert_eq!(
        judged(true, OK),
        wrong,
        "the same answer came out on both sides, with nothing between"
    );
}
