//! What there is to say about loaded objects, in lines for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use gwobs_route::model::{Kind, Object};

use super::finding::Finding;
use super::load::Loaded;

#[cfg(test)]
mod tests;

/// Most findings that are told one by one; the rest is counted. A broken generator can make thousands of the same kind.
const MAX_TOLD: usize = 50;

/// What there is to say about loaded objects.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What whoever wrote the objects should know.
    pub findings: Vec<Finding>,
    /// How many objects routing depends on.
    pub used: usize,
    /// How many objects did not fit their type.
    pub refused: usize,
    /// How many objects there are of each kind that routing does not depend on.
    pub irrelevant: BTreeMap<Arc<str>, usize>,
    /// How many objects there are of each kind that is not understood.
    pub unknown: BTreeMap<Arc<str>, usize>,
    /// Kinds that are wholly absent, and so assumed to be as they should.
    pub assumed: Vec<&'static str>,
}

impl Report {
    pub(super) fn of(loaded: &Loaded) -> Self {
        Self {
            findings: loaded.findings.clone(),
            used: loaded.objects.len(),
            refused: loaded.refused.len(),
            irrelevant: loaded.irrelevant.clone(),
            unknown: loaded.unknown.clone(),
            assumed: assumed(&loaded.objects),
        }
    }

    /// Warnings, one a line: the findings, then what was left out, then what is assumed.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.findings.iter().take(MAX_TOLD).map(ToString::to_string).collect();
        if let Some(more) = self.findings.len().checked_sub(MAX_TOLD).filter(|more| *more > 0) {
            lines.push(format!("… and {more} more findings"));
        }
        if self.refused > 0 {
            lines.push(format!(
                "objects that do not fit their type and are not used: {}",
                self.refused
            ));
        }
        if !self.unknown.is_empty() {
            lines.push(format!(
                "objects of kinds that are not understood: {}",
                counted(&self.unknown)
            ));
        }
        if !self.assumed.is_empty() {
            lines.push(format!(
                "none of these kinds is in the manifests, so all of them are assumed to be fine: {}",
                self.assumed.join(", ")
            ));
        }
        lines
    }

    /// What is fine to know, one a line.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut lines = vec![format!("objects in use: {}", self.used)];
        if !self.irrelevant.is_empty() {
            lines.push(format!(
                "objects of kinds that routing does not depend on: {}",
                counted(&self.irrelevant)
            ));
        }
        lines
    }
}

fn counted(kinds: &BTreeMap<Arc<str>, usize>) -> String {
    kinds
        .iter()
        .map(|(kind, count)| format!("{kind} ({count})"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The kinds that Gateways and routes lean on and that may be missing as a whole. A ReferenceGrant that is missing is not
/// given.
fn assumed(objects: &[Object]) -> Vec<&'static str> {
    const KINDS: [(Kind, &str); 6] = [
        (Kind::GatewayClass, "GatewayClass"),
        (Kind::Namespace, "Namespace"),
        (Kind::Service, "Service"),
        (Kind::EndpointSlice, "EndpointSlice"),
        (Kind::Secret, "Secret"),
        (Kind::ConfigMap, "ConfigMap"),
    ];
    let absent = |kind: Kind| objects.iter().all(|object| object.kind() != kind);
    let needed = |kind: Kind| match kind {
        Kind::Secret => objects.iter().any(needs_secrets),
        Kind::ConfigMap => objects.iter().any(needs_authorities),
        _ => true,
    };
    KINDS
        .into_iter()
        .filter(|(kind, _)| absent(*kind) && needed(*kind))
        .map(|(_, name)| name)
        .collect()
}

fn needs_secrets(object: &Object) -> bool {
    let listeners = match object {
        Object::Gateway(gateway) if gateway.backend_client_certificate.is_some() => return true,
        Object::Gateway(gateway) => &gateway.listeners,
        Object::ListenerSet(set) => &set.listeners,
        _ => return false,
    };
    listeners
        .iter()
        .any(|listener| listener.tls.as_ref().is_some_and(|tls| !tls.certificates.is_empty()))
}

fn needs_authorities(object: &Object) -> bool {
    match object {
        Object::Gateway(gateway) => {
            gateway.client_validation.is_some() || gateway.client_validation_per_port.iter().any(|(_, v)| v.is_some())
        }
        Object::BackendTlsPolicy(policy) => !policy.authorities.is_empty(),
        _ => false,
    }
}
