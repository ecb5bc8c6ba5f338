//! What must hold for all objects and requests: the index equals the naive evaluator, the order of events does not matter,
//! and nothing that is kept from the last snapshot differs from what is made anew.

mod support;

use gwobs_route::model::*;
use gwobs_route::profile::Profile;
use gwobs_route::{Decision, Inconclusive, Objects, RouteKind, Snapshot};
use proptest::prelude::*;
use support::generate::{self, Random, Shape};
use support::*;

const REQUESTS: usize = 20;

/// Compares `requests` decisions on one generated world with the naive evaluator.
fn compare(seed: u64, shape: Shape, requests: usize) {
    let mut random = Random(seed);
    let gateway = gateway("gw", generate::listeners(&mut random, shape.listeners));
    let routes = generate::routes(&mut random, shape);
    let objects = routes
        .iter()
        .cloned()
        .map(Object::Route)
        .chain([Object::Gateway(gateway.clone())]);
    let snapshot = snapshot(Profile::Generic, objects);
    for _ in 0..requests {
        let sent = generate::request(&mut random, shape.kind);
        let decision = sent.decide(&snapshot);
        let naive = sent.with(|request| naive::winner(&gateway, &routes, 80, request));
        assert_eq!(winner(&decision), naive, "seed {seed} {shape:?} {sent:?}");
    }
}

fn winner(decision: &Decision) -> Option<naive::Winner> {
    let route = decision.route.as_ref()?;
    Some((route.route.clone(), usize::from(route.rule), usize::from(route.matched)))
}

fn shape(kind: RouteKind, routes: usize, rules: usize, matches: usize, listeners: usize, regex: bool) -> Shape {
    Shape {
        kind,
        routes,
        rules,
        matches,
        listeners,
        regex,
    }
}

fn kinds() -> impl Strategy<Value = RouteKind> {
    prop_oneof![3 => Just(RouteKind::Http), 1 => Just(RouteKind::Grpc)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// 500 worlds with 20 requests each: ten thousand pairs.
    #[test]
    fn decide_equals_the_naive_evaluator(
        seed: u64, kind in kinds(), routes in 1_usize..40, rules in 1_usize..6, matches in 1_usize..8,
        listeners in 1_usize..5, regex: bool,
    ) {
        compare(seed, shape(kind, routes, rules, matches, listeners, regex), REQUESTS);
    }
}

/// The largest routes that the API allows, by the hundred.
#[test]
fn decide_equals_the_naive_evaluator_on_large_worlds() {
    for seed in 0..3 {
        compare(seed, shape(RouteKind::Http, 300, 16, 8, 5, true), 60);
        compare(seed, shape(RouteKind::Http, 20, 2, 64, 3, true), 60);
    }
}

/// The long run: as many pairs as `GWOBS_PAIRS` says, a million without it.
#[test]
#[ignore = "takes minutes; run with --ignored, best in a release build"]
fn decide_equals_the_naive_evaluator_on_a_million_pairs() {
    let pairs = std::env::var("GWOBS_PAIRS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let mut random = Random(42);
    let mut done = 0;
    while done < pairs {
        let kind = if random.chance(75) {
            RouteKind::Http
        } else {
            RouteKind::Grpc
        };
        let most = if random.chance(5) { 300 } else { 40 };
        let routes = 1 + random.below(most);
        let shape = shape(
            kind,
            routes,
            1 + random.below(16),
            1 + random.below(8),
            1 + random.below(5),
            random.chance(50),
        );
        compare(random.next(), shape, 200);
        done += 200;
    }
}

/// A world with backends in several states, for the properties below.
fn objects(random: &mut Random) -> Vec<Object> {
    let shape = shape(RouteKind::Http, 12, 3, 3, 3, true);
    let mut objects: Vec<_> = generate::routes(random, shape).into_iter().map(Object::Route).collect();
    let mut grpc = generate::routes(
        random,
        Shape {
            kind: RouteKind::Grpc,
            routes: 4,
            ..shape
        },
    );
    grpc.iter_mut()
        .for_each(|route| route.meta.name = name(&format!("{}/g-{}", route.meta.name.namespace, route.meta.name.name)));
    objects.extend(grpc.into_iter().map(Object::Route));
    objects.push(Object::Gateway(gateway("gw", generate::listeners(random, 3))));
    for index in 0..12 {
        objects.extend(services(&[&format!("ns/s{index}-0")]));
    }
    objects
}

fn shuffled(random: &mut Random, mut objects: Vec<Object>) -> Vec<Object> {
    for index in (1..objects.len()).rev() {
        objects.swap(index, random.below(index + 1));
    }
    objects
}

/// Every decision of a snapshot on a fixed set of requests, without its generation.
fn decisions(seed: u64, snapshot: &Snapshot) -> Vec<Decision> {
    let mut random = Random(seed);
    let one = |random: &mut Random| Decision {
        generation: 0,
        ..generate::request(random, RouteKind::Http).decide(snapshot)
    };
    (0..REQUESTS).map(|_| one(&mut random)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_order_of_objects_gives_the_same_decisions(seed: u64) {
        let mut random = Random(seed);
        let objects = objects(&mut random);
        let one = snapshot(Profile::Generic, objects.clone());
        let other = snapshot(Profile::Generic, shuffled(&mut random, objects));
        prop_assert_eq!(decisions(seed, &one), decisions(seed, &other));
    }

    /// Snapshots in between, objects replaced and removed: what is kept must not show.
    #[test]
    fn changes_one_by_one_equal_a_fresh_start(seed: u64) {
        let mut random = Random(seed);
        let objects = objects(&mut random);
        let mut changing = Objects::new(Some(Profile::Generic));
        for object in self::objects(&mut Random(seed ^ 1)).into_iter().chain(objects.clone()) {
            changing.apply(object, 0);
            if random.chance(20) {
                changing.snapshot();
            }
        }
        let mut kept = Vec::new();
        for object in objects {
            if random.chance(30) {
                changing.delete(object.kind(), &object.meta().name, 0);
                changing.snapshot();
            } else {
                kept.push(object);
            }
        }
        // The first world's objects that the second did not replace are removed.
        for object in self::objects(&mut Random(seed ^ 1)) {
            if !kept.iter().any(|one| one.kind() == object.kind() && one.meta().name == object.meta().name) {
                changing.delete(object.kind(), &object.meta().name, 0);
            }
        }
        let fresh = snapshot(Profile::Generic, kept);
        prop_assert_eq!(decisions(seed, &changing.snapshot()), decisions(seed, &fresh));
    }

    #[test]
    fn no_request_makes_decide_panic(method in ".{0,8}", host in ".{0,20}", path in ".{0,40}", seed: u64) {
        let snapshot = snapshot(Profile::Generic, objects(&mut Random(seed)));
        let sent = get(&host, &path).method(&method).header("x-a", &path);
        let decision = sent.decide(&snapshot);
        sent.judge_forward(&snapshot, "10.0.0.1");
        prop_assert!(decision.generation > 0);
    }
}

/// Where a path can be read in several ways and these lead apart, the decision says so.
#[test]
fn readings_that_differ_are_in_doubt() {
    let route = http("r")
        .rule(rule(vec![prefix("/a")], "a"))
        .rule(rule(vec![prefix("/")], "b"));
    let snapshot = snapshot(Profile::Generic, [plain_gateway(), route.object()]);
    for path in ["/b/../a", "/%61", "//a"] {
        assert_eq!(
            get("h", path).decide(&snapshot).caveats,
            [Inconclusive::ImplementationDefined],
            "{path}"
        );
    }
    for path in ["/a//b", "/a/%20", "/b", "/a/./c"] {
        assert!(get("h", path).decide(&snapshot).caveats.is_empty(), "{path}");
    }
}
