//! Which backends may get a request, and what each must receive.

use crate::cluster::Referrer;
use crate::decide::effects::Effects;
use crate::decide::forwarded::forwarded;
use crate::decide::redirect;
use crate::decide::refuse;
use crate::decide::scene::{Scene, matched_prefix};
use crate::model::{BackendRef, Mirror, Rule};
use crate::table::Entry;
use crate::{Action, BackendChoice, Decision, Endpoints, Inconclusive, MirrorTarget, ObjectName, RouteKind, Snapshot};

/// The decision of a rule that neither redirects nor answers: `decision` with its action filled in.
pub(super) fn forward(
    scene: &Scene<'_>,
    entry: &Entry,
    rule: &Rule,
    effects: &Effects<'_>,
    mut decision: Decision,
) -> Decision {
    let chooser = Chooser { scene, entry, effects };
    let backends: Vec<_> = rule
        .backends
        .iter()
        .map(|one| chooser.choose(one, &mut decision.caveats))
        .collect();
    if let Some(status) = refusal(&backends) {
        // Nothing is said of a rule whose backends all have weight 0.
        let all_zero = !backends.is_empty() && backends.iter().all(|backend| backend.weight == 0);
        decision
            .caveats
            .extend(all_zero.then_some(Inconclusive::ImplementationDefined));
        return refuse(decision, status, backends, scene.view.request);
    }
    if let Some(redirect) = common_redirect(&backends) {
        decision.action = redirect;
        return decision;
    }
    let opaque_backend = rule.backends.iter().any(|one| Effects::of(&one.filters).may_answer);
    let mirrors = effects
        .mirrors
        .iter()
        .filter_map(|mirror| chooser.mirror(mirror, &mut decision.caveats))
        .collect();
    decision.action = Action::Forward {
        backends,
        forwarded: forwarded(&scene.view, matched_prefix(entry), &[effects]),
        mirrors,
        may_answer_itself: effects.may_answer || effects.cors.is_some() || opaque_backend,
    };
    decision
}

/// The reply if no backend can get the request: 500 if none is valid, 503 if none has a ready endpoint.
///
/// `HTTPRouteRule.backendRefs`: "If all entries in BackendRefs are invalid, and there are also no filters specified in this
/// route rule, all traffic which matches this rule MUST receive a 500 status code."
pub(super) fn refusal(backends: &[BackendChoice]) -> Option<u16> {
    let weighted = backends.iter().filter(|backend| backend.weight > 0);
    let (valid, invalid): (Vec<_>, Vec<_>) = weighted.partition(|backend| backend.invalid.is_none());
    if valid.is_empty() {
        return Some(500);
    }
    let none_ready = invalid.is_empty() && valid.iter().all(|backend| backend.endpoints == Endpoints::NoneReady);
    none_ready.then_some(503)
}

/// A redirect if every share of the traffic is redirected to the same place.
fn common_redirect(backends: &[BackendChoice]) -> Option<Action> {
    let mut weighted = backends.iter().filter(|backend| backend.weight > 0);
    let first = weighted.next()?.redirect.clone()?;
    weighted
        .all(|other| other.redirect.as_ref() == Some(&first))
        .then_some(Action::Redirect(first))
}

struct Chooser<'a> {
    scene: &'a Scene<'a>,
    entry: &'a Entry,
    effects: &'a Effects<'a>,
}

impl Chooser<'_> {
    fn referrer(&self) -> Referrer<'_> {
        let route = &self.entry.route.route;
        Referrer::at(&self.scene.arrival.front, route.kind, &route.meta.name.namespace)
    }

    fn choose(&self, reference: &BackendRef, caveats: &mut Vec<Inconclusive>) -> BackendChoice {
        let mut choice = choice(self.scene.snapshot, self.referrer(), reference, caveats);
        if reference.filters.is_empty() {
            return choice;
        }
        let own = Effects::of(&reference.filters);
        caveats.extend(own.unknown.then_some(Inconclusive::UnsupportedSpec));
        choice.redirect = own
            .redirect
            .map(|one| redirect::target(one, &self.scene.redirect_base(self.entry)));
        choice.forwarded = Some(forwarded(
            &self.scene.view,
            matched_prefix(self.entry),
            &[self.effects, &own],
        ));
        choice
    }

    /// An invalid mirror gets nothing, and the request is forwarded all the same.
    fn mirror(&self, mirror: &Mirror, caveats: &mut Vec<Inconclusive>) -> Option<MirrorTarget> {
        let resolved = self.scene.snapshot.cluster.resolve(self.referrer(), &mirror.backend);
        let target = MirrorTarget {
            backend: resolved.backend,
            percent: mirror.share.percent(),
        };
        if resolved.invalid.is_some() {
            return None;
        }
        caveats.extend(resolved.doubt);
        Some(target)
    }
}

/// One backend without filters.
pub(super) fn choice(
    snapshot: &Snapshot,
    from: Referrer<'_>,
    reference: &BackendRef,
    caveats: &mut Vec<Inconclusive>,
) -> BackendChoice {
    let resolved = snapshot.cluster.resolve(from, reference);
    caveats.extend(resolved.doubt);
    let endpoints = match resolved.invalid {
        None => snapshot.cluster.endpoints(&resolved.backend),
        Some(_) => Endpoints::Unknown,
    };
    BackendChoice {
        backend: resolved.backend,
        weight: reference.weight,
        invalid: resolved.invalid,
        forwarded: None,
        redirect: None,
        endpoints,
    }
}

/// A Service itself, where no route is between.
pub(super) fn of_service(
    scene: &Scene<'_>,
    service: &ObjectName,
    reference: &BackendRef,
    caveats: &mut Vec<Inconclusive>,
) -> BackendChoice {
    let kind = match scene.protocol() {
        crate::WireProtocol::Udp => RouteKind::Udp,
        _ => RouteKind::Tcp,
    };
    let from = Referrer::at(&scene.arrival.front, kind, &service.namespace);
    choice(scene.snapshot, from, reference, caveats)
}
