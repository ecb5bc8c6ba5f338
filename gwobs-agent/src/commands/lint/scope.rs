//! What concerns the Gateways that were asked for.

use std::collections::HashSet;

use anyhow::bail;
use gwobs_route::ObjectName;
use gwobs_route::model::{Object, Reference};

use super::row::{Named, Row};

/// The objects whose findings are wanted; `None` for all.
pub(super) struct Scope(Option<HashSet<Named>>);

impl Scope {
    /// # Errors
    ///
    /// If a Gateway is not among the objects.
    pub(super) fn new(gateways: &[ObjectName], objects: &[Object]) -> anyhow::Result<Self> {
        if gateways.is_empty() {
            return Ok(Self(None));
        }
        let mut wanted = HashSet::new();
        for gateway in gateways {
            let mut parents = HashSet::from([named("Gateway", gateway)]);
            let Some(class) = class_of(gateway, objects) else {
                bail!("Gateway {gateway} is not in the manifests");
            };
            wanted.insert(class);
            parents.extend(objects.iter().filter_map(|object| set_of(gateway, object)));
            wanted.extend(objects.iter().filter_map(|object| child_of(&parents, object)));
            wanted.extend(parents);
        }
        Ok(Self(Some(wanted)))
    }

    pub(super) fn holds(&self, row: &Row) -> bool {
        self.0.as_ref().is_none_or(|wanted| wanted.contains(&row.object))
    }
}

fn named(kind: &str, name: &ObjectName) -> Named {
    Named {
        kind: kind.to_owned(),
        namespace: name.namespace.to_string(),
        name: name.name.to_string(),
    }
}

fn class_of(name: &ObjectName, objects: &[Object]) -> Option<Named> {
    objects.iter().find_map(|object| match object {
        Object::Gateway(gateway) if gateway.meta.name == *name => Some(Named {
            kind: "GatewayClass".to_owned(),
            namespace: String::new(),
            name: gateway.class.to_string(),
        }),
        _ => None,
    })
}

fn set_of(gateway: &ObjectName, object: &Object) -> Option<Named> {
    match object {
        Object::ListenerSet(set) if set.parent.resolve(&set.meta.name.namespace) == *gateway => {
            Some(named(set.name().kind().as_str(), &set.meta.name))
        }
        _ => None,
    }
}

/// A route that names one of these as a parent. Kinds are compared too.
fn child_of(parents: &HashSet<Named>, object: &Object) -> Option<Named> {
    let Object::Route(route) = object else {
        return None;
    };
    let of = |target: &Reference| parents.contains(&named(&target.kind, &target.resolve(&route.meta.name.namespace)));
    let child = || named(route.kind.as_str(), &route.meta.name);
    route.parents.iter().any(|parent| of(&parent.target)).then(child)
}
