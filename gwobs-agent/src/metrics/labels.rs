//! Labels with bounds.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use gwobs_route::weights::RuleKey;
use gwobs_route::{ObjectName, RouteKind, RouteRef};
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;

/// Routes that get labels of their own, if the user does not say: with a few rules and verdicts each, some ten
/// thousand series, which a Prometheus takes from one target without trouble.
pub const MAX_ROUTES: usize = 1000;

/// Stands for all that is beyond a cap.
pub(super) const OTHER: &str = "other";

/// Lets the first so many values through.
#[derive(Debug)]
pub struct LabelCap<T> {
    known: HashSet<T>,
    cap: usize,
    refused: Counter,
}

impl<T: Eq + Hash + Clone> LabelCap<T> {
    /// A cap that counts on `refused` how often a value was beyond it.
    #[must_use]
    pub fn new(cap: usize, refused: Counter) -> Self {
        Self {
            known: HashSet::new(),
            cap,
            refused,
        }
    }

    /// Whether a value gets a label of its own.
    pub fn admits(&mut self, value: &T) -> bool {
        if self.known.contains(value) {
            return true;
        }
        if self.known.len() < self.cap {
            return self.known.insert(value.clone());
        }
        self.refused.inc();
        false
    }
}

/// The label `rule`: the rule's name, else its index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) enum Rule {
    /// No rule, or one of a route beyond the cap.
    #[default]
    None,
    Index(u16),
    Name(Arc<str>),
}

impl EncodeLabelValue for Rule {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        match self {
            Self::None => "".encode(encoder),
            Self::Index(index) => u32::from(*index).encode(encoder),
            Self::Name(name) => name.encode(encoder),
        }
    }
}

/// The labels of a rule; empty without one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RouteLabels {
    pub(super) kind: &'static str,
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) rule: Rule,
}

impl RouteLabels {
    pub(super) fn new(route: Option<&RouteRef>, cap: &mut LabelCap<ObjectName>) -> Self {
        let Some(route) = route else {
            return Self {
                kind: "",
                namespace: "".into(),
                name: "".into(),
                rule: Rule::None,
            };
        };
        Self::capped(route.kind, &route.route, route.rule, route.rule_name.as_ref(), cap)
    }

    pub(super) fn of_rule(key: &RuleKey, name: Option<&Arc<str>>, cap: &mut LabelCap<ObjectName>) -> Self {
        Self::capped(key.kind, &key.route, key.rule, name, cap)
    }

    fn capped(
        kind: RouteKind,
        route: &ObjectName,
        rule: u16,
        rule_name: Option<&Arc<str>>,
        cap: &mut LabelCap<ObjectName>,
    ) -> Self {
        if !cap.admits(route) {
            return Self {
                kind: kind.as_str(),
                namespace: OTHER.into(),
                name: OTHER.into(),
                rule: Rule::None,
            };
        }
        Self {
            kind: kind.as_str(),
            namespace: Arc::clone(&route.namespace),
            name: Arc::clone(&route.name),
            rule: rule_name.map_or(Rule::Index(rule), |name| Rule::Name(Arc::clone(name))),
        }
    }
}
