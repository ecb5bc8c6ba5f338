//! Predicted status: the conditions that a controller must write for these objects, next to those they carry.
//!
//! As far as specs say: a controller may refuse more (addresses, features it lacks), and what it did with its data plane
//! is not in the specs.

mod gateway;
mod listener;
mod listener_set;
mod policy;
mod reference;
mod route;

use std::sync::Arc;

use crate::model::{Condition, Meta};
use crate::status::reference::References;
use crate::{ObjectName, Objects, RouteKind, Snapshot};

/// The status of one object, of one of its listeners, or towards one of its parents.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectStatus {
    /// Kind of the object.
    pub kind: &'static str,
    /// The object.
    pub name: ObjectName,
    /// The Gateway, ListenerSet or Service that a route or policy has this status towards.
    pub parent: Option<ParentName>,
    /// The listener of a Gateway or ListenerSet, or the `sectionName` of a route's parentRef.
    pub section: Option<Arc<str>>,
    /// What the conditions must be.
    pub expected: Vec<Expected>,
    /// What they are; empty if the object carries no such status.
    pub actual: Vec<Condition>,
    /// Of a listener: how many routes are attached.
    pub attached_routes: Option<Pair<usize>>,
    /// Of a listener: the kinds of routes it supports.
    pub supported_kinds: Option<Pair<Vec<String>>>,
    /// Of a Gateway: how many ListenerSets are attached.
    pub attached_listener_sets: Option<Pair<usize>>,
}

/// The object that a status is towards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParentName {
    /// `Gateway`, `ListenerSet`, `XListenerSet` or `Service`.
    pub kind: &'static str,
    /// Its name.
    pub name: ObjectName,
}

/// A value that is predicted, and the one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<T> {
    /// Predicted.
    pub expected: T,
    /// As the object's status has it.
    pub actual: Option<T>,
}

/// A condition that is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// `type`
    pub kind: &'static str,
    /// `status`
    pub status: bool,
    /// `reason`
    pub reason: &'static str,
}

impl Expected {
    pub(crate) fn yes(kind: &'static str, reason: &'static str) -> Self {
        Self {
            kind,
            status: true,
            reason,
        }
    }

    pub(crate) fn no(kind: &'static str, reason: &'static str) -> Self {
        Self {
            kind,
            status: false,
            reason,
        }
    }

    /// True, with the condition's own name for a reason; or false for a reason.
    pub(crate) fn unless(kind: &'static str, fault: Option<&'static str>) -> Self {
        fault.map_or(Self::yes(kind, kind), |reason| Self::no(kind, reason))
    }

    /// The status as Kubernetes writes it.
    #[must_use]
    pub fn status_text(&self) -> &'static str {
        if self.status { "True" } else { "False" }
    }
}

impl ObjectStatus {
    /// Conditions that are predicted and are there with another status. A reason may differ: controllers have reasons of
    /// their own.
    pub fn contradicted(&self) -> impl Iterator<Item = (&Expected, &Condition)> {
        self.expected.iter().filter_map(|expected| {
            let actual = self.actual.iter().find(|actual| actual.kind == expected.kind)?;
            (actual.status != expected.status_text()).then_some((expected, actual))
        })
    }
}

/// The status of all objects: Gateways with their listeners, ListenerSets with theirs, routes by parent (Services in a mesh
/// too), policies by Gateway. `snapshot` is the one of `objects`.
#[must_use]
pub fn predict(objects: &Objects, snapshot: &Snapshot) -> Vec<ObjectStatus> {
    let world = World {
        objects,
        snapshot,
        references: References::new(objects, snapshot),
    };
    let mut all = Vec::new();
    gateway::predict(&world, &mut all);
    listener_set::predict(&world, &mut all);
    route::predict(&world, &mut all);
    policy::predict(&world, &mut all);
    all
}

/// What predictions look at.
struct World<'a> {
    objects: &'a Objects,
    snapshot: &'a Snapshot,
    references: References<'a>,
}

/// The conditions that an object carries as a whole.
fn own_conditions(meta: &Meta) -> Vec<Condition> {
    meta.status
        .as_ref()
        .map(|status| status.conditions.clone())
        .unwrap_or_default()
}

fn names_of(kinds: &[RouteKind]) -> Vec<String> {
    kinds.iter().map(|kind| kind.as_str().to_owned()).collect()
}
