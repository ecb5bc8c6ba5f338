//! The objects, and the history that watches are served from.

use super::super::object::set;
use super::resource::{self, Resource};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// Changes that are remembered: many more than a test makes between two looks.
const HISTORY: usize = 100_000;

/// Names an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    group: &'static str,
    plural: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(resource: &Resource, namespace: &str, name: &str) -> Self {
        let namespace = if resource.namespaced { namespace } else { "" };
        Self {
            group: resource.group,
            plural: resource.plural,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(super) fn is_of(&self, resource: &Resource) -> bool {
        (self.group, self.plural) == (resource.group, resource.plural)
    }
}

/// A change.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(super) kind: &'static str,
    pub(super) key: Key,
    pub(super) object: Value,
}

/// What a write was refused for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The object is not there.
    NotFound,
    /// The resourceVersion is not the newest.
    Conflict,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Store {
    objects: BTreeMap<Key, Value>,
    history: VecDeque<Change>,
    version: u64,
    forgotten: u64,
    created: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            // As in a cluster that has lived a little: versions are no small numbers.
            version: 1000,
            forgotten: 0,
            created: 0,
        }
    }
}

impl Store {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// The objects of a kind, in order.
    pub(super) fn of(&self, resource: &Resource) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter().filter(|(key, _)| key.is_of(resource))
    }

    /// Whether a kind is there: of a custom one, its CRD.
    pub(super) fn serves(&self, resource: &Resource) -> bool {
        !resource.custom || self.definition(resource).is_some()
    }

    /// Whether a kind is there in this version.
    pub(super) fn serves_version(&self, resource: &Resource, version: &str) -> bool {
        if !resource.custom {
            return resource.versions.contains(&version);
        }
        let versions = self
            .definition(resource)
            .and_then(|definition| definition.pointer("/spec/versions")?.as_array());
        let served = |own: &Value| own.get("name") == Some(&json!(version)) && own.get("served") == Some(&json!(true));
        versions.is_some_and(|versions| versions.iter().any(served))
    }

    fn definition(&self, resource: &Resource) -> Option<&Value> {
        self.get(&Key::new(resource::definitions()?, "", &resource.name()))
    }

    /// Creates or replaces an object. A status write keeps the generation; a write that changes nothing is none.
    pub(super) fn put(&mut self, key: Key, mut object: Value, status: bool) -> Value {
        let old = self.objects.get(&key).cloned();
        self.keep_metadata(&mut object, old.as_ref(), status);
        if let Some(old) = old.as_ref().filter(|old| **old == object) {
            return old.clone();
        }
        let kind = if old.is_some() { "MODIFIED" } else { "ADDED" };
        let object = self.note(kind, key.clone(), object);
        self.objects.insert(key, object.clone());
        object
    }

    /// Replaces the status of an object.
    pub(super) fn put_status(&mut self, key: &Key, from: &Value) -> Result<Value, Refused> {
        let mut object = self.objects.get(key).cloned().ok_or(Refused::NotFound)?;
        let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
        if version(from).is_some_and(|given| Some(given) != version(&object)) {
            return Err(Refused::Conflict);
        }
        set(
            &mut object,
            "status",
            from.get("status").cloned().unwrap_or(Value::Null),
        );
        Ok(self.put(key.clone(), object, true))
    }

    pub(super) fn delete(&mut self, key: &Key) -> Option<()> {
        let object = self.objects.remove(key)?;
        self.note("DELETED", key.clone(), object);
        Some(())
    }

    /// Changes after a version; `None` if they are forgotten.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        (version >= self.forgotten).then(|| self.history.iter().filter(move |change| change.version > version))
    }

    pub(super) fn forget(&mut self) {
        self.history.clear();
        self.forgotten = self.version;
    }

    fn note(&mut self, kind: &'static str, key: Key, mut object: Value) -> Value {
        self.version += 1;
        if let Some(metadata) = object.get_mut("metadata") {
            set(metadata, "resourceVersion", json!(self.version.to_string()));
        }
        if self.history.len() == HISTORY {
            self.forgotten = self.history.pop_front().map_or(self.forgotten, |change| change.version);
        }
        self.history.push_back(Change {
            version: self.version,
            kind,
            key,
            object: object.clone(),
        });
        object
    }

    /// What a server keeps or sets in the metadata. Times count up by seconds from a fixed day: runs are alike.
    fn keep_metadata(&mut self, object: &mut Value, old: Option<&Value>, status: bool) {
        let same_spec = old.is_some_and(|old| old.get("spec") == object.get("spec"));
        let of_old = |field: &str| old.and_then(|old| old.pointer(&format!("/metadata/{field}")).cloned());
        let old_status = old.and_then(|old| old.get("status")).filter(|_| !status);
        if let (Some(old), None) = (old_status, object.get("status")) {
            set(object, "status", old.clone());
        }
        let Some(metadata) = object.get_mut("metadata").filter(|metadata| metadata.is_object()) else {
            return;
        };
        let generation = of_old("generation").and_then(|value| value.as_u64()).unwrap_or(0);
        let generation = if same_spec || status {
            generation
        } else {
            generation + 1
        };
        set(metadata, "generation", json!(generation));
        let fresh = |metadata: &Value| metadata.get("creationTimestamp").is_none();
        if let Some(created) = of_old("creationTimestamp") {
            set(metadata, "creationTimestamp", created);
        } else if fresh(metadata) {
            self.created += 1;
            let n = self.created;
            let time = format!("2026-01-01T{:02}:{:02}:{:02}Z", n / 3600 % 24, n / 60 % 60, n % 60);
            set(metadata, "creationTimestamp", json!(time));
        }
        let uid = of_old("uid").unwrap_or_else(|| json!(format!("00000000-0000-4000-8000-{:012}", self.version)));
        set(metadata, "uid", uid);
        if let Some(version) = of_old("resourceVersion") {
            set(metadata, "resourceVersion", version);
        }
    }
}
