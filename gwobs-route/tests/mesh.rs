//! Routes with Services as parents (GEP-1294): which of them a request follows, and what a gateway is judged by.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::sync::Arc;

use gwobs_route::lint::{Code, lint};
use gwobs_route::model::*;
use gwobs_route::profile::Profile;
use gwobs_route::status::predict;
use gwobs_route::{
    Action, Arrival, Decision, Inconclusive, Mismatch, Objects, Origin, Purpose, RouteKind, Snapshot, Verdict,
    WireProtocol, decide,
};
use support::*;

/// A parentRef to a Service.
fn to_service(text: &str) -> ParentRef {
    let target = backend(text, 1).target;
    ParentRef {
        target,
        ..parent("unused")
    }
}

/// A route whose only parent is `service`, with one rule for everything to port 80 of `to`.
fn mesh_route(kind: RouteKind, text: &str, service: &str, to: &str) -> Route {
    let matches = match kind {
        RouteKind::Http => vec![prefix("/")],
        RouteKind::Grpc => vec![Match::default()],
        _ => Vec::new(),
    };
    Route {
        parents: vec![to_service(service)],
        ..route(kind, text)
    }
    .rule(rule(matches, to))
}

fn http_to(text: &str, service: &str, to: &str) -> Route {
    mesh_route(RouteKind::Http, text, service, to)
}

/// Services of namespace `ns` with ports 80 and 8080, and namespace `other` with one of its own.
fn world(routes: impl IntoIterator<Item = Route>) -> Arc<Snapshot> {
    let routes = routes.into_iter().map(Route::object);
    snapshot(Profile::Generic, base().into_iter().chain(routes))
}

fn base() -> Vec<Object> {
    let mut objects = services(&["app", "v1", "v2", "other/own"]);
    for object in &mut objects {
        if let Object::Service(service) = object {
            let mut second = service.ports[0].clone();
            (second.port, second.name) = (8080, Some("alt".into()));
            service.ports.push(second);
        }
    }
    objects
}

fn asked(snapshot: &Snapshot, client: &str, sent: &Sent, port: u16, protocol: WireProtocol) -> Decision {
    let arrival = Arrival::at_service(&name("app"), &client.into(), port, protocol);
    sent.with(|request| decide(snapshot, &arrival, request))
}

fn ask(snapshot: &Snapshot, client: &str, sent: &Sent) -> Decision {
    asked(snapshot, client, sent, 80, WireProtocol::Http)
}

/// The Service that must get a plain request of a client, or the status that it must be answered with.
fn outcome(decision: &Decision) -> String {
    match &decision.action {
        Action::Respond { status, .. } => status.to_string(),
        Action::Reject => "rejected".to_owned(),
        _ => expected(decision).unwrap_or_else(|| panic!("{decision:?}")),
    }
}

#[test]
fn without_routes_the_service_itself_is_due() {
    let snapshot = world([]);
    for protocol in [
        WireProtocol::Http,
        WireProtocol::Grpc,
        WireProtocol::Tls,
        WireProtocol::Tcp,
    ] {
        let decision = asked(&snapshot, "ns", &get("app", "/"), 80, protocol);
        assert_eq!(outcome(&decision), "ns/app");
        assert_eq!((&decision.route, &decision.caveats), (&None, &vec![]));
    }
}

#[test]
fn nothing_is_said_of_services_and_ports_that_are_not_there() {
    let snapshot = world([http_to("r", "app", "v1")]);
    let caveat = vec![Inconclusive::UnsupportedSpec];
    assert_eq!(
        asked(&snapshot, "ns", &get("app", "/"), 81, WireProtocol::Http).caveats,
        caveat
    );
    assert_eq!(
        asked(&snapshot, "ns", &get("app", "/"), 80, WireProtocol::Udp).caveats,
        caveat
    );
    let arrival = Arrival::at_service(&name("gone"), &"ns".into(), 80, WireProtocol::Http);
    let decision = get("gone", "/").with(|request| decide(&snapshot, &arrival, request));
    assert_eq!(decision.caveats, caveat);
}

#[test]
fn routes_take_the_place_of_the_service_and_answer_404_where_none_matches() {
    let only = Route {
        parents: vec![to_service("app")],
        ..http("r").rule(rule(vec![prefix("/v1")], "v1"))
    };
    let snapshot = world([only]);
    assert_eq!(outcome(&ask(&snapshot, "ns", &get("app", "/v1/x"))), "ns/v1");
    assert_eq!(outcome(&ask(&snapshot, "ns", &get("app", "/"))), "404");
}

#[test]
fn consumer_routes_are_for_their_own_namespace_and_replace_the_producers() {
    let narrow = Route {
        parents: vec![to_service("ns/app")],
        ..http("other/consumer").rule(rule(vec![prefix("/v2")], "ns/v2"))
    };
    let snapshot = world([http_to("producer", "app", "v1"), narrow]);
    assert_eq!(outcome(&ask(&snapshot, "ns", &get("app", "/v2"))), "ns/v1");
    assert_eq!(outcome(&ask(&snapshot, "third", &get("app", "/v2"))), "ns/v1");
    assert_eq!(outcome(&ask(&snapshot, "other", &get("app", "/v2"))), "ns/v2");
    // The two are never merged.
    assert_eq!(outcome(&ask(&snapshot, "other", &get("app", "/"))), "404");
}

#[test]
fn a_consumer_route_needs_no_grant_for_its_backends_and_a_gateway_does() {
    let mut route = http_to("other/r", "ns/app", "ns/v1");
    route.parents.push(parent("ns/gw"));
    let objects = base().into_iter().chain([plain_gateway(), route.clone().object()]);
    let snapshot = snapshot(Profile::Generic, objects);
    assert_eq!(outcome(&ask(&snapshot, "other", &get("app", "/"))), "ns/v1");
    assert_eq!(outcome(&get("app", "/").decide(&snapshot)), "500");
}

#[test]
fn ports_and_port_names_narrow_what_a_route_is_bound_to() {
    let with = |port, section: Option<&str>| {
        let mut route = http_to("r", "app", "v1");
        (route.parents[0].port, route.parents[0].section) = (port, section.map(Into::into));
        let snapshot = world([route]);
        [80, 8080].map(|port| outcome(&asked(&snapshot, "ns", &get("app", "/"), port, WireProtocol::Http)))
    };
    assert_eq!(with(None, None), ["ns/v1", "ns/v1"]);
    assert_eq!(with(Some(8080), None), ["ns/app", "ns/v1"]);
    assert_eq!(with(None, Some("alt")), ["ns/app", "ns/v1"]);
    assert_eq!(with(Some(80), Some("alt")), ["ns/app", "ns/app"]);
}

#[test]
fn of_several_kinds_at_a_port_the_most_specific_applies() {
    let kinds = [RouteKind::Tcp, RouteKind::Tls, RouteKind::Http, RouteKind::Grpc];
    let mut routes = Vec::new();
    for (kind, winner) in kinds.into_iter().zip(["v1", "v2", "v1", "v2"]) {
        routes.push(mesh_route(kind, kind.as_str(), "app", winner));
        let snapshot = world(routes.clone());
        let protocol = match kind {
            RouteKind::Tls => WireProtocol::Tls,
            RouteKind::Tcp => WireProtocol::Tcp,
            _ => WireProtocol::Http,
        };
        let decision = asked(&snapshot, "ns", &get("app", "/s/m"), 80, protocol);
        assert_eq!(decision.route.as_ref().map(|route| route.kind), Some(kind));
        assert_eq!(
            (outcome(&decision), &decision.caveats),
            (format!("ns/{winner}"), &vec![])
        );
    }
    let snapshot = world(routes);
    let applies: Vec<_> = snapshot
        .service_attachments(&name("app"))
        .iter()
        .map(|one| (one.kind, one.ports.iter().any(|at| at.applies)))
        .collect();
    assert!(
        applies
            .iter()
            .all(|&(kind, applies)| applies == (kind == RouteKind::Grpc)),
        "{applies:?}"
    );
}

#[test]
fn hostnames_say_nothing_and_leave_doubt_where_they_would_matter() {
    let narrow = http_to("r", "app", "v1").host("app.ns");
    let snapshot = world([narrow]);
    let named = ask(&snapshot, "ns", &get("app.ns", "/"));
    assert_eq!((outcome(&named), &named.caveats), ("ns/v1".to_owned(), &vec![]));
    let other = ask(&snapshot, "ns", &get("app", "/"));
    assert_eq!(outcome(&other), "ns/v1");
    assert_eq!(other.caveats, [Inconclusive::ImplementationDefined]);
}

#[test]
fn what_the_proxy_cannot_see_is_not_judged() {
    let snapshot = world([http_to("r", "app", "v1")]);
    for protocol in [WireProtocol::Https, WireProtocol::Tls, WireProtocol::Tcp] {
        let decision = asked(&snapshot, "ns", &get("app", "/"), 80, protocol);
        assert_eq!(decision.caveats, [Inconclusive::ImplementationDefined], "{protocol:?}");
    }
}

#[test]
fn a_service_without_frontend_should_be_no_parent() {
    let mut objects = base();
    for object in &mut objects {
        if let Object::Service(service) = object {
            service.headless = service.meta.name == name("app");
        }
    }
    let route = http_to("r", "app", "v1").object();
    objects.push(route);
    let decision = ask(&snapshot(Profile::Generic, objects.clone()), "ns", &get("app", "/"));
    assert_eq!(decision.caveats, [Inconclusive::ImplementationDefined]);
    let findings: Vec<_> = lint(&objects, None).into_iter().map(|one| one.code).collect();
    assert_eq!(findings, [Code::ParentRefuses]);
}

#[test]
fn a_mesh_is_judged_as_a_gateway_is() {
    let snapshot = world([
        http_to("producer", "app", "v1"),
        http_to("other/consumer", "ns/app", "v2"),
    ]);
    let sent = get("app", "/");
    let judged = |client: &str, address: &str| {
        let decision = ask(&snapshot, client, &sent);
        let judgement = sent.with(|request| {
            let attempts = [attempt(address, Some(*request), Purpose::Forward)];
            sent.judge(&snapshot, &decision, &attempts, Some((200, Origin::Upstream, &[])))
        });
        (
            judgement.verdict,
            judgement.observed_route.map(|route| route.route.to_string()),
        )
    };
    assert_eq!(judged("ns", "10.0.0.2"), (Verdict::Match, None));
    let wrong = Verdict::Mismatch(Mismatch::WrongBackend);
    assert_eq!(judged("ns", "10.0.0.3"), (wrong, None));
    assert_eq!(judged("third", "10.0.0.1"), (wrong, None));
}

#[test]
fn status_towards_services() {
    let mut missing = http_to("missing", "app", "v1");
    missing.parents[0].port = Some(81);
    let grpc = mesh_route(RouteKind::Grpc, "grpc", "app", "v1");
    let lost = http_to("lost", "app", "nowhere");
    let consumer = http_to("other/consumer", "ns/app", "ns/v2");
    let mut objects = Objects::new(None);
    let routes = [missing, grpc, lost, consumer].map(Route::object);
    base()
        .into_iter()
        .chain(routes)
        .for_each(|object| objects.apply(object, 0));
    let snapshot = objects.snapshot();
    let rows: Vec<_> = predict(&objects, &snapshot)
        .iter()
        .map(|row| {
            let parent = row
                .parent
                .as_ref()
                .map(|parent| format!("{} {}", parent.kind, parent.name));
            let reasons: Vec<_> = row.expected.iter().map(|one| one.reason).collect();
            (row.name.to_string(), parent.unwrap_or_default(), reasons)
        })
        .collect();
    let expected = [
        ("ns/grpc", ["Accepted", "ResolvedRefs"]),
        ("ns/lost", ["Conflicted", "BackendNotFound"]),
        ("ns/missing", ["NoMatchingParent", "ResolvedRefs"]),
        ("other/consumer", ["Accepted", "ResolvedRefs"]),
    ]
    .map(|(name, reasons)| (name.to_owned(), "Service ns/app".to_owned(), reasons.to_vec()));
    assert_eq!(rows, expected);
}

#[test]
fn lint_knows_services_as_parents() {
    let mut no_port = http_to("no-port", "app", "v1");
    no_port.parents[0].port = Some(81);
    let routes = [
        http_to("first", "app", "v1").host("app.ns"),
        http_to("second", "app", "v2"),
        mesh_route(RouteKind::Tcp, "tcp", "app", "v1"),
        http_to("gone", "gone", "v1"),
        http_to("other/consumer", "ns/app", "ns/v2"),
        no_port,
    ];
    let objects: Vec<_> = base().into_iter().chain(routes.map(Route::object)).collect();
    let findings: Vec<_> = lint(&objects, None)
        .into_iter()
        .map(|one| (one.object.to_string(), one.field, one.code))
        .collect();
    let expected = [
        ("HTTPRoute ns/first", "spec.hostnames", Code::HostnameUnreachable),
        ("HTTPRoute ns/gone", "spec.parentRefs[0]", Code::ParentNotFound),
        (
            "HTTPRoute ns/no-port",
            "spec.parentRefs[0]",
            Code::ParentListenerNotFound,
        ),
        ("HTTPRoute ns/second", "spec.rules[0]", Code::ShadowedRule),
        ("HTTPRoute ns/second", "spec.rules[0].matches[0]", Code::IdenticalMatch),
        ("TCPRoute ns/tcp", "spec.parentRefs[0]", Code::RouteKindConflict),
    ]
    .map(|(object, field, code)| (object.to_owned(), field.to_owned(), code));
    assert_eq!(findings, expected);
}

#[test]
fn any_order_of_changes_gives_the_same_decision() {
    let all: Vec<_> = base()
        .into_iter()
        .chain(
            [
                http_to("producer", "app", "v1"),
                http_to("other/consumer", "ns/app", "ns/v2"),
            ]
            .map(Route::object),
        )
        .collect();
    let whole = snapshot(Profile::Generic, all.clone());
    for turn in 0..all.len() {
        let mut objects = Objects::new(Some(Profile::Generic));
        for object in all.iter().cycle().skip(turn).take(all.len()) {
            objects.apply(object.clone(), 0);
            objects.snapshot();
        }
        // A port that comes and goes.
        let Some(Object::Service(app)) = all.first() else {
            panic!("{:?}", all.first())
        };
        let less = Service {
            ports: Vec::new(),
            ..app.clone()
        };
        objects.apply(Object::Service(less), 0);
        assert_eq!(ask(&objects.snapshot(), "ns", &get("app", "/")).route, None);
        objects.apply(Object::Service(app.clone()), 0);
        let snapshot = objects.snapshot();
        for client in ["ns", "other"] {
            let [one, two] = [&snapshot, &whole].map(|snapshot| ask(snapshot, client, &get("app", "/")));
            assert_eq!((one.route, one.action), (two.route, two.action));
        }
    }
    let mut objects = Objects::new(Some(Profile::Generic));
    all.into_iter().for_each(|object| objects.apply(object, 0));
    objects.snapshot();
    objects.delete(Kind::Route(RouteKind::Http), &name("producer"), 0);
    assert_eq!(ask(&objects.snapshot(), "ns", &get("app", "/")).route, None);
}
