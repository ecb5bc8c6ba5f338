//! TLS connections that pass through, judged by the name in their hello.

use gwobs_route::model::{Protocol, TlsMode};
use gwobs_route::{Arrival, Attempt, ObjectName, Observation, Purpose, Request, WireProtocol, decide, judge};

use super::{ByOne, Judged, Judging, conclude};
use crate::pipeline::catalogue::Door;
use crate::pipeline::live::Live;
use crate::pipeline::passthrough::Passed;

impl<'a> Judging<'a> {
    /// `None` if no listener of a Gateway that counts passes TLS on at that port.
    pub(in crate::pipeline) fn judge_passed(&self, passed: &Passed) -> Option<Judged<'a>> {
        let at = passed.decided_at();
        let verdicts = self
            .snapshots
            .at(at)
            .filter_map(|live| self.passed_by_one(live, passed));
        conclude::conclude(at, verdicts.collect())
    }

    fn passed_by_one(&self, live: &'a Live, passed: &Passed) -> Option<ByOne<'a>> {
        let connection = &passed.downstream.connection;
        let port = self.settings.listener_port(connection.pid, connection.local.port())?;
        let gateways = self.settings.gateways_of(connection.pid);
        let gateway = gateways.iter().find(|gateway| passes_on(live, gateway, port))?;
        let request = Request {
            method: "",
            authority: None,
            path: None,
            headers: &[],
            sni: passed.downstream.server_name.as_deref(),
        };
        let arrival = Arrival::at_gateway(gateway, port, WireProtocol::Tls);
        let decision = decide(&live.snapshot, &arrival, &request);
        let attempts = [Attempt {
            address: passed.upstream.connection.peer,
            request: None,
            status: None,
            purpose: Purpose::Forward,
        }];
        let observation = Observation {
            attempts: &attempts,
            response: None,
            at: passed.decided_at().0,
        };
        let judgement = judge(&live.snapshot, &decision, &request, &observation);
        Some(ByOne {
            live,
            door: Door {
                gateway: gateway.clone(),
                port,
                secure: true,
            },
            decision: Some(decision),
            judgement,
        })
    }
}

fn passes_on(live: &Live, gateway: &ObjectName, port: u16) -> bool {
    let listeners = live.snapshot.listeners(gateway).into_iter();
    listeners.flat_map(|gateway| &gateway.listeners).any(|merged| {
        let listener = &merged.listener;
        let mode = listener.tls.as_ref().map(|tls| tls.mode);
        listener.port == port && listener.protocol == Protocol::Tls && mode != Some(TlsMode::Terminate)
    })
}
