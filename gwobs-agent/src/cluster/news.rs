//! What a watched cluster has to say to whoever judges by it.

use std::sync::Arc;

use gwobs_route::Snapshot;

use crate::dataplanes::Plane;
use crate::event::Timestamp;
use crate::output::Redaction;

/// What a watched cluster has to say.
#[derive(Debug)]
pub enum News {
    /// These specs are in force from now on.
    Specs {
        /// Made ready for decisions.
        snapshot: Arc<Snapshot>,
        /// Which values may be written.
        redaction: Redaction,
    },
    /// The specs may have changed since then without being seen: nothing decided later can be judged.
    InFlux(Timestamp),
    /// All that was missed is told.
    InStep,
    /// The data planes of this node, all of them.
    Planes(Vec<Plane>),
}
