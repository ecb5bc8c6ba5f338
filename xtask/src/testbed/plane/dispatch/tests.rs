use super::*;
use crate::testbed::rule::{exact, prefix, route};

#[test]
fn exact_hosts_come_before_wildcards_and_those_before_all_others() {
    let routes = [
        route("any", vec![prefix("/").to("a"), prefix("/b").to("b")]),
        route("short", vec![prefix("/").to("a")]).host("*.example.com"),
        route("long", vec![prefix("/").to("a")]).host("*.api.example.com"),
        route("exact", vec![prefix("/").to("a")]).host("x.com").host("y.com"),
        route("more", vec![prefix("/").to("a")]).host("x.com"),
    ];
    let found: Vec<String> = hosts(&routes)
        .into_iter()
        .map(|host| {
            let rules: Vec<String> = host.rules.into_iter().map(|(name, _)| name).collect();
            format!("{}: {}", host.name.unwrap_or("others"), rules.join(" "))
        })
        .collect();
    assert_eq!(
        found,
        [
            "x.com: exact-0 more-0",
            "y.com: exact-0",
            "*.api.example.com: long-0",
            "*.example.com: short-0",
            "others: any-0 any-1",
        ]
    );
}

#[test]
fn patterns_match_whole_elements() {
    assert_eq!(path_pattern(&prefix("/")), "^(/|$)");
    assert_eq!(path_pattern(&prefix("/v1.0/")), r"^/v1\.0(/|$)");
    assert_eq!(path_pattern(&exact("/a+b")), r"^/a\+b$");
}

#[test]
fn prefixes_are_replaced_as_the_spec_has_it() {
    let pair = |pattern: &str, before: &str| (pattern.to_owned(), before.to_owned());
    assert_eq!(replace_prefix(&prefix("/shop"), "/"), pair("^/shop/*(.*)$", "/"));
    assert_eq!(replace_prefix(&prefix("/shop/"), "/in/"), pair("^/shop(.*)$", "/in"));
}
