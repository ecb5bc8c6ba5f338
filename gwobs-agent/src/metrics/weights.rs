//! What a rule's weights ask for, and what its backends get: `gwobs_backend_weight_expected_ratio`,
//! `gwobs_backend_requests_total`, `gwobs_weight_skew_detected`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use gwobs_route::weights::RuleKey;
use gwobs_route::{RouteRef, Snapshot};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::decisions::GatewayLabels;
use super::labels::{RouteLabels, Rule};
use crate::weighed::WeightNews;

/// What a rule's weights ask for, and what its backends get.
#[derive(Debug)]
pub(super) struct Weights {
    requests: Family<BackendLabels, Counter>,
    expected: Family<BackendLabels, Gauge<f64, AtomicU64>>,
    skewed: Family<RuleLabels, Gauge>,
    known: HashMap<RuleKey, Known>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RuleLabels {
    gateway_namespace: Arc<str>,
    gateway: Arc<str>,
    route_namespace: Arc<str>,
    route: Arc<str>,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendLabels {
    gateway_namespace: Arc<str>,
    gateway: Arc<str>,
    route_namespace: Arc<str>,
    route: Arc<str>,
    rule: Rule,
    backend: String,
}

/// The expected shares of a rule that are exported, and the generation of the specs that they are from.
#[derive(Debug)]
struct Known {
    generation: u64,
    series: Vec<BackendLabels>,
}

impl Weights {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            expected: Family::default(),
            skewed: Family::default(),
            known: HashMap::new(),
        };
        let help = "Forwarded requests by the rule that was due and the backend that answered";
        registry.register("backend_requests", help, metrics.requests.clone());
        let help = "Share of a rule's requests that a backend is due by its weight";
        registry.register("backend_weight_expected_ratio", help, metrics.expected.clone());
        let help = "1 if the backends of a rule provably get other shares than its weights ask for, 0 if not";
        registry.register("weight_skew_detected", help, metrics.skewed.clone());
        metrics
    }

    /// A request of the rule was answered by this backend.
    pub(super) fn answered(&self, rule: RuleLabels, backend: String) {
        self.requests.get_or_create(&rule.of(backend)).inc();
    }

    /// True if the weights of this generation are not exported yet.
    pub(super) fn is_new(&self, key: &RuleKey, generation: u64) -> bool {
        self.known.get(key).is_none_or(|known| known.generation < generation)
    }

    /// Exports the expected shares of a rule: the weights of these backends.
    pub(super) fn expect(&mut self, key: RuleKey, generation: u64, rule: &RuleLabels, backends: Vec<(String, u32)>) {
        self.forget(&key);
        let total: u64 = backends.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut series: Vec<BackendLabels> = Vec::with_capacity(backends.len());
        for (backend, weight) in backends.into_iter().filter(|_| total > 0) {
            let labels = rule.clone().of(backend);
            #[expect(clippy::cast_precision_loss, reason = "weights sum up to 16 million")]
            let share = f64::from(weight) / total as f64;
            let gauge = self.expected.get_or_create(&labels);
            if series.contains(&labels) {
                // A backend that is named twice gets the sum.
                gauge.inc_by(share);
            } else {
                gauge.set(share);
                series.push(labels.clone());
            }
        }
        self.known.insert(key, Known { generation, series });
    }

    /// There is news about the weights of a rule.
    pub(super) fn weighed(&self, rule: &RuleLabels, news: &WeightNews) {
        let skewed = match news {
            WeightNews::Watched | WeightNews::Honoured(_) => Some(0),
            WeightNews::Skewed(_) => Some(1),
            WeightNews::Ended => None,
        };
        match skewed {
            Some(skewed) => {
                self.skewed.get_or_create(rule).set(skewed);
            }
            None => {
                self.skewed.remove(rule);
            }
        }
    }

    /// Forgets rules that are gone.
    pub(super) fn retain(&mut self, snapshot: &Snapshot) {
        let is_gone = |key: &&RuleKey| {
            let reference = RouteRef {
                kind: key.kind,
                route: key.route.clone(),
                rule: key.rule,
                matched: 0,
                rule_name: None,
            };
            snapshot.rule(&reference).is_none()
        };
        let gone: Vec<RuleKey> = self.known.keys().filter(is_gone).cloned().collect();
        gone.iter().for_each(|key| self.forget(key));
    }

    fn forget(&mut self, key: &RuleKey) {
        for labels in self.known.remove(key).into_iter().flat_map(|known| known.series) {
            self.expected.remove(&labels);
        }
    }
}

impl RuleLabels {
    pub(super) fn new(gateway: &GatewayLabels, route: &RouteLabels) -> Self {
        Self {
            gateway_namespace: Arc::clone(&gateway.gateway_namespace),
            gateway: Arc::clone(&gateway.gateway),
            route_namespace: Arc::clone(&route.namespace),
            route: Arc::clone(&route.name),
            rule: route.rule.clone(),
        }
    }

    fn of(self, backend: String) -> BackendLabels {
        BackendLabels {
            gateway_namespace: self.gateway_namespace,
            gateway: self.gateway,
            route_namespace: self.route_namespace,
            route: self.route,
            rule: self.rule,
            backend,
        }
    }
}
