//! What a watched cluster holds: one owner, fed with deltas, synchronous. Any order of the same deltas gives the same
//! snapshot.
//!
//! Every collection that is watched is a *source*: known before its first list, listed, lost, in step again. Only when all
//! of them are in step is the index known to hold what the API holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use gwobs_route::model::{Kind, Object};
use gwobs_route::profile::Profile;
use gwobs_route::{ObjectName, Objects, Snapshot};

use super::finding::Finding;
use super::read::Spec;

#[cfg(test)]
mod tests;
mod wanted;

pub use wanted::{Wanted, Whose};

/// A watched collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId {
    /// Its name in URLs: `httproutes`.
    pub plural: &'static str,
    /// The one object that is watched, if it is not all of them.
    pub only: Option<ObjectName>,
}

/// Whether the index holds what the API holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    InStep,
    /// Some source was not yet listed.
    Incomplete,
    /// Some source was lost then, at the earliest: nanoseconds on the clock of the observations.
    LostSince(u64),
}

/// See the module.
#[derive(Debug)]
pub struct Index {
    objects: Objects,
    sources: BTreeMap<SourceId, Source>,
    /// Whether anything changed that a decision depends on since the last snapshot that was told.
    changed: bool,
    touched: bool,
    restructured: bool,
    told: Arc<Snapshot>,
}

#[derive(Debug, Default)]
struct Source {
    listed: bool,
    lost: Option<u64>,
    /// Why it counts as empty.
    unreadable: Option<String>,
    entries: HashMap<ObjectName, Entry>,
}

#[derive(Debug)]
struct Entry {
    kind: Option<Kind>,
    print: u64,
    refused: bool,
    findings: Vec<Finding>,
}

impl Index {
    /// An index without sources. `profile`: the data plane, `None` to tell it from each Gateway's class.
    #[must_use]
    pub fn new(profile: Option<Profile>) -> Self {
        Self {
            objects: Objects::new(profile),
            sources: BTreeMap::new(),
            changed: false,
            touched: false,
            restructured: false,
            told: Arc::default(),
        }
    }

    /// A source is watched from now on; the index is incomplete until it is listed.
    pub fn add_source(&mut self, source: SourceId) {
        self.sources.entry(source).or_default();
    }

    /// A source is no longer watched; its objects are gone.
    pub fn remove_source(&mut self, source: &SourceId, at: u64) {
        let Some(removed) = self.sources.remove(source) else {
            return;
        };
        for (name, entry) in removed.entries {
            self.forget(&name, &entry, at);
        }
    }

    /// The objects that are watched one by one, of this kind.
    #[must_use]
    pub fn named_sources(&self, plural: &str) -> BTreeSet<ObjectName> {
        let of_kind = self.sources.keys().filter(|source| source.plural == plural);
        of_kind.filter_map(|source| source.only.clone()).collect()
    }

    /// The sources.
    pub fn sources(&self) -> impl Iterator<Item = &SourceId> {
        self.sources.keys()
    }

    /// A source holds these objects and no others. `at`: nanoseconds on the clock of the observations.
    pub fn replace(&mut self, source: &SourceId, items: Vec<(ObjectName, Spec)>, at: u64) {
        let Some(own) = self.sources.get_mut(source) else {
            return;
        };
        (own.listed, own.lost, own.unreadable) = (true, None, None);
        let mut gone = std::mem::take(&mut own.entries);
        for (name, spec) in items {
            let old = gone.remove(&name);
            self.put(source, name, spec, old, at);
        }
        for (name, entry) in gone {
            self.forget(&name, &entry, at);
        }
    }

    /// An object of a source is new or was changed.
    pub fn apply(&mut self, source: &SourceId, name: ObjectName, spec: Spec, at: u64) {
        let Some(own) = self.sources.get_mut(source) else {
            return;
        };
        let old = own.entries.remove(&name);
        self.put(source, name, spec, old, at);
    }

    /// An object of a source is gone.
    pub fn delete(&mut self, source: &SourceId, name: &ObjectName, at: u64) {
        let entry = self.sources.get_mut(source).and_then(|own| own.entries.remove(name));
        if let Some(entry) = entry {
            self.forget(name, &entry, at);
        }
    }

    /// A single object is named and not read: it is assumed to be as it should.
    pub fn assume(&mut self, source: &SourceId, at: u64) {
        self.add_source(source.clone());
        let assumed = source
            .only
            .iter()
            .filter_map(|name| Some((name.clone(), Spec::assumed(source.plural, name)?)));
        self.replace(source, assumed.collect(), at);
    }

    /// A source cannot be read for good: it counts as empty; a single object that is named is assumed to be as it should.
    pub fn unreadable(&mut self, source: &SourceId, why: String, at: u64) {
        if !self.sources.contains_key(source) {
            return;
        }
        self.assume(source, at);
        if let Some(own) = self.sources.get_mut(source) {
            own.unreadable = Some(why);
        }
    }

    /// A source may have changed since then without being seen.
    pub fn lose(&mut self, source: &SourceId, since: u64) {
        if let Some(own) = self.sources.get_mut(source) {
            own.lost.get_or_insert(since);
        }
    }

    /// A source is seen again, and whatever was missed is told.
    pub fn regain(&mut self, source: &SourceId) {
        if let Some(own) = self.sources.get_mut(source) {
            own.lost = None;
        }
    }

    /// Whether the index holds what the API holds.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.sources.values().any(|source| !source.listed) {
            return Standing::Incomplete;
        }
        let lost = self.sources.values().filter_map(|source| source.lost).min();
        lost.map_or(Standing::InStep, Standing::LostSince)
    }

    /// The snapshot, if a decision can have changed since it was asked for the last time. A status that was written changes
    /// none.
    pub fn changed(&mut self) -> Option<Arc<Snapshot>> {
        let snapshot = self.objects.snapshot();
        std::mem::take(&mut self.changed).then(|| {
            self.told = Arc::clone(&snapshot);
            snapshot
        })
    }

    /// Whether anything but endpoints changed since it was asked for the last time, status included.
    pub fn touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// Whether anything changed since it was asked for the last time that says where routes lead and who may refer to what:
    /// neither endpoints and certificates nor any status.
    pub fn restructured(&mut self) -> bool {
        std::mem::take(&mut self.restructured)
    }

    /// The objects with the snapshot of them as they are now.
    pub fn now(&mut self) -> (&Objects, Arc<Snapshot>) {
        let snapshot = self.objects.snapshot();
        (&self.objects, snapshot)
    }

    /// The objects.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The Secrets and ConfigMaps that other objects name.
    #[must_use]
    pub fn wanted(&self, whose: Whose<'_>) -> Wanted {
        Wanted::of(&self.objects, whose)
    }

    /// What whoever wrote the objects should know, in the order of their names.
    #[must_use]
    pub fn findings(&self) -> Vec<&Finding> {
        let entries = self.sources.values().flat_map(|source| source.entries.values());
        let mut all: Vec<&Finding> = entries.flat_map(|entry| &entry.findings).collect();
        all.sort_by(|one, other| (&one.object, &one.field).cmp(&(&other.object, &other.field)));
        all
    }

    /// How many objects of each source do not fit their type.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for (id, source) in &self.sources {
            *counts.entry(id.plural).or_default() += source.entries.values().filter(|entry| entry.refused).count();
        }
        counts
    }

    /// Sources that count as empty since they cannot be read, and why.
    pub fn unreadable_sources(&self) -> impl Iterator<Item = (&SourceId, &str)> {
        let sources = self.sources.iter();
        sources.filter_map(|(id, source)| Some((id, source.unreadable.as_deref()?)))
    }

    fn put(&mut self, source: &SourceId, name: ObjectName, spec: Spec, old: Option<Entry>, at: u64) {
        let entry = Entry {
            kind: spec.object.as_ref().map(Object::kind),
            print: spec.print,
            refused: spec.refused,
            findings: spec.findings,
        };
        let refused = entry.refused || old.as_ref().is_some_and(|old| old.refused);
        self.touched |= refused || entry.kind != Some(Kind::EndpointSlice);
        if let Some(old) = old.as_ref().filter(|old| old.kind != entry.kind) {
            self.forget(&name, old, at);
        }
        if old.is_none_or(|old| (old.kind, old.print) != (entry.kind, entry.print)) {
            self.changed |= entry.kind.is_some();
            self.restructured |= entry.kind.is_some_and(is_structure);
        }
        if let Some(object) = spec.object {
            self.objects.apply(object, at);
        }
        if let Some(own) = self.sources.get_mut(source) {
            own.entries.insert(name, entry);
        }
    }

    fn forget(&mut self, name: &ObjectName, entry: &Entry, at: u64) {
        self.touched |= entry.refused || entry.kind != Some(Kind::EndpointSlice);
        if let Some(kind) = entry.kind {
            self.changed = true;
            self.restructured |= is_structure(kind);
            self.objects.delete(kind, name, at);
        }
    }
}

/// Whether objects of this kind say where routes lead and who may refer to what.
fn is_structure(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::EndpointSlice | Kind::Secret | Kind::ConfigMap | Kind::BackendTlsPolicy
    )
}
