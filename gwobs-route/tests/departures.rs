//! Every known departure of a gateway from the spec, as a scenario: objects, what the gateway did, verdict and reason.

mod support;

use gwobs_route::model::*;
use gwobs_route::profile::Profile;
use gwobs_route::{
    Decision, HeaderField, Inconclusive, Judgement, Mismatch, Objects, Origin, Purpose, RouteKind, Snapshot, Verdict,
    WireProtocol,
};
use support::*;

fn world(routes: Vec<Route>, names: &[&str]) -> std::sync::Arc<Snapshot> {
    let objects = routes
        .into_iter()
        .map(Object::Route)
        .chain(services(names))
        .chain([plain_gateway()]);
    snapshot(Profile::Generic, objects)
}

fn mismatch(judgement: &Judgement, reason: Mismatch) {
    assert_eq!(judgement.verdict, Verdict::Mismatch(reason), "{judgement:?}");
}

fn is_match(judgement: &Judgement) {
    assert_eq!(judgement.verdict, Verdict::Match, "{judgement:?}");
}

fn open(judgement: &Judgement, reason: Inconclusive) {
    assert_eq!(judgement.verdict, Verdict::Inconclusive(reason), "{judgement:?}");
}

/// The backend `right` is due and the gateway chose `wrong`, as another rule would have it.
fn misrouted(snapshot: &Snapshot, sent: &Sent, right: &str, wrong: &str) {
    is_match(&sent.judge_forward(snapshot, right));
    let judgement = sent.judge_forward(snapshot, wrong);
    mismatch(&judgement, Mismatch::WrongBackend);
    assert!(judgement.observed_route.is_some(), "{judgement:?}");
}

#[test]
fn d01_method_outranks_two_headers() {
    let by_method = rule(vec![prefix("/").method("GET")], "right");
    let by_headers = rule(vec![prefix("/").header("a", "1").header("b", "1")], "wrong");
    let snapshot = world(vec![http("r").rule(by_headers).rule(by_method)], &["right", "wrong"]);
    misrouted(
        &snapshot,
        &get("h", "/").header("a", "1").header("b", "1"),
        "10.0.0.1",
        "10.0.0.2",
    );
}

#[test]
fn d02_longest_prefix_outranks_method_and_headers() {
    let method = http("a")
        .rule(rule(vec![prefix("/a").method("GET")], "wrong"))
        .rule(rule(vec![prefix("/a/b")], "right"));
    let snapshot = world(vec![method], &["right", "wrong"]);
    misrouted(&snapshot, &get("h", "/a/b/c"), "10.0.0.1", "10.0.0.2");
    let headers = prefix("/h").header("a", "1").header("b", "1").header("c", "1");
    let route = http("h")
        .rule(rule(vec![headers], "wrong"))
        .rule(rule(vec![prefix("/h/b")], "right"));
    let snapshot = world(vec![route], &["right", "wrong"]);
    let sent = get("h", "/h/b").header("a", "1").header("b", "1").header("c", "1");
    misrouted(&snapshot, &sent, "10.0.0.1", "10.0.0.2");
}

#[test]
fn d03_more_specific_hostname_wins() {
    let wide = http("wide")
        .host("*.host.test")
        .rule(rule(vec![prefix("/foo")], "wrong"));
    let narrow = http("narrow")
        .host("one.host.test")
        .rule(rule(vec![prefix("/")], "right"));
    let none = http("none").rule(rule(vec![exact("/foo")], "wrong"));
    let snapshot = world(vec![wide, narrow, none], &["right", "wrong"]);
    misrouted(&snapshot, &get("one.host.test", "/foo"), "10.0.0.1", "10.0.0.2");
}

#[test]
fn d04_filters_are_enforced() {
    let mirror = Filter::Mirror(Box::new(Mirror {
        backend: backend("copy", 1),
        share: MirrorShare::ALL,
    }));
    let with_mirror = filtered(vec![prefix("/mirror")], vec![mirror], "app");
    let cors = Cors {
        allow_origins: vec!["https://a.test".into()],
        ..Cors::default()
    };
    let with_cors = filtered(vec![prefix("/cors")], vec![Filter::Cors(cors)], "app");
    let snapshot = world(vec![http("r").rule(with_mirror).rule(with_cors)], &["app", "copy"]);
    mismatch(
        &get("h", "/mirror").judge_reply(&snapshot, 500, &[]),
        Mismatch::UnexpectedReply,
    );
    mismatch(
        &get("h", "/mirror").judge_forward(&snapshot, "10.0.0.1"),
        Mismatch::WrongMirror,
    );
    let preflight = get("h", "/cors").method("OPTIONS").header("origin", "https://a.test");
    let preflight = preflight.header("access-control-request-method", "PUT");
    mismatch(&preflight.judge_reply(&snapshot, 500, &[]), Mismatch::WrongStatus);
    is_match(&preflight.judge_reply(&snapshot, 200, &[]));
    is_match(&preflight.judge_reply(&snapshot, 204, &[]));
    mismatch(
        &preflight.judge_forward(&snapshot, "10.0.0.1"),
        Mismatch::UnexpectedForward,
    );
}

/// A Gateway whose listeners have overlapping hostnames.
fn nested_listeners(profile: Profile) -> std::sync::Arc<Snapshot> {
    let wide = listener("wide", 80, Protocol::Http, Some("*.example.com"));
    let narrow = listener("narrow", 80, Protocol::Http, Some("*.foo.example.com"));
    let on_wide = http("on-wide").at("wide").rule(rule(vec![prefix("/")], "wide"));
    let on_narrow = http("on-narrow")
        .at("narrow")
        .rule(rule(vec![prefix("/only")], "narrow"));
    let objects = [
        Object::Gateway(gateway("gw", vec![wide, narrow])),
        on_wide.object(),
        on_narrow.object(),
    ];
    snapshot(profile, objects.into_iter().chain(services(&["wide", "narrow"])))
}

#[test]
fn d05_nested_wildcard_listener_owns_its_hosts() {
    let claims_isolation = nested_listeners(Profile::EnvoyGateway);
    let sent = get("a.foo.example.com", "/elsewhere");
    is_match(&sent.judge_reply(&claims_isolation, 404, &[]));
    mismatch(
        &sent.judge_forward(&claims_isolation, "10.0.0.1"),
        Mismatch::UnexpectedForward,
    );
    // Isolation is Extended: without knowing the data plane this is left to it.
    open(
        &sent.judge_forward(&nested_listeners(Profile::Generic), "10.0.0.1"),
        Inconclusive::ImplementationDefined,
    );
}

#[test]
fn d06_and_d18_prefixes_are_whole_elements() {
    let route = http("r")
        .rule(rule(vec![prefix("/v2")], "wrong"))
        .rule(rule(vec![prefix("/")], "right"));
    let snapshot = world(vec![route], &["right", "wrong"]);
    misrouted(&snapshot, &get("h", "/v2example"), "10.0.0.1", "10.0.0.2");
    let route = http("r")
        .rule(rule(vec![prefix("/service")], "wrong"))
        .rule(rule(vec![prefix("/service-sidecar")], "right"));
    let snapshot = world(vec![route], &["right", "wrong"]);
    misrouted(&snapshot, &get("h", "/service-sidecar/x"), "10.0.0.1", "10.0.0.2");
}

#[test]
fn d07_method_before_headers() {
    let one = http("headers")
        .created(1)
        .rule(rule(vec![prefix("/x").header("a", "1")], "wrong"));
    let other = http("method")
        .created(2)
        .rule(rule(vec![prefix("/x").method("POST")], "right"));
    let snapshot = world(vec![one, other], &["right", "wrong"]);
    misrouted(
        &snapshot,
        &get("h", "/x").method("POST").header("a", "1"),
        "10.0.0.1",
        "10.0.0.2",
    );
}

#[test]
fn d08_regular_expressions_match_the_whole_path() {
    let route = http("r")
        .rule(rule(vec![regex("/a[0-9]+")], "wrong"))
        .rule(rule(vec![prefix("/")], "right"));
    let snapshot = world(vec![route], &["right", "wrong"]);
    for path in ["/a1/more", "/x/a1", "/a1x"] {
        misrouted(&snapshot, &get("h", path), "10.0.0.1", "10.0.0.2");
    }
    // Which of a regular expression and a prefix comes first is the implementation's choice.
    open(
        &get("h", "/a1").judge_forward(&snapshot, "10.0.0.1"),
        Inconclusive::ImplementationDefined,
    );
    is_match(&get("h", "/a1").judge_forward(&snapshot, "10.0.0.2"));
}

#[test]
fn d09_a_503_without_attempt_is_not_routing() {
    let snapshot = world(vec![http("r").rule(rule(vec![prefix("/")], "app"))], &["app"]);
    open(
        &get("h", "/").judge_reply(&snapshot, 503, &[]),
        Inconclusive::GatewayReply,
    );
}

/// An address that moved from `app` to `other` at time 500; the observation is made at 1,000.
fn moved_address() -> std::sync::Arc<Snapshot> {
    let mut objects = Objects::new(None);
    let route = http("r").rule(rule(vec![prefix("/")], "app")).object();
    for object in [
        plain_gateway(),
        route,
        service("app"),
        service("other"),
        slice("app", &["10.0.0.1", "10.0.0.9"]),
    ] {
        objects.apply(object, 0);
    }
    objects.apply(slice("app", &["10.0.0.1"]), 500);
    objects.apply(slice("other", &["10.0.0.9"]), 600);
    objects.snapshot()
}

#[test]
fn d10_an_address_that_left_is_stale_even_if_reused() {
    let snapshot = moved_address();
    is_match(&get("h", "/").judge_forward(&snapshot, "10.0.0.1"));
    mismatch(
        &get("h", "/").judge_forward(&snapshot, "10.0.0.9"),
        Mismatch::StaleEndpoint,
    );
    mismatch(
        &get("h", "/").judge_forward(&snapshot, "10.9.9.9"),
        Mismatch::UnknownUpstream,
    );
}

#[test]
fn d11_the_oldest_route_wins_a_tie() {
    let old = http("z-old").created(1).rule(rule(vec![prefix("/")], "right"));
    let new = http("a-new").created(2).rule(rule(vec![prefix("/")], "wrong"));
    let snapshot = world(vec![new, old], &["right", "wrong"]);
    misrouted(&snapshot, &get("h", "/"), "10.0.0.1", "10.0.0.2");
}

#[test]
fn d12_the_first_of_two_identical_rules_wins() {
    let route = http("r")
        .rule(rule(vec![prefix("/")], "right"))
        .rule(rule(vec![prefix("/")], "wrong"));
    let snapshot = world(vec![route], &["right", "wrong"]);
    misrouted(&snapshot, &get("h", "/"), "10.0.0.1", "10.0.0.2");
}

#[test]
fn d13_https_and_http_listeners_are_apart() {
    let listeners = vec![
        listener("http", 80, Protocol::Http, Some("*.example.com")),
        listener("https", 443, Protocol::Https, Some("a.example.com")),
    ];
    let plain = http("plain").at("http").rule(rule(vec![prefix("/")], "app"));
    let secure = http("secure").at("https").rule(rule(vec![prefix("/")], "app"));
    let objects = [
        Object::Gateway(gateway("gw", listeners)),
        plain.object(),
        secure.object(),
    ];
    let snapshot = snapshot(Profile::Generic, objects.into_iter().chain(services(&["app"])));
    is_match(&get("a.example.com", "/").judge_forward(&snapshot, "10.0.0.1"));
    mismatch(
        &get("a.example.com", "/").judge_reply(&snapshot, 404, &[]),
        Mismatch::UnexpectedReply,
    );
}

#[test]
fn d14_a_rule_without_valid_backend_is_500_and_falls_through_to_nothing() {
    let route = http("r")
        .rule(rule(vec![prefix("/a/b")], "missing"))
        .rule(rule(vec![prefix("/a")], "app"));
    let snapshot = world(vec![route], &["app"]);
    is_match(&get("h", "/a/b").judge_reply(&snapshot, 500, &[]));
    mismatch(
        &get("h", "/a/b").judge_forward(&snapshot, "10.0.0.1"),
        Mismatch::UnexpectedForward,
    );
    mismatch(
        &get("h", "/a/b").judge_reply(&snapshot, 404, &[]),
        Mismatch::WrongStatus,
    );
}

#[test]
fn d15_weight_zero_gets_nothing() {
    let backends = vec![backend("some", 1), backend("none", 0)];
    let split = Rule {
        backends,
        matches: vec![prefix("/")],
        ..Rule::default()
    };
    let snapshot = world(vec![http("r").rule(split)], &["some", "none"]);
    is_match(&get("h", "/").judge_forward(&snapshot, "10.0.0.1"));
    mismatch(
        &get("h", "/").judge_forward(&snapshot, "10.0.0.2"),
        Mismatch::ZeroWeightBackend,
    );
}

#[test]
fn d16_a_backend_in_another_namespace_needs_a_grant() {
    let route = || http("r").rule(rule(vec![prefix("/")], "other/app"));
    let snapshot = world(vec![route()], &["other/app"]);
    let judgement = get("h", "/").judge_forward(&snapshot, "10.0.0.1");
    mismatch(&judgement, Mismatch::NoReferenceGrant);
    assert_eq!(judgement.also, ["unexpected_forward"]);
    is_match(&get("h", "/").judge_reply(&snapshot, 500, &[]));
    let granted = [
        plain_gateway(),
        route().object(),
        grant("other", "HTTPRoute", "ns", None),
    ];
    let granted = support::snapshot(Profile::Generic, granted.into_iter().chain(services(&["other/app"])));
    is_match(&get("h", "/").judge_forward(&granted, "10.0.0.1"));
}

fn grant(namespace: &str, kind: &str, from: &str, to: Option<&str>) -> Object {
    Object::ReferenceGrant(ReferenceGrant {
        meta: meta(&format!("{namespace}/grant")),
        from: vec![GrantPeer {
            group: gwobs_route::attach::GATEWAY_GROUP.into(),
            kind: kind.into(),
            namespace: from.into(),
        }],
        to: vec![GrantTarget {
            group: "".into(),
            kind: "Service".into(),
            name: to.map(Into::into),
        }],
    })
}

#[test]
fn d17_the_first_rule_wins_whatever_its_headers_are_called() {
    let first = rule(vec![prefix("/").header("z", "1")], "right");
    let second = rule(vec![prefix("/").header("a", "1")], "wrong");
    let snapshot = world(vec![http("r").rule(first).rule(second)], &["right", "wrong"]);
    misrouted(
        &snapshot,
        &get("h", "/").header("a", "1").header("z", "1"),
        "10.0.0.1",
        "10.0.0.2",
    );
}

#[test]
fn d19_an_https_only_route_is_not_served_on_http() {
    let listeners = vec![
        listener("http", 80, Protocol::Http, None),
        listener("https", 443, Protocol::Https, None),
    ];
    let secure = http("secure").at("https").rule(rule(vec![prefix("/")], "app"));
    let objects = [Object::Gateway(gateway("gw", listeners)), secure.object()];
    let snapshot = snapshot(Profile::Generic, objects.into_iter().chain(services(&["app"])));
    let judgement = get("h", "/").judge_forward(&snapshot, "10.0.0.1");
    mismatch(&judgement, Mismatch::UnexpectedForward);
    assert_eq!(judgement.observed_route.expect("a route").route, name("ns/secure"));
}

#[test]
fn d20_every_rule_has_its_own_backends() {
    let route = http("r")
        .rule(rule(vec![prefix("/one")], "one"))
        .rule(rule(vec![prefix("/two")], "two"));
    let snapshot = world(vec![route], &["one", "two"]);
    misrouted(&snapshot, &get("h", "/two"), "10.0.0.2", "10.0.0.1");
    let observed = get("h", "/two")
        .judge_forward(&snapshot, "10.0.0.1")
        .observed_route
        .expect("a route");
    assert_eq!((observed.rule, observed.matched), (0, 0));
}

#[test]
fn d21_a_refused_configuration_shows_in_the_traffic() {
    // Programmed is True, and the data plane still has nothing.
    let snapshot = world(vec![http("r").rule(rule(vec![prefix("/")], "app"))], &["app"]);
    mismatch(
        &get("h", "/").judge_reply(&snapshot, 404, &[]),
        Mismatch::UnexpectedReply,
    );
}

#[test]
fn d22_a_coalesced_connection_must_not_reach_another_app() {
    let listeners = vec![
        listener("one", 443, Protocol::Https, Some("one.example.com")),
        listener("two", 443, Protocol::Https, Some("two.example.com")),
    ];
    let one = http("one").at("one").rule(rule(vec![prefix("/")], "one"));
    let two = http("two").at("two").rule(rule(vec![prefix("/")], "two"));
    let objects = [Object::Gateway(gateway("gw", listeners)), one.object(), two.object()];
    let snapshot = snapshot(Profile::Generic, objects.into_iter().chain(services(&["one", "two"])));
    let sent = get("two.example.com", "/").sni("one.example.com");
    let decision = sent.decide_at(&snapshot, 443, WireProtocol::Https);
    let forward = |address| https_forward(&snapshot, &sent, &decision, address);
    mismatch(&forward("10.0.0.1"), Mismatch::UnexpectedForward);
    // 421 is recommended only: serving the right app by its Host is no proof of anything.
    open(&forward("10.0.0.2"), Inconclusive::ImplementationDefined);
    is_match(&sent.judge(&snapshot, &decision, &[], Some((421, Origin::Gateway, &[]))));
}

fn https_forward(snapshot: &Snapshot, sent: &Sent, decision: &Decision, address: &str) -> Judgement {
    sent.with(|request| {
        let attempts = [attempt(address, Some(*request), Purpose::Forward)];
        sent.judge(snapshot, decision, &attempts, Some((200, Origin::Upstream, &[])))
    })
}

#[test]
fn d23_a_tls_route_that_is_ignored_shows_as_another_backend() {
    let passthrough = Listener {
        tls: Some(ListenerTls {
            mode: TlsMode::Passthrough,
            certificates: Vec::new(),
        }),
        ..listener("tls", 443, Protocol::Tls, None)
    };
    let named = |text: &str, host: &str, service: &str| {
        let rule = Rule {
            matches: Vec::new(),
            ..rule(Vec::new(), service)
        };
        route(RouteKind::Tls, text).host(host).rule(rule).object()
    };
    let objects = [
        Object::Gateway(gateway("gw", vec![passthrough])),
        named("new", "new.example.com", "new"),
        named("old", "*.example.com", "old"),
    ];
    let snapshot = snapshot(Profile::Generic, objects.into_iter().chain(services(&["new", "old"])));
    let sent = get("", "").sni("new.example.com");
    let decision = sent.decide_at(&snapshot, 443, WireProtocol::Tls);
    is_match(&https_forward(&snapshot, &sent, &decision, "10.0.0.1"));
    mismatch(
        &https_forward(&snapshot, &sent, &decision, "10.0.0.2"),
        Mismatch::WrongBackend,
    );
}

#[test]
fn d24_a_stalled_configuration_shows_as_stale_endpoints_and_old_rules() {
    // The certificate itself is compared elsewhere; what an old configuration does to traffic is judged here.
    let snapshot = moved_address();
    let judgement = get("h", "/").judge_reply(
        &snapshot,
        404,
        &[HeaderField {
            name: "server",
            value: "gw",
        }],
    );
    mismatch(&judgement, Mismatch::UnexpectedReply);
    mismatch(
        &get("h", "/").judge_forward(&snapshot, "10.0.0.9"),
        Mismatch::StaleEndpoint,
    );
}
