//! Matches that can never win, and matches that two routes share.
//!
//! A match is beaten at one hostname of one listener if a match that comes before it there holds for every request for
//! which it holds itself. It can never win if it is beaten wherever its route is attached. Little is missed: a match that
//! covers another and outranks it has the same path, method, and names of headers and parameters, because each of them
//! that only one side has makes that side both narrower and higher in rank.

mod cover;

use std::collections::{BTreeMap, BTreeSet};

use crate::attach::Hostname;
use crate::compile::RegexOrder;
use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::groups::{Group, groups};
use crate::lint::shadow::cover::{Beaten, beaten};
use crate::lint::world::{Parent, World};
use crate::lint::{Code, Severity, field};
use crate::model::Route;
use crate::profile::Profile;
use crate::table::{Entry, Table};
use crate::{ObjectName, RouteKind};

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    let mut fates = Fates::default();
    for group in groups(world) {
        fates.add(&group, out);
        check_streams(&group, out);
    }
    for route in world.routes() {
        check_route(world, route, &fates, out);
    }
}

/// A match: its route, rule and place in the rule.
type MatchId = (RouteKind, ObjectName, usize, usize);

fn id(entry: &Entry) -> MatchId {
    let (rule, matched) = entry.position();
    (
        entry.route.route.kind,
        entry.route.route.meta.name.clone(),
        rule,
        matched,
    )
}

/// What becomes of every match, at all the places where its route is attached.
#[derive(Default)]
struct Fates {
    fates: BTreeMap<MatchId, Fate>,
    /// Pairs of identical matches already told of.
    told: BTreeSet<(MatchId, MatchId)>,
}

#[derive(Default)]
struct Fate {
    places: usize,
    beaten: usize,
    by: Option<Winner>,
}

/// The match that comes first, and why.
#[derive(Clone)]
struct Winner {
    object: ObjectRef,
    words: String,
}

impl Winner {
    fn of(beaten: &Beaten<'_>) -> Self {
        let because = match beaten.winner.summary.decided_by(&beaten.loser.summary) {
            Some("age") => "whose route is older",
            Some("name") => "whose route comes first by namespace/name",
            _ => "which stands first",
        };
        let object = beaten.winner.object();
        Self {
            words: format!("{}, {because}", beaten.winner.name()),
            object,
        }
    }
}

impl Fates {
    fn add(&mut self, group: &Group<'_>, out: &mut Findings) {
        for entry in group.entries {
            self.fates.entry(id(entry)).or_default().places += 1;
        }
        for beaten in beaten(group.entries) {
            let fate = self.fates.entry(id(beaten.loser)).or_default();
            fate.beaten += 1;
            fate.by.get_or_insert_with(|| Winner::of(&beaten));
            self.tell_identical(group, &beaten, out);
        }
    }

    /// Two routes with the same match at one hostname, told once for each pair.
    fn tell_identical(&mut self, group: &Group<'_>, beaten: &Beaten<'_>, out: &mut Findings) {
        let (loser, winner) = (beaten.loser, beaten.winner);
        let same_route = loser.object() == winner.object();
        if same_route || !beaten.identical || !self.told.insert((id(loser), id(winner))) {
            return;
        }
        let (rule, matched) = loser.position();
        let why = format!(
            "the same match, for {group}, is in {}: that one gets the requests",
            Winner::of(beaten).words
        );
        let mend = "remove one of the two, or tell them apart by hostname, path or header";
        let severity = if loser.acts_like(winner) {
            Severity::Info
        } else {
            Code::IdenticalMatch.severity()
        };
        out.add(
            Code::IdenticalMatch,
            &loser.object(),
            field::matched(rule, matched),
            why,
            mend,
        )
        .with(winner.object())
        .of_severity(severity);
    }
}

fn check_route(world: &World<'_>, route: &Route, fates: &Fates, out: &mut Findings) {
    let within = beaten_within(world, route);
    let everywhere = parents_are_known(world, route);
    let dead = |rule: usize, matched: usize| {
        let fate = || fates.fates.get(&(route.kind, route.meta.name.clone(), rule, matched));
        let lost = |fate: &&Fate| everywhere && fate.places == fate.beaten;
        within
            .get(&(rule, matched))
            .or_else(|| fate().filter(lost)?.by.as_ref())
            .cloned()
    };
    for (rule, own) in route.rules.iter().enumerate() {
        let winners: Vec<_> = (0..own.matches.len()).map(|matched| dead(rule, matched)).collect();
        let all: Option<Vec<_>> = winners.iter().cloned().collect();
        match all.as_deref() {
            Some([]) => {}
            Some([first, ..]) => shadowed_rule(route, rule, first, winners.len(), out),
            None => shadowed_matches(route, rule, &winners, out),
        }
    }
}

fn shadowed_rule(route: &Route, rule: usize, winner: &Winner, matches: usize, out: &mut Findings) {
    let rest = if matches > 1 {
        ", and its other matches likewise"
    } else {
        ""
    };
    let why = format!(
        "this rule can never win: whatever it matches goes to {}{rest}",
        winner.words
    );
    let mend = "remove the rule, or make its matches more specific";
    out.add(
        Code::ShadowedRule,
        &ObjectRef::route(route),
        field::rule(rule),
        why,
        mend,
    )
    .with(winner.object.clone());
}

fn shadowed_matches(route: &Route, rule: usize, winners: &[Option<Winner>], out: &mut Findings) {
    for (matched, winner) in winners.iter().enumerate() {
        let Some(winner) = winner else { continue };
        let why = format!("this match can never win: whatever it matches goes to {}", winner.words);
        let mend = "remove the match, or make it more specific";
        out.add(
            Code::ShadowedMatch,
            &ObjectRef::route(route),
            field::matched(rule, matched),
            why,
            mend,
        )
        .with(winner.object.clone());
    }
}

/// Matches beaten by others of the same route: so it is wherever the route is attached.
fn beaten_within(world: &World<'_>, route: &Route) -> BTreeMap<(usize, usize), Winner> {
    let key = (route.kind, route.meta.name.clone());
    let compiled = world.snapshot.routes.get(&key);
    let order = RegexOrder::of(Profile::Generic.behaviour());
    let table = Table::new(&Hostname::None, compiled.into_iter(), order);
    beaten(table.entries())
        .iter()
        .map(|beaten| (beaten.loser.position(), Winner::of(beaten)))
        .collect()
}

/// True if everything that the route could attach to was given.
fn parents_are_known(world: &World<'_>, route: &Route) -> bool {
    let known = |parent: Parent<'_>| !matches!(parent, Parent::NotGiven);
    let mut parents = route.parents.iter().enumerate();
    parents.all(|(index, parent)| known(world.parent(route, index, parent)))
}

/// TLSRoutes, TCPRoutes and UDPRoutes have nothing that tells connections of one hostname apart: the first gets all.
fn check_streams(group: &Group<'_>, out: &mut Findings) {
    let Some((winner, losers)) = group.streams.split_first() else {
        return;
    };
    let winner = ObjectRef::route(&winner.route);
    for loser in losers {
        let why = format!("{winner} is older, or first by name, and gets all connections for {group}");
        let mend = "remove one of the two routes, or give them listeners or hostnames of their own";
        out.add(Code::IdenticalMatch, &ObjectRef::route(&loser.route), "spec", why, mend)
            .with(winner.clone());
    }
}
