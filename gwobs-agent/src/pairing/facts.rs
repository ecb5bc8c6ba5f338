//! The hard facts of time and order: what excludes that a call belongs to a request. They only ever grow: what is
//! excluded stays excluded, whatever is learnt later.
//!
//! Which orders can be trusted? A read is logged before the program gets the bytes, and a write or a close is logged
//! before its system call returns. So whatever a program does *because* one of its own calls returned is logged after
//! that call, and the order of the log is exact along every causal chain inside the process. It is not exact through
//! the network: a peer may answer before our write is logged. Nor between a write and what another thread does after
//! it was answered: a thread that writes the upstream request may be interrupted between the send and the log, while
//! another one reads the answer and writes the downstream response. That last case is what [`SEND_TOLERANCE`] is for.

use gwobs_http::{Field, ResponseHead};

use super::limits::{SEND_TOLERANCE, SETTLE_DELAY, nanoseconds};
use super::node::{Call, CallKind, Request};
use crate::event::Timestamp;
use crate::exchange::{Half, Outcome, Stamp};

/// True if the gateway may try again after an upstream answered with this head. An answer of 2xx or 3xx is final, and so
/// is 101; but gRPC tells its failures with 200, in the head where nothing else follows, and a status that is not known
/// may be one.
pub(super) fn is_retriable(answer: &ResponseHead) -> bool {
    let failed = |field: &Field| field.name == b"grpc-status"[..] && field.value != b"0"[..];
    answer.status >= 400 || answer.headers.iter().any(failed) || answer.unknown > 0
}

/// True if time and order do not exclude that `request` owns `call`, whatever else it owns.
pub(super) fn may_own(request: &Request, call: &Call, steady_threads: bool) -> bool {
    let began = call.started();
    request.from().is_some_and(|from| from < began.order)
        && (!steady_threads || same_thread(request, began))
        && not_answered_before(request, began)
        && not_over_before(request, began)
        && relayed_in_order(&request.half, call)
}

/// True if a copy of the request, or a question about it, can have been sent in `call`: at any time after it was read,
/// for some gateways send copies after the answer.
pub(super) fn may_stand_beside(request: &Request, call: &Call, steady_threads: bool) -> bool {
    let began = call.started();
    request.from().is_some_and(|from| from < began.order) && (!steady_threads || same_thread(request, began))
}

/// On an event loop that never moves requests, the thread that read the request makes the call.
fn same_thread(request: &Request, began: Stamp) -> bool {
    request.half.request.head_ended.is_none_or(|read| read.tid == began.tid)
}

/// A call for a request is made before the request is answered.
fn not_answered_before(request: &Request, began: Stamp) -> bool {
    match request.half.response.started {
        None => true,
        Some(answered) if answered.tid == began.tid => began.order < answered.order,
        Some(answered) => began.time.0 <= answered.time.0.saturating_add(nanoseconds(SEND_TOLERANCE)),
    }
}

/// A request that ended without an answer is soon forgotten by the gateway.
fn not_over_before(request: &Request, began: Stamp) -> bool {
    request
        .ended
        .is_none_or(|ended: Timestamp| began.time.0 <= ended.0.saturating_add(nanoseconds(SETTLE_DELAY)))
}

/// An answer is read before it is passed on. A request that was answered earlier can own the call only as one that it
/// gave up, and then the gateway made the answer itself (4xx, 5xx) and did not go on reading the call's to its end.
fn relayed_in_order(downstream: &Half, call: &Call) -> bool {
    let Some(upstream) = call.half() else { return true };
    let (Some(answered), Some(read)) = (downstream.response.started, upstream.response.started) else {
        return true;
    };
    if read.order < answered.order {
        return true;
    }
    let gateways_own = downstream.response.head.as_ref().is_none_or(|head| is_retriable(head));
    gateways_own && upstream.outcome != Outcome::Completed
}

/// True if one request can have made the call `later` after the call `earlier`: the earlier one had failed by then.
pub(super) fn may_follow(earlier: &Call, later: &Call) -> bool {
    let began = later.started().order;
    match &earlier.kind {
        CallKind::Failed { seen, .. } => *seen < began,
        CallKind::Sent(half) => match (&half.response.head, half.response.started) {
            (Some(head), Some(read)) => is_retriable(head) && read.order < began,
            _ => earlier.over.is_some_and(|over| over < began),
        },
    }
}

/// True if `call` can be the last one of a request that was answered as `downstream` was: an answer of 2xx or 3xx came
/// from it. (An answer that could not be read may have been any.)
pub(super) fn may_be_last(downstream: &Half, call: &Call) -> bool {
    let Some(upstream) = call.half() else { return true };
    let relayed = downstream
        .response
        .head
        .as_ref()
        .is_some_and(|head| !is_retriable(head));
    if !relayed || !upstream.flaws.is_empty() && upstream.response.head.is_none() {
        return true;
    }
    match (downstream.response.started, upstream.response.started) {
        (Some(answered), Some(read)) => read.order < answered.order,
        (Some(_), None) => false,
        (None, _) => true,
    }
}
