//! What can still be told of an object that does not fit its type.
//!
//! A route that is refused may be newer than this program. Then its gateway follows it, and a decision about its
//! hostnames that leaves it out may be wrong. So its parents and hostnames are kept, with one rule that may match
//! anything and is marked as not understood.

use std::sync::Arc;

use gwobs_route::model::{Match, Meta, Object, ParentRef, PathMatch, Route, Rule};
use gwobs_route::{ObjectName, RouteKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{backend, scalar};
use crate::specs::decode::{Misfit, decode};
use crate::specs::notes::{At, Notes};
use crate::specs::object::RawObject;
use crate::specs::wire;

/// The route as far as it could be read; `None` for other kinds, for what has no name, and for a route that names no
/// parent.
pub(super) fn salvage(raw: &RawObject, misfit: &Misfit) -> Option<Object> {
    let kind = route_kind(&raw.id.kind)?;
    let parents = parents(raw);
    if parents.is_empty() || raw.id.name.is_empty() {
        return None;
    }
    Some(Object::Route(Route {
        meta: meta(raw, misfit),
        kind,
        parents,
        hostnames: hostnames(raw),
        rules: vec![anything()],
    }))
}

fn route_kind(kind: &str) -> Option<RouteKind> {
    [
        RouteKind::Http,
        RouteKind::Grpc,
        RouteKind::Tls,
        RouteKind::Tcp,
        RouteKind::Udp,
    ]
    .into_iter()
    .find(|route| route.as_str() == kind)
}

fn parents(raw: &RawObject) -> Vec<ParentRef> {
    let wire: Vec<wire::ParentRef> = lenient(raw, "/spec/parentRefs");
    let at = At::Top("spec.parentRefs");
    wire.into_iter()
        .map(|parent| backend::parent_ref(parent, &at, &mut Notes::default()))
        .collect()
}

fn hostnames(raw: &RawObject) -> Vec<Arc<str>> {
    let wire: Vec<String> = lenient(raw, "/spec/hostnames");
    let at = At::Top("spec.hostnames");
    wire.iter()
        .map(|host| scalar::hostname(host, &at, &mut Notes::default()))
        .collect()
}

/// Those elements of a list that fit.
fn lenient<T: DeserializeOwned>(raw: &RawObject, pointer: &str) -> Vec<T> {
    let list = raw.value.pointer(pointer).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| decode(item, &mut Vec::new()).ok())
        .collect()
}

fn anything() -> Rule {
    Rule {
        matches: vec![Match {
            path: PathMatch::Unknown("".into()),
            ..Match::default()
        }],
        ..Rule::default()
    }
}

fn meta(raw: &RawObject, misfit: &Misfit) -> Meta {
    Meta {
        name: ObjectName {
            namespace: Arc::clone(&raw.id.namespace),
            name: Arc::clone(&raw.id.name),
        },
        created: None,
        generation: 0,
        unknown: vec!["spec.rules.0".to_owned(), misfit.field.clone()],
        status: None,
    }
}
