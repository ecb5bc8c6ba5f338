//! Gateway API objects to routing decisions: given the objects and a request, what must happen, and why; given also
//! what the gateway did, whether it was right.
//!
//! No I/O, no clock, no Kubernetes client types: objects come in as [`model`] types, time is an argument.

mod decision;
pub mod model;
mod names;
mod observation;
mod request;
mod verdict;
pub mod weights;

pub use decision::{
    Action, BackendChoice, Decision, Forwarded, InvalidBackend, MirrorTarget, RedirectTarget, RouteRef,
};
pub use names::{BackendName, ObjectName, RouteKind};
pub use observation::{Attempt, Observation, Origin, Purpose, Response};
pub use request::{HeaderField, Request};
pub use verdict::{Inconclusive, Judgement, Mismatch, Verdict};
