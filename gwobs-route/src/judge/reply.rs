//! The gateway's own replies: redirects, errors, refusals, and replies where a forward was due.

use crate::decide::decide;
use crate::judge::address::{Due, due};
use crate::judge::filters::same_target;
use crate::judge::{Case, Findings, judge, observed};
use crate::model::Filter;
use crate::view::{host_of, port_of};
use crate::{
    Action, BackendChoice, Endpoints, Inconclusive, Mismatch, Origin, Purpose, RedirectTarget, Request, Response,
    Verdict, decide as rules,
};

/// A reply with this status was due.
pub(super) fn judge_respond(case: &Case<'_>, due: u16, findings: &mut Findings) {
    if due == 421 && misdirected_is_served(case) {
        return findings.open(Inconclusive::ImplementationDefined);
    }
    if case.routed().next().is_some() {
        return judge_forwarded(case, due, findings);
    }
    let Some(response) = own_reply(case, findings) else {
        return;
    };
    let status = status_of(&response);
    match (due, status) {
        _ if status == due || is_due_grpc(case, &response) => {}
        // Preflights: both are in use. 421 and 503 are recommendations only.
        (204, 200) => {}
        (421, 404) | (503, 500..) => findings.open(Inconclusive::ImplementationDefined),
        (_, 404 | 500) => findings.wrong(Mismatch::WrongStatus),
        _ => findings.open(Inconclusive::GatewayReply),
    }
}

/// 421 is recommended only: a gateway may serve the request by its Host alone.
fn misdirected_is_served(case: &Case<'_>) -> bool {
    let without_name = Request {
        sni: None,
        ..*case.request
    };
    let by_host = decide(case.snapshot, &case.decision.arrival, &without_name);
    let forwarded = case.routed().next().is_some();
    forwarded && judge(case.snapshot, &by_host, &without_name, case.observation).verdict == Verdict::Match
}

/// The request was forwarded where the gateway had to reply. A backend of the rule that must not get it is named as such.
fn judge_forwarded(case: &Case<'_>, status: u16, findings: &mut Findings) {
    let backends = rules::backends_of(case.snapshot, case.decision);
    for attempt in case.routed() {
        match due(case.snapshot, &backends, attempt.address, case.observation.at) {
            // None of its endpoints is ready, and it was tried all the same.
            Due::Right(_) if status == 503 => findings.open(Inconclusive::ImplementationDefined),
            _ if attempt.purpose == Purpose::Unknown => findings.open(Inconclusive::Unpaired),
            Due::Wrong(
                reason @ (Mismatch::NoReferenceGrant | Mismatch::ZeroWeightBackend | Mismatch::StaleEndpoint),
            ) => {
                findings.wrong(reason);
                findings.wrong(Mismatch::UnexpectedForward);
            }
            _ => findings.wrong(Mismatch::UnexpectedForward),
        }
        if findings.observed_route.is_none() {
            findings.observed_route = observed::route(case, attempt);
        }
    }
}

/// A redirect was due.
pub(super) fn judge_redirect(case: &Case<'_>, target: &RedirectTarget, findings: &mut Findings) {
    if case.routed().next().is_some() {
        return judge_forwarded(case, target.status, findings);
    }
    let Some(response) = own_reply(case, findings) else {
        return;
    };
    let Some(location) = location(&response).filter(|_| (300..400).contains(&response.status)) else {
        return match response.status {
            300..400 | 404 | 500 => findings.wrong(Mismatch::WrongStatus),
            _ => findings.open(Inconclusive::GatewayReply),
        };
    };
    if response.status != target.status {
        findings.wrong(Mismatch::WrongStatus);
    }
    if !leads_to(case, location, target) {
        findings.wrong(Mismatch::WrongRedirect);
    }
}

/// The connection had to be refused.
pub(super) fn judge_reject(case: &Case<'_>, findings: &mut Findings) {
    if case.routed().next().is_some() {
        judge_forwarded(case, 0, findings);
    }
}

/// A forward was due, and no attempt was seen.
pub(super) fn judge_missing_forward(
    case: &Case<'_>,
    backends: &[BackendChoice],
    may_answer: bool,
    findings: &mut Findings,
) {
    let Some(response) = own_reply(case, findings) else {
        return;
    };
    let mut weighted = backends.iter().filter(|choice| choice.weight > 0);
    let explains = |choice: &BackendChoice| match (&choice.redirect, status_of(&response)) {
        (Some(target), status) => {
            status == target.status && location(&response).is_some_and(|found| leads_to(case, found, target))
        }
        (None, 500) => choice.invalid.is_some(),
        (None, 503) => choice.endpoints == Endpoints::NoneReady || (choice.invalid.is_some() && is_grpc(&response)),
        (None, _) => false,
    };
    let asked_others = !case.observation.attempts.is_empty();
    match status_of(&response) {
        _ if weighted.any(explains) => {}
        404 | 500 if !may_answer && !asked_others => findings.wrong(Mismatch::UnexpectedReply),
        _ => findings.open(Inconclusive::GatewayReply),
    }
}

/// The reply, if the gateway made it; what is missing otherwise is left open.
fn own_reply<'a>(case: &Case<'a>, findings: &mut Findings) -> Option<Response<'a>> {
    match case.observation.response {
        None => findings.open(Inconclusive::Aborted),
        Some(response) if response.origin == Origin::Upstream => findings.open(Inconclusive::Unpaired),
        Some(response) => return Some(response),
    }
    None
}

/// gRPC has one status for what HTTP tells apart as 500 and 503 (`grpcroute_types.go`, GRPCBackendRef: UNAVAILABLE).
fn is_due_grpc(case: &Case<'_>, response: &Response<'_>) -> bool {
    let due = match &case.decision.action {
        Action::Respond { grpc_status, .. } => *grpc_status,
        _ => None,
    };
    let status = grpc_status(response).and_then(|status| status.parse().ok());
    response.status == 200 && status.is_some() && status == due
}

fn is_grpc(response: &Response<'_>) -> bool {
    response.status == 200 && grpc_status(response).is_some()
}

fn grpc_status<'a>(response: &Response<'a>) -> Option<&'a str> {
    let field = response.headers.iter().find(|field| field.name == "grpc-status");
    field.map(|field| field.value)
}

/// The status, or what a gRPC status that came with 200 stands for.
fn status_of(response: &Response<'_>) -> u16 {
    match (response.status, grpc_status(response)) {
        (200, Some("12")) => 404,
        (200, Some("14")) => 503,
        (200, Some("0") | None) => 200,
        (200, Some(_)) => 502,
        (status, _) => status,
    }
}

fn location<'a>(response: &Response<'a>) -> Option<&'a str> {
    response
        .headers
        .iter()
        .find(|field| field.name == "location")
        .map(|field| field.value)
}

/// A Location, taken apart (RFC 9110 section 10.2.2). A relative one keeps scheme and authority of the request.
struct Location<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    target: &'a str,
}

impl<'a> Location<'a> {
    fn parse(text: &'a str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => (Some(scheme), Some(rest)),
            _ => (None, text.strip_prefix("//")),
        };
        let Some(rest) = rest else {
            return Self {
                scheme: None,
                authority: None,
                target: text,
            };
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        Self {
            scheme,
            authority: Some(authority),
            target: if target.is_empty() { "/" } else { target },
        }
    }
}

fn leads_to(case: &Case<'_>, location: &str, target: &RedirectTarget) -> bool {
    let location = Location::parse(location);
    let request_host = case.request.authority.map(host_of).unwrap_or("");
    let host = location.authority.map_or(request_host, host_of);
    let relative = location.authority.is_none();
    let scheme = location
        .scheme
        .is_none_or(|scheme| scheme.eq_ignore_ascii_case(&target.scheme));
    // A relative Location cannot change the scheme or port.
    let unchanged = !relative || derived_from_listener(case);
    scheme
        && unchanged
        && host.eq_ignore_ascii_case(&target.host)
        && (relative || same_port(case, &location, target))
        && same_target(&target.path, location.target)
}

fn same_port(case: &Case<'_>, location: &Location<'_>, target: &RedirectTarget) -> bool {
    let implied = rules::well_known(&target.scheme);
    let found = location.authority.and_then(port_of);
    let due = target.port.or(implied);
    let of_request = case.request.authority.and_then(port_of);
    // Clients may know the listener by another port, where one is mapped to it.
    found.or(implied) == due || (found == of_request && derived_from_listener(case))
}

/// True if neither scheme nor port of the redirect is given, so that both are the listener's.
fn derived_from_listener(case: &Case<'_>) -> bool {
    let rule = case.decision.route.as_ref().and_then(|route| case.snapshot.rule(route));
    let plain = |filter: &Filter| match filter {
        Filter::Redirect(redirect) => redirect.scheme.is_none() && redirect.port.is_none(),
        _ => true,
    };
    rule.is_some_and(|rule| {
        let of_backends = rule.backends.iter().flat_map(|backend| &backend.filters);
        rule.filters.iter().chain(of_backends).all(plain)
    })
}
