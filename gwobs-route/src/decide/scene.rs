//! A request and where it arrived, as every step of a decision looks at them.

use crate::compile::PathTest;
use crate::decide::redirect::Base;
use crate::table::Entry;
use crate::view::View;
use crate::{Arrival, Request, Snapshot, WireProtocol};

/// See the module.
pub(super) struct Scene<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) arrival: &'a Arrival,
    pub(super) view: View<'a>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, arrival: &'a Arrival, request: &'a Request<'a>) -> Self {
        let behaviour = snapshot.profile_at(&arrival.front).behaviour();
        Self {
            snapshot,
            arrival,
            view: View::new(request, behaviour),
        }
    }

    pub(super) fn protocol(&self) -> WireProtocol {
        self.arrival.protocol
    }

    /// What a redirect of this entry's rule starts from.
    pub(super) fn redirect_base<'s>(&'s self, entry: &'s Entry) -> Base<'s> {
        let tls = match self.protocol() {
            WireProtocol::Http => false,
            WireProtocol::Grpc => self.view.request.sni.is_some(),
            _ => true,
        };
        Base {
            scheme: if tls { "https" } else { "http" },
            host: self.view.host.as_deref().unwrap_or(""),
            port: self.arrival.port,
            path: self.view.request.path.unwrap_or(""),
            prefix: matched_prefix(entry),
        }
    }
}

/// The prefix that a request must have had to match.
pub(super) fn matched_prefix(entry: &Entry) -> Option<&str> {
    match &entry.matched()?.path {
        PathTest::Prefix(prefix) => Some(prefix),
        _ => None,
    }
}
