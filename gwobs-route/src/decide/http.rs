//! An HTTP request among the routes that apply: the match that wins, and what its rule says.

use crate::decide::effects::Effects;
use crate::decide::scene::Scene;
use crate::decide::select::{Scopes, Selected};
use crate::decide::{backends, cors, redirect, respond};
use crate::table::{Entry, Tracer};
use crate::{Action, Decision, Inconclusive, Request};

pub(super) fn decide<T: Tracer>(scene: &Scene<'_>, scopes: &Scopes<'_>, blank: Decision, tracer: &mut T) -> Decision {
    let Selected { entry, doubt } = scopes.select(&scene.view, tracer);
    let mut decision = match entry {
        Some(entry) => of_rule(scene, entry, blank),
        None => respond(blank, 404, scene.view.request),
    };
    decision.caveats.extend(doubt);
    decision.caveats.extend(odd_target(scene.view.request));
    decision
}

/// `OPTIONS *`, CONNECT, and hosts with a trailing dot: the Gateway API does not speak of them.
fn odd_target(request: &Request<'_>) -> Option<Inconclusive> {
    let path = request.path.is_none_or(|path| !path.starts_with('/'));
    let host = request
        .authority
        .is_some_and(|authority| authority.ends_with('.') || authority.contains(".:"));
    (path || host).then_some(Inconclusive::ImplementationDefined)
}

/// What the rule of the winning match says.
fn of_rule(scene: &Scene<'_>, entry: &Entry, mut decision: Decision) -> Decision {
    let summary = &entry.summary;
    decision.route = Some(entry.route.reference(summary.rule, summary.matched));
    let Some(rule) = entry.route.rule(summary.rule) else {
        return decision;
    };
    let effects = Effects::of(&rule.filters);
    if effects.unknown || entry.route.is_unknown(summary.rule) {
        decision.caveats.push(Inconclusive::UnsupportedSpec);
    }
    decision.response_headers = effects.response_headers();
    if let Some(reply) = effects
        .cors
        .and_then(|cors| cors::apply(cors, &scene.view, &mut decision.response_headers))
    {
        decision.action = Action::Respond {
            status: reply.status,
            grpc_status: None,
            backends: Vec::new(),
        };
        decision.caveats.extend(reply.doubt);
        return decision;
    }
    if let Some(redirect) = effects.redirect {
        decision.action = Action::Redirect(redirect::target(redirect, &scene.redirect_base(entry)));
        return decision;
    }
    backends::forward(scene, entry, rule, &effects, decision)
}
