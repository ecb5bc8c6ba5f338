//! Weights that cannot work, or do not say what they seem to.

use std::collections::HashMap;

use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::world::World;
use crate::lint::{Code, field};
use crate::model::{BackendRef, Filter, Reference, Route, Rule};

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    for route in world.routes() {
        let object = ObjectRef::route(route);
        for (index, rule) in route.rules.iter().enumerate() {
            check_rule(route, rule, index, &object, out);
        }
    }
}

fn check_rule(route: &Route, rule: &Rule, index: usize, object: &ObjectRef, out: &mut Findings) {
    let at = format!("{}.backendRefs", field::rule(index));
    check_repeated(route, rule, index, object, out);
    match &*rule.backends {
        [] => check_empty(rule, index, object, out),
        backends if backends.iter().all(|one| one.weight == 0) => {
            let why = "all weights are 0, so no backend gets a request and every request fails";
            out.add(
                Code::WeightsAllZero,
                object,
                at,
                why,
                "give at least one backend a positive weight",
            );
        }
        [only] if only.weight != 1 => {
            let why = format!(
                "the weight {} of an only backend has no effect: it gets every request",
                only.weight
            );
            out.add(
                Code::WeightWithoutEffect,
                object,
                at,
                why,
                "remove the weight, or add the backend for the rest",
            );
        }
        backends => check_sum(backends, &at, object, out),
    }
}

/// Filters by which the gateway, or something it asks, answers without backends.
fn answers(filter: &Filter) -> bool {
    matches!(filter, Filter::Redirect(_) | Filter::Extension(_) | Filter::Unknown(_))
}

fn check_empty(rule: &Rule, index: usize, object: &ObjectRef, out: &mut Findings) {
    if !rule.filters.iter().any(answers) {
        let why = "the rule has neither backends nor a filter that answers: every request to it gets 500";
        out.add(
            Code::NoBackends,
            object,
            field::rule(index),
            why,
            "add a backendRef or a RequestRedirect",
        );
    }
}

/// Weights between which people think in percent: the sum is near 100 and misses it.
fn check_sum(backends: &[BackendRef], at: &str, object: &ObjectRef, out: &mut Findings) {
    const NEAR: std::ops::RangeInclusive<u64> = 90..=110;
    let sum = backends.iter().map(|one| u64::from(one.weight)).sum::<u64>();
    if backends.len() > 1 && sum != 100 && NEAR.contains(&sum) {
        let shares = backends
            .iter()
            .map(|one| share(one.weight, sum))
            .collect::<Vec<_>>()
            .join("/");
        let why = format!("the weights sum to {sum}, not 100: the real shares are {shares} percent");
        out.add(
            Code::WeightsSum,
            object,
            at,
            why,
            "make the weights sum to 100 if percentages are meant",
        );
    }
}

fn share(weight: u32, sum: u64) -> String {
    let tenths = u64::from(weight) * 1000 / sum.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn check_repeated(route: &Route, rule: &Rule, index: usize, object: &ObjectRef, out: &mut Findings) {
    let mut seen: HashMap<(Reference, Option<u16>), usize> = HashMap::new();
    for (position, backend) in rule.backends.iter().enumerate() {
        let namespace = backend.target.resolve(&route.meta.name.namespace).namespace;
        let target = Reference {
            namespace: Some(namespace),
            ..backend.target.clone()
        };
        let plain = backend.filters.is_empty();
        if let Some(first) = seen.insert((target, backend.port), position).filter(|_| plain) {
            let why = format!("the same backend as backendRefs[{first}]: gateways add the weights up or drop one");
            let mend = "name each backend once, with the sum of the weights";
            out.add(
                Code::BackendRepeated,
                object,
                field::backend(index, position),
                why,
                mend,
            );
        }
    }
}
