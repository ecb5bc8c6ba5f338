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
    /// Set if an implementation may see this reference in another way, or if an object that it depends on is not understood.
    pub(crate) doubt: Option<Inconclusive>,
}

/// What can be said of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Fine,
    Invalid(InvalidBackend),
    /// An object that it depends on is not understood.
    Unsure,
}

impl Standing {
    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Fine => other(),
            Self::Invalid(_) | Self::Unsure => self,
        }
    }
}

impl Cluster {
    pub(crate) fn resolve(&self, from: Referrer<'_>, reference: &BackendRef) -> Resolved {
        let service = reference.target.resolve(from.namespace);
        let backend = BackendName {
            service,
            port: reference.port.unwrap_or(0),
        };
        let (invalid, doubt) = match self.standing(from, reference, &backend) {
            Standing::Fine => (None, None),
            Standing::Unsure => (None, Some(Inconclusive::UnsupportedSpec)),
            // Gateways know kinds of their own; only of core kinds it is certain that none but Service is a backend.
            Standing::Invalid(InvalidBackend::InvalidKind) if !reference.target.group.is_empty() => {
                (Some(InvalidBackend::InvalidKind), Some(Inconclusive::UnsupportedSpec))
            }
            Standing::Invalid(fault) => (Some(fault), None),
        };
        Resolved {
            backend,
            invalid,
            doubt,
        }
    }

    fn standing(&self, from: Referrer<'_>, reference: &BackendRef, backend: &BackendName) -> Standing {
        let target = &reference.target;
        if !target.is("", "Service") && !target.is(MULTICLUSTER_GROUP, "ServiceImport") {
            return Standing::Invalid(InvalidBackend::InvalidKind);
        }
        // Without a grant nothing is told about the other namespace, not even whether the Service exists.
        self.permission(from, target, &backend.service)
            .and(|| self.existence(from.kind, reference, backend))
            .and(|| self.tls_standing(backend))
    }

    fn existence(&self, kind: RouteKind, reference: &BackendRef, backend: &BackendName) -> Standing {
        if reference.port.is_none() {
            return Standing::Invalid(InvalidBackend::NoPort);
        }
        let name = &backend.service;
        let (known, found) = match reference.target.is("", "Service") {
            true => (!self.services.is_empty(), self.services.get(name).map(|one| &one.meta)),
            false => (!self.imports.is_empty(), self.imports.get(name).map(|one| &one.meta)),
        };
        match found {
            Some(meta) if meta.is_unsure_of(&["spec.ports", "spec.type"]) => Standing::Unsure,
            Some(_) => self.port_fault(kind, backend).map_or(Standing::Fine, Standing::Invalid),
            None if known => Standing::Invalid(InvalidBackend::NotFound),
            // A kind that is wholly absent is assumed to be fine.
            None => Standing::Fine,
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

    /// Fine if the reference needs no grant, because it stays in its namespace or is of a mesh, or if a ReferenceGrant of the
    /// other namespace allows it.
    fn permission(&self, from: Referrer<'_>, target: &Reference, object: &ObjectName) -> Standing {
        let granted = || self.is_granted(GATEWAY_GROUP, from.kind.as_str(), from.namespace, target, object);
        if !from.needs_grant || object.namespace == *from.namespace {
            return Standing::Fine;
        }
        match (self.has_unsure_grant(&object.namespace), granted()) {
            (true, _) => Standing::Unsure,
            (false, true) => Standing::Fine,
            (false, false) => Standing::Invalid(InvalidBackend::NotPermitted),
        }
    }

    /// True if a ReferenceGrant of that namespace is not wholly understood: it may permit less or more than it seems to.
    pub(crate) fn has_unsure_grant(&self, namespace: &str) -> bool {
        let grants = self
            .grants
            .get(namespace)
            .into_iter()
            .flat_map(|grants| grants.values());
        grants.into_iter().any(|grant| grant.meta.is_unsure_of(&["spec"]))
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
