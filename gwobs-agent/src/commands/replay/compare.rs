//! One recorded request against other specs.
//!
//! **Invariant.** In doubt a request is undecidable, never said to go elsewhere: what was redacted is not guessed, a reply of
//! the gateway's own is compared only if routing alone can have caused it, and an upstream that nobody knows is no proof.

mod hidden;

use std::net::SocketAddr;

use gwobs_route::{
    Action, Arrival, BackendChoice, Considered, Decision, Endpoints, HeaderField, ObjectName, Snapshot, WireProtocol,
    explain,
};
use serde::Serialize;

use self::hidden::Hidden;
use super::record::{Record, Request, Upstream};
use crate::cli::{PortPair, object_name};

/// Where the requests of a recording arrive.
pub(super) struct Place {
    /// In place of the recorded Gateway.
    pub(super) gateway: Option<ObjectName>,
    /// Listener ports for the ports that were bound.
    pub(super) ports: Vec<PortPair>,
}

/// What became of one recorded request.
pub(super) enum Compared {
    /// It goes where it went.
    Same(Box<Decision>),
    /// It would go elsewhere.
    Elsewhere(Box<Decision>, Went),
    /// It cannot be told, by a name for the reason.
    Undecidable(&'static str),
}

/// Where a request went.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Went {
    /// To this backend, or this address if none is known.
    Backend(String),
    /// The gateway answered by itself.
    Status(u16),
}

/// Compares with one snapshot.
pub(super) struct Comparison<'s> {
    snapshot: &'s Snapshot,
    place: Place,
}

impl<'s> Comparison<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, place: Place) -> Self {
        Self { snapshot, place }
    }

    pub(super) fn of(&self, record: &Record) -> Compared {
        self.compare(record).unwrap_or_else(Compared::Undecidable)
    }

    fn compare(&self, record: &Record) -> Result<Compared, &'static str> {
        let request = record.request.as_ref().ok_or("no_request")?;
        if request.lossy {
            return Err("lossy");
        }
        let hidden = Hidden::of(request);
        let (decision, considered) = self.decide(record, request)?;
        if self.depends(&hidden, &decision, &considered) {
            return Err("redacted");
        }
        if let Some(caveat) = decision.caveats.first() {
            return Err(caveat.as_str());
        }
        let went = went(record)?;
        let same = self.is_same(record, &decision)?;
        let decision = Box::new(decision);
        Ok(if same {
            Compared::Same(decision)
        } else {
            Compared::Elsewhere(decision, went)
        })
    }

    fn decide(&self, record: &Record, request: &Request) -> Result<(Decision, Vec<Considered>), &'static str> {
        let gateway = self.gateway(record).ok_or("no_gateway")?;
        let port = self.port(record, &gateway).ok_or("no_listener")?;
        let tls = record.downstream.as_ref().is_some_and(|downstream| downstream.tls);
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| HeaderField { name, value })
            .collect::<Vec<_>>();
        let asked = gwobs_route::Request {
            method: &request.method,
            // What stands before `@` is user information; `observe` redacts it.
            authority: request
                .authority
                .as_deref()
                .map(|text| text.rsplit_once('@').map_or(text, |(_, host)| host)),
            path: request.path.as_deref(),
            headers: &headers,
            sni: record
                .downstream
                .as_ref()
                .and_then(|downstream| downstream.sni.as_deref()),
        };
        let protocol = if tls { WireProtocol::Https } else { WireProtocol::Http };
        let arrival = Arrival::at_gateway(&gateway, port, protocol);
        Ok(explain(self.snapshot, &arrival, &asked))
    }

    fn gateway(&self, record: &Record) -> Option<ObjectName> {
        let recorded = || record.gateway.as_deref().and_then(|name| object_name(name).ok());
        let gateway = self.place.gateway.clone().or_else(recorded)?;
        self.snapshot.listeners(&gateway).is_some().then_some(gateway)
    }

    /// The listener's port: by the port that was bound, else by the name of the listener, else it is the same.
    fn port(&self, record: &Record, gateway: &ObjectName) -> Option<u16> {
        let local = record.downstream.as_ref().map(|downstream| downstream.local.port());
        let mapped = self
            .place
            .ports
            .iter()
            .find(|pair| Some(pair.local) == local)
            .map(|pair| pair.listener);
        let listeners = &self.snapshot.listeners(gateway)?.listeners;
        let named = |name: &String| {
            listeners
                .iter()
                .find(|merged| *merged.label == **name)
                .map(|own| own.listener.port)
        };
        let port = mapped.or_else(|| record.listener.as_ref().and_then(named)).or(local)?;
        listeners
            .iter()
            .any(|merged| merged.listener.port == port)
            .then_some(port)
    }

    /// True if another value of something hidden could change the decision.
    fn depends(&self, hidden: &Hidden<'_>, decision: &Decision, considered: &[Considered]) -> bool {
        if hidden.is_nothing() {
            return false;
        }
        let winner = decision.route.as_ref();
        let of_winner = winner.and_then(|route| {
            let matched = usize::from(route.matched);
            self.snapshot.rule(route)?.matches.get(matched)
        });
        // Matches stand in order of precedence: those after the winner cannot take the request from it.
        let before = considered.iter().take_while(|one| one.lost_by.is_some());
        of_winner.is_some_and(|one| hidden.touches(one)) || before.into_iter().any(|one| hidden.may_fulfil(one))
    }

    fn is_same(&self, record: &Record, decision: &Decision) -> Result<bool, &'static str> {
        match (&decision.action, record.chosen()) {
            (
                Action::Forward {
                    backends,
                    may_answer_itself,
                    ..
                },
                chosen,
            ) => self.is_same_forward(record, backends, *may_answer_itself, chosen),
            (Action::Redirect(_) | Action::Respond { .. } | Action::Reject, Some(_)) => Ok(false),
            (Action::Redirect(target), None) => replied(record, |status| status == target.status),
            (Action::Respond { status: due, .. }, None) => replied(record, |status| status == *due),
            (Action::Reject, None) => Err("unsupported_protocol"),
        }
    }

    fn is_same_forward(
        &self,
        record: &Record,
        backends: &[BackendChoice],
        may_answer: bool,
        chosen: Option<&Upstream>,
    ) -> Result<bool, &'static str> {
        let due: Vec<_> = backends.iter().filter(|choice| takes_requests(choice)).collect();
        let fails = due.len() < backends.iter().filter(|choice| choice.weight > 0).count();
        let Some(upstream) = chosen else {
            // A share of the requests is due for 500.
            let failed = record.response.as_ref().is_some_and(|response| response.status == 500);
            return match (fails && failed, may_answer) {
                (true, _) => Ok(true),
                (false, true) => Err("gateway_reply"),
                (false, false) => replied(record, |_| false),
            };
        };
        let named = |choice: &BackendChoice| upstream.names().any(|name| *name == *choice.backend.to_string());
        if due
            .iter()
            .any(|choice| named(choice) || self.snapshot.owns(&choice.backend, upstream.address))
        {
            return Ok(true);
        }
        let known = upstream.names().next().is_some() || self.is_known(upstream.address);
        let told = due.iter().all(|choice| choice.endpoints != Endpoints::Unknown);
        if known || told {
            Ok(false)
        } else {
            Err("unknown_upstream")
        }
    }

    fn is_known(&self, address: SocketAddr) -> bool {
        !self.snapshot.backends_at(address).is_empty()
    }
}

fn takes_requests(choice: &BackendChoice) -> bool {
    choice.weight > 0 && choice.invalid.is_none() && choice.redirect.is_none()
}

/// Where the request went; an error if that cannot be compared.
fn went(record: &Record) -> Result<Went, &'static str> {
    if let Some(upstream) = record.chosen() {
        let name = upstream
            .names()
            .next()
            .map_or_else(|| upstream.address.to_string(), str::to_owned);
        return Ok(Went::Backend(name));
    }
    if record.has_unknown_calls() {
        return Err("unpaired");
    }
    let response = record.response.as_ref().ok_or("no_response")?;
    if response.origin == "upstream" {
        return Err("unpaired");
    }
    Ok(Went::Status(response.status))
}

/// Whether a reply of the gateway's own is what is due; an error if other things than routing may have caused it.
fn replied(record: &Record, due: impl Fn(u16) -> bool) -> Result<bool, &'static str> {
    let status = record.response.as_ref().ok_or("no_response")?.status;
    match status {
        _ if due(status) => Ok(true),
        300..=399 | 404 | 500 => Ok(false),
        _ => Err("gateway_reply"),
    }
}
