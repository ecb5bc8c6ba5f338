use super::*;

fn name(namespace: &str, name: &str) -> FullName {
    FullName(ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    })
}

/// A summary that ties with itself in everything but what a test changes.
fn even() -> Summary {
    Summary {
        hostname: HostRank::Any,
        path: PathRank::Prefix(Reverse(4)),
        method: Reverse(false),
        headers: Reverse(0),
        query: Reverse(0),
        created: 100,
        route: name("ns", "b"),
        rule: 1,
        matched: 1,
    }
}

/// The change of one line of the rule must win against everything that comes after that line.
fn wins(better: Summary, worse: Summary, by: &str) {
    assert!(better < worse, "{better:?} must win against {worse:?}");
    assert_eq!(better.decided_by(&worse), Some(by));
}

fn best_after_path() -> Summary {
    Summary {
        method: Reverse(true),
        ..best_after_method()
    }
}

fn best_after_method() -> Summary {
    Summary {
        headers: Reverse(16),
        ..best_after_headers()
    }
}

fn best_after_headers() -> Summary {
    Summary {
        query: Reverse(16),
        ..best_after_query()
    }
}

fn best_after_query() -> Summary {
    Summary {
        created: 1,
        ..best_after_age()
    }
}

fn best_after_age() -> Summary {
    Summary {
        route: name("ns", "a"),
        ..best_after_name()
    }
}

fn best_after_name() -> Summary {
    Summary {
        rule: 0,
        ..best_after_rule()
    }
}

fn best_after_rule() -> Summary {
    Summary { matched: 0, ..even() }
}

#[test]
fn characters_in_a_matching_non_wildcard_hostname() {
    let exact = HostRank::of(Some(&"a.b".into()));
    let wildcard = HostRank::of(Some(&"*.long.example.com".into()));
    let best = Summary {
        path: PathRank::Exact,
        ..best_after_path()
    };
    wins(
        Summary {
            hostname: exact,
            ..even()
        },
        Summary {
            hostname: wildcard,
            ..best
        },
        "hostname",
    );
}

#[test]
fn characters_in_a_matching_hostname() {
    let long = HostRank::of(Some(&"*.b.com".into()));
    let short = HostRank::of(Some(&"*.com".into()));
    let best = Summary {
        path: PathRank::Exact,
        ..best_after_path()
    };
    wins(
        Summary {
            hostname: long,
            ..even()
        },
        Summary {
            hostname: short,
            ..best.clone()
        },
        "hostname",
    );
    wins(
        Summary {
            hostname: short,
            ..even()
        },
        Summary {
            hostname: HostRank::Any,
            ..best
        },
        "hostname",
    );
}

#[test]
fn exact_path() {
    let prefix = Summary {
        path: PathRank::Prefix(Reverse(1000)),
        ..best_after_path()
    };
    wins(
        Summary {
            path: PathRank::Exact,
            ..even()
        },
        prefix,
        "path",
    );
}

#[test]
fn longest_prefix() {
    let short = Summary {
        path: PathRank::Prefix(Reverse(3)),
        ..best_after_path()
    };
    wins(even(), short, "path");
}

#[test]
fn method_outranks_header_count() {
    wins(
        Summary {
            method: Reverse(true),
            ..even()
        },
        best_after_method(),
        "method",
    );
}

#[test]
fn more_header_matches() {
    wins(
        Summary {
            headers: Reverse(1),
            ..even()
        },
        best_after_headers(),
        "headers",
    );
}

#[test]
fn more_query_matches() {
    wins(
        Summary {
            query: Reverse(1),
            ..even()
        },
        best_after_query(),
        "query",
    );
}

#[test]
fn oldest_route() {
    wins(Summary { created: 99, ..even() }, best_after_age(), "age");
}

#[test]
fn first_by_namespace_and_name() {
    wins(
        Summary {
            route: name("ns", "aa"),
            ..even()
        },
        best_after_name(),
        "name",
    );
}

#[test]
fn names_are_compared_as_one_text() {
    // '-' sorts before '/', so "a-b/x" comes before "a/x".
    assert!(name("a-b", "x") < name("a", "x"));
}

#[test]
fn first_rule() {
    wins(Summary { rule: 0, ..even() }, best_after_rule(), "rule_order");
}

#[test]
fn first_match_of_the_rule() {
    wins(Summary { matched: 0, ..even() }, even(), "match_order");
}

#[test]
fn grpc_service_then_method_then_headers() {
    let grpc = |service, method| PathRank::Grpc(Reverse(service), Reverse(method));
    wins(
        Summary {
            path: grpc(9, 0),
            ..even()
        },
        Summary {
            path: grpc(8, 99),
            ..best_after_path()
        },
        "path",
    );
    wins(
        Summary {
            path: grpc(9, 2),
            ..even()
        },
        Summary {
            path: grpc(9, 1),
            ..best_after_path()
        },
        "path",
    );
    wins(
        Summary {
            path: grpc(9, 2),
            headers: Reverse(1),
            ..even()
        },
        Summary {
            path: grpc(9, 2),
            ..best_after_headers()
        },
        "headers",
    );
}
