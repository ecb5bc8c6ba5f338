//! One finding, and the list that checks add to.

use std::fmt;

use crate::ObjectName;
use crate::lint::{Code, Severity};
use crate::model::{Kind, Meta, Route};

/// An object that a finding speaks of: prints as `HTTPRoute shop/cart`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: ObjectName,
}

impl ObjectRef {
    pub(super) fn new(kind: Kind, meta: &Meta) -> Self {
        Self {
            kind,
            name: meta.name.clone(),
        }
    }

    pub(super) fn route(route: &Route) -> Self {
        Self::new(Kind::Route(route.kind), &route.meta)
    }

    /// The kind as Kubernetes writes it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    /// The API group of the kind.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.kind.group()
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.namespace.is_empty() {
            write!(f, "{} {}", self.kind(), self.name.name)
        } else {
            write!(f, "{} {}", self.kind(), self.name)
        }
    }
}

/// Something in the specs that is wrong, or worth knowing. Ordered by object, field and code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The object in which to mend it.
    pub object: ObjectRef,
    /// Path of the field: `spec.rules[1].matches[0]`.
    pub field: String,
    /// What kind of finding it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is so, and what follows from it: one or two sentences.
    pub why: String,
    /// What to do about it.
    pub mend: String,
    /// Other objects that take part.
    pub related: Vec<ObjectRef>,
}

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Adds a finding; the result may be given related objects or another severity.
    pub(super) fn add(
        &mut self,
        code: Code,
        object: &ObjectRef,
        field: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> FindingMut<'_> {
        self.list.push(Finding {
            object: object.clone(),
            field: field.into(),
            code,
            severity: code.severity(),
            why: why.into(),
            mend: mend.into(),
            related: Vec::new(),
        });
        FindingMut(self.list.last_mut())
    }

    /// All findings in order, each once.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.list.sort();
        self.list.dedup();
        self.list
    }
}

/// The finding that was just added.
pub(super) struct FindingMut<'a>(Option<&'a mut Finding>);

impl FindingMut<'_> {
    /// Names another object that takes part.
    pub(super) fn with(self, object: ObjectRef) -> Self {
        if let Some(finding) = &self.0
            && (finding.object == object || finding.related.contains(&object))
        {
            return self;
        }
        self.change(|finding| finding.related.push(object))
    }

    /// Sets another severity than the code's own.
    pub(super) fn of_severity(self, severity: Severity) -> Self {
        self.change(|finding| finding.severity = severity)
    }

    fn change(mut self, change: impl FnOnce(&mut Finding)) -> Self {
        if let Some(finding) = &mut self.0 {
            change(finding);
        }
        self
    }
}
