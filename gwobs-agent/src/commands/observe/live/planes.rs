//! The processes of the data planes that the cluster names: looked for when pods change, and again and again, for
//! containers restart their processes without telling.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gwobs_route::ObjectName;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::PLANES;
use crate::dataplanes::{Census, ContainerId, Plane, proxies};
use crate::metrics::Health;
use crate::pipeline::{PortMap, Scope};
use crate::processes::Found;

/// How often to look for new processes.
const LOOK: Duration = Duration::from_secs(1);

/// A process that is to be followed, and what it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) process: Found,
    pub(super) scope: Arc<Scope>,
    pub(super) pod: ObjectName,
}

/// The data planes, and what is known of their processes.
#[derive(Debug)]
pub(super) struct Planes {
    /// `None` until the cluster told of them.
    planes: Option<Vec<Plane>>,
    census: Option<JoinHandle<Census>>,
    next: Instant,
    /// What was told already.
    told: Vec<Assigned>,
    health: Health,
}

impl Planes {
    pub(super) fn new(health: Health) -> Self {
        Self {
            planes: None,
            census: None,
            next: Instant::now(),
            told: Vec::new(),
            health,
        }
    }

    /// These are the data planes now.
    pub(super) fn set(&mut self, planes: Vec<Plane>) {
        for plane in &planes {
            let gateways: Vec<String> = plane.gateways.iter().map(ToString::to_string).collect();
            tracing::info!("pod {} serves {}", plane.pod, gateways.join(", "));
        }
        self.planes = Some(planes);
        // What a look finds that began before is not enough.
        self.census = None;
        self.next = Instant::now();
    }

    /// A process ended: one of its id is another one.
    pub(super) fn exited(&mut self, pid: u32) {
        self.told.retain(|assigned| assigned.process.pid != pid);
    }

    /// Waits for processes that are new or serve something else than before; never any without data planes. Cancel safe.
    pub(super) async fn found(&mut self) -> Vec<Assigned> {
        loop {
            let Some(planes) = &self.planes else {
                return std::future::pending().await;
            };
            if self.census.is_none() {
                sleep_until(self.next).await;
                self.next = Instant::now() + LOOK;
                let containers: Vec<ContainerId> = planes.iter().flat_map(|plane| plane.containers.clone()).collect();
                // It reads a file for every process of the host.
                self.census = Some(tokio::task::spawn_blocking(move || Census::take(&containers)));
            }
            let Some(census) = &mut self.census else { continue };
            let taken = census.await;
            self.census = None;
            let new = taken.map(|census| self.compare(&census)).unwrap_or_default();
            self.health.ready(PLANES, true);
            if !new.is_empty() {
                return new;
            }
        }
    }

    /// What is new in a census.
    fn compare(&mut self, census: &Census) -> Vec<Assigned> {
        let planes = self.planes.iter().flatten();
        let now: Vec<Assigned> = planes.flat_map(|plane| assigned(plane, census)).collect();
        let new = now
            .iter()
            .filter(|assigned| !self.told.contains(assigned))
            .cloned()
            .collect();
        self.told = now;
        new
    }
}

/// The proxies of a pod.
fn assigned(plane: &Plane, census: &Census) -> Vec<Assigned> {
    let candidates: Vec<_> = plane
        .containers
        .iter()
        .flat_map(|container| census.of(container))
        .collect();
    let mut ports = PortMap::default();
    for (listener, local) in &plane.ports {
        ports.insert(*listener, *local);
    }
    let scope = Arc::new(Scope {
        gateways: plane.gateways.clone(),
        ports,
    });
    let processes: BTreeSet<&Found> = proxies(&candidates).into_iter().collect();
    let assigned = processes.into_iter().map(|process| Assigned {
        process: process.clone(),
        scope: Arc::clone(&scope),
        pod: plane.pod.clone(),
    });
    assigned.collect()
}
