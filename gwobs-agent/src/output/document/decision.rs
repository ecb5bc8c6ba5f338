//! A finished request as JSON: what was seen. What was due is in [`super::expected`].

use std::borrow::Cow;

use gwobs_http::{Field, RequestHead, Unknown, Version};
use gwobs_route::{Origin, Purpose, Verdict};
use serde::Serialize;

use super::expected::{Expected, Route};
use super::{Pair, address, backend, object};
use crate::finished::{self, ClientProtocol, Finished};
use crate::output::redaction::Redaction;
use crate::output::{clock::WallClock, text};

#[derive(Debug, Serialize)]
pub(in crate::output) struct Decision<'a> {
    id: &'a str,
    time: String,
    ended: String,
    gateway: Option<String>,
    listener: Option<&'a str>,
    process: Process<'a>,
    generation: Option<u64>,
    downstream: Option<Downstream<'a>>,
    request: Option<Request<'a>>,
    upstreams: Vec<Upstream<'a>>,
    response: Option<Response>,
    expected: Option<Expected<'a>>,
    verdict: Option<&'static str>,
    reason: Option<&'static str>,
    also: &'a [&'static str],
    observed_route: Option<Route<'a>>,
    pairing: Pairing,
}

#[derive(Debug, Serialize)]
struct Process<'a> {
    pid: u32,
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct Downstream<'a> {
    peer: String,
    local: String,
    protocol: &'static str,
    tls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sni: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    method: Cow<'a, str>,
    authority: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
    headers: Vec<Pair<'a>>,
    /// Parts that were there and could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lossy: bool,
}

#[derive(Debug, Serialize)]
struct Upstream<'a> {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backend_candidates: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<String>,
    request: Option<Request<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    purpose: &'static str,
}

#[derive(Debug, Serialize)]
struct Response {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<u16>,
    origin: &'static str,
}

#[derive(Debug, Serialize)]
struct Pairing {
    evidence: Vec<&'static str>,
    candidates: usize,
}

impl<'a> Decision<'a> {
    pub(in crate::output) fn new(finished: &'a Finished, redaction: &Redaction, clock: &WallClock) -> Self {
        let decision = finished.decision.as_deref();
        let judgement = finished.judgement.as_ref();
        let (verdict, reason) = verdict(judgement.map(|judgement| judgement.verdict));
        Self {
            id: &finished.id,
            time: clock.rfc3339(finished.started),
            ended: clock.rfc3339(finished.ended),
            gateway: finished.gateway.as_ref().map(object),
            listener: decision.and_then(|decision| decision.listener.as_deref()),
            process: Process {
                pid: finished.process.pid,
                name: &finished.process.name,
            },
            generation: decision.map(|decision| decision.generation),
            downstream: finished.downstream.as_ref().map(Downstream::new),
            request: finished.request.as_ref().map(|head| Request::new(head, redaction)),
            upstreams: finished
                .upstreams
                .iter()
                .map(|upstream| Upstream::new(upstream, redaction))
                .collect(),
            response: finished.response.as_ref().map(Response::new),
            expected: decision.map(|decision| Expected::new(decision, finished.request.as_ref(), redaction)),
            verdict,
            reason,
            also: judgement.map_or(&[], |judgement| &judgement.also),
            observed_route: judgement
                .and_then(|judgement| judgement.observed_route.as_ref())
                .map(Route::new),
            pairing: Pairing::new(&finished.pairing),
        }
    }
}

fn verdict(verdict: Option<Verdict>) -> (Option<&'static str>, Option<&'static str>) {
    match verdict {
        None => (None, None),
        Some(Verdict::Match) => (Some("match"), None),
        Some(Verdict::Mismatch(reason)) => (Some("mismatch"), Some(reason.as_str())),
        Some(Verdict::Inconclusive(reason)) => (Some("inconclusive"), Some(reason.as_str())),
    }
}

impl<'a> Downstream<'a> {
    fn new(downstream: &'a finished::Downstream) -> Self {
        Self {
            peer: address(downstream.peer),
            local: address(downstream.local),
            protocol: protocol_name(downstream.protocol),
            tls: downstream.tls,
            sni: downstream.sni.as_deref(),
        }
    }
}

/// The public name of what a client speaks, as in JSONL and metric labels.
#[must_use]
pub fn protocol_name(protocol: ClientProtocol) -> &'static str {
    match protocol {
        ClientProtocol::Http(Version::Http10) => "http/1.0",
        ClientProtocol::Http(Version::Http11) => "http/1.1",
        ClientProtocol::Http(Version::H2) => "h2",
        ClientProtocol::Tls => "tls",
    }
}

impl<'a> Request<'a> {
    fn new(head: &'a RequestHead, redaction: &Redaction) -> Self {
        let mut lossy = false;
        Self {
            method: text::decode(&head.method, &mut lossy),
            authority: head
                .authority
                .as_ref()
                .map(|bytes| redaction.authority(text::decode(bytes, &mut lossy))),
            path: head
                .path
                .as_ref()
                .map(|bytes| redaction.path(text::decode(bytes, &mut lossy))),
            headers: head
                .headers
                .iter()
                .map(|field| header(field, redaction, &mut lossy))
                .collect(),
            unknown: unknown(head.unknown),
            lossy,
        }
    }
}

fn unknown(unknown: Unknown) -> Vec<&'static str> {
    let parts = [
        (unknown.authority, "authority"),
        (unknown.path, "path"),
        (unknown.fields > 0, "headers"),
    ];
    parts.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect()
}

fn header<'a>(field: &'a Field, redaction: &Redaction, lossy: &mut bool) -> Pair<'a> {
    let name = text::decode(&field.name, lossy);
    let value = if redaction.shows_header(&name) {
        text::decode(&field.value, lossy)
    } else {
        Redaction::hidden()
    };
    (name, value)
}

impl<'a> Upstream<'a> {
    fn new(upstream: &'a finished::Upstream, redaction: &Redaction) -> Self {
        Self {
            address: address(upstream.address),
            backend: upstream.backend.as_ref().map(backend),
            backend_candidates: upstream.backend_candidates.iter().map(backend).collect(),
            pod: upstream.pod.as_ref().map(object),
            request: upstream.request.as_ref().map(|head| Request::new(head, redaction)),
            status: upstream.response.as_ref().map(|head| head.status),
            purpose: purpose(upstream.purpose),
        }
    }
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Forward => "forward",
        Purpose::Mirror => "mirror",
        Purpose::Retry => "retry",
        Purpose::Auth => "auth",
        Purpose::Unknown => "unknown",
    }
}

impl Response {
    fn new(response: &finished::Response) -> Self {
        let origin = match response.origin {
            Origin::Upstream => "upstream",
            Origin::Gateway => "gateway",
        };
        Self {
            status: response.head.status,
            grpc_status: response.grpc_status,
            origin,
        }
    }
}

impl Pairing {
    fn new(pairing: &finished::Pairing) -> Self {
        Self {
            evidence: pairing.evidence.iter().map(|evidence| evidence.as_str()).collect(),
            candidates: pairing.candidates,
        }
    }
}
