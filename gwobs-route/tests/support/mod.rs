//! Small builders for objects, requests and observations, shared by tests and benchmarks.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "each test uses some of the builders, and tests may panic"
)]

pub mod generate;
pub mod naive;
pub mod worlds;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gwobs_route::attach::GATEWAY_GROUP;
use gwobs_route::model::*;
use gwobs_route::profile::Profile;
use gwobs_route::{
    Arrival, Attempt, Decision, HeaderField, Judgement, ObjectName, Objects, Observation, Origin, Purpose, Request,
    Response, RouteKind, Snapshot, WireProtocol, decide, judge,
};

/// `namespace/name`; without a namespace it is `ns`.
pub fn name(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap_or(("ns", text));
    ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    }
}

pub fn meta(text: &str) -> Meta {
    Meta {
        name: name(text),
        created: Some(100),
        generation: 1,
        unknown: Vec::new(),
        status: None,
    }
}

fn reference(group: &str, kind: &str, text: &str) -> Reference {
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace.into()), name),
        None => (None, text),
    };
    Reference {
        group: group.into(),
        kind: kind.into(),
        namespace,
        name: name.into(),
    }
}

pub fn gateway(text: &str, listeners: Vec<Listener>) -> Gateway {
    Gateway {
        meta: meta(text),
        class: "class".into(),
        listeners,
        allowed_listeners: NamespacesFrom::None,
        client_validation: None,
        client_validation_per_port: Vec::new(),
        backend_client_certificate: None,
        parameters: None,
        addresses: Vec::new(),
    }
}

pub fn listener(name: &str, port: u16, protocol: Protocol, hostname: Option<&str>) -> Listener {
    Listener {
        name: name.into(),
        port,
        protocol,
        hostname: hostname.map(Into::into),
        tls: None,
        allowed_routes: AllowedRoutes {
            namespaces: NamespacesFrom::All,
            kinds: Vec::new(),
        },
    }
}

/// A Gateway `ns/gw` with one listener for everything on port 80.
pub fn plain_gateway() -> Object {
    Object::Gateway(gateway("gw", vec![listener("http", 80, Protocol::Http, None)]))
}

pub fn parent(text: &str) -> ParentRef {
    ParentRef {
        target: reference(GATEWAY_GROUP, "Gateway", text),
        section: None,
        port: None,
    }
}

/// A route attached to `ns/gw`.
pub fn route(kind: RouteKind, text: &str) -> Route {
    Route {
        meta: meta(text),
        kind,
        parents: vec![parent("ns/gw")],
        hostnames: Vec::new(),
        rules: Vec::new(),
    }
}

pub fn http(text: &str) -> Route {
    route(RouteKind::Http, text)
}

/// Builder methods of routes.
pub trait RouteExt: Sized {
    fn at(self, section: &str) -> Self;
    fn host(self, hostname: &str) -> Self;
    fn created(self, at: i64) -> Self;
    fn rule(self, rule: Rule) -> Self;
    fn object(self) -> Object;
}

impl RouteExt for Route {
    fn at(mut self, section: &str) -> Self {
        self.parents = vec![ParentRef {
            section: Some(section.into()),
            ..parent("ns/gw")
        }];
        self
    }

    fn host(mut self, hostname: &str) -> Self {
        self.hostnames.push(hostname.into());
        self
    }

    fn created(mut self, at: i64) -> Self {
        self.meta.created = Some(at);
        self
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    fn object(self) -> Object {
        Object::Route(self)
    }
}

/// A rule with these matches to port 80 of a Service.
pub fn rule(matches: Vec<Match>, service: &str) -> Rule {
    Rule {
        matches,
        backends: vec![backend(service, 1)],
        ..Rule::default()
    }
}

pub fn filtered(matches: Vec<Match>, filters: Vec<Filter>, service: &str) -> Rule {
    Rule {
        filters,
        ..rule(matches, service)
    }
}

pub fn backend(service: &str, weight: u32) -> BackendRef {
    BackendRef {
        target: reference("", "Service", service),
        port: Some(80),
        weight,
        filters: Vec::new(),
    }
}

pub fn prefix(path: &str) -> Match {
    Match {
        path: PathMatch::Prefix(path.into()),
        ..Match::default()
    }
}

pub fn exact(path: &str) -> Match {
    Match {
        path: PathMatch::Exact(path.into()),
        ..Match::default()
    }
}

pub fn regex(path: &str) -> Match {
    Match {
        path: PathMatch::Regex(path.into()),
        ..Match::default()
    }
}

pub fn grpc(service: Option<&str>, method: Option<&str>) -> Match {
    let exact = |text: &str| StringMatch::Exact(text.into());
    let grpc = GrpcMethodMatch {
        service: service.map(exact),
        method: method.map(exact),
    };
    Match {
        grpc: Some(grpc),
        ..Match::default()
    }
}

/// Builder methods of matches.
pub trait MatchExt: Sized {
    fn method(self, method: &str) -> Self;
    fn header(self, name: &str, value: &str) -> Self;
    fn query(self, name: &str, value: &str) -> Self;
}

impl MatchExt for Match {
    fn method(mut self, method: &str) -> Self {
        self.method = Some(method.into());
        self
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(ValueMatch {
            name: name.into(),
            value: StringMatch::Exact(value.into()),
        });
        self
    }

    fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(ValueMatch {
            name: name.into(),
            value: StringMatch::Exact(value.into()),
        });
        self
    }
}

/// A Service with port 80 to target port 8080.
pub fn service(text: &str) -> Object {
    Object::Service(Service {
        meta: meta(text),
        kind: ServiceType::ClusterIp,
        ports: vec![ServicePort {
            name: None,
            port: 80,
            target: TargetPort::Number(8080),
            transport: Transport::Tcp,
            app_protocol: None,
        }],
        cluster_ips: Vec::new(),
        headless: false,
        external_ips: Vec::new(),
        external_name: None,
        has_selector: true,
    })
}

pub fn slice(service: &str, addresses: &[&str]) -> Object {
    let endpoint = |address: &&str| Endpoint {
        addresses: vec![ip(address)],
        names: Vec::new(),
        ready: Some(true),
        serving: Some(true),
        terminating: Some(false),
        pod: None,
    };
    let owner = name(service);
    Object::EndpointSlice(EndpointSlice {
        meta: meta(&format!("{}/{}-1", owner.namespace, owner.name)),
        service: Some(owner),
        service_import: None,
        endpoints: Some(addresses.iter().map(endpoint).collect()),
        ports: vec![EndpointPort {
            name: None,
            port: Some(8080),
            transport: Transport::Tcp,
            app_protocol: None,
        }],
    })
}

/// Services with one endpoint each: the first has 10.0.0.1, the second 10.0.0.2 …
pub fn services(names: &[&str]) -> Vec<Object> {
    let both = |(index, text): (usize, &&str)| {
        let address = format!("10.0.0.{}", index + 1);
        [service(text), slice(text, &[&address])]
    };
    names.iter().enumerate().flat_map(both).collect()
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Port 8080 of an address.
pub fn upstream(text: &str) -> SocketAddr {
    SocketAddr::new(ip(text), 8080)
}

pub fn snapshot(profile: Profile, objects: impl IntoIterator<Item = Object>) -> Arc<Snapshot> {
    let mut all = Objects::new(Some(profile));
    objects.into_iter().for_each(|object| all.apply(object, 0));
    all.snapshot()
}

/// A request with room for its headers.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    pub host: String,
    pub path: String,
    pub sni: Option<String>,
    pub headers: Vec<(String, String)>,
}

pub fn get(host: &str, path: &str) -> Sent {
    let (method, host, path) = ("GET".to_owned(), host.to_owned(), path.to_owned());
    Sent {
        method,
        host,
        path,
        sni: None,
        headers: Vec::new(),
    }
}

impl Sent {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn method(mut self, method: &str) -> Self {
        self.method = method.to_owned();
        self
    }

    pub fn sni(mut self, name: &str) -> Self {
        self.sni = Some(name.to_owned());
        self
    }

    /// The header fields, borrowed.
    pub fn fields(&self) -> Vec<HeaderField<'_>> {
        self.headers
            .iter()
            .map(|(name, value)| HeaderField { name, value })
            .collect()
    }

    /// The request, with `headers` from [`Self::fields`].
    pub fn borrow<'a>(&'a self, headers: &'a [HeaderField<'a>]) -> Request<'a> {
        Request {
            method: &self.method,
            authority: Some(&self.host),
            path: Some(&self.path),
            headers,
            sni: self.sni.as_deref(),
        }
    }

    /// Calls `then` with the request.
    pub fn with<R>(&self, then: impl FnOnce(&Request<'_>) -> R) -> R {
        then(&self.borrow(&self.fields()))
    }

    pub fn decide_at(&self, snapshot: &Snapshot, port: u16, protocol: WireProtocol) -> Decision {
        let arrival = Arrival::at_gateway(&name("ns/gw"), port, protocol);
        self.with(|request| decide(snapshot, &arrival, request))
    }

    pub fn decide(&self, snapshot: &Snapshot) -> Decision {
        self.decide_at(snapshot, 80, WireProtocol::Http)
    }

    /// The judgement if the gateway forwarded the request unchanged to `address`.
    pub fn judge_forward(&self, snapshot: &Snapshot, address: &str) -> Judgement {
        self.judge_sent(snapshot, address, self)
    }

    /// The judgement if the gateway sent `sent` to `address`.
    pub fn judge_sent(&self, snapshot: &Snapshot, address: &str, sent: &Self) -> Judgement {
        let decision = self.decide(snapshot);
        sent.with(|sent| {
            let attempts = [attempt(address, Some(*sent), Purpose::Forward)];
            self.judge(snapshot, &decision, &attempts, Some((200, Origin::Upstream, &[])))
        })
    }

    /// The judgement if the gateway answered by itself.
    pub fn judge_reply(&self, snapshot: &Snapshot, status: u16, headers: &[HeaderField<'_>]) -> Judgement {
        self.judge(
            snapshot,
            &self.decide(snapshot),
            &[],
            Some((status, Origin::Gateway, headers)),
        )
    }

    pub fn judge(
        &self,
        snapshot: &Snapshot,
        decision: &Decision,
        attempts: &[Attempt<'_>],
        response: Option<(u16, Origin, &[HeaderField<'_>])>,
    ) -> Judgement {
        let response = response.map(|(status, origin, headers)| Response {
            status,
            origin,
            headers,
        });
        let observation = Observation {
            attempts,
            response,
            at: 1_000,
        };
        self.with(|request| judge(snapshot, decision, request, &observation))
    }
}

pub fn attempt<'a>(address: &str, request: Option<Request<'a>>, purpose: Purpose) -> Attempt<'a> {
    Attempt {
        address: upstream(address),
        request,
        status: Some(200),
        purpose,
    }
}

/// The Service that must get the request, with the index of the rule; `None` if the gateway answers.
pub fn expected(decision: &Decision) -> Option<String> {
    match &decision.action {
        gwobs_route::Action::Forward { backends, .. } => backends.first().map(|one| one.backend.service.to_string()),
        _ => None,
    }
}
