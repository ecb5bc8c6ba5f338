//! What is said about objects: where they stand, what is wrong with them.

use std::fmt;
use std::sync::Arc;

use super::document::Place;

/// Names an object as people do: `HTTPRoute shop/cart`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// API group; empty for the core group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// What a [`Finding`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Concern {
    /// The object does not fit its type: an API server would refuse it.
    Misfit,
    /// The object fits its type and breaks a rule of the API: an API server would refuse it.
    Invalid,
    /// The same object stands in two places.
    Duplicate,
    /// A field is not understood.
    UnknownField,
    /// A kind is not understood.
    UnknownKind,
}

/// Something about an object that whoever wrote it should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub concern: Concern,
    /// Where the object stands; `None` for objects from a cluster.
    pub place: Option<Place>,
    /// The object, as far as it could be named.
    pub object: Option<ObjectId>,
    /// Path of the field, dotted with indices from 0; empty for the whole object.
    pub field: String,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}
