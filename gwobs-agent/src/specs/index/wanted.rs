//! Which Secrets and ConfigMaps other objects name: no others are read.

use std::collections::BTreeSet;
use std::sync::Arc;

use gwobs_route::model::{Kind, Listener, Reference};
use gwobs_route::{ObjectName, Objects};

/// The Secrets and ConfigMaps that other objects name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Certificates of listeners, client certificates of Gateways, authorities.
    pub secrets: BTreeSet<ObjectName>,
    /// Secrets that are named and are not to be read: they are assumed to be as they should.
    pub assumed: BTreeSet<ObjectName>,
    /// Authorities.
    pub config_maps: BTreeSet<ObjectName>,
}

/// Whose Secrets are read.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Nobody's.
    Nobodys,
    /// Those of these Gateways.
    Of(&'a BTreeSet<ObjectName>),
    /// Those of all objects.
    Everybodys,
}

impl Whose<'_> {
    fn holds(self, gateway: &ObjectName) -> bool {
        match self {
            Self::Nobodys => false,
            Self::Of(gateways) => gateways.contains(gateway),
            Self::Everybodys => true,
        }
    }
}

/// Who refers.
#[derive(Clone, Copy)]
struct Referrer<'a> {
    kind: Kind,
    namespace: &'a Arc<str>,
    /// Whether its Secrets are read.
    read: bool,
}

/// Collects what is referred to.
struct Collector<'a> {
    objects: &'a Objects,
    wanted: Wanted,
}

impl Wanted {
    /// A Secret in another namespace counts as named only with a ReferenceGrant: nobody may look at it without one.
    pub(super) fn of(objects: &Objects, whose: Whose<'_>) -> Self {
        let mut collector = Collector {
            objects,
            wanted: Self::default(),
        };
        collector.gateways(whose);
        collector.listener_sets(whose);
        collector.policies(matches!(whose, Whose::Everybodys));
        let mut wanted = collector.wanted;
        wanted.assumed.retain(|name| !wanted.secrets.contains(name));
        wanted
    }
}

impl Collector<'_> {
    fn gateways(&mut self, whose: Whose<'_>) {
        for gateway in self.objects.gateways() {
            let own = &gateway.meta.name;
            let from = Referrer {
                kind: Kind::Gateway,
                namespace: &own.namespace,
                read: whose.holds(own),
            };
            self.listeners(from, &gateway.listeners);
            self.all(from, gateway.backend_client_certificate.as_ref());
            let per_port = gateway.client_validation_per_port.iter();
            let per_port = per_port.filter_map(|(_, validation)| validation.as_ref());
            for validation in per_port.chain(&gateway.client_validation) {
                self.all(from, &validation.authorities);
            }
        }
    }

    fn listener_sets(&mut self, whose: Whose<'_>) {
        for set in self.objects.listener_sets() {
            let from = Referrer {
                kind: set.name().kind(),
                namespace: &set.meta.name.namespace,
                read: whose.holds(&set.parent.resolve(&set.meta.name.namespace)),
            };
            self.listeners(from, &set.listeners);
        }
    }

    fn policies(&mut self, read: bool) {
        for policy in self.objects.policies() {
            let from = Referrer {
                kind: Kind::BackendTlsPolicy,
                namespace: &policy.meta.name.namespace,
                read,
            };
            self.all(from, &policy.authorities);
        }
    }

    fn listeners(&mut self, from: Referrer<'_>, listeners: &[Listener]) {
        for tls in listeners.iter().filter_map(|listener| listener.tls.as_ref()) {
            self.all(from, &tls.certificates);
        }
    }

    fn all<'a>(&mut self, from: Referrer<'_>, references: impl IntoIterator<Item = &'a Reference>) {
        for reference in references {
            let name = reference.resolve(from.namespace);
            if reference.is("", "ConfigMap") {
                self.wanted.config_maps.insert(name);
            } else if reference.is("", "Secret") && self.is_granted(from, reference) {
                let names = if from.read {
                    &mut self.wanted.secrets
                } else {
                    &mut self.wanted.assumed
                };
                names.insert(name);
            }
        }
    }

    fn is_granted(&self, from: Referrer<'_>, to: &Reference) -> bool {
        let (group, kind) = (from.kind.group(), from.kind.as_str());
        self.objects.is_granted(group, kind, from.namespace, to)
    }
}
