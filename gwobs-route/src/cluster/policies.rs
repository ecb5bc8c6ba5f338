//! BackendTLSPolicies: which one is in force for a backend, and whether it can be kept.

use std::sync::Arc;

use crate::cluster::Cluster;
use crate::cluster::backends::Standing;
use crate::model::{BackendTlsPolicy, Meta, PolicyTarget, Reference};
use crate::{BackendName, InvalidBackend, ObjectName};

impl Cluster {
    /// The BackendTLSPolicy of a backend: one for its port before one for the whole Service; of several the oldest, then the
    /// first by name (`BackendTLSPolicySpec.targetRefs`).
    pub(crate) fn tls_policy(&self, backend: &BackendName) -> Option<&Arc<BackendTlsPolicy>> {
        if self.policies.is_empty() {
            return None;
        }
        let port = self.port_of(backend).and_then(|port| port.name.as_ref());
        let targets = |policy: &BackendTlsPolicy, section: Option<&Arc<str>>| {
            let own = |target: &PolicyTarget| {
                let service = &target.target;
                service.is("", "Service") && service.name == backend.service.name && target.section.as_ref() == section
            };
            policy.targets.iter().any(own)
        };
        let oldest = |section: Option<&Arc<str>>| {
            let policies = self
                .policies_in(&backend.service.namespace)
                .filter(|policy| targets(policy, section));
            policies.min_by_key(|policy| (policy.meta.created.unwrap_or(i64::MAX), &policy.meta.name))
        };
        port.and_then(|port| oldest(Some(port))).or_else(|| oldest(None))
    }

    /// A policy targets Services of its own namespace.
    fn policies_in<'a, 'n>(
        &'a self,
        namespace: &'n Arc<str>,
    ) -> impl Iterator<Item = &'a Arc<BackendTlsPolicy>> + use<'a, 'n> {
        let first = ObjectName {
            namespace: namespace.clone(),
            name: "".into(),
        };
        let from = self.policies.range(first..);
        from.map(|(_, policy)| policy)
            .take_while(move |policy| policy.meta.name.namespace == *namespace)
    }

    /// `BackendTLSPolicy`: connections to a backend whose policy has no valid CA certificate must fail.
    pub(super) fn tls_standing(&self, backend: &BackendName) -> Standing {
        if self.policies.is_empty() {
            return Standing::Fine;
        }
        let unsure = |policy: &Arc<BackendTlsPolicy>| {
            let targets = policy.targets.iter().map(|target| &target.target);
            let concerned = targets.clone().any(|target| target.name == backend.service.name);
            policy.meta.is_unsure_of(&["spec"]) && (concerned || policy.meta.is_unsure_of(&["spec.targetRefs"]))
        };
        if self.policies_in(&backend.service.namespace).any(unsure) {
            return Standing::Unsure;
        }
        match self.tls_policy(backend) {
            Some(policy) if self.has_unsure_authority(policy) => Standing::Unsure,
            Some(policy) if !self.has_valid_authority(policy) => Standing::Invalid(InvalidBackend::NoValidAuthority),
            _ => Standing::Fine,
        }
    }

    /// True if a certificate that the policy names is in an object that could not be read.
    fn has_unsure_authority(&self, policy: &BackendTlsPolicy) -> bool {
        policy.authorities.iter().any(|reference| {
            let name = reference.resolve(&policy.meta.name.namespace);
            let map = || self.config_maps.get(&name).map(|map| &map.meta);
            let secret = || self.secrets.get(&name).map(|secret| &secret.meta);
            let meta = if reference.is("", "ConfigMap") { map() } else { secret() };
            meta.is_some_and(Meta::is_unread)
        })
    }

    /// True if the policy names the well-known authorities, or at least one certificate that can be read. Kinds that are
    /// wholly absent are assumed to be fine.
    pub(crate) fn has_valid_authority(&self, policy: &BackendTlsPolicy) -> bool {
        policy.well_known_authorities.is_some()
            || policy
                .authorities
                .iter()
                .any(|reference| self.is_authority(reference, &policy.meta.name.namespace))
    }

    /// True if the reference leads to a ConfigMap or Secret with a CA certificate.
    pub(crate) fn is_authority(&self, reference: &Reference, namespace: &Arc<str>) -> bool {
        let name = reference.resolve(namespace);
        if reference.is("", "ConfigMap") {
            let found = self.config_maps.get(&name).is_some_and(|map| map.has_authority);
            return found || self.config_maps.is_empty();
        }
        let found = || self.secrets.get(&name).is_some_and(|secret| secret.has_authority);
        reference.is("", "Secret") && (found() || self.secrets.is_empty())
    }
}
