//! Findings of both kinds in one form: what the API refuses, found when manifests are read, and what the objects mean
//! together, found by the engine.

use std::collections::HashSet;

use gwobs_route::lint::{Code, Finding, ObjectRef, Severity};
use serde::{Serialize, Serializer};

use crate::specs::{self, Concern};

/// One finding, as it is written. Fields are those of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Row {
    /// The object in which to mend it; all empty for a document that is no object.
    #[serde(flatten)]
    pub(super) object: Named,
    /// Path of the field; empty for the whole object.
    pub(super) field: String,
    pub(super) code: &'static str,
    #[serde(serialize_with = "severity")]
    pub(super) severity: Severity,
    pub(super) why: String,
    pub(super) mend: String,
    /// Other objects that take part.
    pub(super) related: Vec<Named>,
    /// `file:line` of the object, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
}

/// An object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(super) struct Named {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

fn severity<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.as_str())
}

impl From<&ObjectRef> for Named {
    fn from(object: &ObjectRef) -> Self {
        Self {
            kind: object.kind().to_owned(),
            namespace: object.name.namespace.to_string(),
            name: object.name.name.to_string(),
        }
    }
}

impl From<&specs::ObjectId> for Named {
    fn from(id: &specs::ObjectId) -> Self {
        Self {
            kind: id.kind.to_string(),
            namespace: id.namespace.to_string(),
            name: id.name.to_string(),
        }
    }
}

/// All findings, by object, field and code; what both kinds tell of one field is told once.
pub(super) fn rows(linted: Vec<Finding>, read: &[specs::Finding]) -> Vec<Row> {
    let mut rows: Vec<_> = read.iter().map(of_reading).collect();
    let told: HashSet<_> = rows.iter().map(|row| (row.object.clone(), row.field.clone())).collect();
    let linted = linted.into_iter().map(of_engine);
    rows.extend(linted.filter(|row| {
        row.code != Code::FieldUnknown.as_str() || !told.contains(&(row.object.clone(), row.field.clone()))
    }));
    rows.sort();
    rows.dedup();
    rows
}

fn of_engine(finding: Finding) -> Row {
    Row {
        object: Named::from(&finding.object),
        field: finding.field,
        code: finding.code.as_str(),
        severity: finding.severity,
        why: finding.why,
        mend: finding.mend,
        related: finding.related.iter().map(Named::from).collect(),
        place: None,
    }
}

fn of_reading(finding: &specs::Finding) -> Row {
    let (code, severity, mend) = kind(finding.concern);
    Row {
        object: finding.object.as_ref().map(Named::from).unwrap_or_default(),
        field: bracketed(&finding.field),
        code,
        severity,
        why: finding.message.clone(),
        mend: mend.to_owned(),
        related: Vec::new(),
        place: finding.place.as_ref().map(ToString::to_string),
    }
}

fn kind(concern: Concern) -> (&'static str, Severity, &'static str) {
    match concern {
        Concern::Misfit => {
            let mend = "correct the field: an API server refuses the object as it is";
            ("object-misfit", Severity::Error, mend)
        }
        Concern::Invalid => {
            let mend = "keep to this rule of the API: an API server refuses the object as it is";
            ("field-invalid", Severity::Error, mend)
        }
        Concern::Duplicate => ("object-repeated", Severity::Warning, "keep one of the two"),
        Concern::UnknownField => {
            let mend = "check its spelling and place, and the version of the CRDs in the cluster";
            (Code::FieldUnknown.as_str(), Code::FieldUnknown.severity(), mend)
        }
        Concern::UnknownKind => {
            let mend = "nothing, if it does not change where requests go";
            ("kind-unknown", Severity::Info, mend)
        }
    }
}

/// `spec.rules.1.name` as `spec.rules[1].name`.
fn bracketed(dotted: &str) -> String {
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    dotted
        .split('.')
        .fold(String::new(), |path, part| match path.is_empty() {
            _ if is_index(part) => format!("{path}[{part}]"),
            true => part.to_owned(),
            false => format!("{path}.{part}"),
        })
}
