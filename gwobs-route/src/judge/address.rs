//! Whether an upstream address is one that the decision allows.

use std::net::SocketAddr;

use crate::{BackendChoice, Inconclusive, InvalidBackend, Mismatch, Snapshot};

/// What an address says about the gateway.
#[derive(Debug, Clone, Copy)]
pub(super) enum Due<'a> {
    /// It belongs to this backend, which may get the request.
    Right(&'a BackendChoice),
    /// It provably does not belong to any.
    Wrong(Mismatch),
    /// It cannot be told.
    Open(Inconclusive),
}

/// `at`: when the gateway decided; an address that left a Service later was still right.
pub(super) fn due<'a>(snapshot: &Snapshot, backends: &'a [BackendChoice], address: SocketAddr, at: u64) -> Due<'a> {
    let owned = |choice: &&BackendChoice| snapshot.owns(&choice.backend, address);
    let left = |choice: &BackendChoice| snapshot.cluster.left_at(&choice.backend.service, address.ip());
    let legal = || {
        backends
            .iter()
            .filter(|choice| choice.invalid.is_none() && choice.weight > 0)
    };
    if let Some(choice) = legal().find(|choice| owned(choice) || left(choice).is_some_and(|left| left > at)) {
        return Due::Right(choice);
    }
    let forbidden = |choice: &&BackendChoice| choice.invalid == Some(InvalidBackend::NotPermitted) && owned(choice);
    if backends.iter().any(|choice| forbidden(&choice)) {
        return Due::Wrong(Mismatch::NoReferenceGrant);
    }
    if backends.iter().any(|choice| choice.weight == 0 && owned(&choice)) {
        return Due::Wrong(Mismatch::ZeroWeightBackend);
    }
    if legal().any(|choice| left(choice).is_some()) {
        return Due::Wrong(Mismatch::StaleEndpoint);
    }
    // The name of an external backend may resolve to any address, even to one of another Service; and a Service without
    // slices may share its pods with others.
    if !legal().all(|choice| snapshot.cluster.addresses_are_known(&choice.backend)) {
        return Due::Open(Inconclusive::UnsupportedSpec);
    }
    match snapshot.backends_at(address).is_empty() {
        false => Due::Wrong(Mismatch::WrongBackend),
        // An address of the right Service with a port that the specs do not tell, such as a host port.
        true if legal().any(|choice| snapshot.cluster.is_of_service(&choice.backend.service, address.ip())) => {
            Due::Open(Inconclusive::UnsupportedSpec)
        }
        true => Due::Wrong(Mismatch::UnknownUpstream),
    }
}
