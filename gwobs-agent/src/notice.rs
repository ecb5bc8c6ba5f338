//! What those who own the objects should hear of: that something began, not every request of it.
//!
//! ```text
//! decisions ─► First: the first of each kind ──┐
//! cluster   ─► grants that were revoked ───────┴─► Notice ─► log line, Kubernetes Event
//! ```

use gwobs_route::lint::ObjectRef;

mod first;

pub use first::First;

/// Something that those who own an object should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What began.
    pub reason: Reason,
    /// The object that it is about.
    pub regarding: ObjectRef,
    /// In words: names of objects, but nothing of any request.
    pub text: String,
}

/// What began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A ReferenceGrant that traffic depends on was deleted or changed.
    ReferenceGrantRevoked,
    /// Requests reach a backend of another namespace without a ReferenceGrant.
    TrafficWithoutReferenceGrant,
    /// Requests go elsewhere than the objects say.
    RequestsMisrouted,
}

impl Reason {
    /// As the `reason` of an Event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReferenceGrantRevoked => "ReferenceGrantRevoked",
            Self::TrafficWithoutReferenceGrant => "TrafficWithoutReferenceGrant",
            Self::RequestsMisrouted => "RequestsMisrouted",
        }
    }

    /// What the gateway does about it, as the `action` of an Event.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::ReferenceGrantRevoked => "Refuse",
            Self::TrafficWithoutReferenceGrant | Self::RequestsMisrouted => "Route",
        }
    }
}
