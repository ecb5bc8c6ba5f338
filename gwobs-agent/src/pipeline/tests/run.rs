//! A gateway process whose every socket call is scripted, and specs that change while it runs.

use std::time::Duration;

use bytes::Bytes;
use gwobs_route::{ObjectName, Verdict};

use crate::event::{Data, Direction, EventKind, KernelEvent, Opened, Role, SocketCookie, Timestamp};
use crate::finished::Finished;
use crate::pipeline::{Pipeline, Settings, Sink};
use crate::specs::{InForce, load_text};
use crate::weighed::{Weighed, WeightNews};

pub(super) const SECOND: u64 = 1_000_000_000;

/// The only endpoint of service a.
pub(super) const A: &str = "10.0.0.1:8080";
/// The only endpoint of service b.
pub(super) const B: &str = "10.0.0.2:8080";

/// `/a` goes to this service, the rest to service b.
pub(super) fn a_goes_to(service: &str) -> Specs<'_> {
    Specs {
        a: vec![(service, 1)],
        ..Specs::default()
    }
}

/// A Gateway `gw` on port 80 with two rules: the first for `/a`, the second, to service b, for the rest.
#[derive(Debug, Clone)]
pub(super) struct Specs<'a> {
    /// Where `/a` goes, with weights.
    pub(super) a: Vec<(&'a str, u32)>,
    /// Further fields of the first rule.
    pub(super) rule: &'a str,
    /// The endpoints of each service.
    pub(super) endpoints: Vec<(&'a str, Vec<&'a str>)>,
    /// Listeners beside `web`, each with a comma before it.
    pub(super) listeners: &'a str,
    /// Further documents.
    pub(super) more: &'a str,
}

impl Default for Specs<'_> {
    fn default() -> Self {
        Self {
            a: vec![("a", 1)],
            rule: "",
            endpoints: vec![("a", vec!["10.0.0.1"]), ("b", vec!["10.0.0.2"])],
            listeners: "",
            more: "",
        }
    }
}

impl Specs<'_> {
    fn text(&self) -> String {
        let backends: Vec<String> = self
            .a
            .iter()
            .map(|(name, weight)| format!("{{name: {name}, port: 80, weight: {weight}}}"))
            .collect();
        let services: String = self.endpoints.iter().zip(1..).map(service).collect();
        format!(
            r"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw, namespace: default}}
spec:
  gatewayClassName: any
  listeners: [{{name: web, port: 80, protocol: HTTP}}{}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop, namespace: default}}
spec:
  parentRefs: [{{name: gw, sectionName: web}}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /a}}}}]
    backendRefs: [{}]
    {}
  - backendRefs: [{{name: b, port: 80}}]
{services}{}
",
            self.listeners,
            backends.join(", "),
            self.rule,
            self.more,
        )
    }
}

/// A Service with its EndpointSlice.
fn service(((name, addresses), index): (&(&str, Vec<&str>), u8)) -> String {
    let family = if addresses.iter().any(|address| address.contains(':')) {
        "IPv6"
    } else {
        "IPv4"
    };
    let endpoints: Vec<String> = addresses
        .iter()
        .map(|address| format!("{{addresses: [\"{address}\"]}}"))
        .collect();
    format!(
        r"
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: default}}
spec: {{clusterIP: 10.96.0.{index}, ports: [{{port: 80, targetPort: 8080}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, namespace: default, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: {family}
ports: [{{port: 8080}}]
endpoints: [{}]",
        endpoints.join(", ")
    )
}

#[derive(Default)]
pub(super) struct Collected {
    pub(super) finished: Vec<Finished>,
    pub(super) lags: Vec<Duration>,
    pub(super) weighed: Vec<Weighed>,
}

impl Sink for Collected {
    fn finished(&mut self, finished: &Finished) {
        self.finished.push(finished.clone());
    }

    fn converged(&mut self, _gateway: &ObjectName, lag: Duration) {
        self.lags.push(lag);
    }

    fn weighed(&mut self, weighed: &Weighed) {
        self.weighed.push(weighed.clone());
    }
}

pub(super) struct Run {
    pub(super) pipeline: Pipeline,
    pub(super) sink: Collected,
    pub(super) time: u64,
    /// The process whose calls are told.
    pub(super) pid: u32,
    specs: InForce,
    sockets: u64,
    positions: std::collections::HashMap<(u64, bool), u32>,
}

impl Run {
    pub(super) fn new(gateways: &[&str]) -> Self {
        let name = |name: &&str| ObjectName {
            namespace: "default".into(),
            name: (*name).into(),
        };
        let mut run = Self::with(Settings {
            run: "run".into(),
            gateways: gateways.iter().map(name).collect(),
            ..Settings::default()
        });
        run.set_specs(&Specs::default());
        run
    }

    /// Without specs.
    pub(super) fn with(settings: Settings) -> Self {
        Self {
            pipeline: Pipeline::new(settings),
            sink: Collected::default(),
            time: 100 * SECOND,
            pid: 7,
            specs: InForce::new(None),
            sockets: 0,
            positions: std::collections::HashMap::new(),
        }
    }

    /// Puts specs in force.
    pub(super) fn set_specs(&mut self, specs: &Specs<'_>) {
        let loaded = load_text("specs.yaml", &specs.text()).unwrap();
        self.specs.take(loaded, self.time);
        self.pipeline
            .set_snapshot(Timestamp(self.time), self.specs.snapshot().clone());
    }

    /// The generation of the specs in force.
    pub(super) fn generation(&self) -> u64 {
        self.specs.snapshot().generation()
    }

    pub(super) fn event(&mut self, kind: EventKind) {
        self.time += 10_000;
        let event = KernelEvent {
            time: Timestamp(self.time),
            pid: self.pid,
            tid: self.pid,
            kind,
        };
        self.pipeline.on_event(Timestamp(self.time), &event, &mut self.sink);
    }

    pub(super) fn open(&mut self, role: Role, local: &str, peer: &str) -> u64 {
        self.open_as(role, local, peer, false)
    }

    pub(super) fn open_as(&mut self, role: Role, local: &str, peer: &str, preexisting: bool) -> u64 {
        self.sockets += 1;
        self.event(EventKind::Opened(Opened {
            socket: SocketCookie(self.sockets),
            role,
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
            preexisting,
            positions: Some((0, 0)),
        }));
        self.sockets
    }

    /// A connect to `peer` that fails.
    pub(super) fn fail_to_connect(&mut self, peer: &str) {
        self.sockets += 1;
        let (socket, peer) = (SocketCookie(self.sockets), peer.parse().unwrap());
        self.event(EventKind::Connecting { socket, peer });
        self.event(EventKind::ConnectFailed { socket, peer });
    }

    pub(super) fn close(&mut self, socket: u64) {
        self.event(EventKind::Closed {
            socket: SocketCookie(socket),
        });
    }

    pub(super) fn data(&mut self, socket: u64, direction: Direction, text: &str) {
        let position = self
            .positions
            .entry((socket, direction == Direction::Send))
            .or_default();
        let at = *position;
        *position += u32::try_from(text.len()).unwrap();
        self.event(EventKind::Data(Data {
            socket: SocketCookie(socket),
            direction,
            position: at,
            length: u32::try_from(text.len()).unwrap(),
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            left_out: None,
        }));
    }

    /// Bytes that were received and that nobody saw.
    pub(super) fn skip_received(&mut self, socket: u64, length: u32) {
        *self.positions.entry((socket, false)).or_default() += length;
    }

    pub(super) fn receive(&mut self, socket: u64, text: &str) {
        self.data(socket, Direction::Receive, text);
    }

    pub(super) fn send(&mut self, socket: u64, text: &str) {
        self.data(socket, Direction::Send, text);
    }

    /// A client's connection to this port.
    pub(super) fn client(&mut self, port: u16) -> u64 {
        self.open(Role::Accepted, &format!("10.0.0.9:{port}"), "10.0.0.8:40000")
    }

    /// A connection to a backend.
    pub(super) fn upstream(&mut self, to: &str) -> u64 {
        let local = if to.starts_with('[') {
            "[fd00::9]:50000"
        } else {
            "10.0.0.9:50000"
        };
        self.open(Role::Connected, local, to)
    }

    /// A request for `path` comes in at `port` and is forwarded to `to`, which answers 200; `None`: the gateway answers
    /// 404 by itself.
    pub(super) fn exchange(&mut self, port: u16, path: &str, to: Option<&str>) {
        let client = self.client(port);
        let request = get(path);
        self.receive(client, &request);
        let answer = match to {
            None => NOT_FOUND,
            Some(to) => {
                let upstream = self.upstream(to);
                self.send(upstream, &request);
                self.receive(upstream, OK);
                self.close(upstream);
                OK
            }
        };
        self.send(client, answer);
        self.close(client);
    }

    pub(super) fn wait(&mut self, milliseconds: u64) {
        let end = self.time + milliseconds * SECOND / 1_000;
        while self.time < end {
            self.time += SECOND / 20;
            self.pipeline.on_tick(Timestamp(self.time), &mut self.sink);
        }
    }

    pub(super) fn finish(&mut self) {
        self.pipeline.finish(Timestamp(self.time), &mut self.sink);
    }

    pub(super) fn verdicts(&self) -> Vec<Option<Verdict>> {
        self.sink
            .finished
            .iter()
            .map(|finished| finished.judgement.as_ref().map(|judgement| judgement.verdict))
            .collect()
    }

    /// The only request that is finished, and its verdict.
    pub(super) fn only(&self) -> (&Finished, Option<Verdict>) {
        let [finished] = self.sink.finished.as_slice() else {
            panic!(
                "{} requests are finished: {:#?}",
                self.sink.finished.len(),
                self.sink.finished
            )
        };
        (finished, finished.judgement.as_ref().map(|judgement| judgement.verdict))
    }

    /// What was told about weights: `watched`, `ended`, or the numbers.
    pub(super) fn told(&self) -> Vec<String> {
        let text = |weighed: &Weighed| match &weighed.news {
            WeightNews::Watched => "watched".to_owned(),
            WeightNews::Ended => "ended".to_owned(),
            WeightNews::Skewed(report) => format!("skewed: {report}"),
            WeightNews::Honoured(report) => format!("honoured: {report}"),
        };
        self.sink.weighed.iter().map(text).collect()
    }
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
pub(super) const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n")
}
