//! Random routes and requests from small alphabets, so that they meet often.

use gwobs_route::RouteKind;
use gwobs_route::model::*;

use super::*;

/// A small deterministic generator (SplitMix64): a seed is enough to repeat any case.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("less than the bound")
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

const HOSTS: [&str; 6] = ["a.test", "b.a.test", "c.b.a.test", "b.test", "x.test", "d.c.b.a.test"];
const NAMES: [&str; 7] = [
    "a.test",
    "b.a.test",
    "*.a.test",
    "*.b.a.test",
    "*.test",
    "b.test",
    "c.b.a.test",
];
const ELEMENTS: [&str; 5] = ["a", "ab", "b", "A", "abc"];
const EXPRESSIONS: [&str; 4] = ["/a.*", "/[ab]+/b", "/(a|ab)/.*", ".*/b"];
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];
const HEADERS: [&str; 3] = ["x-a", "x-b", "x-c"];
const VALUES: [&str; 3] = ["1", "2", "12"];

/// What to generate.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub kind: RouteKind,
    pub routes: usize,
    pub rules: usize,
    pub matches: usize,
    pub listeners: usize,
    /// Regular expressions have no rank in the spec, so they are left out where the winner is compared.
    pub regex: bool,
}

pub fn listeners(random: &mut Random, count: usize) -> Vec<Listener> {
    let mut names: Vec<Option<&str>> = NAMES.iter().copied().map(Some).chain([None]).collect();
    let mut made = Vec::new();
    for index in 0..count.clamp(1, names.len()) {
        let hostname = names.remove(random.below(names.len()));
        made.push(listener(&format!("l{index}"), 80, Protocol::Http, hostname));
    }
    made
}

pub fn routes(random: &mut Random, shape: Shape) -> Vec<Route> {
    (0..shape.routes).map(|index| one_route(random, shape, index)).collect()
}

fn one_route(random: &mut Random, shape: Shape, index: usize) -> Route {
    let mut made = route(shape.kind, &format!("{}/r{index}", random.pick(&["n", "n-a", "m"])));
    made.meta.created = random
        .chance(90)
        .then(|| i64::try_from(random.below(4)).expect("small"));
    if random.chance(50) {
        made = made.at(&format!("l{}", random.below(shape.listeners)));
    }
    for _ in 0..random.below(3) {
        made = made.host(random.pick(&NAMES));
    }
    for number in 0..=random.below(shape.rules) {
        let matches = (0..=random.below(shape.matches))
            .map(|_| one_match(random, shape))
            .collect();
        made = made.rule(rule(matches, &format!("ns/s{index}-{number}")));
    }
    made
}

fn one_match(random: &mut Random, shape: Shape) -> Match {
    let mut made = match shape.kind {
        RouteKind::Grpc => grpc_match(random),
        _ => Match {
            path: path_match(random, shape.regex),
            ..Match::default()
        },
    };
    if shape.kind == RouteKind::Http && random.chance(25) {
        made = made.method(random.pick(&METHODS));
    }
    while random.chance(35) {
        made = made.header(random.pick(&HEADERS), random.pick(&VALUES));
    }
    while shape.kind == RouteKind::Http && random.chance(20) {
        made = made.query(random.pick(&HEADERS), random.pick(&VALUES));
    }
    made
}

fn path_match(random: &mut Random, regex: bool) -> PathMatch {
    if regex && random.chance(20) {
        return PathMatch::Regex(random.pick(&EXPRESSIONS).into());
    }
    let path = path(random);
    if random.chance(30) {
        PathMatch::Exact(path.into())
    } else {
        PathMatch::Prefix(path.into())
    }
}

fn grpc_match(random: &mut Random) -> Match {
    let service = random.chance(70).then(|| random.pick(&ELEMENTS));
    let method = random.chance(60).then(|| random.pick(&ELEMENTS));
    if service.is_none() && method.is_none() {
        Match::default()
    } else {
        grpc(service, method)
    }
}

fn path(random: &mut Random) -> String {
    let mut path = String::new();
    while random.chance(60) {
        path.push('/');
        path.push_str(random.pick(&ELEMENTS));
    }
    if path.is_empty() || random.chance(15) {
        path.push('/');
    }
    path
}

pub fn request(random: &mut Random, kind: RouteKind) -> Sent {
    let path = match kind {
        RouteKind::Grpc => format!("/{}/{}", random.pick(&ELEMENTS), random.pick(&ELEMENTS)),
        _ => path(random),
    };
    let mut sent = get(random.pick(&HOSTS), &path).method(random.pick(&METHODS));
    if random.chance(20) {
        sent.host.push_str(":8080");
    }
    for header in HEADERS {
        if random.chance(50) {
            sent = sent.header(header, random.pick(&VALUES));
        }
    }
    let mut query = Vec::new();
    for name in HEADERS {
        if random.chance(40) {
            query.push(format!("{name}={}", random.pick(&VALUES)));
        }
    }
    if !query.is_empty() && kind == RouteKind::Http {
        sent.path = format!("{}?{}", sent.path, query.join("&"));
    }
    sent
}
