//! From a settled request to what every sink gets.

use std::sync::Arc;

use gwobs_route::{Action, BackendName, Decision, Inconclusive, Judgement, Purpose, Snapshot, Verdict};

use super::judging::{Call, Judged, Judging, decided_at, origin, purposes, without_doubtful_mirrors};
use crate::exchange::Half;
use crate::finished::{Downstream, Finished, Pairing, Process, Response, Upstream};
use crate::pairing::{Attempt, SettledCall, SettledRequest, Tie};

/// A finished request with how late the gateway followed the specs, in nanoseconds.
pub(super) struct Report {
    pub(super) finished: Finished,
    pub(super) lag: Option<u64>,
}

/// Judges a settled request.
pub(super) fn report(settled: &SettledRequest, process: Process, id: String, judging: &Judging<'_>) -> Report {
    let calls = calls(settled);
    let judged = judging.judge_by_all(&settled.downstream, &calls);
    let (door, decision, judgement, lag) = match judged {
        Some(Judged {
            door,
            decision,
            judgement,
            lag,
        }) => (door, decision, Some(judgement), lag),
        None => (None, None, None, None),
    };
    let judgement = judgement.map(|judgement| with_doubts(judgement, settled));
    let live = judging.snapshots.at(decided_at(&settled.downstream)).next();
    let snapshot = live.map(|live| &*live.snapshot);
    let lag = lag.filter(|_| {
        judgement
            .as_ref()
            .is_some_and(|judgement| judgement.verdict == Verdict::Match)
    });
    let downstream = &settled.downstream;
    Report {
        lag,
        finished: Finished {
            id,
            started: downstream.request.started.time,
            ended: downstream
                .response
                .ended
                .or(downstream.response.started)
                .unwrap_or(downstream.request.started)
                .time,
            process,
            gateway: door.map(|door| door.gateway),
            downstream: Some(client_side(downstream)),
            request: downstream.request.head.as_deref().cloned(),
            upstreams: calls
                .iter()
                .map(|call| upstream(call, snapshot, decision.as_deref()))
                .collect(),
            response: response(settled),
            decision,
            judgement,
            pairing: pairing(settled),
        },
    }
}

/// The attempts and what stands beside them.
fn calls(settled: &SettledRequest) -> Vec<Call<'_>> {
    let attempts = settled.attempts.iter().map(|call| match call {
        SettledCall::Sent(half) => Attempt::Sent(half),
        SettledCall::ConnectFailed { peer, .. } => Attempt::ConnectFailed(*peer),
    });
    let mut calls = purposes(attempts);
    let beside = settled.beside.iter().map(|(half, purpose)| Call {
        attempt: Attempt::Sent(half),
        purpose: *purpose,
    });
    calls.extend(beside);
    calls
}

/// What pairing left open is left open.
fn with_doubts(judgement: Judgement, settled: &SettledRequest) -> Judgement {
    match &settled.tie {
        Tie::Unknown(why) => Judgement {
            verdict: Verdict::Inconclusive(*why),
            also: Vec::new(),
            observed_route: None,
        },
        _ if settled.beside_in_doubt => without_doubtful_mirrors(judgement),
        _ => judgement,
    }
}

fn client_side(downstream: &Half) -> Downstream {
    Downstream {
        peer: downstream.connection.peer,
        local: downstream.connection.local,
        protocol: downstream
            .request
            .head
            .as_ref()
            .map_or(gwobs_http::Version::Http11, |head| head.version),
        tls: false,
        sni: None,
    }
}

fn response(settled: &SettledRequest) -> Option<Response> {
    let head = settled.downstream.response.head.as_deref()?.clone();
    let last = settled.attempts.last().map(|call| match call {
        SettledCall::Sent(half) => Attempt::Sent(half),
        SettledCall::ConnectFailed { peer, .. } => Attempt::ConnectFailed(*peer),
    });
    Some(Response {
        head,
        origin: origin(&settled.downstream, last.as_ref()),
    })
}

fn pairing(settled: &SettledRequest) -> Pairing {
    let evidence = match &settled.tie {
        Tie::Sure(evidence) | Tie::Verdict(evidence) => evidence.clone(),
        Tie::Unknown(_) => Vec::new(),
    };
    Pairing {
        evidence,
        candidates: settled.candidates,
    }
}

/// One upstream call, with the backends that its address belongs to.
pub(super) fn upstream(call: &Call<'_>, snapshot: Option<&Snapshot>, decision: Option<&Decision>) -> Upstream {
    let (address, half) = match call.attempt {
        Attempt::Sent(half) => (half.connection.peer, Some(half)),
        Attempt::ConnectFailed(peer) => (peer, None),
    };
    let candidates = snapshot
        .map(|snapshot| snapshot.backends_at(address))
        .unwrap_or_default();
    Upstream {
        address,
        backend: expected(decision, call.purpose, &candidates)
            .or_else(|| candidates.first())
            .cloned(),
        backend_candidates: candidates,
        pod: snapshot.and_then(|snapshot| snapshot.pod_at(address.ip()).cloned()),
        request: half.and_then(|half| half.request.head.as_deref().cloned()),
        response: half.and_then(|half| half.response.head.as_deref().cloned()),
        purpose: call.purpose,
    }
}

/// The candidate that the decision names.
fn expected<'a>(
    decision: Option<&Decision>,
    purpose: Purpose,
    candidates: &'a [BackendName],
) -> Option<&'a BackendName> {
    let Action::Forward { backends, mirrors, .. } = &decision?.action else {
        return None;
    };
    candidates.iter().find(|candidate| match purpose {
        Purpose::Mirror => mirrors.iter().any(|mirror| mirror.backend == **candidate),
        _ => backends.iter().any(|choice| choice.backend == **candidate),
    })
}

/// The name of a process, shared.
pub(super) fn process(pid: u32, name: Option<&Arc<str>>) -> Process {
    Process {
        pid,
        name: name.cloned().unwrap_or_else(|| Arc::from("")),
    }
}

/// An upstream call whose request nobody could read. `snapshot`: `None` without a Gateway that counts.
pub(super) fn without_downstream(
    call: &Half,
    why: Inconclusive,
    process: Process,
    id: String,
    snapshot: Option<&Snapshot>,
) -> Finished {
    let sent = Call {
        attempt: Attempt::Sent(call),
        purpose: Purpose::Unknown,
    };
    let undecided = Judgement {
        verdict: Verdict::Inconclusive(why),
        also: Vec::new(),
        observed_route: None,
    };
    Finished {
        id,
        started: call.request.started.time,
        ended: call
            .response
            .ended
            .or(call.response.started)
            .unwrap_or(call.request.started)
            .time,
        process,
        gateway: None,
        downstream: None,
        request: None,
        upstreams: vec![upstream(&sent, snapshot, None)],
        response: None,
        decision: None,
        judgement: snapshot.map(|_| undecided),
        pairing: Pairing::default(),
    }
}
