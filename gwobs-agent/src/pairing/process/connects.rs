//! Connects that failed: attempts without a request, or nobody's (a health check, a connection opened in advance).
//!
//! One is a request's own for sure only if no other request came into question and its thread did nothing between the read
//! of the request and the connect. For all others it is of no matter where the request was sent in the end: pools are
//! common to the requests of a backend, and gateways try again within the backends they chose. A request that was never sent
//! has a verdict only if that is the same with each of these connects, with all of them and without any. So they tie no
//! requests together, however many are under way.

use std::net::SocketAddr;

use gwobs_route::Verdict;

use super::Process;
use crate::exchange::{Half, HalfId, Stamp};
use crate::finished::Evidence;
use crate::pairing::limits::MAX_NODES;
use crate::pairing::node::{Call, CallId, CallKind, Connect, Request};
use crate::pairing::oracle::{Attempt, Oracle};

/// Addresses that are remembered for one request, as many as a large Service has endpoints. With more nothing is said
/// about the request.
const MAX_CONNECTS: usize = 64;

impl Process {
    /// A connect failed.
    pub(in crate::pairing) fn on_connect_failed(&mut self, peer: SocketAddr, began: Stamp, oracle: &impl Oracle) {
        let seen = self.latest;
        let call = Call::new(CallKind::Failed { peer, began, seen });
        let candidates = self.candidates(&call, oracle);
        if let Some(only) = self.certain_owner(&candidates, began) {
            let id = CallId::Failed(self.failed_connects);
            self.failed_connects += 1;
            self.calls.insert(id, call);
            self.settle(id, only, &[Evidence::Adjacent]);
            return;
        }
        let alone = candidates.len() == 1;
        for candidate in candidates {
            if let Some(request) = self.requests.get_mut(&candidate) {
                note(request, Connect { peer, began, alone });
            }
        }
    }

    fn certain_owner(&self, candidates: &[HalfId], began: Stamp) -> Option<HalfId> {
        let [only] = candidates else { return None };
        let request = self.requests.get(only)?;
        (next_to(&request.half, began) && self.calls.len() < MAX_NODES).then_some(*only)
    }
}

/// The verdict depends on the address alone.
fn note(request: &mut Request, connect: Connect) {
    if request.connects.iter().any(|known| known.peer == connect.peer) {
        return;
    }
    if request.connects.len() < MAX_CONNECTS {
        request.connects.push(connect);
    } else {
        request.contradicted = true;
    }
}

/// True if the thread moved no bytes between the read of the request and the connect.
fn next_to(downstream: &Half, began: Stamp) -> bool {
    downstream
        .request
        .head_ended
        .is_some_and(|read| read.tid == began.tid && began.thread_order.wrapping_sub(read.thread_order) <= 1)
}

/// True if failed connects may matter for a request with these calls.
pub(super) fn may_matter(request: &Request, calls: &[&Call]) -> bool {
    !request.connects.is_empty() && !calls.iter().any(|call| call.half().is_some())
}

/// The verdict on a request with these calls; `None` if it depends on connects that may be its own or not. Each attempt is
/// judged by itself and the worst one decides, so not every choice among them need be looked at.
pub(super) fn judge(request: &Request, calls: &[&Call], oracle: &impl Oracle) -> Option<Verdict> {
    let mut attempts: Vec<Attempt<'_>> = calls.iter().map(|call| call.attempt()).collect();
    let verdict = oracle.judge(&request.half, &attempts);
    if !may_matter(request, calls) {
        return Some(verdict);
    }
    let known = attempts.len();
    let same_with = |connects: &[Connect]| {
        attempts.truncate(known);
        attempts.extend(connects.iter().map(|connect| Attempt::ConnectFailed(connect.peer)));
        oracle.judge(&request.half, &attempts) == verdict
    };
    let agreed = request.connects.chunks(1).chain([&*request.connects]).all(same_with);
    agreed.then_some(verdict)
}
