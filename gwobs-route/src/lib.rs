//! Gateway API objects to routing decisions: given the objects and a request, what must happen, and why; given also
//! what the gateway did, whether it was right.
//!
//! No I/O, no clock, no Kubernetes client types: objects come in as [`model`] types, time is an argument.

pub mod attach;
mod cluster;
mod compile;
mod decide;
mod decision;
mod gateway_table;
mod hosts;
mod judge;
pub mod lint;
pub mod model;
mod names;
mod objects;
mod observation;
mod path_rewrite;
pub mod precedence;
pub mod profile;
mod request;
mod scope;
mod service_table;
mod snapshot;
pub mod status;
mod table;
mod transform;
mod truth;
mod verdict;
mod view;
pub mod weights;

pub use decide::{Considered, decide, explain};
pub use decision::{
    Action, Arrival, BackendChoice, Decision, Endpoints, Forwarded, Front, InvalidBackend, MirrorTarget,
    RedirectTarget, ResponseHeaders, RouteRef, WireProtocol,
};
pub use gateway_table::RouteAttachment;
pub use judge::{judge, judge_upstream};
pub use names::{BackendName, ObjectName, RouteKind};
pub use objects::Objects;
pub use observation::{Attempt, Observation, Origin, Purpose, Response};
pub use request::{HeaderField, Request};
pub use service_table::{PortAttachment, ServiceAttachment};
pub use snapshot::Snapshot;
pub use transform::{Kept, equal_for_routing, kept, looks_at_headers, may_become};
pub use verdict::{Inconclusive, Judgement, Mismatch, Verdict};
