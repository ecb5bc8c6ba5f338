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

/// `even` with a change.
fn with(change: impl FnOnce(&mut Summary)) -> Summary {
    let mut summary = even();
    change(&mut summary);
    summary
}

/// Each is as good as can be in every line after the one it is named after.
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
    with(|one| one.matched = 0)
}

/// A better line must win against the best of everything that comes after it.
fn wins(better: &Summary, worse: &Summary, by: &str) {
    assert!(better < worse, "{better:?} must win against {worse:?}");
    assert_eq!(better.decided_by(worse), Some(by));
}

fn best_path(hostname: HostRank) -> Summary {
    Summary {
        hostname,
        path: PathRank::Exact,
        ..best_after_path()
    }
}

#[test]
fn characters_in_a_matching_non_wildcard_hostname() {
    let exact = HostRank::of(Some(&"a.b".into()));
    let wildcard = HostRank::of(Some(&"*.long.example.com".into()));
    wins(&with(|one| one.hostname = exact), &best_path(wildcard), "hostname");
}

#[test]
fn characters_in_a_matching_hostname() {
    let long = HostRank::of(Some(&"*.b.com".into()));
    let short = HostRank::of(Some(&"*.com".into()));
    wins(&with(|one| one.hostname = long), &best_path(short), "hostname");
    wins(&with(|one| one.hostname = short), &best_path(HostRank::Any), "hostname");
}

#[test]
fn exact_path() {
    let prefix = Summary {
        path: PathRank::Prefix(Reverse(1000)),
        ..best_after_path()
    };
    wins(&with(|one| one.path = PathRank::Exact), &prefix, "path");
}

#[test]
fn longest_prefix() {
    let short = Summary {
        path: PathRank::Prefix(Reverse(3)),
        ..best_after_path()
    };
    wins(&even(), &short, "path");
}

#[test]
fn method_outranks_header_count() {
    wins(&with(|one| one.method = Reverse(true)), &best_after_method(), "method");
}

#[test]
fn more_header_matches() {
    wins(&with(|one| one.headers = Reverse(1)), &best_after_headers(), "headers");
}

#[test]
fn more_query_matches() {
    wins(&with(|one| one.query = Reverse(1)), &best_after_query(), "query");
}

#[test]
fn oldest_route() {
    wins(&with(|one| one.created = 99), &best_after_age(), "age");
}

#[test]
fn first_by_namespace_and_name() {
    wins(&with(|one| one.route = name("ns", "aa")), &best_after_name(), "name");
}

#[test]
fn names_are_compared_as_one_text() {
    // '-' sorts before '/', so "a-b/x" comes before "a/x".
    assert!(name("a-b", "x") < name("a", "x"));
}

#[test]
fn first_rule() {
    wins(&with(|one| one.rule = 0), &best_after_rule(), "rule_order");
}

#[test]
fn first_match_of_the_rule() {
    wins(&with(|one| one.matched = 0), &even(), "match_order");
}

#[test]
fn grpc_service_then_method_then_headers() {
    let grpc = |service, method| PathRank::Grpc(Reverse(service), Reverse(method));
    let best = |path| Summary {
        path,
        ..best_after_path()
    };
    wins(&with(|one| one.path = grpc(9, 0)), &best(grpc(8, 99)), "path");
    wins(&with(|one| one.path = grpc(9, 2)), &best(grpc(9, 1)), "path");
}
