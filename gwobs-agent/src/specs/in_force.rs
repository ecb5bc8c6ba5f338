//! Specs that were loaded whole, made ready for decisions: manifests, or a cluster that was read once.

use std::collections::HashMap;
use std::sync::Arc;

use gwobs_route::model::{Kind, Object};
use gwobs_route::profile::Profile;
use gwobs_route::{ObjectName, Objects, Snapshot};

use super::load::Loaded;
use super::report::Report;

#[cfg(test)]
mod tests;

/// The specs that are in force: whatever was loaded last. The same loads at the same times give the same snapshots.
#[derive(Debug)]
pub struct InForce {
    objects: Objects,
    /// The objects that are in force, to tell what changed.
    present: HashMap<(Kind, ObjectName), Object>,
    snapshot: Arc<Snapshot>,
}

/// A Gateway that is not in the specs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Gateway {gateway} is not in the specs; {}", those_that_are(.known))]
pub struct UnknownGateway {
    /// The one that was asked for.
    pub gateway: ObjectName,
    /// Those that are there.
    pub known: Vec<ObjectName>,
}

fn those_that_are(known: &[ObjectName]) -> String {
    match known {
        [] => "there is no Gateway at all".to_owned(),
        _ => format!(
            "there are: {}",
            known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
    }
}

impl InForce {
    /// Nothing yet. `profile`: the data plane, `None` to tell it from each Gateway's class.
    #[must_use]
    pub fn new(profile: Option<Profile>) -> Self {
        Self {
            objects: Objects::new(profile),
            present: HashMap::new(),
            snapshot: Arc::default(),
        }
    }

    /// The snapshot in force.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The objects in force.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Fails if a Gateway is not in the specs.
    ///
    /// # Errors
    ///
    /// [`UnknownGateway`] for the first that is not.
    pub fn require(&self, gateways: &[ObjectName]) -> Result<(), UnknownGateway> {
        let known: Vec<ObjectName> = self.snapshot.gateways().cloned().collect();
        match gateways.iter().find(|gateway| !known.contains(gateway)) {
            Some(gateway) => Err(UnknownGateway {
                gateway: gateway.clone(),
                known,
            }),
            None => Ok(()),
        }
    }

    /// Puts the objects in force: what changed is applied, what is gone is deleted, the rest is left alone. `now`:
    /// nanoseconds on the clock of the observations.
    pub fn take(&mut self, loaded: Loaded, now: u64) -> Report {
        let report = Report::of(&loaded);
        let mut gone = std::mem::take(&mut self.present);
        for object in loaded.objects {
            let key = (object.kind(), object.meta().name.clone());
            if gone.remove(&key).as_ref() != Some(&object) {
                self.objects.apply(object.clone(), now);
            }
            self.present.insert(key, object);
        }
        for (kind, name) in gone.into_keys() {
            self.objects.delete(kind, &name, now);
        }
        self.snapshot = self.objects.snapshot();
        report
    }
}
