//! How much processor time a decision takes, and a snapshot, with the naive evaluator beside them.
//!
//! Times are those of the thread ([`cpu::ThreadTime`]), so that what else runs on the machine hardly counts.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

#[path = "support/cpu.rs"]
mod cpu;
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use cpu::ThreadTime;
use criterion::{BatchSize, BenchmarkId, criterion_group, criterion_main};
use gwobs_route::lint::lint;
use gwobs_route::model::Object;
use gwobs_route::profile::Profile;
use gwobs_route::{Arrival, Objects, WireProtocol, decide, may_become};
use support::worlds::{self, World};
use support::*;

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
/// Routes of the worlds whose snapshots are measured.
const LARGEST: usize = 10_000;

type Criterion = criterion::Criterion<ThreadTime>;
type Bencher<'a> = criterion::Bencher<'a, ThreadTime>;

type Kind = (&'static str, fn(usize) -> World);
const KINDS: [Kind; 3] = [
    ("hostnames", worlds::by_hostname),
    ("prefixes", worlds::by_prefix),
    ("headers", worlds::by_header),
];

fn decisions(criterion: &mut Criterion) {
    for (kind, make) in KINDS {
        let mut group = criterion.benchmark_group(kind);
        for size in SIZES {
            group.bench_function(BenchmarkId::new("decide", size), |bench| decide_all(bench, &make(size)));
        }
        for size in SIZES {
            group.bench_function(BenchmarkId::new("naive", size), |bench| {
                decide_naively(bench, &make(size));
            });
        }
        group.finish();
    }
}

fn decide_all(bench: &mut Bencher<'_>, world: &World) {
    let snapshot = snapshot(Profile::Generic, world.objects());
    let arrival = Arrival::at_gateway(&name("ns/gw"), 80, WireProtocol::Http);
    with_requests(world, |requests| {
        let mut requests = requests.iter().cycle();
        bench.iter(|| black_box(decide(&snapshot, &arrival, requests.next().expect("a cycle"))));
    });
}

fn decide_naively(bench: &mut Bencher<'_>, world: &World) {
    with_requests(world, |requests| {
        let mut requests = requests.iter().cycle();
        bench.iter(|| {
            black_box(naive::winner(
                &world.gateway,
                &world.routes,
                80,
                requests.next().expect("a cycle"),
            ))
        });
    });
}

fn snapshots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(10);
    for (kind, make) in KINDS {
        let objects = make(LARGEST).objects();
        group.bench_function(BenchmarkId::new("build", kind), |bench| {
            bench.iter_batched(
                || objects.clone(),
                |objects| snapshot(Profile::Generic, objects),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(BenchmarkId::new("one changed route", kind), |bench| {
            one_change(bench, make);
        });
    }
    group.finish();
}

fn one_change(bench: &mut Bencher<'_>, make: fn(usize) -> World) {
    let world = make(LARGEST);
    let mut objects = Objects::new(Some(Profile::Generic));
    world.objects().into_iter().for_each(|object| objects.apply(object, 0));
    let mut held = objects.snapshot();
    let mut route = world.routes[LARGEST / 2].clone();
    bench.iter(|| {
        route.meta.generation += 1;
        objects.apply(Object::Route(route.clone()), 0);
        held = objects.snapshot();
        black_box(held.generation())
    });
}

/// Lint looks at everything together; it must not take quadratic time.
fn findings(criterion: &mut Criterion) {
    for (kind, make) in KINDS {
        let mut group = criterion.benchmark_group(format!("lint/{kind}"));
        group.sample_size(10);
        for size in [100, 1_000, LARGEST] {
            let objects = make(size).objects();
            group.bench_function(BenchmarkId::from_parameter(size), |bench| {
                bench.iter(|| black_box(lint(&objects, None)));
            });
        }
        group.finish();
    }
}

fn judgements(criterion: &mut Criterion) {
    let world = worlds::by_prefix(LARGEST);
    let snapshot = snapshot(Profile::Generic, world.objects());
    let sent = &world.requests[0];
    criterion.bench_function("judge a forward", |bench| {
        bench.iter(|| black_box(sent.judge_forward(&snapshot, "10.0.0.1")));
    });
    criterion.bench_function("judge and explain a wrong backend", |bench| {
        bench.iter(|| black_box(sent.judge_forward(&snapshot, "10.0.0.2")));
    });
    criterion.bench_function("may_become", |bench| {
        let gateway = name("ns/gw");
        let other = get("one.example.com", "/team0/app1/v1/items");
        sent.with(|original| {
            other.with(|forwarded| bench.iter(|| black_box(may_become(&snapshot, &gateway, 80, original, forwarded))));
        });
    });
}

/// Calls `then` with the world's requests, borrowed.
fn with_requests(world: &World, then: impl FnOnce(&[gwobs_route::Request<'_>])) {
    let headers: Vec<Vec<_>> = world.requests.iter().map(Sent::fields).collect();
    let requests: Vec<_> = world
        .requests
        .iter()
        .zip(&headers)
        .map(|(sent, headers)| sent.borrow(headers))
        .collect();
    then(&requests);
}

criterion_group! {
    name = benches;
    config = criterion::Criterion::default().with_measurement(ThreadTime);
    targets = decisions, snapshots, findings, judgements
}
criterion_main!(benches);
