//! Shadowed, identical and oddly ordered matches; hostnames of tenants.

use super::build::{at, class, controlled_by, exact, gateway, listener, meta, parent, regex, route, rule, service};
use super::{finds, found, passes, severity};
use crate::RouteKind;
use crate::lint::{Code, Severity};
use crate::model::{Match, Object, PathMatch, Route, Rule};

/// The Gateway, a Service `cart`, and these routes.
fn with(routes: Vec<Route>) -> Vec<Object> {
    with_class(class(&[]), routes)
}

fn with_class(class: crate::model::GatewayClass, routes: Vec<Route>) -> Vec<Object> {
    let mut objects = vec![
        class.into(),
        gateway().into(),
        service("shop", "cart", 80).into(),
        service("shop", "new", 80).into(),
    ];
    objects.extend(routes.into_iter().map(Object::from));
    objects
}

fn prefix(path: &str) -> Match {
    at(PathMatch::Prefix(path.into()))
}

fn to_new(one: Match) -> Rule {
    Rule::default().or(one).to("new", 80)
}

#[test]
fn a_second_rule_with_the_same_match_is_shadowed() {
    let twice = |second: Match| with(vec![route("shop", "r").matching(prefix("/a")).rule(to_new(second))]);
    finds(
        Code::ShadowedRule,
        &twice(prefix("/a")),
        "HTTPRoute shop/r spec.rules[1]",
    );
    finds(
        Code::ShadowedRule,
        &twice(prefix("/a/")),
        "HTTPRoute shop/r spec.rules[1]",
    );
    passes(Code::ShadowedRule, &twice(prefix("/a/b")));
    passes(Code::ShadowedRule, &twice(at(PathMatch::Exact("/a".into()))));
    passes(Code::ShadowedRule, &twice(prefix("/a").method("GET")));
}

#[test]
fn the_order_of_headers_and_repeats_do_not_matter() {
    let one = prefix("/").header(exact("a", "1")).header(exact("b", "2"));
    let same = prefix("/")
        .header(exact("b", "2"))
        .header(exact("a", "1"))
        .header(exact("a", "9"));
    let other = prefix("/")
        .header(exact("b", "2"))
        .header(exact("a", "9"))
        .header(exact("a", "1"));
    let twice = |second: &Match| {
        with(vec![
            route("shop", "r").matching(one.clone()).rule(to_new(second.clone())),
        ])
    };
    finds(Code::ShadowedRule, &twice(&same), "HTTPRoute shop/r spec.rules[1]");
    passes(Code::ShadowedRule, &twice(&other));
}

#[test]
fn an_expression_that_covers_an_exact_value_shadows_it() {
    let twice = |source: &str| {
        let first = prefix("/").header(regex("x", source));
        with(vec![
            route("shop", "r")
                .matching(first)
                .rule(to_new(prefix("/").header(exact("x", "canary")))),
        ])
    };
    finds(
        Code::ShadowedRule,
        &twice("canary|beta"),
        "HTTPRoute shop/r spec.rules[1]",
    );
    passes(Code::ShadowedRule, &twice("canary-.*"));
    // Without a dialect it is not known whether the gateway takes look-around.
    passes(Code::ShadowedRule, &twice("(?=c)canary"));
}

#[test]
fn one_match_of_several_is_told_alone() {
    let second = to_new(prefix("/a")).or(prefix("/b"));
    let objects = with(vec![route("shop", "r").matching(prefix("/a")).rule(second)]);
    finds(
        Code::ShadowedMatch,
        &objects,
        "HTTPRoute shop/r spec.rules[1].matches[0]",
    );
    passes(Code::ShadowedRule, &objects);
    let both = to_new(prefix("/a")).or(prefix("/a"));
    passes(
        Code::ShadowedMatch,
        &with(vec![route("shop", "r").matching(prefix("/a")).rule(both)]),
    );
}

#[test]
fn a_rule_beaten_on_one_listener_only_is_not_shadowed() {
    let mut two = gateway();
    two.listeners = vec![listener("a", 80, Some("a.test")), listener("b", 80, Some("b.test"))];
    let mut objects = with(vec![]);
    objects[1] = two.into();
    let mut older = route("shop", "older").matching(prefix("/")).created(1);
    older.parents[0].section = Some("a".into());
    objects.push(older.clone().into());
    objects.push(route("shop", "younger").rule(to_new(prefix("/"))).into());
    finds(
        Code::IdenticalMatch,
        &objects,
        "HTTPRoute shop/younger spec.rules[0].matches[0]",
    );
    passes(Code::ShadowedRule, &objects);
    older.parents.push(parent());
    objects.push(older.into());
    finds(Code::ShadowedRule, &objects, "HTTPRoute shop/younger spec.rules[0]");
}

#[test]
fn nothing_is_shadowed_where_a_parent_is_not_given() {
    let mut younger = route("shop", "younger").rule(to_new(prefix("/")));
    younger.parents.push(parent());
    younger.parents[1].target.kind = "Elsewhere".into();
    let objects = with(vec![route("shop", "older").matching(prefix("/")).created(1), younger]);
    passes(Code::ShadowedRule, &objects);
    finds(
        Code::IdenticalMatch,
        &objects,
        "HTTPRoute shop/younger spec.rules[0].matches[0]",
    );
}

#[test]
fn a_field_that_is_not_understood_may_be_a_condition() {
    let mut twice = route("shop", "r").matching(prefix("/a")).rule(to_new(prefix("/a")));
    twice.meta.unknown = vec!["spec.rules.1.matches.0.cookies".to_owned()];
    let objects = with(vec![twice]);
    passes(Code::ShadowedRule, &objects);
    finds(
        Code::FieldUnknown,
        &objects,
        "HTTPRoute shop/r spec.rules[1].matches[0].cookies",
    );
}

#[test]
fn identical_matches_of_two_routes_and_who_wins() {
    let pair = |age: i64, path: &str| {
        with(vec![
            route("shop", "a").matching(prefix("/x")),
            route("shop", "b").rule(to_new(prefix(path))).created(age),
        ])
    };
    finds(
        Code::IdenticalMatch,
        &pair(1, "/x"),
        "HTTPRoute shop/a spec.rules[0].matches[0]",
    );
    finds(
        Code::IdenticalMatch,
        &pair(100, "/x"),
        "HTTPRoute shop/b spec.rules[0].matches[0]",
    );
    passes(Code::IdenticalMatch, &pair(100, "/y"));
}

#[test]
fn identical_matches_that_lead_to_the_same_are_harmless() {
    let pair = |second: Rule| {
        with(vec![
            route("shop", "a").matching(prefix("/x")),
            route("shop", "b").rule(second),
        ])
    };
    assert_eq!(
        severity(Code::IdenticalMatch, &pair(rule("/x").to("cart", 80))),
        Severity::Info
    );
    assert_eq!(
        severity(Code::IdenticalMatch, &pair(rule("/x").to("new", 80))),
        Severity::Warning
    );
}

#[test]
fn of_two_tcp_routes_the_first_gets_everything() {
    let mut objects = with(vec![]);
    let mut tcp = gateway();
    tcp.listeners[0].protocol = crate::model::Protocol::Tcp;
    objects[1] = tcp.into();
    let stream = |name: &str| {
        route("shop", name)
            .of_kind(RouteKind::Tcp)
            .rule(Rule::default().to("cart", 80))
    };
    objects.push(stream("a").into());
    passes(Code::IdenticalMatch, &objects);
    objects.push(stream("b").into());
    finds(Code::IdenticalMatch, &objects, "TCPRoute shop/b spec");
}

/// A method against two headers: Envoy Gateway lets the headers win.
#[test]
fn a_method_against_two_headers_departs() {
    let pair = |headers: Match, controller: &str| {
        let class = controlled_by(controller, &[]);
        with_class(
            class,
            vec![
                route("shop", "r")
                    .matching(prefix("/").method("GET"))
                    .rule(to_new(headers)),
            ],
        )
    };
    let two = prefix("/").header(exact("a", "1")).header(exact("b", "1"));
    let one = prefix("/").header(exact("a", "1"));
    let envoy = "gateway.envoyproxy.io/gatewayclass-controller";
    let place = "HTTPRoute shop/r spec.rules[0].matches[0]";
    finds(Code::OrderDeparts, &pair(two.clone(), envoy), place);
    finds(Code::OrderDeparts, &pair(two.clone(), "example.com/unknown"), place);
    assert_eq!(
        severity(Code::OrderDeparts, &pair(two.clone(), envoy)),
        Severity::Warning
    );
    assert_eq!(
        severity(Code::OrderDeparts, &pair(two.clone(), "example.com/unknown")),
        Severity::Info
    );
    passes(Code::OrderDeparts, &pair(two.clone(), "istio.io/gateway-controller"));
    passes(Code::OrderDeparts, &pair(one, envoy));
    passes(Code::OrderDeparts, &pair(two.method("POST"), envoy));
}

/// `/a` + GET against `/a/b`: Traefik lets the shorter prefix win.
#[test]
fn a_longer_prefix_against_a_method_departs() {
    let pair = |short: Match| {
        let class = controlled_by("traefik.io/gateway-controller", &[]);
        with_class(
            class,
            vec![route("shop", "r").matching(prefix("/a/b")).rule(to_new(short))],
        )
    };
    let place = "HTTPRoute shop/r spec.rules[0].matches[0]";
    finds(Code::OrderDeparts, &pair(prefix("/a").method("GET")), place);
    finds(Code::OrderDeparts, &pair(prefix("/").header(exact("a", "1"))), place);
    passes(Code::OrderDeparts, &pair(prefix("/a")));
    passes(Code::OrderDeparts, &pair(prefix("/ab").method("GET")));
}

#[test]
fn ties_between_different_headers_depart() {
    let pair = |second: Match| {
        let first = prefix("/").header(exact("b", "1"));
        with_class(
            controlled_by("projectcontour.io/gateway-controller", &[]),
            vec![route("shop", "r").matching(first).rule(to_new(second))],
        )
    };
    finds(
        Code::OrderDeparts,
        &pair(prefix("/").header(exact("a", "1"))),
        "HTTPRoute shop/r spec.rules[0].matches[0]",
    );
    passes(Code::OrderDeparts, &pair(prefix("/").header(exact("b", "2"))));
}

#[test]
fn a_regular_expression_over_a_prefix_departs() {
    let pair = |path: &str| {
        with(vec![
            route("shop", "r")
                .matching(at(PathMatch::Regex("/a/[0-9]+".into())))
                .rule(to_new(prefix(path))),
        ])
    };
    assert_eq!(found(Code::OrderDeparts, &pair("/a")).len(), 1);
    passes(Code::OrderDeparts, &pair("/b"));
}

/// `*.host.test` + `/foo` beats `one.host.test` + `/` on Traefik.
#[test]
fn a_longer_path_on_a_wider_hostname_departs() {
    let pair = |wide: &str, path: &str| {
        let one = route("shop", "one").host("one.host.test").matching(prefix("/"));
        let other = route("shop", "wide").host(wide).rule(to_new(prefix(path)));
        with_class(controlled_by("traefik.io/gateway-controller", &[]), vec![one, other])
    };
    let place = "HTTPRoute shop/one spec.rules[0].matches[0]";
    finds(Code::OrderDeparts, &pair("*.host.test", "/foo"), place);
    finds(Code::OrderDeparts, &pair("*.test", "/foo"), place);
    passes(Code::OrderDeparts, &pair("*.other.test", "/foo"));
    passes(Code::OrderDeparts, &pair("*.host.test", "/"));
}

#[test]
fn a_prefix_that_only_text_shares() {
    let pair = |path: &str| {
        with(vec![
            route("shop", "r").matching(prefix("/v2")).rule(to_new(prefix(path))),
        ])
    };
    finds(
        Code::PrefixNotElement,
        &pair("/v2example"),
        "HTTPRoute shop/r spec.rules[0].matches[0].path",
    );
    passes(Code::PrefixNotElement, &pair("/v2/example"));
    passes(Code::PrefixNotElement, &pair("/"));
}

#[test]
fn tenants_that_share_a_hostname() {
    let pair = |namespace: &str, host: &str| {
        let own = route("shop", "own").host("shop.test").matching(prefix("/"));
        with(vec![own, route(namespace, "z").host(host).matching(prefix("/z"))])
    };
    finds(
        Code::TenantHostname,
        &pair("tenant", "shop.test"),
        "HTTPRoute tenant/z spec.hostnames[0]",
    );
    passes(Code::TenantHostname, &pair("shop", "shop.test"));
    passes(Code::TenantHostname, &pair("tenant", "other.test"));
}

#[test]
fn a_tenant_that_takes_a_host_out_of_a_wildcard() {
    let pair = |wide: &str| {
        with(vec![
            route("shop", "wide").host(wide).matching(prefix("/")),
            route("tenant", "one").host("a.shop.test").matching(prefix("/")),
        ])
    };
    finds(
        Code::TenantHostname,
        &pair("*.shop.test"),
        "HTTPRoute tenant/one spec.hostnames[0]",
    );
    assert_eq!(severity(Code::TenantHostname, &pair("*.shop.test")), Severity::Info);
    passes(Code::TenantHostname, &pair("*.other.test"));
}

#[test]
fn http_and_grpc_on_one_hostname() {
    let pair = |host: &str| {
        let grpc = Route {
            meta: meta("shop", "g"),
            ..route("shop", "g")
        };
        let grpc = grpc
            .of_kind(RouteKind::Grpc)
            .host(host)
            .rule(Rule::default().or(Match::default()).to("cart", 80));
        with(vec![
            route("shop", "h").host("shop.test").matching(prefix("/")).created(1),
            grpc,
        ])
    };
    finds(
        Code::RouteKindConflict,
        &pair("shop.test"),
        "GRPCRoute shop/g spec.parentRefs[0]",
    );
    passes(Code::RouteKindConflict, &pair("grpc.test"));
}
