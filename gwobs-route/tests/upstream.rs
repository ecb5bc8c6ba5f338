//! The judgement of an upstream call alone, against every original that can be thought of.

mod support;

use std::sync::Arc;

use gwobs_route::model::*;
use gwobs_route::profile::Profile;
use gwobs_route::{Arrival, Purpose, Snapshot, Verdict, WireProtocol, judge_upstream, may_become};
use proptest::prelude::*;
use support::*;

const BACKENDS: [&str; 3] = ["one", "two", "three"];
/// Elements of paths: few, so that rewrites meet.
const PATHS: [&str; 8] = ["/", "/a", "/b", "/a/b", "/b/a", "/a/a", "/x", "/x/a"];

/// All paths of up to three elements, with and without a trailing slash.
fn all_paths() -> Vec<String> {
    let mut paths = vec![String::new()];
    let mut last = paths.clone();
    for _ in 0..3 {
        last = last
            .iter()
            .flat_map(|path| ["a", "b", "x"].map(|element| format!("{path}/{element}")))
            .collect();
        paths.extend(last.clone());
    }
    paths
        .iter()
        .flat_map(|path| [path.clone(), format!("{path}/")])
        .filter(|path| !path.is_empty())
        .collect()
}

fn rewriting(path: PathModifier) -> Filter {
    Filter::Rewrite(Rewrite {
        hostname: None,
        path: Some(path),
    })
}

/// A rule for a prefix or an exact path, that may rewrite the prefix or the whole path.
fn any_rule() -> impl Strategy<Value = Rule> {
    let path = || prop::sample::select(&PATHS[..]);
    (path(), path(), prop::sample::select(&BACKENDS[..]), 0..8u8).prop_map(|(from, to, backend, shape)| {
        let matches = vec![if shape == 0 { exact(from) } else { prefix(from) }];
        let filters = match shape {
            1..=4 => vec![rewriting(PathModifier::Prefix(to.into()))],
            5 => vec![rewriting(PathModifier::Full(to.into()))],
            _ => Vec::new(),
        };
        filtered(matches, filters, backend)
    })
}

fn world(rules: Vec<Rule>) -> Arc<Snapshot> {
    let route = rules.into_iter().fold(http("r"), RouteExt::rule);
    let objects = services(&BACKENDS).into_iter().chain([plain_gateway(), route.object()]);
    snapshot(Profile::Generic, objects)
}

/// The verdicts on all originals that can have become what was sent.
fn brute_force(snapshot: &Snapshot, sent: &Sent, address: &str) -> Vec<Verdict> {
    let may =
        |original: &Sent| original.with(|one| sent.with(|sent| may_become(snapshot, &name("ns/gw"), 80, one, sent)));
    let originals = all_paths().into_iter().map(|path| get("h.test", &path)).filter(may);
    originals
        .map(|original| original.judge_sent(snapshot, address, sent).verdict)
        .collect()
}

proptest! {
    #[test]
    fn it_says_nothing_that_any_original_contradicts(
        rules in prop::collection::vec(any_rule(), 1..5),
        sent in prop::sample::select(all_paths()),
        address in prop::sample::select(&["10.0.0.1", "10.0.0.2", "10.0.0.3"][..]),
    ) {
        let snapshot = world(rules);
        let sent = get("h.test", &sent);
        let arrival = Arrival::at_gateway(&name("ns/gw"), 80, WireProtocol::Http);
        let alone = sent.with(|request| {
            judge_upstream(&snapshot, &arrival, &attempt(address, Some(*request), Purpose::Forward), 1_000).verdict
        });
        let each = brute_force(&snapshot, &sent, address);
        prop_assert!(!each.is_empty(), "it may at least be its own original");
        match alone {
            Verdict::Inconclusive(_) => {}
            settled => prop_assert!(each.iter().all(|one| *one == settled), "{settled:?}, but {each:?}"),
        }
    }
}

/// A rule that strips its prefix no longer leaves everything open.
#[test]
fn prefixes_that_are_stripped_leave_a_finite_question() {
    let strip = |from: &str, to: &str| {
        filtered(
            vec![prefix(from)],
            vec![rewriting(PathModifier::Prefix("/".into()))],
            to,
        )
    };
    let snapshot = world(vec![
        strip("/a", "one"),
        strip("/b", "one"),
        rule(vec![prefix("/x")], "two"),
    ]);
    let arrival = Arrival::at_gateway(&name("ns/gw"), 80, WireProtocol::Http);
    let judged = |path: &str, address: &str| {
        get("h.test", path).with(|request| {
            judge_upstream(
                &snapshot,
                &arrival,
                &attempt(address, Some(*request), Purpose::Forward),
                1_000,
            )
            .verdict
        })
    };
    // `/x/1` may have come as it is, or as `/a/x/1` or `/b/x/1`.
    assert!(matches!(judged("/x/1", "10.0.0.3"), Verdict::Mismatch(_)));
    assert!(matches!(judged("/x/1", "10.0.0.2"), Verdict::Inconclusive(_)));
}

/// What an authorization service answers may be copied into the request: then no header is proof.
#[test]
fn an_authorization_service_may_have_set_any_header() {
    let auth = |allowed: &[&str]| {
        Filter::ExternalAuth(Box::new(ExternalAuth {
            protocol: AuthProtocol::Http,
            backend: backend("three", 1),
            path: None,
            allowed_response_headers: allowed.iter().map(|&name| name.into()).collect(),
        }))
    };
    let arrival = Arrival::at_gateway(&name("ns/gw"), 80, WireProtocol::Http);
    let judged = |allowed: &[&str]| {
        let by_header = vec![prefix("/").header("x-user", "1")];
        let guarded = filtered(vec![prefix("/a")], vec![auth(allowed)], "two");
        let snapshot = world(vec![rule(by_header, "one"), guarded]);
        get("h.test", "/").header("x-user", "1").with(|request| {
            judge_upstream(
                &snapshot,
                &arrival,
                &attempt("10.0.0.1", Some(*request), Purpose::Forward),
                1_000,
            )
            .verdict
        })
    };
    assert_eq!(judged(&["x-other"]), Verdict::Match);
    assert!(matches!(judged(&["x-user"]), Verdict::Inconclusive(_)));
    assert!(matches!(judged(&[]), Verdict::Inconclusive(_)));
    let set = HeaderModifier {
        set: vec![HeaderValue {
            name: "x-user".into(),
            value: "0".into(),
        }],
        ..HeaderModifier::default()
    };
    let guarded = filtered(vec![prefix("/")], vec![auth(&[]), Filter::RequestHeaders(set)], "two");
    let forwarded = get("h.test", "/").judge_forward(&world(vec![guarded]), "10.0.0.2");
    assert_eq!(
        forwarded.verdict,
        Verdict::Match,
        "the service may have set the header back"
    );
}
