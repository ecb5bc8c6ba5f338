//! A forward was due.

use crate::judge::address::{Due, due};
use crate::judge::filters::applied;
use crate::judge::{Case, Findings, mirrors, observed, reply};
use crate::model::{BackendRef, Filter};
use crate::{Action, Attempt, BackendChoice, Forwarded, Inconclusive, Mismatch, Origin, Purpose};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let Action::Forward {
        backends,
        forwarded,
        may_answer_itself,
        ..
    } = &case.decision.action
    else {
        return;
    };
    let due = Forward {
        case,
        backends,
        forwarded,
    };
    let routed: Vec<_> = due.without_auxiliary();
    if routed.is_empty() {
        return reply::judge_missing_forward(case, backends, *may_answer_itself, findings);
    }
    routed.iter().for_each(|attempt| due.judge_attempt(attempt, findings));
    if findings.wrong.is_empty() {
        mirrors::judge(case, findings);
    }
    if case
        .observation
        .response
        .is_some_and(|response| response.origin == Origin::Gateway)
    {
        findings.open(Inconclusive::GatewayReply);
    }
}

struct Forward<'a> {
    case: &'a Case<'a>,
    backends: &'a [BackendChoice],
    forwarded: &'a Forwarded,
}

impl<'a> Forward<'a> {
    /// The attempts that carried the request itself: without those to mirrors and authorization services of the rule that
    /// stand beside another attempt.
    fn without_auxiliary(&self) -> Vec<&'a Attempt<'a>> {
        let (auxiliary, routed): (Vec<_>, Vec<_>) = self.case.routed().partition(|attempt| self.is_auxiliary(attempt));
        if routed.is_empty() { auxiliary } else { routed }
    }

    fn is_auxiliary(&self, attempt: &Attempt<'_>) -> bool {
        let Case {
            snapshot,
            decision,
            observation,
            ..
        } = self.case;
        let right = || {
            matches!(
                due(snapshot, self.backends, attempt.address, observation.at),
                Due::Right(_)
            )
        };
        let Some((route, rule)) = decision
            .route
            .as_ref()
            .and_then(|route| Some((&route.route, snapshot.rule(route)?)))
        else {
            return false;
        };
        let owned = |backend: &BackendRef| {
            let service = backend.target.resolve(&route.namespace);
            let port = backend.port.unwrap_or(0);
            snapshot.owns(&crate::BackendName { service, port }, attempt.address)
        };
        let target = |filter: &Filter| match filter {
            Filter::Mirror(mirror) => owned(&mirror.backend),
            Filter::ExternalAuth(auth) => owned(&auth.backend),
            _ => false,
        };
        rule.filters.iter().any(target) && !right()
    }

    fn judge_attempt(&self, attempt: &Attempt<'_>, findings: &mut Findings) {
        let Case {
            snapshot, observation, ..
        } = self.case;
        match due(snapshot, self.backends, attempt.address, observation.at) {
            Due::Right(choice) => self.judge_filters(choice, attempt, findings),
            Due::Open(reason) => findings.open(reason),
            // Nobody knows what that call was for.
            Due::Wrong(_) if attempt.purpose == Purpose::Unknown => findings.open(Inconclusive::Unpaired),
            Due::Wrong(reason) => self.judge_wrong(reason, attempt, findings),
        }
    }

    fn judge_wrong(&self, reason: Mismatch, attempt: &Attempt<'_>, findings: &mut Findings) {
        if reason == Mismatch::ZeroWeightBackend && self.has_sessions() {
            // A session may outlive its backend's weight.
            return findings.open(Inconclusive::ImplementationDefined);
        }
        let explanation = observed::route(self.case, attempt);
        let is_elsewhere = matches!(reason, Mismatch::WrongBackend | Mismatch::UnknownUpstream);
        if is_elsewhere && explanation.is_none() && attempt.status.is_some_and(is_refusal) {
            // A service that no rule leads to, and the answer of one that was asked whether the client may come in.
            return findings.open(Inconclusive::GatewayReply);
        }
        findings.wrong(reason);
        let explained = findings.observed_route.take();
        findings.observed_route = explained.or(explanation);
    }

    fn has_sessions(&self) -> bool {
        let route = self.case.decision.route.as_ref();
        route
            .and_then(|route| self.case.snapshot.rule(route))
            .is_some_and(|rule| rule.session.is_some())
    }

    fn judge_filters(&self, choice: &BackendChoice, attempt: &Attempt<'_>, findings: &mut Findings) {
        if choice.redirect.is_some() {
            return findings.wrong(Mismatch::UnexpectedForward);
        }
        let Some(sent) = attempt.request.as_ref().filter(|_| !self.is_opaque()) else {
            return;
        };
        if !applied(choice.forwarded.as_ref().unwrap_or(self.forwarded), sent) {
            findings.wrong(Mismatch::FilterNotApplied);
            let explained = findings.observed_route.take();
            findings.observed_route = explained.or_else(|| observed::route(self.case, attempt));
        }
    }

    /// True if an implementation's own filter, or an authorization service, may have changed the request as well.
    fn is_opaque(&self) -> bool {
        let rule = self
            .case
            .decision
            .route
            .as_ref()
            .and_then(|route| self.case.snapshot.rule(route));
        let opaque = |filter: &Filter| {
            matches!(
                filter,
                Filter::Extension(_) | Filter::Unknown(_) | Filter::ExternalAuth(_)
            )
        };
        rule.is_some_and(|rule| {
            let of_backends = rule.backends.iter().flat_map(|backend| &backend.filters);
            rule.filters.iter().chain(of_backends).any(opaque)
        })
    }
}

/// What authorization services answer when they say no: a refusal, or a redirect to where one logs in. Gateways pass it on.
fn is_refusal(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308 | 401 | 403 | 407)
}
