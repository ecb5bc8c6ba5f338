//! Weights, features, regular expressions, headers.

use super::build::{at, class, exact, gateway, regex, route, rule, service};
use super::{finds, passes};
use crate::lint::Code;
use crate::model::{AppProtocol, Filter, Match, Object, PathMatch, Redirect, Route, Rule, ValueMatch};

fn with(route: Route) -> Vec<Object> {
    vec![
        class(&[]).into(),
        gateway().into(),
        service("shop", "cart", 80).into(),
        service("shop", "new", 80).into(),
        route.into(),
    ]
}

fn split(weights: &[(&str, u32)]) -> Vec<Object> {
    let rule = weights
        .iter()
        .fold(rule("/"), |rule, (name, weight)| rule.weighted(name, 80, *weight));
    with(route("shop", "r").rule(rule))
}

const BACKENDS: &str = "HTTPRoute shop/r spec.rules[0].backendRefs";

#[test]
fn weights_that_are_all_zero() {
    finds(Code::WeightsAllZero, &split(&[("cart", 0), ("new", 0)]), BACKENDS);
    finds(Code::WeightsAllZero, &split(&[("cart", 0)]), BACKENDS);
    passes(Code::WeightsAllZero, &split(&[("cart", 1), ("new", 0)]));
}

#[test]
fn the_weight_of_an_only_backend() {
    finds(Code::WeightWithoutEffect, &split(&[("cart", 90)]), BACKENDS);
    passes(Code::WeightWithoutEffect, &split(&[("cart", 1)]));
    passes(Code::WeightWithoutEffect, &split(&[("cart", 90), ("new", 10)]));
}

#[test]
fn weights_that_nearly_are_percentages() {
    finds(Code::WeightsSum, &split(&[("cart", 90), ("new", 20)]), BACKENDS);
    passes(Code::WeightsSum, &split(&[("cart", 90), ("new", 10)]));
    passes(Code::WeightsSum, &split(&[("cart", 9), ("new", 2)]));
}

#[test]
fn a_backend_twice() {
    finds(
        Code::BackendRepeated,
        &split(&[("cart", 1), ("cart", 1)]),
        "HTTPRoute shop/r spec.rules[0].backendRefs[1]",
    );
    passes(Code::BackendRepeated, &split(&[("cart", 1), ("new", 1)]));
}

#[test]
fn a_feature_that_the_class_does_not_list() {
    let on = |features: &[&str]| {
        let mut objects =
            with(route("shop", "r").rule(Rule::default().or(Match::default().method("GET")).to("cart", 80)));
        objects[0] = class(features).into();
        objects
    };
    let place = "HTTPRoute shop/r spec.rules[0].matches[0].method";
    finds(Code::FeatureNotSupported, &on(&["HTTPRoute"]), place);
    passes(
        Code::FeatureNotSupported,
        &on(&["HTTPRoute", "HTTPRouteMethodMatching"]),
    );
    // A class that lists nothing says nothing.
    passes(Code::FeatureNotSupported, &on(&[]));
}

/// Every feature of HTTPRoute that a field asks for, by the field.
#[test]
fn features_of_fields() {
    let redirect = |change: fn(&mut Redirect)| {
        let mut redirect = Redirect {
            scheme: None,
            hostname: None,
            path: None,
            port: None,
            status: 302,
        };
        change(&mut redirect);
        rule("/").filter(Filter::Redirect(redirect))
    };
    let cases: [(Rule, &str); 6] = [
        (redirect(|own| own.status = 308), "requestRedirect.statusCode"),
        (redirect(|own| own.port = Some(8443)), "requestRedirect.port"),
        (
            redirect(|own| own.scheme = Some("https".into())),
            "requestRedirect.scheme",
        ),
        (
            rule("/")
                .to("cart", 80)
                .filter(Filter::Cors(crate::model::Cors::default())),
            "filters[0]",
        ),
        (
            Rule {
                name: Some("n".into()),
                ..rule("/").to("cart", 80)
            },
            "rules[0].name",
        ),
        (
            Rule::default()
                .or(Match::default().parameter(exact("a", "1")))
                .to("cart", 80),
            "matches[0].queryParams",
        ),
    ];
    for (rule, field) in cases {
        let mut objects = with(route("shop", "r").rule(rule));
        objects[0] = class(&["HTTPRoute"]).into();
        let found = super::found(Code::FeatureNotSupported, &objects);
        assert!(
            matches!(&found[..], [one] if one.ends_with(field)),
            "{field}: {found:?}"
        );
    }
}

#[test]
fn the_protocol_of_a_backend_is_a_feature() {
    let mut objects = with(route("shop", "r").rule(rule("/").to("cart", 80)));
    objects[0] = class(&["HTTPRoute"]).into();
    passes(Code::FeatureNotSupported, &objects);
    let mut h2c = service("shop", "cart", 80);
    h2c.ports[0].app_protocol = Some(AppProtocol::H2c);
    objects[2] = h2c.into();
    finds(
        Code::FeatureNotSupported,
        &objects,
        "HTTPRoute shop/r spec.rules[0].backendRefs[0]",
    );
}

/// Codes of findings about regular expressions on the path.
fn path(source: &str) -> Vec<Object> {
    with(route("shop", "r").matching(at(PathMatch::Regex(source.into()))))
}

fn header(header: ValueMatch) -> Vec<Object> {
    with(route("shop", "r").matching(Match::default().header(header)))
}

const PATH: &str = "HTTPRoute shop/r spec.rules[0].matches[0].path";
const HEADER: &str = "HTTPRoute shop/r spec.rules[0].matches[0].headers[0]";

#[test]
fn expressions_on_paths() {
    // Expression, the code that it must have, one that is near and must not have it.
    let cases = [
        ("/a(", Code::RegexInvalid, "/a[(]"),
        ("/a[", Code::RegexInvalid, r"/a\["),
        ("/(?=a)a.+b", Code::RegexDialect, "/(?:a)a.+b"),
        (r"/(a)\1", Code::RegexDialect, "/(a)a"),
        ("/a*+b", Code::RegexDialect, "/a*b+"),
        (r"/\Qa.b\E", Code::RegexDialect, r"/a\.b[0-9]"),
        ("foo.+", Code::RegexNeverMatches, ".*foo.+"),
        (r"/a\?b=[0-9]+", Code::RegexNeverMatches, "/a?b=[0-9]+"),
        ("(foo|bar)/.+", Code::RegexNeverMatches, "(/foo|bar)/.+"),
        ("/foo", Code::RegexUnanchored, "/fo+"),
        ("^/foo[0-9]", Code::RegexUnanchored, "^/foo[0-9]$"),
        ("/foo/.*", Code::RegexNeedless, "/foo/[0-9].*"),
        ("/foo(/.*)?", Code::RegexNeedless, "/fo+(/.*)?"),
    ];
    for (bad, code, good) in cases {
        assert_eq!(super::found(code, &path(bad)), [PATH], "{bad}");
        assert_eq!(super::found(code, &path(good)), [""; 0], "{good}");
    }
}

#[test]
fn expressions_on_headers() {
    let cases = [
        ("canary", Code::RegexUnanchored, ".*canary"),
        ("^canary", Code::RegexUnanchored, "^canary.*"),
        ("canary$", Code::RegexUnanchored, "^canary[0-9]$"),
        (".*canary.*", Code::HeaderContains, "canary-.*"),
        (r"(?<!x)y", Code::RegexDialect, r"x[^y]y"),
        (r"\p{Nope}", Code::RegexInvalid, r"\p{Greek}+"),
    ];
    for (bad, code, good) in cases {
        assert_eq!(super::found(code, &header(regex("x-env", bad))), [HEADER], "{bad}");
        assert_eq!(super::found(code, &header(regex("x-env", good))), [""; 0], "{good}");
    }
}

#[test]
fn a_header_twice() {
    let twice = |second: &str| {
        let one = Match::default().header(exact("x-env", "a")).header(exact(second, "b"));
        with(route("shop", "r").matching(one))
    };
    finds(
        Code::HeaderRepeated,
        &twice("x-env"),
        "HTTPRoute shop/r spec.rules[0].matches[0].headers[1]",
    );
    passes(Code::HeaderRepeated, &twice("x-envoy"));
}

#[test]
fn a_parameter_twice() {
    let twice = |second: &str| {
        let one = Match::default()
            .parameter(exact("v", "a"))
            .parameter(exact(second, "b"));
        with(route("shop", "r").matching(one))
    };
    finds(
        Code::QueryRepeated,
        &twice("v"),
        "HTTPRoute shop/r spec.rules[0].matches[0].queryParams[1]",
    );
    // Names of parameters are case-sensitive.
    passes(Code::QueryRepeated, &twice("V"));
}

#[test]
fn habits_of_annotations() {
    let cases = [
        (
            exact("x-env", "a,b"),
            Code::HeaderList,
            exact("accept-language", "en,de"),
        ),
        (exact("x-env", "a|b"), Code::HeaderList, exact("x-env", "a;b")),
        (
            exact("cookie", "canary=1"),
            Code::HeaderCookie,
            regex("cookie", "(.*; )?canary=1(;.*)?"),
        ),
        (
            exact("host", "shop.test"),
            Code::HeaderPseudo,
            exact("x-host", "shop.test"),
        ),
        (exact(":path", "/"), Code::HeaderPseudo, exact("path", "/")),
    ];
    for (bad, code, good) in cases {
        assert_eq!(super::found(code, &header(bad.clone())), [HEADER], "{bad:?}");
        assert_eq!(super::found(code, &header(good.clone())), [""; 0], "{good:?}");
    }
}
