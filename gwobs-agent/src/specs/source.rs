//! Where specs come from, as the pipeline sees it: a snapshot now, and a new one when the specs change.
//!
//! Today that is manifests; a watched cluster feeds the same [`Objects`] event by event.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use gwobs_route::model::{Kind, Object};
use gwobs_route::profile::Profile;
use gwobs_route::{ObjectName, Objects, Snapshot};

use super::load::{LoadError, Loaded};
use super::report::Report;
use super::watch::{Broken, Manifests, Poll};

#[cfg(test)]
mod tests;

/// Specs from manifests, made ready for decisions.
#[derive(Debug)]
pub struct Source {
    manifests: Manifests,
    in_force: InForce,
}

/// The specs that are in force: whatever was loaded last. The same loads at the same times give the same snapshots.
#[derive(Debug)]
pub struct InForce {
    objects: Objects,
    /// The objects that are in force, to tell what changed.
    present: HashMap<(Kind, ObjectName), Object>,
    snapshot: Arc<Snapshot>,
}

/// What a look at the specs found.
#[derive(Debug)]
pub enum Update {
    /// Nothing new.
    Unchanged,
    /// The specs changed, and this is the snapshot now.
    Changed {
        /// The new snapshot; its generation is greater than that of the one before.
        snapshot: Arc<Snapshot>,
        /// What there is to say about the objects.
        report: Box<Report>,
    },
    /// They changed into something that cannot be used; the last snapshot stays in force.
    Broken(Broken),
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

impl Source {
    /// Reads manifests for the first time. `profile`: the data plane, `None` to tell it from each Gateway's class. `now`:
    /// nanoseconds on the clock of the observations, for the history of endpoint addresses.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the manifests cannot be read.
    pub fn open(paths: Vec<PathBuf>, profile: Option<Profile>, now: u64) -> Result<(Self, Report), LoadError> {
        let (manifests, loaded) = Manifests::open(paths)?;
        let mut in_force = InForce::new(profile);
        let report = in_force.take(loaded, now);
        Ok((Self { manifests, in_force }, report))
    }

    /// What is in force.
    #[must_use]
    pub fn in_force(&self) -> &InForce {
        &self.in_force
    }

    /// The snapshot in force.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        self.in_force.snapshot()
    }

    /// The objects in force.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        self.in_force.objects()
    }

    /// Looks whether the specs changed; to be called every [`POLL_INTERVAL`](super::POLL_INTERVAL), outside of the
    /// event loop since it reads files. `now` as in [`Self::open`].
    pub fn poll(&mut self, now: u64) -> Update {
        match self.manifests.poll() {
            Poll::Unchanged => Update::Unchanged,
            Poll::Broken(broken) => Update::Broken(broken),
            Poll::Changed(loaded) => {
                let generation = self.snapshot().generation();
                let report = Box::new(self.in_force.take(*loaded, now));
                match self.snapshot().generation() == generation {
                    true => Update::Unchanged,
                    false => Update::Changed {
                        snapshot: Arc::clone(self.snapshot()),
                        report,
                    },
                }
            }
        }
    }

    /// Fails if a Gateway is not in the specs.
    ///
    /// # Errors
    ///
    /// [`UnknownGateway`] for the first that is not.
    pub fn require(&self, gateways: &[ObjectName]) -> Result<(), UnknownGateway> {
        self.in_force.require(gateways)
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
