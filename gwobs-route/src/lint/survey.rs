//! What monitoring keeps an eye on while it runs: references to other namespaces with their grants, and features in use
//! that a class does not list. The same facts as the findings, without the words.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ObjectName;
use crate::attach::GATEWAY_GROUP;
use crate::lint::features::missing;
use crate::lint::finding::ObjectRef;
use crate::lint::references::all;
use crate::lint::world::World;
use crate::model::Object;
use crate::profile::Profile;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// References to other namespaces, each object's to another object once.
    pub references: BTreeSet<CrossReference>,
    /// Features in use that a class does not list.
    pub features: BTreeSet<UnsupportedFeature>,
}

/// A reference to an object of another namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrossReference {
    /// The object that refers.
    pub from: ObjectRef,
    /// Kind of the object that is referred to.
    pub to_kind: Arc<str>,
    /// The object that is referred to.
    pub to: ObjectName,
    /// Whether a ReferenceGrant lets it.
    pub granted: bool,
}

/// A feature that an object uses and that the class of one of its Gateways does not list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnsupportedFeature {
    /// The GatewayClass.
    pub class: Arc<str>,
    /// The object.
    pub object: ObjectRef,
    /// The feature, as `supportedFeatures` names it.
    pub feature: &'static str,
}

/// Surveys objects; `profile` as in [`lint`](crate::lint::lint).
#[must_use]
pub fn survey(objects: &[Object], profile: Option<Profile>) -> Survey {
    let world = World::new(objects, profile);
    let mut references = all(&world);
    references.retain(|used| used.needs_grant && used.crosses());
    let references = references.iter().map(|used| CrossReference {
        from: used.from.clone(),
        to_kind: Arc::clone(&used.target.kind),
        to: used.object(),
        granted: world
            .snapshot
            .is_granted(GATEWAY_GROUP, used.from.kind(), used.namespace(), used.target),
    });
    let features = missing(&world).into_iter().map(|missing| UnsupportedFeature {
        class: Arc::clone(&missing.class.meta.name.name),
        object: missing.object,
        feature: missing.feature,
    });
    Survey {
        references: references.collect(),
        features: features.collect(),
    }
}
