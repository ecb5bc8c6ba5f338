//! Routes and requests of arbitrary text, without YAML between: the engine and lint.

use std::sync::Arc;

use gwobs_route::lint::{Code, lint};
use gwobs_route::model::{
    AllowedRoutes, Gateway, GrpcMethodMatch, Listener, Match, Meta, NamespacesFrom, Object, ParentRef, PathMatch,
    Protocol, Reference, Route, Rule, StringMatch, ValueMatch,
};
use gwobs_route::{
    Arrival, HeaderField, ObjectName, Objects, Request, RouteKind, RouteRef, WireProtocol, decide, explain,
};

use crate::input::Input;

/// One input.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let objects = objects(&mut input);
    let mut index = Objects::new(None);
    objects.iter().for_each(|object| index.apply(object.clone(), 0));
    let snapshot = index.snapshot();
    let findings = lint(&objects, None);
    let shadowed = |route: &RouteRef| {
        let rule = format!("spec.rules[{}]", route.rule);
        let matched = format!("{rule}.matches[{}]", route.matched);
        findings.iter().any(|finding| {
            finding.object.name == route.route
                && finding.object.kind() == route.kind.as_str()
                && ((finding.code == Code::ShadowedRule && finding.field == rule)
                    || (finding.code == Code::ShadowedMatch && finding.field == matched))
        })
    };
    while !input.is_empty() {
        let (method, host, path) = (text(&mut input), text(&mut input), text(&mut input));
        let pairs: Vec<_> = (0..input.byte() % 4)
            .map(|_| (name(&mut input).to_owned(), text(&mut input)))
            .collect();
        let headers: Vec<_> = pairs.iter().map(|(name, value)| HeaderField { name, value }).collect();
        let sni = (input.byte() & 1 == 1).then_some(&*host);
        let request = Request {
            method: &method,
            authority: Some(&host),
            path: Some(&path),
            headers: &headers,
            sni,
        };
        let protocol = [WireProtocol::Http, WireProtocol::Grpc, WireProtocol::Https][usize::from(input.byte() % 3)];
        let arrival = Arrival::at_gateway(&object_name("gw"), 80, protocol);
        let decision = decide(&snapshot, &arrival, &request);
        let (explained, _) = explain(&snapshot, &arrival, &request);
        assert_eq!(decision, explained, "an explanation does not change the decision");
        assert!(
            !decision.route.as_ref().is_some_and(shadowed),
            "a shadowed match wins: {:?}",
            decision.route
        );
    }
}

fn objects(input: &mut Input<'_>) -> Vec<Object> {
    let mut objects = vec![Object::Gateway(gateway(input))];
    for index in 0..input.byte() % 4 {
        objects.push(Object::Route(route(input, index)));
    }
    objects
}

fn object_name(name: &str) -> ObjectName {
    ObjectName {
        namespace: "ns".into(),
        name: name.into(),
    }
}

fn meta(name: &str, created: u8) -> Meta {
    Meta {
        name: object_name(name),
        created: Some(created.into()),
        generation: 1,
        unknown: Vec::new(),
        status: None,
    }
}

fn gateway(input: &mut Input<'_>) -> Gateway {
    let listener = |index: u8, hostname: Option<Arc<str>>| Listener {
        name: index.to_string().into(),
        port: 80,
        protocol: Protocol::Http,
        hostname,
        tls: None,
        allowed_routes: AllowedRoutes::default(),
    };
    let second = (input.byte() & 1 == 1).then(|| listener(1, Some(hostname(input))));
    Gateway {
        meta: meta("gw", 0),
        class: "c".into(),
        listeners: [listener(0, None)].into_iter().chain(second).collect(),
        allowed_listeners: NamespacesFrom::None,
        client_validation: None,
        client_validation_per_port: Vec::new(),
        backend_client_certificate: None,
        parameters: None,
        addresses: Vec::new(),
    }
}

fn route(input: &mut Input<'_>, index: u8) -> Route {
    let kind = if input.byte() & 7 == 0 {
        RouteKind::Grpc
    } else {
        RouteKind::Http
    };
    let target = Reference {
        group: "gateway.networking.k8s.io".into(),
        kind: "Gateway".into(),
        namespace: None,
        name: "gw".into(),
    };
    Route {
        meta: meta(&index.to_string(), input.byte() & 1),
        kind,
        parents: vec![ParentRef {
            target,
            section: None,
            port: None,
        }],
        hostnames: (0..input.byte() % 3).map(|_| hostname(input)).collect(),
        rules: (0..input.byte() % 4).map(|_| rule(input)).collect(),
    }
}

fn rule(input: &mut Input<'_>) -> Rule {
    let matches = (0..1 + input.byte() % 3).map(|_| one_match(input)).collect();
    Rule {
        matches,
        ..Rule::default()
    }
}

fn one_match(input: &mut Input<'_>) -> Match {
    let path = match input.byte() % 4 {
        0 => PathMatch::Exact(text(input).into()),
        1 => PathMatch::Regex(text(input).into()),
        2 => PathMatch::Unknown("?".into()),
        _ => PathMatch::Prefix(format!("/{}", text(input)).into()),
    };
    let service = (input.byte() & 3 == 0).then(|| condition(input));
    Match {
        path,
        method: (input.byte() & 3 == 0).then(|| text(input).into()),
        grpc: service.map(|service| GrpcMethodMatch {
            service: Some(service),
            method: None,
        }),
        headers: values(input),
        query: values(input),
    }
}

fn values(input: &mut Input<'_>) -> Vec<ValueMatch> {
    (0..input.byte() % 3)
        .map(|_| ValueMatch {
            name: name(input).into(),
            value: condition(input),
        })
        .collect()
}

fn condition(input: &mut Input<'_>) -> StringMatch {
    match input.byte() % 4 {
        0 => StringMatch::Regex(text(input).into()),
        1 => StringMatch::Unknown("?".into()),
        _ => StringMatch::Exact(text(input).into()),
    }
}

/// Few names, so that conditions meet requests.
fn name(input: &mut Input<'_>) -> &'static str {
    ["a", "b", "host", "cookie"][usize::from(input.byte() % 4)]
}

fn hostname(input: &mut Input<'_>) -> Arc<str> {
    ["a.test", "*.test", "b.a.test", "*.a.test"][usize::from(input.byte() % 4)].into()
}

/// Up to fifteen bytes of text, or one of the hosts.
fn text(input: &mut Input<'_>) -> String {
    let length = input.byte();
    if length >= 240 {
        return hostname(input).replace('*', "x");
    }
    String::from_utf8_lossy(input.take(usize::from(length % 16))).into_owned()
}
