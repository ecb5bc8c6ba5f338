//! From what pairing settled to what every sink gets.

use std::net::SocketAddr;
use std::sync::Arc;

use gwobs_route::{Action, BackendName, Decision, Inconclusive, Judgement, Mismatch, Purpose, Snapshot, Verdict};

use super::convergence::Lag;
use super::judging::{self, Call, Judged, Judging, open, origin, purposes};
use super::passthrough::Passed;
use crate::event::Timestamp;
use crate::exchange::Half;
use crate::finished::{ClientProtocol, Downstream, Evidence, Finished, Pairing, Process, Response, Upstream};
use crate::pairing::{Attempt, SettledCall, SettledRequest, Tie};

/// A finished request, with what concerns the specs more than the request.
pub(super) struct Report {
    pub(super) finished: Finished,
    /// When the gateway decided.
    pub(super) decided: Timestamp,
    /// Set if the gateway followed specs that had been replaced.
    pub(super) lag: Option<Lag>,
    /// True if all snapshots that were live give the request the same rule with the same weights.
    pub(super) steady: bool,
    /// True if these are its upstream calls in every reading.
    pub(super) certain: bool,
}

/// Whose half is reported, and by which name.
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) process: Process,
}

/// Something that is over and is to be judged.
#[derive(Debug)]
pub(super) enum Over {
    /// A request.
    Request(SettledRequest),
    /// An upstream call whose request nobody could read.
    Call {
        call: Half,
        why: Inconclusive,
        /// The local ports by which the request can have come in; `None` if it may be any.
        ports: Option<Vec<u16>>,
    },
    /// A TLS connection that passed through.
    Passed(Passed),
}

impl Over {
    /// When the gateway decided, as far as is known.
    pub(super) fn decided_at(&self) -> Timestamp {
        match self {
            Self::Request(request) => judging::decided_at(&request.downstream),
            Self::Call { call, .. } => call.request.started.time,
            Self::Passed(passed) => passed.decided_at(),
        }
    }

    /// True if it was held by whoever settled it.
    pub(super) fn was_held(&self) -> bool {
        matches!(self, Self::Request(request) if request.held)
    }
}

/// Judges a settled request. `doubt`: why a mismatch of it is not proven, because of what else happened.
pub(super) fn report(
    settled: &SettledRequest,
    doubt: impl Fn(Mismatch) -> Option<Inconclusive>,
    identity: Identity,
    judging: &Judging<'_>,
) -> Report {
    let calls = calls(settled);
    let mut judged = judging.judge_by_all(&settled.downstream, &calls);
    if let Some(judged) = &mut judged {
        cast_doubt(&mut judged.judgement, settled, doubt);
    }
    let decided = judging::decided_at(&settled.downstream);
    let report = assemble(&settled.downstream, &calls, judged, decided, identity, judging);
    Report {
        certain: matches!(settled.tie, Tie::Sure(_) | Tie::Counted(_)),
        finished: Finished {
            downstream: Some(client_side(&settled.downstream)),
            request: settled.downstream.request.head.as_deref().cloned(),
            response: response(settled),
            pairing: pairing(settled),
            ..report.finished
        },
        ..report
    }
}

/// Judges an upstream call whose request nobody could read. `ports`: the local ports by which it can have come in.
/// `doubt`: why a mismatch of it is not proven.
pub(super) fn without_downstream(
    call: &Half,
    why: Inconclusive,
    ports: Option<&[u16]>,
    doubt: Option<Inconclusive>,
    identity: Identity,
    judging: &Judging<'_>,
) -> Report {
    let mut judged = judging.judge_alone(call, why, ports);
    if let (Some(judged), Some(why)) = (&mut judged, doubt)
        && matches!(judged.judgement.verdict, Verdict::Mismatch(_))
    {
        judged.judgement = open(why);
    }
    let purpose = match judged.as_ref().map(|judged| judged.judgement.verdict) {
        Some(Verdict::Match | Verdict::Mismatch(_)) => Purpose::Forward,
        Some(Verdict::Inconclusive(_)) | None => Purpose::Unknown,
    };
    let sent = Call {
        attempt: Attempt::Sent(call),
        purpose,
    };
    assemble(call, &[sent], judged, call.request.started.time, identity, judging)
}

/// Judges a TLS connection that passed through.
pub(super) fn passed(passed: &Passed, Identity { id, process }: Identity, judging: &Judging<'_>) -> Report {
    let judged = judging.judge_passed(passed);
    let decided = passed.decided_at();
    let by = judged.as_ref().and_then(|judged| judged.live);
    let snapshot = by
        .or_else(|| judging.snapshots.at(decided).next())
        .map(|live| &*live.snapshot);
    let decision = judged.as_ref().and_then(|judged| judged.decision.clone());
    let connection = &passed.downstream.connection;
    let address = passed.upstream.connection.peer;
    let finished = Finished {
        id,
        started: decided,
        ended: passed.upstream.stamp.time,
        process,
        gateway: judged
            .as_ref()
            .and_then(|judged| judged.door.as_ref())
            .map(|door| door.gateway.clone()),
        downstream: Some(Downstream {
            peer: connection.peer,
            local: connection.local,
            protocol: ClientProtocol::Tls,
            tls: true,
            sni: passed.downstream.server_name.clone(),
        }),
        request: None,
        upstreams: vec![called(address, Purpose::Forward, snapshot, decision.as_deref())],
        response: None,
        decision,
        judgement: judged.as_ref().map(|judged| judged.judgement.clone()),
        pairing: Pairing {
            evidence: vec![Evidence::Id],
            candidates: 1,
        },
    };
    Report {
        finished,
        decided,
        lag: judged.as_ref().and_then(|judged| judged.lag),
        steady: judged.as_ref().is_some_and(|judged| judged.steady),
        certain: true,
    }
}

/// What both kinds have in common. `half`: the one whose times and name the report has.
fn assemble(
    half: &Half,
    calls: &[Call<'_>],
    judged: Option<Judged<'_>>,
    decided: Timestamp,
    Identity { id, process }: Identity,
    judging: &Judging<'_>,
) -> Report {
    let by = judged.as_ref().and_then(|judged| judged.live);
    let live = by.or_else(|| judging.snapshots.at(decided).next());
    let snapshot = live.map(|live| &*live.snapshot);
    let decision = judged.as_ref().and_then(|judged| judged.decision.clone());
    let is_open = |judged: &Judged<'_>| matches!(judged.judgement.verdict, Verdict::Inconclusive(_));
    let finished = Finished {
        id,
        started: half.request.started.time,
        ended: ended(half),
        process,
        gateway: judged
            .as_ref()
            .and_then(|judged| Some(judged.door.as_ref()?.gateway.clone())),
        downstream: None,
        request: None,
        upstreams: calls
            .iter()
            .map(|call| upstream(call, snapshot, decision.as_deref()))
            .collect(),
        response: None,
        judgement: judged.as_ref().map(|judged| judged.judgement.clone()),
        decision,
        pairing: Pairing::default(),
    };
    Report {
        finished,
        decided,
        lag: judged
            .as_ref()
            .filter(|judged| !is_open(judged))
            .and_then(|judged| judged.lag),
        steady: judged.is_some_and(|judged| judged.steady),
        certain: false,
    }
}

fn ended(half: &Half) -> Timestamp {
    let answered = half.response.ended.or(half.response.started);
    answered.unwrap_or(half.request.started).time
}

/// The attempts and what stands beside them.
fn calls(settled: &SettledRequest) -> Vec<Call<'_>> {
    let mut calls = purposes(settled.attempts.iter().map(attempt));
    let beside = settled.beside.iter().map(|(half, purpose)| Call {
        attempt: Attempt::Sent(half),
        purpose: *purpose,
    });
    calls.extend(beside);
    calls
}

fn attempt(call: &SettledCall) -> Attempt<'_> {
    match call {
        SettledCall::Sent(half) => Attempt::Sent(half),
        SettledCall::ConnectFailed { peer, .. } => Attempt::ConnectFailed(*peer),
    }
}

/// What pairing left open is left open, and so is a mismatch that may rest on the calls of another request.
fn cast_doubt(judgement: &mut Judgement, settled: &SettledRequest, doubt: impl Fn(Mismatch) -> Option<Inconclusive>) {
    match (&settled.tie, judgement.verdict) {
        (Tie::Unknown(why), _) => *judgement = open(*why),
        (_, Verdict::Mismatch(reason)) => {
            let mirror_in_doubt = reason == Mismatch::WrongMirror && settled.beside_in_doubt;
            let mirror = mirror_in_doubt.then_some(Inconclusive::Unpaired);
            if let Some(why) = mirror.or_else(|| doubt(reason)) {
                *judgement = open(why);
            }
        }
        _ => {}
    }
}

fn client_side(downstream: &Half) -> Downstream {
    Downstream {
        peer: downstream.connection.peer,
        local: downstream.connection.local,
        protocol: ClientProtocol::Http(
            downstream
                .request
                .head
                .as_ref()
                .map_or(gwobs_http::Version::Http11, |head| head.version),
        ),
        tls: downstream.connection.tls.is_some(),
        sni: server_name(downstream).cloned(),
    }
}

/// The name that the client asked for in its handshake.
pub(super) fn server_name(downstream: &Half) -> Option<&Arc<str>> {
    downstream.connection.tls.as_ref()?.server_name.as_ref()
}

fn response(settled: &SettledRequest) -> Option<Response> {
    let head = settled.downstream.response.head.as_deref()?.clone();
    let last = settled.attempts.last().map(attempt);
    Some(Response {
        head,
        grpc_status: settled.downstream.response.grpc_status,
        origin: origin(&settled.downstream, last.as_ref()),
    })
}

fn pairing(settled: &SettledRequest) -> Pairing {
    let evidence = match &settled.tie {
        Tie::Sure(evidence) | Tie::Verdict(evidence) | Tie::Counted(evidence) => evidence.clone(),
        Tie::Unknown(_) => Vec::new(),
    };
    Pairing {
        evidence,
        candidates: settled.candidates,
    }
}

/// One upstream call, with the backends that its address belongs to.
fn upstream(call: &Call<'_>, snapshot: Option<&Snapshot>, decision: Option<&Decision>) -> Upstream {
    let (address, half) = match call.attempt {
        Attempt::Sent(half) => (half.connection.peer, Some(half)),
        Attempt::ConnectFailed(peer) => (peer, None),
    };
    Upstream {
        request: half.and_then(|half| half.request.head.as_deref().cloned()),
        response: half.and_then(|half| half.response.head.as_deref().cloned()),
        ..called(address, call.purpose, snapshot, decision)
    }
}

/// An upstream call of which no message is known.
pub(super) fn called(
    address: SocketAddr,
    purpose: Purpose,
    snapshot: Option<&Snapshot>,
    decision: Option<&Decision>,
) -> Upstream {
    let candidates = snapshot
        .map(|snapshot| snapshot.backends_at(address))
        .unwrap_or_default();
    Upstream {
        address,
        backend: expected(decision, purpose, &candidates)
            .or_else(|| candidates.first())
            .cloned(),
        backend_candidates: candidates,
        pod: snapshot.and_then(|snapshot| snapshot.pod_at(address.ip()).cloned()),
        request: None,
        response: None,
        purpose,
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
