//! Verdicts and reasons that the scenarios of known departures do not reach.

mod support;

use gwobs_route::model::*;
use gwobs_route::profile::Profile;
use gwobs_route::{
    Arrival, Attempt, HeaderField, Inconclusive, Judgement, Mismatch, Objects, Observation, Origin, Purpose, Response,
    Snapshot, Verdict, WireProtocol, equal_for_routing, judge, judge_upstream, may_become,
};
use support::*;

fn world(rule: Rule, names: &[&str]) -> std::sync::Arc<Snapshot> {
    let route = http("r").rule(rule).object();
    snapshot(
        Profile::Generic,
        services(names).into_iter().chain([plain_gateway(), route]),
    )
}

fn verdict(judgement: &Judgement) -> Verdict {
    judgement.verdict
}

fn redirect(change: impl FnOnce(&mut Redirect)) -> std::sync::Arc<Snapshot> {
    let mut redirect = Redirect {
        scheme: None,
        hostname: None,
        path: None,
        port: None,
        status: 302,
    };
    change(&mut redirect);
    world(
        filtered(vec![prefix("/old")], vec![Filter::Redirect(redirect)], "app"),
        &["app"],
    )
}

fn reply(snapshot: &Snapshot, status: u16, location: &str) -> Verdict {
    let headers = [HeaderField {
        name: "location",
        value: location,
    }];
    verdict(&get("h.test:8080", "/old/x?q=1").judge_reply(snapshot, status, &headers))
}

#[test]
fn redirects_are_compared_as_the_spec_builds_them() {
    let snapshot = redirect(|one| {
        one.path = Some(PathModifier::Prefix("/new".into()));
        one.hostname = Some("other.test".into());
    });
    for right in [
        "http://other.test/new/x?q=1",
        "http://OTHER.test:80/new/x?q=1",
        "http://other.test:8080/new/x",
    ] {
        assert_eq!(reply(&snapshot, 302, right), Verdict::Match, "{right}");
    }
    for wrong in [
        "http://h.test/new/x",
        "https://other.test/new/x",
        "http://other.test/new",
        "/new/x",
        "http://other.test:81/new/x",
    ] {
        assert_eq!(
            reply(&snapshot, 302, wrong),
            Verdict::Mismatch(Mismatch::WrongRedirect),
            "{wrong}"
        );
    }
    assert_eq!(
        reply(&snapshot, 301, "http://other.test/new/x"),
        Verdict::Mismatch(Mismatch::WrongStatus)
    );
    assert_eq!(
        reply(&snapshot, 429, ""),
        Verdict::Inconclusive(Inconclusive::GatewayReply)
    );
    assert_eq!(
        verdict(&get("h.test", "/old").judge_forward(&snapshot, "10.0.0.1")),
        Verdict::Mismatch(Mismatch::UnexpectedForward)
    );
}

#[test]
fn redirect_to_a_scheme_takes_its_well_known_port() {
    let snapshot = redirect(|one| one.scheme = Some("https".into()));
    assert_eq!(reply(&snapshot, 302, "https://h.test/old/x?q=1"), Verdict::Match);
    assert_eq!(reply(&snapshot, 302, "https://h.test:443/old/x?q=1"), Verdict::Match);
    assert_eq!(
        reply(&snapshot, 302, "https://h.test:8080/old/x?q=1"),
        Verdict::Mismatch(Mismatch::WrongRedirect)
    );
    // A relative Location leaves the scheme as it is.
    let plain = redirect(|one| one.path = Some(PathModifier::Full("/full".into())));
    assert_eq!(reply(&plain, 302, "/full?q=1"), Verdict::Match);
}

fn rewriting() -> std::sync::Arc<Snapshot> {
    let rewrite = Rewrite {
        hostname: Some("new.test".into()),
        path: Some(PathModifier::Prefix("/b".into())),
    };
    let value = |name: &str, value: &str| HeaderValue {
        name: name.into(),
        value: value.into(),
    };
    let headers = HeaderModifier {
        set: vec![value("x-set", "1"), value("x-forwarded-proto", "https")],
        add: vec![value("x-add", "2")],
        remove: vec!["x-gone".into()],
    };
    world(
        filtered(
            vec![prefix("/a")],
            vec![Filter::Rewrite(rewrite), Filter::RequestHeaders(headers)],
            "app",
        ),
        &["app"],
    )
}

#[test]
fn filters_are_judged_by_what_they_name() {
    let snapshot = rewriting();
    let client = get("old.test", "/a/x?q=1")
        .header("x-add", "1")
        .header("x-gone", "1")
        .header("x-other", "1");
    let sent = get("new.test:80", "/b/x?q=1")
        .header("x-set", "1")
        .header("x-add", "1")
        .header("x-add", "2");
    let judge = |sent: Sent| verdict(&client.judge_sent(&snapshot, "10.0.0.1", &sent));
    assert_eq!(judge(sent.clone()), Verdict::Match);
    assert_eq!(
        judge(sent.clone().header("x-request-id", "7").header("via", "gw")),
        Verdict::Match
    );
    let wrong = Verdict::Mismatch(Mismatch::FilterNotApplied);
    assert_eq!(
        judge(Sent {
            path: "/a/x?q=1".into(),
            ..sent.clone()
        }),
        wrong
    );
    assert_eq!(
        judge(Sent {
            host: "old.test".into(),
            ..sent.clone()
        }),
        wrong
    );
    assert_eq!(judge(sent.clone().header("x-gone", "1")), wrong);
    assert_eq!(
        judge(Sent {
            headers: Vec::new(),
            ..sent
        }),
        wrong
    );
}

#[test]
fn filters_of_unknown_effect_are_not_judged() {
    let extension = Reference {
        group: "g".into(),
        kind: "K".into(),
        namespace: None,
        name: "n".into(),
    };
    let rewrite = Filter::Rewrite(Rewrite {
        hostname: Some("new.test".into()),
        path: None,
    });
    let snapshot = world(
        filtered(vec![prefix("/")], vec![rewrite, Filter::Extension(extension)], "app"),
        &["app"],
    );
    assert_eq!(
        verdict(&get("h", "/").judge_forward(&snapshot, "10.0.0.1")),
        Verdict::Match
    );
    assert_eq!(
        verdict(&get("h", "/").judge_reply(&snapshot, 404, &[])),
        Verdict::Inconclusive(Inconclusive::GatewayReply)
    );
}

#[test]
fn fields_that_are_not_understood_accuse_nobody() {
    let mut route = http("r")
        .rule(rule(vec![prefix("/a")], "app"))
        .rule(rule(vec![prefix("/b")], "app"));
    route.meta.unknown.push("spec.rules.1.filters.0.new".to_owned());
    let objects = services(&["app", "other"])
        .into_iter()
        .chain([plain_gateway(), route.object()]);
    let snapshot = snapshot(Profile::Generic, objects);
    let judge = |path| verdict(&get("h", path).judge_forward(&snapshot, "10.0.0.2"));
    assert_eq!(judge("/a"), Verdict::Mismatch(Mismatch::WrongBackend));
    assert_eq!(judge("/b"), Verdict::Inconclusive(Inconclusive::UnsupportedSpec));
    assert_eq!(
        verdict(&get("h", "/b").judge_forward(&snapshot, "10.0.0.1")),
        Verdict::Match
    );
}

#[test]
fn replies_of_the_gateway_are_kept_apart_from_routing() {
    let snapshot = world(rule(vec![prefix("/")], "app"), &["app"]);
    let sent = get("h", "/");
    for status in [401, 403, 408, 413, 429, 431, 502, 503, 504, 301, 200] {
        let judgement = sent.judge_reply(&snapshot, status, &[]);
        assert_eq!(
            judgement.verdict,
            Verdict::Inconclusive(Inconclusive::GatewayReply),
            "{status}"
        );
    }
    for status in [404, 500] {
        assert_eq!(
            verdict(&sent.judge_reply(&snapshot, status, &[])),
            Verdict::Mismatch(Mismatch::UnexpectedReply)
        );
    }
    let decision = sent.decide(&snapshot);
    let aborted = sent.judge(&snapshot, &decision, &[], None);
    assert_eq!(aborted.verdict, Verdict::Inconclusive(Inconclusive::Aborted));
    let failed = [attempt("10.0.0.1", None, Purpose::Forward)];
    let failed = sent.judge(&snapshot, &decision, &failed, Some((503, Origin::Gateway, &[])));
    assert_eq!(failed.verdict, Verdict::Inconclusive(Inconclusive::GatewayReply));
}

#[test]
fn retries_may_go_to_any_backend_of_the_rule_and_to_no_other() {
    let backends = vec![backend("one", 1), backend("two", 1)];
    let snapshot = world(
        Rule {
            backends,
            matches: vec![prefix("/")],
            ..Rule::default()
        },
        &["one", "two", "three"],
    );
    let sent = get("h", "/");
    let judge = |second: &str| {
        let attempts = [
            attempt("10.0.0.1", None, Purpose::Forward),
            attempt(second, None, Purpose::Retry),
        ];
        verdict(&sent.judge(
            &snapshot,
            &sent.decide(&snapshot),
            &attempts,
            Some((200, Origin::Upstream, &[])),
        ))
    };
    assert_eq!(judge("10.0.0.2"), Verdict::Match);
    assert_eq!(judge("10.0.0.3"), Verdict::Mismatch(Mismatch::WrongBackend));
}

#[test]
fn mirrors_are_not_misroutes() {
    let mirror = |numerator| Mirror {
        backend: backend("copy", 1),
        share: MirrorShare {
            numerator,
            denominator: 100,
        },
    };
    let snapshot = |numerator| {
        let filter = Filter::Mirror(Box::new(mirror(numerator)));
        world(
            filtered(vec![prefix("/")], vec![filter], "app"),
            &["app", "copy", "other"],
        )
    };
    let judge = |snapshot: &Snapshot, copy: Option<(&str, Purpose)>| {
        let sent = get("h", "/");
        let copy = copy.map(|(address, purpose)| attempt(address, None, purpose));
        let attempts: Vec<_> = [attempt("10.0.0.1", None, Purpose::Forward)]
            .into_iter()
            .chain(copy)
            .collect();
        verdict(&sent.judge(
            snapshot,
            &sent.decide(snapshot),
            &attempts,
            Some((200, Origin::Upstream, &[])),
        ))
    };
    let (all, some) = (snapshot(100), snapshot(10));
    assert_eq!(judge(&all, Some(("10.0.0.2", Purpose::Mirror))), Verdict::Match);
    assert_eq!(judge(&all, Some(("10.0.0.2", Purpose::Unknown))), Verdict::Match);
    assert_eq!(judge(&all, None), Verdict::Mismatch(Mismatch::WrongMirror));
    assert_eq!(judge(&some, None), Verdict::Match);
    assert_eq!(
        judge(&some, Some(("10.0.0.3", Purpose::Mirror))),
        Verdict::Mismatch(Mismatch::WrongMirror)
    );
    assert_eq!(
        judge(&some, Some(("10.0.0.3", Purpose::Unknown))),
        Verdict::Inconclusive(Inconclusive::Unpaired)
    );
}

#[test]
fn an_address_of_several_services_matches_if_any_is_due() {
    let objects = [plain_gateway(), http("r").rule(rule(vec![prefix("/")], "app")).object()];
    let shared = [
        service("app"),
        slice("app", &["10.0.0.1"]),
        service("twin"),
        slice("twin", &["10.0.0.1"]),
    ];
    let snapshot = snapshot(Profile::Generic, objects.into_iter().chain(shared));
    assert_eq!(
        verdict(&get("h", "/").judge_forward(&snapshot, "10.0.0.1")),
        Verdict::Match
    );
    assert_eq!(snapshot.backends_at(upstream("10.0.0.1")).len(), 2);
}

#[test]
fn service_addresses_are_upstreams_too() {
    let Object::Service(mut app) = service("app") else {
        panic!("a Service")
    };
    app.cluster_ips = vec![ip("10.96.0.1")];
    app.ports[0].port = 8080;
    let mut to_app = rule(vec![prefix("/")], "app");
    to_app.backends[0].port = Some(8080);
    let objects = [
        plain_gateway(),
        http("r").rule(to_app).object(),
        Object::Service(app),
        slice("app", &["10.0.0.1"]),
    ];
    let snapshot = snapshot(Profile::Generic, objects);
    for address in ["10.96.0.1", "10.0.0.1"] {
        assert_eq!(
            verdict(&get("h", "/").judge_forward(&snapshot, address)),
            Verdict::Match,
            "{address}"
        );
    }
}

#[test]
fn without_slices_an_unknown_address_proves_nothing() {
    let objects = [
        plain_gateway(),
        http("r").rule(rule(vec![prefix("/")], "app")).object(),
        service("app"),
    ];
    let snapshot = snapshot(Profile::Generic, objects);
    let judgement = get("h", "/").judge_forward(&snapshot, "10.0.0.1");
    assert_eq!(judgement.verdict, Verdict::Inconclusive(Inconclusive::UnsupportedSpec));
}

#[test]
fn no_ready_endpoint_is_503() {
    let objects = [
        plain_gateway(),
        http("r").rule(rule(vec![prefix("/")], "app")).object(),
        service("app"),
        slice("app", &[]),
    ];
    let snapshot = snapshot(Profile::Generic, objects);
    let sent = get("h", "/");
    assert_eq!(verdict(&sent.judge_reply(&snapshot, 503, &[])), Verdict::Match);
    assert_eq!(
        verdict(&sent.judge_reply(&snapshot, 502, &[])),
        Verdict::Inconclusive(Inconclusive::ImplementationDefined)
    );
    assert_eq!(
        verdict(&sent.judge_reply(&snapshot, 404, &[])),
        Verdict::Mismatch(Mismatch::WrongStatus)
    );
}

#[test]
fn an_address_that_left_after_the_request_was_right() {
    let mut objects = Objects::new(None);
    let route = http("r").rule(rule(vec![prefix("/")], "app")).object();
    for object in [
        plain_gateway(),
        route,
        service("app"),
        slice("app", &["10.0.0.1", "10.0.0.2"]),
    ] {
        objects.apply(object, 0);
    }
    objects.apply(slice("app", &["10.0.0.1"]), 2_000);
    // The observation is made at 1,000.
    assert_eq!(
        verdict(&get("h", "/").judge_forward(&objects.snapshot(), "10.0.0.2")),
        Verdict::Match
    );
    objects.apply(slice("app", &["10.0.0.1", "10.0.0.2"]), 3_000);
    objects.apply(slice("app", &["10.0.0.1"]), 900);
    let stale = get("h", "/").judge_forward(&objects.snapshot(), "10.0.0.2");
    assert_eq!(stale.verdict, Verdict::Mismatch(Mismatch::StaleEndpoint));
}

#[test]
fn what_filters_can_turn_a_request_into() {
    let snapshot = rewriting();
    let gateway = name("ns/gw");
    let becomes =
        |one: &Sent, other: &Sent| one.with(|one| other.with(|other| may_become(&snapshot, &gateway, 80, one, other)));
    let client = get("old.test", "/a/x?q=1");
    for forwarded in [
        get("old.test", "/a/x?q=1"),
        get("new.test", "/b/x?q=1"),
        get("old.test:80", "/b/x?q=1"),
        get("app.ns.svc.cluster.local", "/a/x?q=1"),
        get("10.0.0.1:8080", "/a/x?q=1"),
    ] {
        assert!(becomes(&client, &forwarded), "{forwarded:?}");
    }
    for other in [
        get("third.test", "/a/x?q=1"),
        get("old.test", "/b/y?q=1"),
        get("old.test", "/b/x?q=2"),
        get("old.test", "/c/x?q=1"),
        get("old.test", "/a/x?q=1").method("POST"),
    ] {
        assert!(!becomes(&client, &other), "{other:?}");
    }
    assert!(becomes(&get("h", "/a"), &get("h", "/b")));
    assert!(becomes(&get("h", "/a/../a//x"), &get("h", "/a/x")));
}

#[test]
fn equal_for_routing_looks_at_what_rules_look_at() {
    let one = prefix("/").header("x-a", "1").query("v", "1");
    let snapshot = world(rule(vec![one], "app"), &["app"]);
    let gateway = name("ns/gw");
    let equal = |one: &Sent, other: &Sent| {
        one.with(|one| other.with(|other| equal_for_routing(&snapshot, &gateway, 80, one, other)))
    };
    let sent = get("h", "/p?v=1&id=7").header("x-a", "1").header("x-id", "7");
    assert!(equal(
        &sent,
        &get("h", "/p?v=1&id=8").header("x-a", "1").header("x-id", "8")
    ));
    assert!(!equal(
        &sent,
        &get("h", "/p?v=2&id=7").header("x-a", "1").header("x-id", "7")
    ));
    assert!(!equal(
        &sent,
        &get("h", "/p?v=1&id=7").header("x-a", "2").header("x-id", "7")
    ));
    assert!(!equal(
        &sent,
        &get("other", "/p?v=1&id=7").header("x-a", "1").header("x-id", "7")
    ));
}

/// The judgement of one upstream call, without the client's side.
fn upstream_alone(snapshot: &Snapshot, sent: &Sent, address: &str) -> Verdict {
    let arrival = Arrival::at_gateway(&name("ns/gw"), 80, WireProtocol::Http);
    sent.with(|sent| {
        verdict(&judge_upstream(
            snapshot,
            &arrival,
            &attempt(address, Some(*sent), Purpose::Forward),
            1_000,
        ))
    })
}

#[test]
fn the_upstream_alone_settles_what_no_rule_can_have_rewritten() {
    let route = http("r")
        .rule(rule(vec![prefix("/a")], "app"))
        .rule(rule(vec![prefix("/")], "other"));
    let objects = services(&["app", "other"])
        .into_iter()
        .chain([plain_gateway(), route.object()]);
    let plain = snapshot(Profile::Generic, objects);
    let open = Verdict::Inconclusive(Inconclusive::Unpaired);
    assert_eq!(
        upstream_alone(&plain, &get("h.test", "/a/x"), "10.0.0.1"),
        Verdict::Match
    );
    assert_eq!(
        upstream_alone(&plain, &get("h.test", "/a/x"), "10.0.0.2"),
        Verdict::Mismatch(Mismatch::WrongBackend)
    );
    // The gateway may have put the backend's own name in place of the host.
    assert_eq!(upstream_alone(&plain, &get("app.ns", "/a/x"), "10.0.0.2"), open);
    // Another request may have been rewritten to this one.
    let rewriting = rewriting();
    assert_eq!(upstream_alone(&rewriting, &get("h.test", "/b/x"), "10.0.0.1"), open);
    assert_eq!(upstream_alone(&rewriting, &get("new.test", "/z"), "10.0.0.1"), open);
}

/// A proxy may have taken a header away, or added one: then the request that came was another.
#[test]
fn the_upstream_alone_accuses_nobody_because_of_a_header() {
    let route = http("r")
        .rule(rule(vec![prefix("/").header("x-env", "canary")], "canary"))
        .rule(rule(vec![prefix("/a")], "app"))
        .rule(rule(vec![prefix("/")], "other"));
    let objects = services(&["app", "canary", "other", "stranger"])
        .into_iter()
        .chain([plain_gateway(), route.object()]);
    let specs = snapshot(Profile::Generic, objects);
    let open = Verdict::Inconclusive(Inconclusive::Unpaired);
    let wrong = Verdict::Mismatch(Mismatch::WrongBackend);
    let plain = get("h.test", "/x");
    assert_eq!(upstream_alone(&specs, &plain, "10.0.0.3"), Verdict::Match);
    assert_eq!(
        upstream_alone(&specs, &plain, "10.0.0.2"),
        open,
        "with the header it was right"
    );
    assert_eq!(
        upstream_alone(&specs, &plain, "10.0.0.4"),
        wrong,
        "no header explains it"
    );
    let marked = get("h.test", "/x").header("x-env", "canary");
    assert_eq!(upstream_alone(&specs, &marked, "10.0.0.2"), Verdict::Match);
    assert_eq!(
        upstream_alone(&specs, &marked, "10.0.0.3"),
        open,
        "without the header it was right"
    );
    assert_eq!(
        upstream_alone(&specs, &marked, "10.0.0.1"),
        wrong,
        "no header makes it /a"
    );
}

/// An authorization service that the specs do not mention says no, and the gateway passes it on.
#[test]
fn a_refusal_by_a_service_that_no_rule_leads_to_is_left_open() {
    let route = http("r")
        .rule(rule(vec![prefix("/a")], "app"))
        .rule(rule(vec![prefix("/")], "other"));
    let objects = services(&["app", "other", "stranger"])
        .into_iter()
        .chain([plain_gateway(), route.object()]);
    let specs = snapshot(Profile::Generic, objects);
    let sent = get("h.test", "/a");
    let judged = |address: &str, status: u16| {
        let response = Response {
            status,
            origin: Origin::Upstream,
            headers: &[],
        };
        sent.with(|request| {
            let attempts = [Attempt {
                status: Some(status),
                ..attempt(address, Some(*request), Purpose::Forward)
            }];
            let observation = Observation {
                attempts: &attempts,
                response: Some(response),
                at: 1_000,
            };
            verdict(&judge(&specs, &sent.decide(&specs), request, &observation))
        })
    };
    let wrong = Verdict::Mismatch(Mismatch::WrongBackend);
    let open = Verdict::Inconclusive(Inconclusive::GatewayReply);
    assert_eq!([judged("10.0.0.3", 403), judged("10.0.0.3", 302)], [open, open]);
    assert_eq!([judged("10.0.0.3", 200), judged("10.0.0.3", 404)], [wrong, wrong]);
    assert_eq!(judged("10.0.0.2", 403), wrong, "a rule leads there");
}
