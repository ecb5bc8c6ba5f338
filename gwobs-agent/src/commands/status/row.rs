//! One status as JSON.

use std::collections::BTreeMap;

use gwobs_route::model::Condition;
use gwobs_route::status::{Expected, ObjectStatus, Pair};
use serde::Serialize;

/// The status of one object, of one of its listeners, or towards one of its parents, as `INTERFACE.md` names its fields.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    /// Kind of the object.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `namespace/name` of the Gateway, ListenerSet or Service that the status is towards.
    pub parent: Option<String>,
    /// `Gateway`, `ListenerSet` or `Service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_kind: Option<&'static str>,
    /// The listener, or the section that a route names.
    pub section: Option<&'a str>,
    /// Conditions by type.
    pub conditions: BTreeMap<&'a str, Values<'a>>,
    /// Of a listener: how many routes are attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached_routes: Option<Side<usize>>,
    /// Of a listener: the kinds of routes it supports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_kinds: Option<Side<&'a [String]>>,
    /// Of a Gateway: how many ListenerSets are attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached_listener_sets: Option<Side<usize>>,
}

/// A condition: status and reason.
#[derive(Debug, Default, Serialize)]
pub struct Values<'a> {
    /// As predicted; null for a condition that specs say nothing about.
    pub expected: Option<[&'a str; 2]>,
    /// As the object has it; null if it does not.
    pub actual: Option<[&'a str; 2]>,
}

/// A value, predicted and as the object has it.
#[derive(Debug, Serialize)]
pub struct Side<T> {
    /// As predicted.
    pub expected: T,
    /// As the object has it; null if it does not.
    pub actual: Option<T>,
}

impl<'a> Row<'a> {
    /// The status as JSON.
    #[must_use]
    pub fn new(status: &'a ObjectStatus) -> Self {
        Self {
            kind: status.kind,
            namespace: &status.name.namespace,
            name: &status.name.name,
            parent: status.parent.as_ref().map(|parent| parent.name.to_string()),
            parent_kind: status.parent.as_ref().map(|parent| parent.kind),
            section: status.section.as_deref(),
            conditions: conditions(&status.expected, &status.actual),
            attached_routes: status.attached_routes.as_ref().map(count),
            supported_kinds: status.supported_kinds.as_ref().map(|kinds| Side {
                expected: kinds.expected.as_slice(),
                actual: kinds.actual.as_deref(),
            }),
            attached_listener_sets: status.attached_listener_sets.as_ref().map(count),
        }
    }
}

fn count(pair: &Pair<usize>) -> Side<usize> {
    Side {
        expected: pair.expected,
        actual: pair.actual,
    }
}

fn conditions<'a>(expected: &'a [Expected], actual: &'a [Condition]) -> BTreeMap<&'a str, Values<'a>> {
    let mut conditions: BTreeMap<&str, Values<'_>> = BTreeMap::new();
    for one in expected {
        conditions.entry(one.kind).or_default().expected = Some([one.status_text(), one.reason]);
    }
    for one in actual {
        conditions.entry(&one.kind).or_default().actual = Some([&one.status, &one.reason]);
    }
    conditions
}
