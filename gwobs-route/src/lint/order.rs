//! Overlapping matches whose order the spec settles, and a known gateway settles in another way.
//!
//! A gateway whose class names a known controller is only held against what is known of it; for any other the finding is
//! a hint. Sources: the list of known departures in the project's documentation, each seen in a running gateway or in
//! its issue tracker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::attach::{Hostname, domains_above};
use crate::compile::{CompiledMatch, Test};
use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::groups::{Group, PathKey, Place, groups};
use crate::lint::world::World;
use crate::lint::{Code, Severity, field};
use crate::profile::Profile;
use crate::table::Entry;

/// Pairs of matches compared in one run: about a second's work. What is beyond is told.
const MAX_PAIRS: usize = 1_000_000;

/// A departure from the spec's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Departure {
    /// Envoy Gateway sorts a method as one more header (its `internal/gatewayapi/sort.go`).
    MethodAsHeader,
    /// Traefik 3.7 ranks method and headers above the length of a prefix (seen on the running binary).
    RuleLength,
    /// Order of rules, age and name: sorted by header name in Contour (contour#4715), unstable in Traefik (traefik#12795).
    Ties,
    /// The rank of regular expressions is left to the implementation.
    RegexRank,
    /// Traefik 3.7 ranks a longer path on a wider hostname above a shorter path on the exact one (seen on the running
    /// binary).
    HostnameLast,
}

impl Departure {
    fn concerns(self, profile: Profile) -> bool {
        match self {
            Self::MethodAsHeader => profile == Profile::EnvoyGateway,
            Self::RuleLength | Self::HostnameLast => profile == Profile::Traefik,
            Self::Ties => matches!(profile, Profile::Contour | Profile::Traefik),
            Self::RegexRank => false,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::MethodAsHeader => {
                "by the spec a method outranks any number of headers; Envoy Gateway counts it as one more header"
            }
            Self::RuleLength => "by the spec the longer prefix wins; Traefik ranks method and headers above it",
            Self::Ties => {
                "only age, name or order of rules decides between them; Contour and Traefik did not keep to it"
            }
            Self::RegexRank => "the spec leaves the rank of a regular expression among other paths to the gateway",
            Self::HostnameLast => {
                "by the spec the more specific hostname wins; Traefik ranks the longer path on the wider hostname above it"
            }
        }
    }
}

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    let groups = groups(world);
    let indexed: Vec<_> = groups.iter().map(|group| (group, by_path(group.entries))).collect();
    let mut search = Search {
        pairs: 0,
        told: BTreeSet::new(),
        out,
    };
    for (group, paths) in &indexed {
        search.same_path(group, paths);
        search.nested(group, paths);
        search.regexes(group, paths);
    }
    let places: BTreeMap<_, _> = indexed.iter().map(|(group, paths)| (place(group), paths)).collect();
    for (group, paths) in &indexed {
        for wider in wider_names(&group.hostname) {
            if let Some(wide) = places.get(&(&group.place, wider)) {
                search.hostnames(group, paths, wide);
            }
        }
    }
    search.finish(world);
}

/// The matches of a group by their path, in order of precedence.
type ByPath<'w> = BTreeMap<PathKey<'w>, Vec<&'w Entry>>;

fn by_path(entries: &[Entry]) -> ByPath<'_> {
    let mut paths = ByPath::new();
    for entry in entries {
        if let Some(path) = entry.matched().and_then(|matched| PathKey::of(&matched.path)) {
            paths.entry(path).or_default().push(entry);
        }
    }
    paths
}

fn place<'g>(group: &'g Group<'_>) -> (&'g Place<'g>, Hostname) {
    (&group.place, group.hostname.clone())
}

/// The hostnames that cover a hostname and more.
fn wider_names(hostname: &Hostname) -> Vec<Hostname> {
    let Some(name) = hostname else {
        return Vec::new();
    };
    let wildcards = domains_above(name).map(|domain| Arc::from(format!("*.{domain}")));
    wildcards.filter(|wide| wide != name).map(Some).chain([None]).collect()
}

/// The prefixes above a prefix, nearest first; the last is the empty one, which is `/`.
fn prefixes_above(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').filter_map(|(at, _)| path.get(..at))
}

/// A route and the index of a rule of it.
type RuleId = (ObjectRef, usize);

struct Search<'o> {
    pairs: usize,
    /// What was told, by the rule that wins; where it concerns the gateway also by the other rule.
    told: BTreeSet<(RuleId, Departure, Option<RuleId>)>,
    out: &'o mut Findings,
}

impl Search<'_> {
    fn same_path(&mut self, group: &Group<'_>, paths: &ByPath<'_>) {
        for entries in paths.values() {
            for (index, winner) in entries.iter().enumerate() {
                for loser in entries.iter().skip(index + 1) {
                    if !self.may_compare() {
                        return;
                    }
                    self.compare(group, winner, loser, same_path_departure);
                }
            }
        }
    }

    fn nested(&mut self, group: &Group<'_>, paths: &ByPath<'_>) {
        for (path, winners) in paths {
            let PathKey::Prefix(prefix) = path else { continue };
            for above in prefixes_above(prefix) {
                let losers = paths
                    .get(&PathKey::Prefix(above))
                    .map(|found| &**found)
                    .unwrap_or_default();
                self.product(group, winners, losers, rule_length_departure);
            }
        }
    }

    fn regexes(&mut self, group: &Group<'_>, paths: &ByPath<'_>) {
        if group.profile.behaviour().regex_rank.is_some() {
            return;
        }
        for (path, expressions) in paths {
            let PathKey::Regex(source) = path else { continue };
            for (other, prefixes) in paths {
                let PathKey::Prefix(prefix) = other else { continue };
                if may_meet(source, prefix) {
                    self.product(group, expressions, prefixes, |_, _| Some(Departure::RegexRank));
                }
            }
        }
    }

    fn hostnames(&mut self, group: &Group<'_>, paths: &ByPath<'_>, wide: &ByPath<'_>) {
        for (path, losers) in wide {
            let (PathKey::Prefix(longer) | PathKey::Exact(longer)) = path else {
                continue;
            };
            for above in prefixes_above(longer) {
                let winners = paths
                    .get(&PathKey::Prefix(above))
                    .map(|found| &**found)
                    .unwrap_or_default();
                self.product(group, winners, losers, |_, _| Some(Departure::HostnameLast));
            }
        }
    }

    fn product(&mut self, group: &Group<'_>, winners: &[&Entry], losers: &[&Entry], departs: Departs) {
        for winner in winners {
            for loser in losers {
                if !self.may_compare() {
                    return;
                }
                self.compare(group, winner, loser, departs);
            }
        }
    }

    fn may_compare(&mut self) -> bool {
        self.pairs += 1;
        self.pairs <= MAX_PAIRS
    }

    fn compare(&mut self, group: &Group<'_>, winner: &Entry, loser: &Entry, departs: Departs) {
        let (Some(one), Some(other)) = (winner.matched(), loser.matched()) else {
            return;
        };
        let Some(departure) = departs(one, other) else { return };
        let concerns = departure.concerns(group.profile);
        let of_interest = concerns || group.profile == Profile::Generic || departure == Departure::RegexRank;
        if of_interest && can_meet(one, other) && !winner.acts_like(loser) {
            self.tell(group, winner, loser, departure, concerns);
        }
    }

    fn tell(&mut self, group: &Group<'_>, winner: &Entry, loser: &Entry, departure: Departure, concerns: bool) {
        let ((rule, matched), (other, _)) = (winner.position(), loser.position());
        // A mere hint is told once for each rule, or a catch-all rule would drown everything else.
        let each = concerns.then(|| (loser.object(), other));
        if !self.told.insert(((winner.object(), rule), departure, each)) {
            return;
        }
        let severity = if concerns { Severity::Warning } else { Severity::Info };
        let why = format!("overlaps with {}, for {group}: {}", loser.name(), departure.words());
        let mend = "make the matches exclude each other, or check on the gateway itself which one wins";
        self.out
            .add(
                Code::OrderDeparts,
                &winner.object(),
                field::matched(rule, matched),
                why,
                mend,
            )
            .with(loser.object())
            .of_severity(severity);
    }

    fn finish(self, world: &World<'_>) {
        let Some(route) = world.routes().next().filter(|_| self.pairs > MAX_PAIRS) else {
            return;
        };
        let why =
            format!("only {MAX_PAIRS} pairs of matches were compared for gateways that order them in another way");
        let mend = "lint fewer routes at a time";
        self.out
            .add(Code::NotCompared, &ObjectRef::route(route), "spec.rules", why, mend);
    }
}

/// Tells by which departure, if any, the second match could win against the first.
type Departs = fn(&CompiledMatch, &CompiledMatch) -> Option<Departure>;

fn same_path_departure(winner: &CompiledMatch, loser: &CompiledMatch) -> Option<Departure> {
    let (method, other) = (winner.method.is_some(), loser.method.is_some());
    if method && !other && loser.headers.len() > winner.headers.len() + 1 {
        return Some(Departure::MethodAsHeader);
    }
    let counts = |one: &CompiledMatch| (one.method.is_some(), one.headers.len(), one.query.len());
    let tie = counts(winner) == counts(loser) && !winner.headers.is_empty();
    (tie && header_names(winner) != header_names(loser)).then_some(Departure::Ties)
}

fn header_names(one: &CompiledMatch) -> BTreeSet<&str> {
    one.headers.iter().map(|header| &*header.name).collect()
}

fn rule_length_departure(winner: &CompiledMatch, loser: &CompiledMatch) -> Option<Departure> {
    let more_method = loser.method.is_some() && winner.method.is_none();
    let more_headers = loser.headers.len() > winner.headers.len();
    (more_method || more_headers).then_some(Departure::RuleLength)
}

/// True unless method, headers or parameters exclude that one request satisfies both.
fn can_meet(one: &CompiledMatch, other: &CompiledMatch) -> bool {
    let methods = match (&one.method, &other.method) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let clash = |one: &Test, other: &Test| match (one, other) {
        (Test::Exact(one), Test::Exact(other)) => one != other,
        (Test::Pattern(pattern), Test::Exact(value)) | (Test::Exact(value), Test::Pattern(pattern)) => {
            pattern.holds(value, None).is_no()
        }
        _ => false,
    };
    let headers = one.headers.iter().any(|own| {
        other
            .headers
            .iter()
            .any(|other| own.name == other.name && clash(&own.test, &other.test))
    });
    let query = || {
        one.query.iter().any(|own| {
            other
                .query
                .iter()
                .any(|other| own.name == other.name && clash(&own.test, &other.test))
        })
    };
    methods && !headers && !query()
}

/// False if the literal beginning of an expression and a prefix exclude each other.
fn may_meet(source: &str, prefix: &str) -> bool {
    let source = source.strip_prefix('^').unwrap_or(source);
    let end = source
        .find(['\\', '.', '+', '*', '?', '(', '|', '[', '{', '$'])
        .unwrap_or(source.len());
    // The character before a quantifier may be absent; alternatives begin anywhere.
    let head = source.get(..end.saturating_sub(1)).unwrap_or_default();
    source.contains('|') || head.starts_with(prefix) || prefix.starts_with(head)
}
