//! What is called shadowed must never win: random routes, random requests, the real decision.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::build::{at, exact, gateway, listener, regex, route, service};
use super::lint;
use crate::lint::Code;
use crate::model::{Match, Object, PathMatch, Route, Rule, ValueMatch};
use crate::{Arrival, HeaderField, ObjectName, Objects, Request, Snapshot, WireProtocol, decide};

fn condition(name: &'static str) -> impl Strategy<Value = ValueMatch> {
    prop_oneof![
        prop::sample::select(vec!["1", "2"]).prop_map(move |value| exact(name, value)),
        prop::sample::select(vec!["1|2", "[0-9]", "2.*"]).prop_map(move |value| regex(name, value)),
    ]
}

/// Few values, so that matches often coincide.
fn matches() -> impl Strategy<Value = Match> {
    let path = prop_oneof![
        4 => prop::sample::select(vec!["/", "/a", "/a/", "/a/b"]).prop_map(|path| PathMatch::Prefix(path.into())),
        2 => prop::sample::select(vec!["/a", "/a/b"]).prop_map(|path| PathMatch::Exact(path.into())),
        1 => prop::sample::select(vec!["/a.*", "/[ab]"]).prop_map(|path| PathMatch::Regex(path.into())),
    ];
    let method = prop::option::weighted(0.3, Just("GET"));
    let headers = prop::collection::vec(prop_oneof![condition("x"), condition("y")], 0..3);
    let query = prop::collection::vec(condition("q"), 0..2);
    (path, method, headers, query).prop_map(|(path, method, headers, query)| {
        let one = Match {
            headers,
            query,
            ..at(path)
        };
        method.into_iter().fold(one, Match::method)
    })
}

fn routes() -> impl Strategy<Value = Route> {
    let rules = prop::collection::vec(prop::collection::vec(matches(), 1..3), 1..4);
    let host = prop::option::of(prop::sample::select(vec!["a.test", "*.test", "b.test"]));
    let section = prop::option::weighted(0.3, prop::sample::select(vec!["all", "a"]));
    (0..3u8, 0..3i64, host, section, rules).prop_map(|(name, created, host, section, rules)| {
        let mut route = route("shop", &name.to_string()).created(created);
        route = host.into_iter().fold(route, Route::host);
        route.parents[0].section = section.map(Into::into);
        rules.into_iter().fold(route, |route, matches| {
            route.rule(
                Rule {
                    matches,
                    ..Rule::default()
                }
                .to("cart", 80),
            )
        })
    })
}

fn objects() -> impl Strategy<Value = Vec<Object>> {
    prop::collection::vec(routes(), 1..6).prop_map(|routes| {
        let mut gateway = gateway();
        gateway.listeners = vec![listener("all", 80, None), listener("a", 80, Some("a.test"))];
        let fixed = [gateway.into(), service("shop", "cart", 80).into()];
        fixed.into_iter().chain(routes.into_iter().map(Object::from)).collect()
    })
}

/// Host, path, method and headers of a request; values are those of the matches and one more.
type Sent = (
    &'static str,
    &'static str,
    &'static str,
    Vec<(&'static str, &'static str)>,
);

fn requests() -> impl Strategy<Value = Sent> {
    let host = prop::sample::select(vec!["a.test", "b.test", "c.test", "other"]);
    let path = prop::sample::select(vec![
        "/",
        "/a",
        "/a/b",
        "/a/b/c",
        "/ab",
        "/a?q=1",
        "/a/b?q=2&q=1",
        "/b?q=23",
    ]);
    let header = (
        prop::sample::select(vec!["x", "y"]),
        prop::sample::select(vec!["1", "2", "23"]),
    );
    (
        host,
        path,
        prop::sample::select(vec!["GET", "POST"]),
        prop::collection::vec(header, 0..4),
    )
}

/// The rules and matches that are said never to win: `route rule match`, all matches of a shadowed rule.
fn shadowed(objects: &[Object]) -> BTreeSet<String> {
    let findings = lint(objects)
        .into_iter()
        .filter(|one| matches!(one.code, Code::ShadowedRule | Code::ShadowedMatch));
    findings
        .map(|finding| format!("{} {}", finding.object.name, finding.field))
        .collect()
}

fn snapshot(objects: &[Object]) -> Arc<Snapshot> {
    let mut index = Objects::new(None);
    objects.iter().for_each(|object| index.apply(object.clone(), 0));
    index.snapshot()
}

/// The rule that wins a request and its match, as [`shadowed`] names them.
fn winner(snapshot: &Snapshot, (host, path, method, headers): &Sent) -> Option<(String, String)> {
    let headers: Vec<_> = headers
        .iter()
        .map(|&(name, value)| HeaderField { name, value })
        .collect();
    let request = Request {
        method,
        authority: Some(host),
        path: Some(path),
        headers: &headers,
        sni: None,
    };
    let gateway = ObjectName {
        namespace: "infra".into(),
        name: "gw".into(),
    };
    let route = decide(
        snapshot,
        &Arrival::at_gateway(&gateway, 80, WireProtocol::Http),
        &request,
    )
    .route?;
    let rule = format!("{} spec.rules[{}]", route.route, route.rule);
    Some((rule.clone(), format!("{rule}.matches[{}]", route.matched)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_shadowed_never_wins(objects in objects(), requests in prop::collection::vec(requests(), 1..40)) {
        let (shadowed, snapshot) = (shadowed(&objects), snapshot(&objects));
        for request in &requests {
            if let Some((rule, matched)) = winner(&snapshot, request) {
                prop_assert!(!shadowed.contains(&rule), "{rule} wins {request:?}");
                prop_assert!(!shadowed.contains(&matched), "{matched} wins {request:?}");
            }
        }
    }

    /// The same for two rules that differ in one header only, and every value that any of the conditions speaks of.
    #[test]
    fn expressions_shadow_only_what_they_cover(one in condition("x"), other in condition("x")) {
        let twice = route("shop", "r").matching(Match::default().header(one)).matching(Match::default().header(other));
        let objects = [gateway().into(), service("shop", "cart", 80).into(), twice.into()];
        let (shadowed, snapshot) = (shadowed(&objects), snapshot(&objects));
        for value in ["1", "2", "23", "3"] {
            if let Some((rule, _)) = winner(&snapshot, &("a.test", "/", "GET", vec![("x", value)])) {
                prop_assert!(!shadowed.contains(&rule), "{rule} wins {value}");
            }
        }
    }

    /// The other way round, as far as it holds: a match that is the same as an earlier one of its route is always told.
    #[test]
    fn repeats_within_a_route_are_told(one in matches(), other in matches()) {
        let twice = route("shop", "r").matching(one.clone()).matching(other).matching(one);
        let objects = [gateway().into(), service("shop", "cart", 80).into(), twice.into()];
        prop_assert!(shadowed(&objects).contains("shop/r spec.rules[2]"));
    }
}
