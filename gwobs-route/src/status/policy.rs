//! BackendTLSPolicies, towards each Gateway whose routes lead to their targets (`PolicyAncestorStatus`).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ObjectName;
use crate::cluster::Referrer;
use crate::model::{BackendTlsPolicy, Condition, PolicyTarget, Reference};
use crate::status::{Expected, ObjectStatus, ParentName, World};

pub(super) fn predict(world: &World<'_>, all: &mut Vec<ObjectStatus>) {
    let policies = world.snapshot.cluster.policies();
    let policies: Vec<_> = policies.filter(|policy| !policy.meta.is_unread()).collect();
    if policies.is_empty() {
        return;
    }
    for gateway in world.snapshot.gateways() {
        let reached = services_of(world, gateway);
        for policy in policies
            .iter()
            .filter(|policy| targets(policy).any(|service| reached.contains(&service)))
        {
            all.push(towards_gateway(world, policy, gateway, &policies));
        }
    }
}

fn towards_gateway(
    world: &World<'_>,
    policy: &BackendTlsPolicy,
    gateway: &ObjectName,
    all: &[&Arc<BackendTlsPolicy>],
) -> ObjectStatus {
    ObjectStatus {
        kind: "BackendTLSPolicy",
        name: policy.meta.name.clone(),
        parent: Some(ParentName {
            kind: "Gateway",
            name: gateway.clone(),
        }),
        section: None,
        expected: conditions(world, policy, all),
        actual: actual(policy, gateway),
        attached_routes: None,
        supported_kinds: None,
        attached_listener_sets: None,
    }
}

/// The Services that attached routes of a Gateway lead to.
fn services_of(world: &World<'_>, gateway: &ObjectName) -> BTreeSet<ObjectName> {
    let attached = world.snapshot.attachments(gateway).iter();
    let attached = attached.filter(|one| one.listeners.iter().any(|at| at.outcome.is_ok()));
    let names: BTreeSet<_> = attached.map(|one| (one.kind, &one.route)).collect();
    let routes = world
        .objects
        .routes()
        .filter(|route| names.contains(&(route.kind, &route.meta.name)));
    let services = routes.flat_map(|route| {
        let from = Referrer::at_gateway(route.kind, &route.meta.name.namespace);
        let backends = route.rules.iter().flat_map(|rule| &rule.backends);
        backends.map(move |backend| world.snapshot.cluster.resolve(from, backend).backend.service)
    });
    services.collect()
}

fn targets(policy: &BackendTlsPolicy) -> impl Iterator<Item = ObjectName> {
    let services = policy.targets.iter().filter(|target| target.target.is("", "Service"));
    services.map(|target| target.target.resolve(&policy.meta.name.namespace))
}

fn conditions(world: &World<'_>, policy: &BackendTlsPolicy, all: &[&Arc<BackendTlsPolicy>]) -> Vec<Expected> {
    let namespace = &policy.meta.name.namespace;
    let valid = world.snapshot.cluster.has_valid_authority(policy);
    let fault = policy
        .authorities
        .iter()
        .find(|ca| !world.snapshot.cluster.is_authority(ca, namespace));
    let accepted = match (loses_everywhere(policy, all), valid) {
        (true, _) => Some("Conflicted"),
        (false, false) => Some("NoValidCACertificate"),
        (false, true) => None,
    };
    vec![
        Expected::unless("Accepted", accepted),
        Expected::unless("ResolvedRefs", fault.map(reference_reason)),
    ]
}

fn reference_reason(authority: &Reference) -> &'static str {
    let known = authority.is("", "ConfigMap") || authority.is("", "Secret");
    if known {
        "InvalidCACertificateRef"
    } else {
        "InvalidKind"
    }
}

/// True if for each target an older policy (or the first by name) has the same Service and section.
fn loses_everywhere(policy: &BackendTlsPolicy, all: &[&Arc<BackendTlsPolicy>]) -> bool {
    let rank = |policy: &BackendTlsPolicy| (policy.meta.created.unwrap_or(i64::MAX), policy.meta.name.clone());
    let own = rank(policy);
    let stronger = |target: &PolicyTarget| {
        let mut others = all
            .iter()
            .filter(|other| other.meta.name.namespace == policy.meta.name.namespace);
        others.any(|other| rank(other) < own && other.targets.contains(target))
    };
    !policy.targets.is_empty() && policy.targets.iter().all(stronger)
}

fn actual(policy: &BackendTlsPolicy, gateway: &ObjectName) -> Vec<Condition> {
    let status = policy.meta.status.iter().flat_map(|status| &status.parents);
    let here = status.filter(|status| status.parent.target.resolve(&policy.meta.name.namespace) == *gateway);
    here.flat_map(|status| status.conditions.clone()).collect()
}
