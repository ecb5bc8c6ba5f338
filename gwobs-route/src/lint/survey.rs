//! What monitoring keeps an eye on while it runs: references to other namespaces with their grants, and features in use
//! that a class does not list. The same facts as the findings, without the words.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ObjectName;
use crate::lint::features::missing;
use crate::lint::finding::ObjectRef;
use crate::lint::references::all;
use crate::lint::world::{View, World};
use crate::objects::Objects;
use crate::snapshot::Snapshot;

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

/// Surveys objects; `snapshot`: of them as they are.
#[must_use]
pub fn survey(objects: &Objects, snapshot: &Arc<Snapshot>) -> Survey {
    let classes = objects.classes().map(|one| View::GatewayClass(one));
    let gateways = objects.gateways().map(|one| View::Gateway(one));
    let sets = objects.listener_sets().map(|one| View::ListenerSet(one));
    let routes = objects.routes().map(|one| View::Route(one));
    let grants = objects.grants().map(|one| View::ReferenceGrant(one));
    let services = objects.services().map(|one| View::Service(one));
    let views = classes
        .chain(gateways)
        .chain(sets)
        .chain(routes)
        .chain(grants)
        .chain(services);
    let world = World::new(views, objects, Arc::clone(snapshot));
    let mut references = all(&world);
    references.retain(|used| used.needs_grant && used.crosses());
    let references = references.iter().map(|used| CrossReference {
        from: used.from.clone(),
        to_kind: Arc::clone(&used.target.kind),
        to: used.object(),
        granted: world
            .snapshot
            .is_granted(used.from.group(), used.from.kind(), used.namespace(), used.target),
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
