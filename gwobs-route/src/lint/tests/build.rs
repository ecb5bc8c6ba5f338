//! Small builders of objects.

use crate::model::{
    AllowedRoutes, BackendRef, Filter, Gateway, GatewayClass, GrantPeer, GrantTarget, Listener, ListenerSet, Match,
    Meta, NamespacesFrom, Object, ParentRef, PathMatch, Protocol, Reference, ReferenceGrant, Route, Rule, Service,
    ServicePort, ServiceType, StringMatch, TargetPort, Transport, ValueMatch,
};
use crate::{ObjectName, RouteKind};

pub(super) fn meta(namespace: &str, name: &str) -> Meta {
    Meta {
        name: ObjectName {
            namespace: namespace.into(),
            name: name.into(),
        },
        created: Some(100),
        generation: 1,
        unknown: Vec::new(),
        status: None,
    }
}

/// `infra/gw` of class `c`: HTTP on port 80, routes from everywhere.
pub(super) fn gateway() -> Gateway {
    Gateway {
        meta: meta("infra", "gw"),
        class: "c".into(),
        listeners: vec![listener("http", 80, None)],
        allowed_listeners: NamespacesFrom::None,
        client_validation: None,
        client_validation_per_port: Vec::new(),
        backend_client_certificate: None,
        parameters: None,
        addresses: Vec::new(),
    }
}

pub(super) fn listener(name: &str, port: u16, hostname: Option<&str>) -> Listener {
    Listener {
        name: name.into(),
        port,
        protocol: Protocol::Http,
        hostname: hostname.map(Into::into),
        tls: None,
        allowed_routes: AllowedRoutes {
            namespaces: NamespacesFrom::All,
            kinds: Vec::new(),
        },
    }
}

pub(super) fn listener_set() -> ListenerSet {
    ListenerSet {
        meta: meta("shop", "set"),
        experimental: false,
        parent: reference("gateway.networking.k8s.io", "Gateway", Some("infra"), "gw"),
        listeners: vec![listener("extra", 8080, None)],
    }
}

/// Class `c` that lists these features.
pub(super) fn class(features: &[&str]) -> GatewayClass {
    controlled_by("example.com/controller", features)
}

pub(super) fn controlled_by(controller: &str, features: &[&str]) -> GatewayClass {
    GatewayClass {
        meta: meta("", "c"),
        controller: controller.into(),
        parameters: None,
        supported_features: Some(features.iter().map(|&feature| feature.into()).collect()),
    }
}

pub(super) fn service(namespace: &str, name: &str, port: u16) -> Service {
    Service {
        meta: meta(namespace, name),
        kind: ServiceType::ClusterIp,
        ports: vec![ServicePort {
            name: None,
            port,
            target: TargetPort::Same,
            transport: Transport::Tcp,
            app_protocol: None,
        }],
        cluster_ips: Vec::new(),
        headless: false,
        external_ips: Vec::new(),
        external_name: None,
        has_selector: true,
    }
}

pub(super) fn reference(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Reference {
    Reference {
        group: group.into(),
        kind: kind.into(),
        namespace: namespace.map(Into::into),
        name: name.into(),
    }
}

/// An HTTPRoute of `infra/gw` without hostnames and rules.
pub(super) fn route(namespace: &str, name: &str) -> Route {
    Route {
        meta: meta(namespace, name),
        kind: RouteKind::Http,
        parents: vec![parent()],
        hostnames: Vec::new(),
        rules: Vec::new(),
    }
}

pub(super) fn parent() -> ParentRef {
    ParentRef {
        target: reference("gateway.networking.k8s.io", "Gateway", Some("infra"), "gw"),
        section: None,
        port: None,
    }
}

/// A rule with one match of that prefix and no backends.
pub(super) fn rule(prefix: &str) -> Rule {
    Rule::default().or(at(PathMatch::Prefix(prefix.into())))
}

pub(super) fn at(path: PathMatch) -> Match {
    Match {
        path,
        ..Match::default()
    }
}

pub(super) fn exact(name: &str, value: &str) -> ValueMatch {
    ValueMatch {
        name: name.into(),
        value: StringMatch::Exact(value.into()),
    }
}

pub(super) fn regex(name: &str, value: &str) -> ValueMatch {
    ValueMatch {
        name: name.into(),
        value: StringMatch::Regex(value.into()),
    }
}

/// A grant in `namespace` for HTTPRoutes of `from` to every Service.
pub(super) fn grant(namespace: &str, from: &str) -> ReferenceGrant {
    ReferenceGrant {
        meta: meta(namespace, "grant"),
        from: vec![GrantPeer {
            group: "gateway.networking.k8s.io".into(),
            kind: "HTTPRoute".into(),
            namespace: from.into(),
        }],
        to: vec![GrantTarget {
            group: "".into(),
            kind: "Service".into(),
            name: None,
        }],
    }
}

impl Route {
    pub(super) fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    pub(super) fn host(mut self, hostname: &str) -> Self {
        self.hostnames.push(hostname.into());
        self
    }

    pub(super) fn created(mut self, at: i64) -> Self {
        self.meta.created = Some(at);
        self
    }

    pub(super) fn of_kind(mut self, kind: RouteKind) -> Self {
        self.kind = kind;
        self
    }

    /// One rule with one match.
    pub(super) fn matching(self, one: Match) -> Self {
        self.rule(Rule::default().or(one).to("cart", 80))
    }
}

impl Rule {
    pub(super) fn or(mut self, one: Match) -> Self {
        self.matches.push(one);
        self
    }

    pub(super) fn to(self, name: &str, port: u16) -> Self {
        self.weighted(name, port, 1)
    }

    pub(super) fn weighted(self, name: &str, port: u16, weight: u32) -> Self {
        self.backend(BackendRef {
            target: reference("", "Service", None, name),
            port: Some(port),
            weight,
            filters: Vec::new(),
        })
    }

    pub(super) fn across(self, namespace: &str, name: &str) -> Self {
        let target = reference("", "Service", Some(namespace), name);
        self.backend(BackendRef {
            target,
            port: Some(80),
            weight: 1,
            filters: Vec::new(),
        })
    }

    pub(super) fn backend(mut self, backend: BackendRef) -> Self {
        self.backends.push(backend);
        self
    }

    pub(super) fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }
}

impl Match {
    pub(super) fn header(mut self, header: ValueMatch) -> Self {
        self.headers.push(header);
        self
    }

    pub(super) fn parameter(mut self, parameter: ValueMatch) -> Self {
        self.query.push(parameter);
        self
    }

    pub(super) fn method(mut self, method: &str) -> Self {
        self.method = Some(method.into());
        self
    }
}

macro_rules! into_object {
    ($($kind:ident),+) => {
        $(impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$kind(object)
            }
        })+
    };
}

into_object!(Gateway, GatewayClass, ListenerSet, ReferenceGrant, Route, Service);
