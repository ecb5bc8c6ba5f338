//! From halves to what the engine judges by.

use gwobs_route::{Attempt as RouteAttempt, HeaderField, Observation, Origin, Purpose, Request, Response};

use super::decided_at;
use crate::exchange::Half;
use crate::pairing::Attempt;
use crate::pipeline::request::{Fields, Target};

/// A request that a gateway passed on, and what came of it.
pub(in crate::pipeline) struct Call<'a> {
    pub(in crate::pipeline) attempt: Attempt<'a>,
    pub(in crate::pipeline) purpose: Purpose,
}

/// Who made the response that the client got: the upstream, if its last answer was read before and has the same status.
pub(in crate::pipeline) fn origin(downstream: &Half, last: Option<&Attempt<'_>>) -> Origin {
    let Some(Attempt::Sent(upstream)) = last else {
        return Origin::Gateway;
    };
    let in_order = match (upstream.response.started, downstream.response.started) {
        (Some(read), Some(passed_on)) => read.order < passed_on.order,
        _ => false,
    };
    if in_order && status(upstream) == status(downstream) {
        Origin::Upstream
    } else {
        Origin::Gateway
    }
}

/// The status of a response; that of extended CONNECT as HTTP/1 has it, which switches with 101 (RFC 8441 section 5).
fn status(half: &Half) -> Option<u16> {
    const SWITCHING: u16 = 101;
    let status = half.response.head.as_ref()?.status;
    let is_connect = half.request.head.as_ref().is_some_and(|head| head.method == "CONNECT");
    Some(match (is_connect, status) {
        (true, 200) => SWITCHING,
        _ => status,
    })
}

/// What each attempt was for.
pub(in crate::pipeline) fn purposes<'a>(attempts: impl IntoIterator<Item = Attempt<'a>>) -> Vec<Call<'a>> {
    let purpose = |index| if index == 0 { Purpose::Forward } else { Purpose::Retry };
    attempts
        .into_iter()
        .enumerate()
        .map(|(index, attempt)| Call {
            attempt,
            purpose: purpose(index),
        })
        .collect()
}

/// Calls `judge` with what was observed.
pub(super) fn observed<T>(downstream: &Half, calls: &[Call<'_>], judge: impl FnOnce(&Observation<'_>) -> T) -> T {
    let heads: Vec<_> = calls.iter().map(|call| sent_head(&call.attempt)).collect();
    let fields: Vec<Vec<HeaderField<'_>>> = heads
        .iter()
        .map(|head| head.as_ref().map(|(_, fields)| fields.borrowed()).unwrap_or_default())
        .collect();
    let requests = heads
        .iter()
        .zip(&fields)
        .map(|(head, fields)| head.as_ref().map(|(target, _)| target.with(fields)));
    let attempts: Vec<RouteAttempt<'_>> = calls
        .iter()
        .zip(requests)
        .map(|(call, request)| attempt(call, request))
        .collect();
    let last = calls
        .iter()
        .rfind(|call| !matches!(call.purpose, Purpose::Mirror | Purpose::Auth));
    let response_fields = downstream
        .response
        .head
        .as_ref()
        .map(|head| (head.status, Fields::of(&head.headers)));
    let response_headers = response_fields
        .as_ref()
        .map(|(_, fields)| fields.borrowed())
        .unwrap_or_default();
    let response = response_fields.as_ref().map(|(status, _)| Response {
        status: *status,
        origin: origin(downstream, last.map(|call| &call.attempt)),
        headers: &response_headers,
    });
    judge(&Observation {
        attempts: &attempts,
        response,
        at: decided_at(downstream).0,
    })
}

fn sent_head<'a>(attempt: &Attempt<'a>) -> Option<(Target<'a>, Fields<'a>)> {
    match attempt {
        Attempt::Sent(half) => half
            .request
            .head
            .as_deref()
            .map(|head| (Target::of(head), Fields::of(&head.headers))),
        Attempt::ConnectFailed(_) => None,
    }
}

pub(super) fn attempt<'a>(call: &Call<'_>, request: Option<Request<'a>>) -> RouteAttempt<'a> {
    match call.attempt {
        Attempt::Sent(half) => RouteAttempt {
            address: half.connection.peer,
            request,
            status: half.response.head.as_ref().map(|head| head.status),
            purpose: call.purpose,
        },
        Attempt::ConnectFailed(address) => RouteAttempt {
            address,
            request,
            status: None,
            purpose: call.purpose,
        },
    }
}
