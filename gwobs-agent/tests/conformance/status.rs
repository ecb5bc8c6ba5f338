//! Status cases: `status_cases.jsonl`.

use std::collections::BTreeMap;

use gwobs_agent::commands::status::Row;
use gwobs_route::status::predict;
use serde::Deserialize;
use serde_json::json;

use crate::suite::{Mutation, Suite};
use crate::tally::Tally;
use crate::world::Worlds;

/// A line of `status_cases.jsonl`.
#[derive(Debug, Deserialize)]
struct Case {
    test: String,
    manifests: Vec<String>,
    #[serde(default)]
    mutations: Vec<Mutation>,
    /// The case applies to implementations without these features alone.
    #[serde(default)]
    without_features: Vec<String>,
    object: Object,
    parent: Option<String>,
    parent_kind: Option<String>,
    section: Option<String>,
    /// Status, and the reason or null for any.
    conditions: BTreeMap<String, (String, Option<String>)>,
    attached_routes: Option<usize>,
    supported_kinds: Option<Vec<String>>,
    attached_listener_sets: Option<usize>,
    accepted_parents: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Object {
    kind: String,
    namespace: String,
    name: String,
}

/// Checks every case; those for implementations that lack a feature are left out, the engine lacks none.
pub(crate) fn check(suite: &Suite) -> Tally {
    let mut tally = Tally::default();
    let mut worlds = Worlds::default();
    for case in suite.cases::<Case>("status_cases.jsonl") {
        if !case.without_features.is_empty() {
            tally.leave_out(&case.test);
            continue;
        }
        let mut objects = worlds.objects(suite, &case.manifests, &case.mutations);
        let snapshot = objects.snapshot();
        let statuses = predict(&objects, &snapshot);
        let rows: Vec<_> = statuses.iter().map(Row::new).collect();
        tally.note(&case.test, &case.name(), &case.faults(&rows));
    }
    tally
}

impl Case {
    fn name(&self) -> String {
        let Object { kind, namespace, name } = &self.object;
        let towards = self
            .parent
            .as_ref()
            .map(|parent| format!(" towards {parent}"))
            .unwrap_or_default();
        let section = self
            .section
            .as_ref()
            .map(|section| format!(" section {section}"))
            .unwrap_or_default();
        format!("{kind} {namespace}/{name}{towards}{section}")
    }

    fn faults(&self, rows: &[Row<'_>]) -> Vec<String> {
        let mine: Vec<_> = rows.iter().filter(|row| self.is_about(row)).collect();
        if let Some(wanted) = self.accepted_parents {
            let accepted = mine.iter().filter(|row| holds(row, "Accepted", "True", None)).count();
            return if accepted == wanted {
                Vec::new()
            } else {
                vec![format!("accepted by {accepted} parents, not {wanted}")]
            };
        }
        let mut fewest = vec!["nothing is predicted of it".to_owned()];
        for row in mine {
            let faults = self.faults_of(row);
            if faults.is_empty() {
                return faults;
            }
            fewest = faults;
            fewest.push(format!("predicted: {}", json!(row)));
        }
        fewest
    }

    /// The rows of the case: with a parent those towards it, with a section those of the listener.
    fn is_about(&self, row: &Row<'_>) -> bool {
        let own =
            row.kind == self.object.kind && row.namespace == self.object.namespace && row.name == self.object.name;
        let parent =
            self.parent.is_none() || (row.parent == self.parent && row.parent_kind == self.parent_kind.as_deref());
        let listener = row.parent.is_some() || row.section == self.section.as_deref();
        own && parent && listener
    }

    fn faults_of(&self, row: &Row<'_>) -> Vec<String> {
        let conditions = self
            .conditions
            .iter()
            .filter(|(kind, (status, reason))| !holds(row, kind, status, reason.as_deref()));
        let mut faults: Vec<_> = conditions
            .map(|(kind, wanted)| format!("{kind} must be {wanted:?}"))
            .collect();
        let count = |what: &str, wanted: Option<usize>, predicted: Option<usize>| {
            (wanted.is_some() && wanted != predicted).then(|| format!("{what} must be {wanted:?}, not {predicted:?}"))
        };
        faults.extend(count(
            "attached routes",
            self.attached_routes,
            row.attached_routes.as_ref().map(|side| side.expected),
        ));
        faults.extend(count(
            "attached ListenerSets",
            self.attached_listener_sets,
            row.attached_listener_sets.as_ref().map(|side| side.expected),
        ));
        faults.extend(self.kinds_fault(row));
        faults
    }

    /// An empty list must be empty, another must be contained.
    fn kinds_fault(&self, row: &Row<'_>) -> Option<String> {
        let wanted = self.supported_kinds.as_ref()?;
        let predicted = row
            .supported_kinds
            .as_ref()
            .map(|side| side.expected)
            .unwrap_or_default();
        let fits = if wanted.is_empty() {
            predicted.is_empty()
        } else {
            wanted.iter().all(|kind| predicted.contains(kind))
        };
        (!fits).then(|| format!("supported kinds must be {wanted:?}, not {predicted:?}"))
    }
}

fn holds(row: &Row<'_>, kind: &str, status: &str, reason: Option<&str>) -> bool {
    let predicted = row.conditions.get(kind).and_then(|values| values.expected);
    predicted.is_some_and(|[own, why]| own == status && reason.is_none_or(|reason| reason == why))
}
