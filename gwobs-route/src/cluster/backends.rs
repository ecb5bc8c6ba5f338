//! References to backends: whether they are valid, and what they lead to.

use std::sync::Arc;

use crate::attach::{GATEWAY_GROUP, transport};
use crate::cluster::Cluster;
use crate::model::{BackendRef, GrantPeer, GrantTarget, Reference};
use crate::{BackendName, Front, Inconclusive, InvalidBackend, ObjectName, RouteKind};

/// API group of ServiceImport (multi-cluster Services).
const MULTICLUSTER_GROUP: &str = "multicluster.x-k8s.io";

/// Who refers to a backend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Referrer<'a> {
    kind: RouteKind,
    namespace: &'a Arc<str>,
    /// References to other namespaces need a ReferenceGrant.
    needs_grant: bool,
}

impl<'a> Referrer<'a> {
    /// A route of that kind and namespace, attached to a Gateway.
    pub(crate) fn at_gateway(kind: RouteKind, namespace: &'a Arc<str>) -> Self {
        Self {
            kind,
            namespace,
            needs_grant: true,
        }
    }

    /// A route of that kind and namespace with a Service for its parent. The clients of a mesh can reach every Service
    /// anyhow, so that routes may send them there without a grant (GEP-1294, "Namespace boundaries").
    pub(crate) fn in_mesh(kind: RouteKind, namespace: &'a Arc<str>) -> Self {
        Self {
            needs_grant: false,
            ..Self::at_gateway(kind, namespace)
        }
    }

    /// A route of that kind and namespace that applies to requests which reach this front.
    pub(crate) fn at(front: &Front, kind: RouteKind, namespace: &'a Arc<str>) -> Self {
        match front {
            Front::Gateway(_) => Self::at_gateway(kind, namespace),
            Front::Service { .. } => Self::in_mesh(kind, namespace),
        }
    }
}

/// A reference resolved.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) backend: BackendName,
    pub(crate) invalid: Option<InvalidBackend>,
    /// Set if an implementation may see this reference in another way.
    pub(crate) doubt: Option<Inconclusive>,
}

impl Cluster {
    pub(crate) fn resolve(&self, from: Referrer<'_>, reference: &BackendRef) -> Resolved {
        let service = reference.target.resolve(from.namespace);
        let backend = BackendName {
            service,
            port: reference.port.unwrap_or(0),
        };
        let invalid = self.fault(from, reference, &backend);
        // Gateways know kinds of their own; only of core kinds it is certain that none but Service is a backend.
        let foreign = invalid == Some(InvalidBackend::InvalidKind) && !reference.target.group.is_empty();
        Resolved {
            backend,
            invalid,
            doubt: foreign.then_some(Inconclusive::UnsupportedSpec),
        }
    }

    fn fault(&self, from: Referrer<'_>, reference: &BackendRef, backend: &BackendName) -> Option<InvalidBackend> {
        let target = &reference.target;
        let service = target.is("", "Service");
        if !service && !target.is(MULTICLUSTER_GROUP, "ServiceImport") {
            return Some(InvalidBackend::InvalidKind);
        }
        // Without a grant nothing is told about the other namespace, not even whether the Service exists.
        if !self.permits(from, target, &backend.service) {
            return Some(InvalidBackend::NotPermitted);
        }
        if reference.port.is_none() {
            return Some(InvalidBackend::NoPort);
        }
        let (known, exists) = match service {
            true => (!self.services.is_empty(), self.services.contains_key(&backend.service)),
            false => (!self.imports.is_empty(), self.imports.contains_key(&backend.service)),
        };
        match (exists, known) {
            (true, _) => self.port_fault(from.kind, backend).or_else(|| self.tls_fault(backend)),
            (false, true) => Some(InvalidBackend::NotFound),
            // A kind that is wholly absent is assumed to be fine.
            (false, false) => None,
        }
    }

    fn port_fault(&self, kind: RouteKind, backend: &BackendName) -> Option<InvalidBackend> {
        let wanted = transport(kind);
        let mut same_number = self
            .ports_of(&backend.service)
            .iter()
            .filter(|port| port.port == backend.port);
        let Some(first) = same_number.next() else {
            return Some(InvalidBackend::NoPort);
        };
        let fits = first.transport == wanted || same_number.any(|port| port.transport == wanted);
        (!fits).then_some(InvalidBackend::UnsupportedProtocol)
    }

    /// True if the reference needs no grant: it stays in its namespace, or is of a mesh; or a ReferenceGrant of the other one allows it.
    fn permits(&self, from: Referrer<'_>, target: &Reference, object: &ObjectName) -> bool {
        !from.needs_grant
            || object.namespace == *from.namespace
            || self.is_granted(GATEWAY_GROUP, from.kind.as_str(), from.namespace, target, object)
    }

    /// True if a ReferenceGrant lets objects of that kind and namespace refer to `object`.
    pub(crate) fn is_granted(
        &self,
        group: &str,
        kind: &str,
        namespace: &str,
        target: &Reference,
        object: &ObjectName,
    ) -> bool {
        let grants = self
            .grants
            .get(&object.namespace)
            .into_iter()
            .flat_map(|grants| grants.values());
        let mut grants = grants.filter(|grant| {
            let peer = |from: &GrantPeer| *from.group == *group && *from.kind == *kind && *from.namespace == *namespace;
            grant.from.iter().any(peer)
        });
        grants.any(|grant| {
            let names = |to: &GrantTarget| {
                target.is(&to.group, &to.kind) && to.name.as_ref().is_none_or(|name| *name == object.name)
            };
            grant.to.iter().any(names)
        })
    }
}
