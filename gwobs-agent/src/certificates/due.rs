//! Which certificate each listener is to serve, and where to ask for it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use gwobs_route::attach::{MergedListener, covers};
use gwobs_route::model::{Certificate, Listener, Protocol, Reference, Secret, TlsMode};
use gwobs_route::{ObjectName, Objects, Snapshot};

use crate::dataplanes::Plane;

#[cfg(test)]
mod tests;

/// The label that stands for any, where a name begins with a wildcard.
const ANY: &str = "gwobs-any";

/// A place where a certificate is served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The Gateway.
    pub gateway: ObjectName,
    /// Its listener, as decisions name it.
    pub listener: Arc<str>,
    /// The Secret that the listener names.
    pub secret: ObjectName,
    /// Where the pod has the listener.
    pub address: SocketAddr,
}

/// A certificate that is to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Where.
    pub target: Target,
    /// The server name to ask for; without one, whatever is served to those that name none.
    pub server_name: Option<Arc<str>>,
    /// What the Secret holds; `None` if that is not known.
    pub expected: Option<Arc<Certificate>>,
    /// Other certificates of the listener that are as good for this name: of another kind of key, say.
    pub others: Vec<Arc<Certificate>>,
}

/// All certificates that are due at these data planes, in order. A name that belongs to a listener which is more specific
/// says nothing about this one; what no name can be found for is left out.
#[must_use]
pub fn due(planes: &[Plane], objects: &Objects, snapshot: &Snapshot) -> Vec<Due> {
    let secrets = objects.secrets().map(|secret| (&secret.meta.name, secret));
    let finder = Finder {
        objects,
        secrets: secrets.collect(),
    };
    let mut all = BTreeMap::new();
    for plane in planes {
        let gateways = plane.gateways.iter().filter_map(|name| snapshot.listeners(name));
        let listeners: Vec<(&ObjectName, &MergedListener)> = gateways
            .flat_map(|gateway| {
                let name = &gateway.gateway.meta.name;
                gateway.listeners.iter().map(move |merged| (name, merged))
            })
            .filter(|(_, merged)| ends_tls(merged))
            .collect();
        for (gateway, merged) in &listeners {
            let rivals = rivals(merged, &listeners);
            for due in finder.at(plane, gateway, merged, &rivals) {
                all.insert(due.target.clone(), due);
            }
        }
    }
    all.into_values().collect()
}

fn ends_tls(merged: &MergedListener) -> bool {
    let listener = &merged.listener;
    let terminates = listener.tls.as_ref().is_some_and(|tls| tls.mode == TlsMode::Terminate);
    merged.conflict.is_none() && matches!(listener.protocol, Protocol::Https | Protocol::Tls) && terminates
}

/// The hostnames of listeners that some names of this one belong to.
fn rivals<'a>(own: &MergedListener, all: &[(&ObjectName, &'a MergedListener)]) -> Vec<&'a Arc<str>> {
    let hostname = own.listener.hostname.as_ref();
    let on_port = all.iter().filter(|(_, other)| other.listener.port == own.listener.port);
    let names = on_port.filter_map(|(_, other)| other.listener.hostname.as_ref());
    names.filter(|name| is_narrower(name, hostname)).collect()
}

/// True if a listener of the first hostname takes requests from one of the second, where both hold.
fn is_narrower(name: &str, than: Option<&Arc<str>>) -> bool {
    match than {
        None => true,
        Some(than) if !than.starts_with("*.") => false,
        Some(than) => !name.starts_with("*.") || name.len() > than.len(),
    }
}

struct Finder<'a> {
    objects: &'a Objects,
    secrets: HashMap<&'a ObjectName, &'a Arc<Secret>>,
}

impl Finder<'_> {
    fn at(&self, plane: &Plane, gateway: &ObjectName, merged: &MergedListener, rivals: &[&Arc<str>]) -> Vec<Due> {
        let Some(address) = plane.door(merged.listener.port) else {
            return Vec::new();
        };
        let named = self.named(gateway, merged);
        let due = named.iter().filter_map(|(name, expected)| {
            let server_name = server_name(&merged.listener, rivals, expected.as_deref())?;
            let others = named.iter().filter(|(other, _)| other != name);
            let others = others.filter_map(|(_, certificate)| certificate.clone());
            let as_good = |other: &Arc<Certificate>| server_name.as_ref().is_none_or(|name| other.is_for(name));
            Some(Due {
                target: Target {
                    gateway: gateway.clone(),
                    listener: Arc::clone(&merged.label),
                    secret: name.clone(),
                    address,
                },
                others: others.filter(as_good).collect(),
                expected: expected.clone(),
                server_name,
            })
        });
        due.collect()
    }

    /// The Secrets that a listener names and may refer to, with what they hold.
    fn named(&self, gateway: &ObjectName, merged: &MergedListener) -> Vec<(ObjectName, Option<Arc<Certificate>>)> {
        let (kind, namespace) = (merged.kind(), merged.namespace(gateway));
        let may_refer = |to: &&Reference| {
            to.is("", "Secret") && self.objects.is_granted(kind.group(), kind.as_str(), namespace, to)
        };
        let references = merged.listener.tls.iter().flat_map(|tls| &tls.certificates);
        let names = references.filter(may_refer).map(|to| to.resolve(namespace));
        names
            .map(|name| {
                let certificate = self.secrets.get(&name).and_then(|secret| secret.certificate.clone());
                (name, certificate)
            })
            .collect()
    }
}

/// The name to ask a listener for: one that is its own and that the certificate is for, if there is one. `None` if all names
/// belong to others; `Some(None)` if nothing is known of any name.
#[expect(
    clippy::option_option,
    reason = "no name at all, and no name that may be asked for, are two things"
)]
fn server_name(
    listener: &Listener,
    rivals: &[&Arc<str>],
    certificate: Option<&Certificate>,
) -> Option<Option<Arc<str>>> {
    let hosts = certificate.map(|certificate| &*certificate.hosts).unwrap_or_default();
    let candidates: Vec<Arc<str>> = match &listener.hostname {
        None if hosts.is_empty() => return Some(None),
        None => hosts.iter().map(instance).collect(),
        Some(name) if !name.starts_with("*.") => vec![Arc::clone(name)],
        Some(name) => {
            let below = hosts.iter().map(instance).filter(|host| covers(name, host));
            below.chain([instance(name)]).collect()
        }
    };
    let is_own = |name: &Arc<str>| !rivals.iter().any(|rival| covers(rival, name));
    candidates.into_iter().find(is_own).map(Some)
}

/// A host that a name covers.
fn instance(name: &Arc<str>) -> Arc<str> {
    match name.strip_prefix("*.") {
        Some(parent) => format!("{ANY}.{parent}").into(),
        None => Arc::clone(name),
    }
}
