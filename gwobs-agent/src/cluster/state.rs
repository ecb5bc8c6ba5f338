//! What a watched cluster is like as a whole: layer 2, the state of the specs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gwobs_route::lint::{CrossReference, Survey, survey};
use gwobs_route::model::ReferenceGrant;
use gwobs_route::status::{ObjectStatus, predict};
use gwobs_route::{ObjectName, Objects, Snapshot};

use super::definitions::{Definition, Definitions};
use crate::specs::{Index, grant_manifest};

/// What a watched cluster is like as a whole, at one moment.
#[derive(Debug, Default)]
pub struct State {
    /// The conditions that objects have and should have, those of routes and policies by parent.
    pub statuses: Vec<ObjectStatus>,
    /// `metadata.generation` of the objects that have conditions, by kind and name.
    pub generations: BTreeMap<(&'static str, ObjectName), i64>,
    /// References to other namespaces, and features that classes do not list.
    pub survey: Survey,
    /// The CRDs of the Gateway API.
    pub definitions: BTreeMap<Arc<str>, Definition>,
    /// ReferenceGrants that came and went since watching began, by namespace.
    pub grant_changes: GrantChanges,
    /// Objects that do not fit their type, by collection.
    pub refused: BTreeMap<&'static str, usize>,
    /// Collections that count as empty since they cannot be read.
    pub unreadable: BTreeSet<&'static str>,
}

/// How often grants of a namespace were created, changed and deleted.
pub type GrantChanges = BTreeMap<Arc<str>, [u64; 3]>;

/// The names of the three kinds of changes.
pub const CHANGES: [&str; 3] = ["created", "changed", "deleted"];

impl State {
    /// All but the survey, which is made when routing changes only.
    pub(super) fn of(objects: &Objects, snapshot: &Snapshot, definitions: &Definitions) -> Self {
        let gateways = objects.gateways().map(|one| ("Gateway", &one.meta));
        let sets = objects
            .listener_sets()
            .map(|one| (one.name().kind().as_str(), &one.meta));
        let routes = objects.routes().map(|one| (one.kind.as_str(), &one.meta));
        let policies = objects.policies().map(|one| ("BackendTLSPolicy", &one.meta));
        let all = gateways.chain(sets).chain(routes).chain(policies);
        Self {
            statuses: predict(objects, snapshot),
            generations: all
                .map(|(kind, meta)| ((kind, meta.name.clone()), meta.generation))
                .collect(),
            definitions: definitions
                .all()
                .map(|(name, one)| (Arc::clone(name), one.clone()))
                .collect(),
            ..Self::default()
        }
    }
}

/// Makes the state anew when something changed, not too often.
#[derive(Debug)]
pub(super) struct Keeper {
    out: Arc<ArcSwap<State>>,
    survey: Survey,
    /// The grants that were there last; `None` before the first time.
    grants: Option<BTreeMap<ObjectName, Arc<ReferenceGrant>>>,
    changes: GrantChanges,
    touched: bool,
    changed: bool,
    next: Instant,
}

/// How often the state is made anew, at most.
const INTERVAL: Duration = Duration::from_millis(500);
/// And which share of the time it may take.
const SHARE: u32 = 20;

impl Keeper {
    pub(super) fn new() -> Self {
        Self {
            out: Arc::default(),
            survey: Survey::default(),
            grants: None,
            changes: GrantChanges::new(),
            touched: true,
            changed: true,
            next: Instant::now(),
        }
    }

    /// Where the state is to be read.
    pub(super) fn out(&self) -> Arc<ArcSwap<State>> {
        Arc::clone(&self.out)
    }

    /// Something changed; `routing`: more than a status.
    pub(super) fn note(&mut self, routing: bool) {
        self.touched = true;
        self.changed |= routing;
    }

    /// Makes the state anew if that is due; gives the references that have no ReferenceGrant any more.
    pub(super) fn keep(&mut self, index: &mut Index, definitions: &Definitions) -> Vec<CrossReference> {
        let began = Instant::now();
        if !self.touched || began < self.next {
            return Vec::new();
        }
        self.touched = false;
        let (refused, unreadable) = (index.refused(), index.unreadable_sources());
        let unreadable = unreadable.map(|(source, _)| source.plural).collect();
        let (objects, snapshot) = index.now();
        let revoked = match std::mem::take(&mut self.changed) {
            true => self.survey_again(objects, &snapshot),
            false => Vec::new(),
        };
        self.out.store(Arc::new(State {
            survey: self.survey.clone(),
            grant_changes: self.changes.clone(),
            refused,
            unreadable,
            ..State::of(objects, &snapshot, definitions)
        }));
        self.next = Instant::now() + INTERVAL.max(began.elapsed() * SHARE);
        revoked
    }

    fn survey_again(&mut self, objects: &Objects, snapshot: &Arc<Snapshot>) -> Vec<CrossReference> {
        let survey = survey(objects, snapshot);
        let grants: BTreeMap<_, _> = objects
            .grants()
            .map(|grant| (grant.meta.name.clone(), Arc::clone(grant)))
            .collect();
        // Counters that are born with their first change hide it from `increase()`.
        for name in grants.keys() {
            self.changes.entry(Arc::clone(&name.namespace)).or_default();
        }
        let mut revoked = Vec::new();
        if let Some(before) = self.grants.replace(grants) {
            let after = self.grants.as_ref();
            after
                .into_iter()
                .for_each(|after| count_changes(&before, after, &mut self.changes));
            revoked = tell_grants(&self.survey, &survey);
        }
        self.survey = survey;
        revoked
    }
}

fn count_changes(
    before: &BTreeMap<ObjectName, Arc<ReferenceGrant>>,
    after: &BTreeMap<ObjectName, Arc<ReferenceGrant>>,
    changes: &mut GrantChanges,
) {
    let same = |one: &ReferenceGrant, other: &ReferenceGrant| one.from == other.from && one.to == other.to;
    let mut count = |name: &ObjectName, [created, changed, deleted]: [u64; 3]| {
        let counts = changes.entry(Arc::clone(&name.namespace)).or_default();
        for (count, more) in counts.iter_mut().zip([created, changed, deleted]) {
            *count += more;
        }
    };
    for (name, grant) in after {
        match before.get(name) {
            None => count(name, [1, 0, 0]),
            Some(old) if !same(old, grant) => count(name, [0, 1, 0]),
            Some(_) => {}
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        count(name, [0, 0, 1]);
    }
}

/// Says what grants that are gone cut off, and what those that came let through again; gives what was cut off.
pub(super) fn tell_grants(before: &Survey, after: &Survey) -> Vec<CrossReference> {
    let granted = |survey: &Survey, of: &CrossReference, granted: bool| {
        survey.references.contains(&CrossReference { granted, ..of.clone() })
    };
    let mut revoked = Vec::new();
    for reference in after.references.iter().filter(|one| granted(before, one, !one.granted)) {
        let CrossReference { from, to_kind, to, .. } = reference;
        if reference.granted {
            tracing::info!("a ReferenceGrant lets {from} refer to {to_kind} {to} again");
        } else {
            tracing::warn!("{}", cut_off(reference));
            revoked.push(reference.clone());
        }
    }
    revoked
}

/// What it means that a reference has no grant any more.
pub(super) fn cut_off(reference: &CrossReference) -> String {
    let CrossReference { from, to_kind, to, .. } = reference;
    format!(
        "no ReferenceGrant lets {from} refer to {to_kind} {to} any more: what goes there is refused; this would restore it: {}",
        grant_manifest(from.group(), from.kind(), &from.name, to_kind, to)
    )
}
