//! The objects of a case.

use std::collections::HashMap;

use gwobs_agent::specs::{load, load_text};
use gwobs_route::model::{Kind, Object};
use gwobs_route::{ObjectName, Objects, RouteKind};
use serde_json::Value;

use crate::suite::{Mutation, Suite};

/// Objects by the manifests they come from; most cases share them.
#[derive(Default)]
pub(crate) struct Worlds {
    loaded: HashMap<Vec<String>, Vec<Object>>,
}

impl Worlds {
    /// The objects of the manifests after the mutations.
    pub(crate) fn objects(&mut self, suite: &Suite, manifests: &[String], mutations: &[Mutation]) -> Objects {
        let loaded = self
            .loaded
            .entry(manifests.to_vec())
            .or_insert_with(|| load_all(suite, manifests));
        let mut objects = Objects::new(None);
        for object in loaded.iter() {
            objects.apply(object.clone(), 0);
        }
        mutations.iter().for_each(|mutation| mutate(&mut objects, mutation));
        objects
    }
}

fn load_all(suite: &Suite, manifests: &[String]) -> Vec<Object> {
    let paths: Vec<_> = manifests.iter().map(|name| suite.manifest(name)).collect();
    let loaded = load(&paths).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        loaded.refused.is_empty() && loaded.unknown.is_empty(),
        "{:?}",
        loaded.findings
    );
    loaded.objects.into_iter().map(|object| aged(object, 0)).collect()
}

fn mutate(objects: &mut Objects, mutation: &Mutation) {
    match mutation {
        Mutation::Delete { kind, namespace, name } => {
            let name = ObjectName {
                namespace: namespace.as_str().into(),
                name: name.as_str().into(),
            };
            objects.delete(kind_of(kind), &name, 1);
        }
        Mutation::Add { object } => objects.apply(aged(one(object), 1), 1),
        Mutation::Replace { object } => objects.apply(aged(one(object), 0), 1),
    }
}

fn one(value: &Value) -> Object {
    let mut loaded = load_text("mutation", &value.to_string()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.objects.len(), 1, "{:?}", loaded.findings);
    loaded.objects.remove(0)
}

/// The published manifests have no times; what a test adds later is newer.
fn aged(mut object: Object, created: i64) -> Object {
    let meta = match &mut object {
        Object::GatewayClass(object) => &mut object.meta,
        Object::Gateway(object) => &mut object.meta,
        Object::ListenerSet(object) => &mut object.meta,
        Object::Route(object) => &mut object.meta,
        Object::Service(object) => &mut object.meta,
        Object::ServiceImport(object) => &mut object.meta,
        Object::EndpointSlice(object) => &mut object.meta,
        Object::ReferenceGrant(object) => &mut object.meta,
        Object::Namespace(object) => &mut object.meta,
        Object::Secret(object) => &mut object.meta,
        Object::ConfigMap(object) => &mut object.meta,
        Object::BackendTlsPolicy(object) => &mut object.meta,
    };
    meta.created.get_or_insert(created);
    object
}

fn kind_of(kind: &str) -> Kind {
    match kind {
        "ReferenceGrant" => Kind::ReferenceGrant,
        "Gateway" => Kind::Gateway,
        "HTTPRoute" => Kind::Route(RouteKind::Http),
        "Service" => Kind::Service,
        "Secret" => Kind::Secret,
        other => panic!("a mutation deletes a {other}, which is not provided for"),
    }
}
