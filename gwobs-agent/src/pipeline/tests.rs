//! Kernel events in, judged requests out.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use gwobs_route::{Inconclusive, Mismatch, ObjectName, Origin, Purpose, Verdict};

use super::{Pipeline, Settings, Sink};
use crate::event::{Data, Direction, EventKind, KernelEvent, Opened, Role, SocketCookie, Timestamp};
use crate::finished::Finished;
use crate::specs::{InForce, load_text};

const SECOND: u64 = 1_000_000_000;

/// A Gateway on port 80: `/a` goes to service a, the rest to service b; each has one endpoint.
const SPECS: &str = r"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: default}
spec:
  gatewayClassName: any
  listeners: [{name: web, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default}
spec:
  parentRefs: [{name: gw}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /a}}]
    backendRefs: [{name: A_GOES_TO, port: 80}]
  - backendRefs: [{name: b, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: default}
spec: {clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: default}
spec: {clusterIP: 10.96.0.2, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a-1, namespace: default, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.1]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: b-1, namespace: default, labels: {kubernetes.io/service-name: b}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.2]}]
";

#[derive(Default)]
struct Collected {
    finished: Vec<Finished>,
    lags: Vec<Duration>,
}

impl Sink for Collected {
    fn finished(&mut self, finished: &Finished) {
        self.finished.push(finished.clone());
    }

    fn lagged(&mut self, _gateway: &ObjectName, lag: Duration) {
        self.lags.push(lag);
    }
}

struct Run {
    pipeline: Pipeline,
    specs: InForce,
    sink: Collected,
    time: u64,
    sockets: u64,
}

impl Run {
    fn new(gateways: &[&str]) -> Self {
        let name = |name: &&str| ObjectName {
            namespace: "default".into(),
            name: (*name).into(),
        };
        let settings = Settings {
            run: "run".into(),
            gateways: gateways.iter().map(name).collect(),
            ..Settings::default()
        };
        let mut run = Self {
            pipeline: Pipeline::new(settings),
            specs: InForce::new(None),
            sink: Collected::default(),
            time: 100 * SECOND,
            sockets: 0,
        };
        run.set_specs("a");
        run
    }

    /// Puts specs in force in which `/a` goes to this service.
    fn set_specs(&mut self, service: &str) {
        let loaded = load_text("specs.yaml", &SPECS.replace("A_GOES_TO", service)).unwrap();
        self.specs.take(loaded, self.time);
        self.pipeline
            .set_snapshot(Timestamp(self.time), self.specs.snapshot().clone());
    }

    fn event(&mut self, kind: EventKind) {
        self.time += 10_000;
        let event = KernelEvent {
            time: Timestamp(self.time),
            pid: 7,
            tid: 7,
            kind,
        };
        self.pipeline.on_event(Timestamp(self.time), &event, &mut self.sink);
    }

    fn open(&mut self, role: Role, local: &str, peer: &str) -> u64 {
        self.sockets += 1;
        self.event(EventKind::Opened(Opened {
            socket: SocketCookie(self.sockets),
            role,
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
            preexisting: false,
            positions: Some((0, 0)),
        }));
        self.sockets
    }

    fn data(&mut self, socket: u64, direction: Direction, text: &str) {
        self.event(EventKind::Data(Data {
            socket: SocketCookie(socket),
            direction,
            position: 0,
            length: u32::try_from(text.len()).unwrap(),
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            left_out: None,
        }));
    }

    /// A request for `path` comes in at `port` and is forwarded to `to`, which answers 200; `None`: the gateway answers
    /// 404 by itself.
    fn exchange(&mut self, port: u16, path: &str, to: Option<&str>) {
        let client = self.open(Role::Accepted, &format!("10.0.0.9:{port}"), "10.0.0.8:40000");
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n");
        self.data(client, Direction::Receive, &request);
        let answer = match to {
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            Some(to) => {
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                let upstream = self.open(Role::Connected, "10.0.0.9:50000", to);
                self.data(upstream, Direction::Send, &request);
                self.data(upstream, Direction::Receive, answer);
                answer
            }
        };
        self.data(client, Direction::Send, answer);
    }

    fn wait(&mut self, milliseconds: u64) {
        let end = self.time + milliseconds * SECOND / 1_000;
        while self.time < end {
            self.time += SECOND / 20;
            self.pipeline.on_tick(Timestamp(self.time), &mut self.sink);
        }
    }

    fn verdicts(&self) -> Vec<Option<Verdict>> {
        self.sink
            .finished
            .iter()
            .map(|finished| finished.judgement.as_ref().map(|judgement| judgement.verdict))
            .collect()
    }
}

const A: &str = "10.0.0.1:8080";
const B: &str = "10.0.0.2:8080";

#[test]
fn a_request_is_told_with_both_sides() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a/1?q=2", Some(A));
    run.wait(200);
    assert_eq!(run.verdicts(), [Some(Verdict::Match)]);
    let finished = &run.sink.finished[0];
    assert_eq!(
        finished.request.as_ref().unwrap().path.as_deref(),
        Some(&b"/a/1?q=2"[..])
    );
    assert_eq!(finished.gateway.as_ref().unwrap().to_string(), "default/gw");
    assert_eq!(
        finished.response.as_ref().map(|response| response.origin),
        Some(Origin::Upstream)
    );
    let upstream = &finished.upstreams[0];
    assert_eq!(
        (upstream.address, upstream.purpose),
        (A.parse::<SocketAddr>().unwrap(), Purpose::Forward)
    );
    assert_eq!(upstream.backend.as_ref().unwrap().to_string(), "default/a:80");
    assert_eq!(run.pipeline.counts().matched, 1);
}

#[test]
fn a_mismatch_is_told_after_the_hold() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(B));
    run.exchange(80, "/z", None);
    run.wait(1500);
    assert_eq!(run.verdicts(), []);
    run.wait(1000);
    let wrong = |reason| Some(Verdict::Mismatch(reason));
    assert_eq!(
        run.verdicts(),
        [wrong(Mismatch::WrongBackend), wrong(Mismatch::UnexpectedReply)]
    );
}

#[test]
fn newer_specs_explain_what_is_held() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(B));
    run.wait(1000);
    run.set_specs("b");
    run.wait(2000);
    assert_eq!(run.verdicts(), [Some(Verdict::Match)]);
    assert!(run.sink.lags.is_empty());
}

#[test]
fn following_old_specs_is_lag_within_the_window_and_wrong_beyond() {
    let mut run = Run::new(&["gw"]);
    run.wait(1000);
    run.set_specs("b");
    run.wait(3000);
    run.exchange(80, "/a", Some(A));
    run.wait(500);
    assert_eq!(run.verdicts(), [Some(Verdict::Match)]);
    assert_eq!(run.sink.lags.len(), 1);
    assert!(run.sink.lags[0] >= Duration::from_secs(3), "{:?}", run.sink.lags);
    run.wait(8000);
    run.exchange(80, "/a", Some(A));
    run.wait(3000);
    assert_eq!(run.verdicts()[1], Some(Verdict::Mismatch(Mismatch::WrongBackend)));
}

#[test]
fn without_a_gateway_there_is_no_verdict() {
    let mut run = Run::new(&[]);
    run.exchange(80, "/a", Some(B));
    run.wait(200);
    assert_eq!(run.verdicts(), [None]);
    assert_eq!(run.sink.finished[0].upstreams.len(), 1);
}

#[test]
fn a_port_without_listener_is_recorded_without_verdict() {
    let mut run = Run::new(&["gw"]);
    run.exchange(81, "/a", Some(B));
    run.wait(200);
    assert_eq!(run.verdicts(), [None]);
    assert_eq!(run.pipeline.counts().unjudged, 1);
}

#[test]
fn a_mapped_port_stands_for_its_listener() {
    let mut run = Run::new(&["gw"]);
    run.pipeline.settings.ports.insert(80, 10_080);
    run.exchange(10_080, "/a", Some(A));
    run.exchange(80, "/a", Some(A));
    run.wait(200);
    assert_eq!(run.verdicts(), [Some(Verdict::Match), None]);
}

#[test]
fn the_end_judges_what_is_held_and_drops_what_is_open() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(B));
    let client = run.open(Role::Accepted, "10.0.0.9:80", "10.0.0.8:40001");
    run.data(client, Direction::Receive, "GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    run.pipeline.finish(Timestamp(run.time), &mut run.sink);
    assert_eq!(run.verdicts(), [Some(Verdict::Mismatch(Mismatch::WrongBackend))]);
    assert_eq!(run.pipeline.counts().open, 1);
}

#[test]
fn a_client_that_leaves_is_told_as_aborted() {
    let mut run = Run::new(&["gw"]);
    let client = run.open(Role::Accepted, "10.0.0.9:80", "10.0.0.8:40001");
    run.data(client, Direction::Receive, "GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    run.event(EventKind::Closed {
        socket: SocketCookie(client),
    });
    run.wait(500);
    assert_eq!(run.verdicts(), [Some(Verdict::Inconclusive(Inconclusive::Aborted))]);
}
