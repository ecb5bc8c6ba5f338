//! Requests and verdicts: `gwobs_requests_total`, `gwobs_decisions_total`, `gwobs_misroutes_total`,
//! `gwobs_coverage_ratio`, and by backend what `weights.rs` exports.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use gwobs_route::weights::RuleKey;
use gwobs_route::{Action, BackendName, Decision, Mismatch, ObjectName, Snapshot, Verdict};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{LabelCap, OTHER, RouteLabels, Rule};
use super::weights::{RuleLabels, Weights};
use crate::finished::{Finished, Upstream};
use crate::output::{DataPlane, protocol_name};
use crate::weighed::Weighed;

#[cfg(test)]
mod tests;

/// Requests and verdicts.
#[derive(Debug)]
pub struct Decisions {
    requests: Family<RequestLabels, Counter>,
    decisions: Family<DecisionLabels, Counter>,
    misroutes: Family<MisrouteLabels, Counter>,
    coverage: Family<GatewayLabels, Gauge<f64, AtomicU64>>,
    weights: Weights,
    routes: LabelCap<ObjectName>,
    backends: LabelCap<BackendName>,
    covered: HashMap<ObjectName, Covered>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct GatewayLabels {
    pub(super) gateway_namespace: Arc<str>,
    pub(super) gateway: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    gateway_namespace: Arc<str>,
    gateway: Arc<str>,
    listener: Arc<str>,
    data_plane: &'static str,
    protocol: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    gateway_namespace: Arc<str>,
    gateway: Arc<str>,
    listener: Arc<str>,
    route_kind: &'static str,
    route_namespace: Arc<str>,
    route: Arc<str>,
    rule: Rule,
    verdict: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MisrouteLabels {
    gateway_namespace: Arc<str>,
    gateway: Arc<str>,
    route_namespace: Arc<str>,
    route: Arc<str>,
    rule: Rule,
    expected_backend: String,
    observed_backend: String,
    reason: &'static str,
}

#[derive(Debug, Default)]
struct Covered {
    judged: u64,
    decided: u64,
}

impl Decisions {
    pub(super) fn register(registry: &mut Registry, max_routes: usize) -> Self {
        let capped = Family::<CapLabels, Counter>::default();
        let refused = |label| capped.get_or_create_owned(&CapLabels { label });
        let metrics = Self {
            requests: Family::default(),
            decisions: Family::default(),
            misroutes: Family::default(),
            coverage: Family::default(),
            weights: Weights::register(registry),
            routes: LabelCap::new(max_routes, refused("route")),
            // As many Services as routes: that is what route tables look like.
            backends: LabelCap::new(max_routes, refused("backend")),
            covered: HashMap::new(),
        };
        metrics.register_all(registry);
        registry.register(
            "labels_capped",
            "How often a label value was beyond its cap and became other",
            capped,
        );
        metrics
    }

    fn register_all(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests that the gateway finished with",
            self.requests.clone(),
        );
        registry.register("decisions", "Requests judged, by verdict", self.decisions.clone());
        registry.register("misroutes", "Requests that provably went wrong", self.misroutes.clone());
        let help = "Share of the requests to be judged that were decided, since the start";
        registry.register("coverage_ratio", help, self.coverage.clone());
    }

    /// Counts a finished request.
    pub fn finished(&mut self, finished: &Finished) {
        let gateway = GatewayLabels::new(finished.gateway.as_ref());
        self.requests.get_or_create(&request_labels(&gateway, finished)).inc();
        let Some(judgement) = &finished.judgement else { return };
        let decision = finished.decision.as_deref();
        let route = RouteLabels::new(decision.and_then(|decision| decision.route.as_ref()), &mut self.routes);
        self.decided(&gateway, &route, finished, judgement.verdict);
        self.cover(&gateway, finished.gateway.as_ref(), judgement.verdict);
        if let Verdict::Mismatch(reason) = judgement.verdict {
            self.misrouted(&gateway, &route, finished, reason);
        }
        if let Some(decision) = decision {
            self.forwarded(&gateway, &route, finished, decision);
        }
    }

    fn decided(&self, gateway: &GatewayLabels, route: &RouteLabels, finished: &Finished, verdict: Verdict) {
        let (verdict, reason) = match verdict {
            Verdict::Match => ("match", ""),
            Verdict::Mismatch(reason) => ("mismatch", reason.as_str()),
            Verdict::Inconclusive(reason) => ("inconclusive", reason.as_str()),
        };
        let labels = DecisionLabels {
            gateway_namespace: Arc::clone(&gateway.gateway_namespace),
            gateway: Arc::clone(&gateway.gateway),
            listener: listener(finished),
            route_kind: route.kind,
            route_namespace: Arc::clone(&route.namespace),
            route: Arc::clone(&route.name),
            rule: route.rule.clone(),
            verdict,
            reason,
        };
        self.decisions.get_or_create(&labels).inc();
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    fn cover(&mut self, labels: &GatewayLabels, gateway: Option<&ObjectName>, verdict: Verdict) {
        let Some(gateway) = gateway else { return };
        let covered = self.covered.entry(gateway.clone()).or_default();
        covered.judged += 1;
        covered.decided += u64::from(!matches!(verdict, Verdict::Inconclusive(_)));
        self.coverage
            .get_or_create(labels)
            .set(covered.decided as f64 / covered.judged as f64);
    }

    fn misrouted(&mut self, gateway: &GatewayLabels, route: &RouteLabels, finished: &Finished, reason: Mismatch) {
        let expected = finished
            .decision
            .as_deref()
            .map(|decision| self.expected(decision))
            .unwrap_or_default();
        let labels = MisrouteLabels {
            gateway_namespace: Arc::clone(&gateway.gateway_namespace),
            gateway: Arc::clone(&gateway.gateway),
            route_namespace: Arc::clone(&route.namespace),
            route: Arc::clone(&route.name),
            rule: route.rule.clone(),
            expected_backend: expected,
            observed_backend: finished
                .answered()
                .map(|upstream| self.observed(upstream))
                .unwrap_or_default(),
            reason: reason.as_str(),
        };
        self.misroutes.get_or_create(&labels).inc();
    }

    /// The backends that were due, joined by commas; empty if none was.
    fn expected(&mut self, decision: &Decision) -> String {
        let Action::Forward { backends, .. } = &decision.action else {
            return String::new();
        };
        let names: Vec<_> = backends.iter().map(|choice| self.backend(&choice.backend)).collect();
        names.join(",")
    }

    fn observed(&mut self, upstream: &Upstream) -> String {
        upstream
            .backend
            .as_ref()
            .map_or_else(|| "unknown".into(), |backend| self.backend(backend))
    }

    fn backend(&mut self, backend: &BackendName) -> String {
        if self.backends.admits(backend) {
            backend.to_string()
        } else {
            OTHER.to_owned()
        }
    }

    fn forwarded(&mut self, gateway: &GatewayLabels, route: &RouteLabels, finished: &Finished, decision: &Decision) {
        let Action::Forward { backends, .. } = &decision.action else {
            return;
        };
        if let Some(key) = RuleKey::of(decision).filter(|_| route.name.as_ref() != OTHER)
            && self.weights.is_new(&key, decision.generation)
        {
            let named = backends
                .iter()
                .map(|choice| (self.backend(&choice.backend), choice.weight))
                .collect();
            self.weights
                .expect(key, decision.generation, &RuleLabels::new(gateway, route), named);
        }
        if let Some(upstream) = finished.answered() {
            let backend = self.observed(upstream);
            self.weights.answered(RuleLabels::new(gateway, route), backend);
        }
    }

    /// There is news about the weights of a rule.
    pub fn weighed(&mut self, weighed: &Weighed) {
        let gateway = GatewayLabels::new(Some(&weighed.rule.gateway));
        let route = RouteLabels::of_rule(&weighed.rule, weighed.rule_name.as_ref(), &mut self.routes);
        if route.name.as_ref() != OTHER {
            self.weights.weighed(&RuleLabels::new(&gateway, &route), &weighed.news);
        }
    }

    /// Other specs are in force: what is known of rules that are gone is no longer exported.
    pub fn specs(&mut self, snapshot: &Snapshot) {
        self.weights.retain(snapshot);
    }
}

/// Which label was capped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CapLabels {
    label: &'static str,
}

impl GatewayLabels {
    fn new(gateway: Option<&ObjectName>) -> Self {
        let (gateway_namespace, gateway) = gateway.map_or_else(
            || ("".into(), "".into()),
            |gateway| (Arc::clone(&gateway.namespace), Arc::clone(&gateway.name)),
        );
        Self {
            gateway_namespace,
            gateway,
        }
    }
}

fn request_labels(gateway: &GatewayLabels, finished: &Finished) -> RequestLabels {
    RequestLabels {
        gateway_namespace: Arc::clone(&gateway.gateway_namespace),
        gateway: Arc::clone(&gateway.gateway),
        listener: listener(finished),
        data_plane: DataPlane::of_command(&finished.process.name).as_str(),
        protocol: finished
            .downstream
            .as_ref()
            .map_or("unknown", |downstream| protocol_name(downstream.protocol)),
    }
}

fn listener(finished: &Finished) -> Arc<str> {
    let listener = finished
        .decision
        .as_ref()
        .and_then(|decision| decision.listener.clone());
    listener.unwrap_or_else(|| "".into())
}
