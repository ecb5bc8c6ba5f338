//! Certificates: what the gateways of this node serve, next to what their listeners name.
//!
//! ```text
//! planes, objects ─► due: which certificate each listener is to serve, and where to ask for it
//!     ─► prober: when to ask ─► handshake ─► Sight ─► standing: compared, over time ─► Certificates ─► metrics
//! ```
//!
//! The agent makes a TLS handshake of its own with each pod, as any client would, and sends nothing over it. Whom the
//! certificate names as its issuer is recorded and never trusted: whether it is the one that the Secret holds is the question.
//! All but `prober` and `handshake` is a function of its arguments, time among them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gwobs_route::model::Certificate;

mod due;
mod handshake;
mod prober;
mod standing;

pub use due::{Due, Target, due};
pub use prober::{Settings, probe};
pub use standing::{Failure, Problem, Sight, Standing};

/// What is known of the certificates of this node's gateways.
#[derive(Debug, Clone, Default)]
pub struct Certificates {
    /// Each certificate that is due somewhere, in order.
    pub known: Vec<Known>,
    /// Handshakes by their outcome.
    pub handshakes: BTreeMap<&'static str, u64>,
    /// Certificates that are not asked for, because there are too many.
    pub beyond: usize,
}

/// What is known of a certificate that is due somewhere. Times are in seconds since 1970 UTC.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where.
    pub target: Target,
    /// What the Secret holds; `None` if that is not known.
    pub expected: Option<Arc<Certificate>>,
    /// What was served last; `None` if no handshake came so far.
    pub served: Option<Arc<Certificate>>,
    /// What is wrong with it.
    pub problems: BTreeSet<Problem>,
    /// Since when it differs from what the Secret holds, if that is among the problems.
    pub stale_since: Option<i64>,
}
