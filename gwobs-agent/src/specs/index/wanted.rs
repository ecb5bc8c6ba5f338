//! Which Secrets and ConfigMaps other objects name: no others are read.

use std::collections::BTreeSet;

use gwobs_route::model::{ClientValidation, Listener, Reference};
use gwobs_route::{ObjectName, Objects};

/// The Secrets and ConfigMaps that other objects name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Certificates of listeners, client certificates of Gateways, authorities.
    pub secrets: BTreeSet<ObjectName>,
    /// Authorities.
    pub config_maps: BTreeSet<ObjectName>,
}

impl Wanted {
    pub(super) fn of(objects: &Objects) -> Self {
        let mut wanted = Self::default();
        for gateway in objects.gateways() {
            let own = &gateway.meta.name;
            wanted.listeners(own, &gateway.listeners);
            wanted.all(own, gateway.backend_client_certificate.as_ref());
            let per_port = gateway.client_validation_per_port.iter();
            let per_port = per_port.filter_map(|(_, validation)| validation.as_ref());
            for validation in per_port.chain(&gateway.client_validation) {
                wanted.validation(own, validation);
            }
        }
        for set in objects.listener_sets() {
            wanted.listeners(&set.meta.name, &set.listeners);
        }
        for policy in objects.policies() {
            wanted.all(&policy.meta.name, &policy.authorities);
        }
        wanted
    }

    fn listeners(&mut self, own: &ObjectName, listeners: &[Listener]) {
        for tls in listeners.iter().filter_map(|listener| listener.tls.as_ref()) {
            self.all(own, &tls.certificates);
        }
    }

    fn validation(&mut self, own: &ObjectName, validation: &ClientValidation) {
        self.all(own, &validation.authorities);
    }

    fn all<'a>(&mut self, own: &ObjectName, references: impl IntoIterator<Item = &'a Reference>) {
        for reference in references {
            let name = reference.resolve(&own.namespace);
            if reference.is("", "Secret") {
                self.secrets.insert(name);
            } else if reference.is("", "ConfigMap") {
                self.config_maps.insert(name);
            }
        }
    }
}
