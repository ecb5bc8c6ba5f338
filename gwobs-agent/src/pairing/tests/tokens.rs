//! Which values are evidence, and of which kind.

use std::net::SocketAddr;

use super::script::{Paths, half, head};
use crate::event::{Role, Timestamp};
use crate::exchange::{Half, Stamp};
use crate::finished::Evidence;
use crate::pairing::tokens::{Token, of_request};

const LONG: &str = "0123456789abcdef-0123456789abcdef";

/// A request that was forwarded.
fn sent(path: &str, headers: &[(&str, &str)]) -> Half {
    let stamp = Stamp {
        time: Timestamp(1),
        order: 1,
        tid: 1,
        thread_order: 1,
    };
    let peer = SocketAddr::from(([10, 0, 0, 1], 80));
    half(1, Role::Connected, stamp, 1, peer, Some(head(path, headers)))
}

fn tokens(path: &str, headers: &[(&str, &str)]) -> Vec<Token> {
    of_request(&sent(path, headers), &Paths::default())
}

/// How many tokens two forwarded requests have in common.
fn shared(one: &str, other: &str) -> usize {
    let other = tokens(other, &[]);
    tokens(one, &[]).iter().filter(|token| other.contains(token)).count()
}

#[test]
fn only_ids_of_single_requests_stand_against_what_nobody_saw() {
    let trace = format!("00-{}-0123456789abcdef-01", "0af7651916cd43dd8448eb211c80319c");
    for (name, value, kind, strong) in [
        ("x-request-id", LONG, Evidence::Id, true),
        ("x-client-request-id", LONG, Evidence::Id, true),
        ("request-id", LONG, Evidence::Id, true),
        ("x-req-id", LONG, Evidence::Id, true),
        ("x-request-id", "17", Evidence::Id, false),
        ("traceparent", &trace, Evidence::Header, false),
        ("x-b3-traceid", LONG, Evidence::Header, false),
        ("x-correlation-id", LONG, Evidence::Header, false),
        ("x-session-id", LONG, Evidence::Header, false),
        ("user-agent", LONG, Evidence::Header, false),
        ("cookie", LONG, Evidence::Header, false),
    ] {
        let found = tokens("/", &[(name, value)]);
        let [token] = found[..] else {
            panic!("{name}: {found:?}")
        };
        assert_eq!((token.kind, token.strong), (kind, strong), "{name}");
    }
}

#[test]
fn what_proxies_or_filters_touch_is_no_evidence() {
    for name in ["x-envoy-attempt-count", "via", "x-set-by-filter"] {
        assert_eq!(tokens("/", &[(name, LONG)]), [], "{name}");
    }
}

/// The whole query, and each of its parameters.
#[test]
fn queries_outlive_a_rewrite_of_the_path() {
    assert_eq!(shared("/a/x?page=1&size=9", "/x?page=1&size=9"), 3);
    assert_eq!(shared("/x?page=1&size=9", "/x?page=2&size=9"), 1);
    assert_eq!(shared("/x?page=1", "/x?page=2"), 0);
    assert_eq!(tokens("/x?", &[]), []);
}

#[test]
fn a_query_of_many_parameters_is_bounded() {
    let query: Vec<String> = (0..10_000).map(|number| format!("p{number}=1")).collect();
    assert!(tokens(&format!("/x?{}", query.join("&")), &[]).len() <= 33);
}
